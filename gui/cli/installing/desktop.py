"""`overread desktop`: the program in this computer's menu."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError
from gui import installing
from gui.cli.options import LOOK, JsonOption, WorkspaceOption, place
from gui.cli.terminal import say, show_json

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def desktop(
    system: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="linux, windows or macos; default: that of this computer.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=place,
            metavar="DIR",
            help="Write the files there and do nothing else with them; default: the menu.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take what was written away again.")] = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put Overread into the menu of this computer, for this person alone: it opens a terminal and the pages.

    Example: [bold]overread desktop[/bold]
    """
    of = system or installing.this_system()
    entry = installing.entry_for(of, installing.started(root))
    if out is None and of != installing.this_system():
        raise EngineError(f"This computer has no menu of {of}", "Name a folder for the files: --out DIR")
    files = (installing.remove if remove else installing.place)(entry, out)
    if as_json:
        show_json({"system": of, "removed" if remove else "files": files, "tried": entry.tried})
        return
    for path in files:
        print(path)
    say(
        "Removed."
        if remove and files
        else "There was nothing to remove."
        if remove
        else f"What was tried of it: {entry.tried}."
    )
