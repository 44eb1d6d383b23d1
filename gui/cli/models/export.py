"""`overread export`: a finished run as files for other programs, and its model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import reading, runs
from engine.handover import MODEL_FORMATS
from engine.workspace import open_workspace
from gui.cli.options import LINE, JsonOption, RunArgument, WorkspaceOption, place
from gui.cli.terminal import show_json

app = typer.Typer()


@app.command(rich_help_panel=LINE)
def export(
    run: RunArgument,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", metavar="NAME", help=f"One of {', '.join(MODEL_FORMATS)}; default: all of them."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(parser=place, metavar="DIR", help="Where the files go; default: in the run's folder."),
    ] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the model for other programs, checked on images of the run, and a model card.

    Example: [bold]overread export latest --format onnx[/bold]
    """
    from engine import pipeline  # with it comes torch

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    folder = out or trained.folder / "export"
    with reading.open_store(workspace.database) as store:
        written = pipeline.export_model(workspace, store, trained, folder, formats=formats or ())
    if as_json:
        show_json({"run_id": trained.run_id, **written})
        return
    for paths in written.values():
        for path in paths:
            print(path)
