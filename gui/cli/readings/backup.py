"""`overread backup` and `overread restore`: the database of a workspace, copied while it is used, and brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import reading
from engine.language import count_of
from engine.workspace import open_workspace
from gui.cli.options import LOOK, WorkspaceOption, place
from gui.cli.terminal import say

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def backup(
    file: Annotated[
        Path, typer.Argument(parser=place, metavar="FILE", help="Where the copy goes.", show_default=False)
    ],
    root: WorkspaceOption = None,
) -> None:
    """Copy readings, cases and accounts while they are used; the copy is checked and its newest row anchored.

    Example: [bold]overread backup /media/backup/overread-monday.db[/bold]
    """
    workspace = open_workspace(root)
    head = reading.back_up(workspace.database, file, None if workspace.read_only else workspace.anchors)
    say(f"{file} holds {count_of(head.seq, 'row')}; the newest is {head.seq}:{head.hash}")
    if workspace.read_only:
        say("This workspace may only be looked at, so that row is anchored nowhere: write it down")
    say("Runs, images and heatmaps are files of the workspace: copy its folder for them")


@app.command(rich_help_panel=LOOK)
def restore(
    file: Annotated[
        Path,
        typer.Argument(parser=place, metavar="FILE", help="What overread backup wrote.", show_default=False),
    ],
    root: WorkspaceOption = None,
) -> None:
    """Bring a backup back; the database that is there is kept beside it. End every window of the workspace first.

    With OVERREAD_DATABASE_URL it goes to that server, if its database is empty: so readings move to a server.

    Example: [bold]overread restore /media/backup/overread-monday.db[/bold]
    """
    workspace = open_workspace(root)
    told = reading.bring_back(file, workspace.database, workspace.anchors)
    say(f"The newest row is {told.head.seq}:{told.head.hash}")
    if told.kept:
        say(f"What was there before is {told.kept}")
    if told.gone:
        rows = count_of(told.gone, "row that is", "rows that are")
        say(
            f"There had been {rows} not in this backup; anchors that know of what it lacks are kept beside "
            "anchors.csv"
        )
    if told.other:
        say(
            "The readings that were there, or were anchored, are not part of this backup: it is of another workspace, "
            "or they went on differently; anchors that it does not meet are kept beside anchors.csv"
        )
