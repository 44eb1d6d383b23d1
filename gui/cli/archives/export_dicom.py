"""`overread export-dicom`: what a run predicted, and what readers said, as DICOM objects, to a folder or an archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import pacs, reading, runs
from engine.errors import ExportError, ReviewError, RunError
from engine.language import count_of
from engine.workspace import Workspace, open_workspace
from gui.cli.options import LINE, JsonOption, WorkspaceOption, named, place
from gui.cli.terminal import progress, say, show_json

if TYPE_CHECKING:
    from engine.reading import Store, Study
    from engine.records import Run

app = typer.Typer()
PARTS = ("test", "val", "train", "all")


@app.command(rich_help_panel=LINE)
def export_dicom(
    what: Annotated[
        str,
        typer.Argument(
            parser=named,
            metavar="RUN|STUDY",
            help="A run's id, the start of one or “latest”; or a study's name or id.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=place,
            metavar="DIR",
            help="Where the files go; default: in the run's folder, or a folder named after the study.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A DICOMweb server that takes them instead: dicomweb://…"),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="NAME", help=f"One of {', '.join(pacs.OBJECT_KINDS)}; default: all there are."
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="PART",
            help="Of a run: test, val, train or all: which images, those of no part with all; default: test.",
            show_default=False,
        ),
    ] = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write predictions, readings, heatmaps and regions as DICOM objects, each marked as research, not for diagnosis.

    Of a run, or of a study its readers' answers, each under the number that the study's report has for the reader.
    Only for images that are DICOM files. Written again they are the same objects.

    Example: [bold]overread export-dicom latest --out objects[/bold]
    """
    workspace = open_workspace(root)
    if out is not None and to is not None:
        raise ExportError("--out and --to are two places", "Name one of them")
    address = pacs.address_of(to) if to is not None else None
    with pacs.with_extra("DICOM out"):
        give, give_study = pacs.give, pacs.give_study
    with reading.open_store(workspace.database) as store, progress("Writing DICOM objects") as bar:
        run, study = _meant(store, workspace, what)
        _refuse(kinds, part, study)
        if study is not None:
            place: pacs.Address | Path = address or out or Path(f"study-{study.study_id[:8]}-dicom")
            of = {"study_id": study.study_id}
            chosen = kinds or pacs.STUDY_KINDS
            given = give_study(workspace, store, study.study_id, place, kinds=chosen, progress=bar)
        elif run is not None:
            place, of = address or out or run.folder / "dicom", {"run_id": run.run_id}
            wanted = part or PARTS[0]
            predictions = [each for each in store.predictions(run.run_id) if wanted in ("all", each.part)]
            reviews, maps = store.reviews(run.run_id, latest=True), runs.load_explanations(run.folder)
            given = give(
                run, predictions, maps, reviews, place, kinds=kinds or pacs.OBJECT_KINDS, progress=bar
            )
    _say(given, address.host if address else str(place), of, as_json)


def _meant(store: Store, workspace: Workspace, what: str) -> tuple[Run | None, Study | None]:
    """Return the run or the study of this name; one of both.

    Raises:
        ExportError: It is neither, or either.
    """
    run, study, remedies = None, None, []
    try:
        study = store.studies.get(what)
    except ReviewError as error:
        remedies.append(error.typed_remedy)
    try:
        run = runs.find_run(workspace, what)
    except RunError as error:
        remedies.append(error.typed_remedy)
    if len(remedies) == 2:
        raise ExportError(f"“{what}” names no run, and no study", ". ".join(remedies))
    if not remedies:
        raise ExportError(f"“{what}” names a run, and a study", "Write the whole id of the one that is meant")
    return run, study


def _refuse(kinds: Sequence[str] | None, part: str | None, study: Study | None) -> None:
    offered = pacs.OBJECT_KINDS if study is None else pacs.STUDY_KINDS
    for kind in kinds or ():
        if kind not in offered:
            whose = "" if study is None else " of a study"
            raise ExportError(
                f"There are no DICOM objects of “{kind}”{whose}", f"Choose of: {', '.join(offered)}"
            )
    if part is not None and study is not None:
        raise ExportError("A study has no parts; all of its answers are written", "Leave --part out")
    if part is not None and part not in PARTS:
        raise ExportError(f"There is no part “{part}”", f"Choose one of: {', '.join(PARTS)}")


def _say(given: pacs.Given, where: str, of: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        show_json({**of, "to": where, "images": given.images, **given.counts})
        return
    words = ", ".join(f"{count:,} {kind}" for kind, count in given.counts.items())
    print(f"{where}: {words}, of {count_of(given.images, 'image')}")
    for why, count in given.left_out.items():
        say(f"Nothing was written of {count_of(count, 'image')}: {why}")
