"""`overread audit`: whether any row of evidence was changed or removed since it was written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from engine import reading
from engine.errors import StoreError
from engine.language import count_of
from engine.workspace import open_workspace
from gui.cli.options import LOOK, JsonOption, WorkspaceOption
from gui.cli.terminal import say, show_json

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def audit(
    anchors: Annotated[
        list[str] | None,
        typer.Option(
            "--anchor",
            metavar="ROW:HASH",
            help="As a report prints it, to be checked beside those in the workspace; may be repeated.",
        ),
    ] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no reading, prediction or reader was changed or removed; what was is named, and the exit code is 1.

    Example: [bold]overread audit --anchor 1234:9f86d0…[/bold]
    """
    workspace = open_workspace(root)
    known = [*reading.read_anchors(workspace.anchors), *map(_anchor, anchors or ())]
    with reading.open_store(workspace.database) as store:
        told = store.audit(known)
    if as_json:
        show_json(asdict(told))
    else:
        for each in told.found:
            print(each.sentence)
        say(f"{count_of(told.rows, 'row')} checked; the newest is {told.head.seq}:{told.head.hash}")
        say(_of_anchors(told))
        if told.set_back:
            say(_of_clock(told.set_back))
    if told.found:
        raise StoreError(
            f"The evidence in this workspace is not as it was written ({len(told.found):,} found)",
            "Compare with a backup; overread.db holds what is there now, and nothing in it was changed by this check",
        )


def _of_clock(back: tuple[reading.SetBack, ...]) -> str:
    most = max(each.seconds for each in back)
    times = "once" if len(back) == 1 else f"{len(back):,} times"
    return (
        f"The computer's clock was set back {times} while people read, by up to {most / 3600:,.1f} hours "
        f"(first at row {back[0].row}): dates, and what waits for a date such as a wash-out, are as it told them; the "
        "order of the rows and the last word of each reader do not rest on it"
    )


def _of_anchors(told: reading.Audit) -> str:
    if not told.anchors:
        return (
            "No anchor outside the database was found: rows missing at the end would not be noticed. One is written "
            "at each session's end and printed in each report"
        )
    after = told.head.seq - told.anchored
    since = f"; for the {count_of(after, 'row')} after it the chain alone vouches" if after > 0 else ""
    return f"{count_of(told.anchors, 'anchor')} checked, the newest at row {told.anchored:,}{since}"


def _anchor(typed: str) -> reading.Anchor:
    row, _, digest = typed.partition(":")
    if not row.strip().isdecimal() or len(digest.strip()) != 64:
        raise StoreError(
            f"“{typed}” is not an anchor", "Give it as a report prints it: the row, a colon, the hash"
        )
    return reading.Anchor(int(row), digest.strip().lower(), "given on the command line")
