"""`overread receive`: an archive pushes images into a folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from engine import data, pacs
from gui.cli.options import LOOK, place, quantity, whole
from gui.cli.terminal import say

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def receive(
    folder: Annotated[
        Path,
        typer.Argument(parser=place, metavar="FOLDER", help="Where the files go, whole and as they come."),
    ],
    port: Annotated[
        int, typer.Option(parser=whole(0, 65535), metavar="N", help="To listen at; 0 for a free one.")
    ] = 11112,
    aet: Annotated[
        str, typer.Option(metavar="TITLE", help="Our application entity title, by which we must be called.")
    ] = "OVERREAD",
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TITLE", help="Title of an archive that may push; may be repeated. Default: any."
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address of this computer to listen at; default: itself alone."),
    ] = "127.0.0.1",
    most: Annotated[
        float, typer.Option(parser=quantity(0), metavar="GB", help="What the folder may hold at most.")
    ] = 20.0,
) -> None:
    """Take what an archive pushes by C-STORE, until Ctrl-C. Names and dates are in these files.

    Example: [bold]overread receive ~/from-pacs --port 11112 --aet OVERREAD --allow PACS[/bold]
    """
    with pacs.with_extra("Receiving"):
        listen = pacs.receive
    door = pacs.Door(folder=data.from_home(folder), title=aet, allowed=allow or (), most=int(most * 1e9))
    server = listen(door, host, port, say)
    try:
        print(f"Listening at {host}:{server.port} as {aet}", flush=True)
        while True:
            time.sleep(1)  # a signal that comes just before a wait is heard after it
    finally:
        server.shutdown()
        say(f"To index what came: overread index {folder}")
