"""`overread bundle`: everything for a machine that never sees the internet, in one zip."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from engine.storage import storage_error
from gui import installing
from gui.cli.options import LOOK, JsonOption, place
from gui.cli.terminal import say, show_json

app = typer.Typer()


@app.command(rich_help_panel=LOOK)
def bundle(
    out: Annotated[
        Path | None,
        typer.Option(
            parser=place,
            metavar="FILE",
            help="The zip; default: overread-…zip, named after the platform, here.",
            show_default=False,
        ),
    ] = None,
    extras: Annotated[
        list[str] | None,
        typer.Option(
            "--extra", metavar="NAME", help="An extra that comes along (pacs, onnx …); may be repeated."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a zip with all wheels for computers like this one, what starts the program from it, checksums and an SBOM.

    Needs a checkout of the repository and, this once, a network; what it makes needs none.

    Example: [bold]overread bundle --out overread.zip[/bold]
    """
    target = (out or Path(f"overread-{installing.platform_name()}.zip")).absolute()
    with ExitStack() as until_done:
        try:  # what cannot be written is refused before minutes of downloads
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = tempfile.TemporaryDirectory(dir=target.parent)  # on the disk that was chosen
            folder = until_done.enter_context(beside)
        except OSError as error:
            raise storage_error(error, target) from error
        say("Gathering wheels, some gigabytes of them where PyTorch brings CUDA along; this takes minutes.")
        installing.gather(Path(folder), extras=extras or ())
        wheels = installing.pack(Path(folder), target)
    size = target.stat().st_size
    if as_json:
        show_json({"file": target, "bytes": size, "wheels": len(wheels)})
        return
    print(target)
    say(
        f"{len(wheels)} wheels, {size / 1024**3:.2f} GiB. There: unpack it, then sh overread.sh (or overread.cmd)"
    )
