"""`overread export-dicom`: what a run predicted and readers said, as DICOM objects, to a folder or an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import pacs, reading, runs
from engine.errors import ExportError
from engine.workspace import open_workspace
from gui.cli.options import LINE, JsonOption, RunArgument, WorkspaceOption
from gui.cli.terminal import progress, say, show_json

app = typer.Typer()
PARTS = ("test", "val", "train", "all")


@app.command(rich_help_panel=LINE)
def export_dicom(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the files go; default: in the run's folder.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A DICOMweb server that takes them instead: dicomweb://…"),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="NAME", help=f"One of {', '.join(pacs.OBJECT_KINDS)}; default: all of them."
        ),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            metavar="PART", help="test, val, train or all: which images, those of no part with all."
        ),
    ] = "test",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write predictions, readings, heatmaps and regions as DICOM objects, each marked as research, not for diagnosis.

    Only for images that are DICOM files. Written again they are the same objects.

    Example: [bold]overread export-dicom latest --out objects[/bold]
    """
    wrong = [kind for kind in kinds or () if kind not in pacs.OBJECT_KINDS]
    if wrong:
        raise ExportError(
            f"There are no DICOM objects of “{wrong[0]}”", f"Choose of: {', '.join(pacs.OBJECT_KINDS)}"
        )
    if part not in PARTS:
        raise ExportError(f"There is no part “{part}”", f"Choose one of: {', '.join(PARTS)}")
    if out is not None and to is not None:
        raise ExportError("--out and --to are two places", "Name one of them")
    address = pacs.address_of(to) if to is not None else None
    workspace = open_workspace(root)
    found = runs.find_run(workspace, run)
    place: pacs.Address | Path = address or out or found.folder / "dicom"
    with pacs.with_extra("DICOM out"):
        give = pacs.give
    with reading.open_store(workspace.database) as store:
        predictions = [each for each in store.predictions(found.run_id) if part in ("all", each.part)]
        reviews = store.reviews(found.run_id, latest=True)
    maps = runs.load_explanations(found.folder)
    with progress("Writing DICOM objects") as bar:
        given = give(found, predictions, maps, reviews, place, kinds=kinds or pacs.OBJECT_KINDS, progress=bar)
    where = address.host if address else str(place)
    if as_json:
        show_json({"run_id": found.run_id, "to": where, "images": given.images, **given.counts})
        return
    words = ", ".join(f"{count:,} {kind}" for kind, count in given.counts.items())
    print(f"{where}: {words}, of {given.images:,} images")
    for why, count in given.left_out.items():
        say(f"Nothing was written of {count:,} images: {why}")
