"""`overread readers`: who reads in this workspace; names that are one person's, joined."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import reading, runs
from engine.errors import ReviewError
from engine.records import READER_ROLES
from engine.storage import write_together
from engine.workspace import open_workspace
from gui.cli.options import LOOK, JsonOption, RunArgument, WorkspaceOption, place, quantity
from gui.cli.results import make_folder
from gui.cli.terminal import say, show_json, show_table

if TYPE_CHECKING:
    from engine.reading import Reader, Store

app = typer.Typer()
readers = typer.Typer(no_args_is_help=True)
app.add_typer(
    readers,
    name="readers",
    rich_help_panel=LOOK,
    help="List who reads in this workspace, add a reader, or join two names that are one person's.\n\n"
    "Example: [bold]overread readers list[/bold]",
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A reader's name.", show_default=False)]


@readers.command("list")
def list_readers(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List every reader, and the names that may be one person's.

    Example: [bold]overread readers list[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        known = store.people()
        alike = [
            (one.name, other.name)
            for one, other in combinations(known, 2)
            if other in store.readers_like(one.name)
        ]
    if as_json:
        show_json({"readers": [asdict(each) for each in known], "may_be_one_person": alike})
        return
    rows = [
        (
            each.name,
            each.role,
            each.profession,
            "" if each.years is None else f"{each.years:g}",
            ", ".join(each.spellings),
        )
        for each in known
    ]
    show_table(
        ("reader", "role", "profession", "years", "also read as"),
        rows,
        none="There are no readers yet. Add one: overread readers add NAME",
    )
    for one, other in alike:
        say(f'“{one}” and “{other}” may be one person: overread readers join "{other}" "{one}"')


@readers.command("add")
def add_reader(
    name: NameArgument,
    profession: Annotated[str, typer.Option(help="Such as radiologist.")] = "",
    years: Annotated[
        float | None, typer.Option(parser=quantity(0, 80), metavar="YEARS", help="Years of experience.")
    ] = None,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(READER_ROLES)}.")] = "reader",
    another: Annotated[
        bool, typer.Option("--another", help="It is another person, though the name is almost somebody's.")
    ] = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a reader to the list; a name that is almost another's is asked about.

    Example: [bold]overread readers add "Ada Byron" --profession radiologist --years 7[/bold]
    """
    said = bool(profession) or years is not None
    told = reading.Reader(
        reader_id="", name=name, profession=profession, years=years, role=role, introduced=said
    )
    with reading.open_store(open_workspace(root).database) as store:
        added = store.add_reader(told, another=another)
    if as_json:
        show_json(asdict(added))
    else:
        print(added.name)


@readers.command("change")
def change_reader(
    name: NameArgument,
    called: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name.")] = None,
    profession: Annotated[str | None, typer.Option(help="Such as radiologist.")] = None,
    years: Annotated[
        float | None, typer.Option(parser=quantity(0, 80), metavar="YEARS", help="Years of experience.")
    ] = None,
    role: Annotated[str | None, typer.Option(help=f"One of {', '.join(READER_ROLES)}.")] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that something about a reader is different from now on: a new row; what was, and when, stays.

    Example: [bold]overread readers change "Ada Byron" --role adjudicator[/bold]
    """
    asked = {"name": called, "profession": profession, "years": years, "role": role}
    told: dict[str, Any] = {what: value for what, value in asked.items() if value is not None}
    if not told:
        raise ReviewError(
            "Nothing was said that is different", "Give --name, --profession, --years or --role"
        )
    with reading.open_store(open_workspace(root).database) as store:
        changed = store.change_reader(replace(known_reader(store, name), **told, introduced=True))
    if as_json:
        show_json(asdict(changed))
    else:
        print(", ".join(filter(None, [changed.name, changed.role, changed.profession])))


def known_reader(store: Store, name: str) -> Reader:
    """Return the reader of a name.

    Raises:
        ReviewError: There is none.
    """
    found = store.find_reader(name)
    if found is None:
        raise ReviewError(f"There is no reader named “{name}”", "List them: overread readers list")
    return found


@readers.command("join")
def join_readers(
    name: NameArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The name that stands.", show_default=False)],
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that two names are one person's: a new row, by which both count as one reader; nothing is rewritten.

    Example: [bold]overread readers join "ada byron" "Ada Byron"[/bold]
    """
    with reading.open_store(open_workspace(root).database) as store:
        joined = store.join_readers(name, into)
    if as_json:
        show_json(asdict(joined))
    else:
        print(f"{joined.name} (also read as {', '.join(joined.spellings)})")


@readers.command("export")
def export_readings(
    run: RunArgument,
    out: Annotated[Path, typer.Option(parser=place, metavar="DIR", help="Where the files go.")],
    reader: Annotated[str | None, typer.Option(metavar="NAME", help="Only this reader's.")] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything that was said of a run's cases as CSV, what was corrected or taken back too, and its columns.

    What was answered in a study comes by: overread study export.

    Example: [bold]overread readers export latest --out readings[/bold]
    """
    workspace = open_workspace(root)
    run_id = runs.find_run(workspace, run).run_id
    with reading.open_store(workspace.database) as store:
        if reader is not None:
            known_reader(store, reader)
        rows = store.readings(run_id, reader=reader)
    make_folder(out)
    files = {out / name: data for name, data in reading.reading_files(rows, f"readings-{run_id}").items()}
    write_together(files.items())
    if as_json:
        show_json({"run_id": run_id, "rows": len(rows), "files": list(files)})
        return
    for path in files:
        print(path)
