"""`overread verify`: a report's figures computed again from its bundle, by whoever was given it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import experiments, report
from engine.language import count_of, one_line
from gui.cli.options import LINE, JsonOption, place
from gui.cli.terminal import say, show_json, show_table

app = typer.Typer()
MOST_SHOWN = 20


@app.command("verify", rich_help_panel=LINE)
def verify(
    bundle: Annotated[
        Path,
        typer.Argument(
            parser=place, metavar="BUNDLE", help="The zip of a run's or a study's report, or of a comparison."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Compute every figure of a report again from its bundle, and say which agree. No workspace is needed.

    Ends with 1 where a file was changed or a figure is another.

    Example: [bold]overread verify bundle.zip[/bold]
    """
    found = experiments.verify(bundle)
    if as_json:
        show_json({"holds": found.holds, **report.plain(found)})
    else:
        _tell(found)
    if not found.holds:
        raise typer.Exit(1)


def _tell(found: report.Verification) -> None:
    """Print what was found."""
    of = count_of(found.images, "image" if found.run_id else "case")
    say(f"Report of {found.about}, {of}")
    rows = [(file, f"{count:,}") for file, count in found.agree.items()]
    show_table(("file", "numbers computed again, and equal"), rows)
    for sentence in found.changed:
        print(one_line(f"{sentence}."))
    for one in found.differences[:MOST_SHOWN]:
        print(one_line(f"{one.where} is {one.printed}, and should be {one.computed}."))
    if len(found.differences) > MOST_SHOWN:
        print(f"And {len(found.differences) - MOST_SHOWN:,} more: --json lists them.")
    taken = ", ".join(f"{name} ({count:,})" for name, count in found.taken.items())
    if taken:
        print(f"Not computed again, since the case table does not give them: {taken}.")
    for what in found.by_digest:
        print(f"Held by the digest alone: {what}.")
    if found.earlier:
        print(
            f"An earlier version (Overread {found.earlier}) wrote it: all that it wrote as numbers is computed again; "
            "the words of its page are held by their digest alone."
        )
    if found.holds:
        print(f"All {found.files:,} files are as they were written, and every figure agrees.")
