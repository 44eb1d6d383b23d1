"""`overread predict`, `explain` and `report`: what a finished run says, why, and how well it does."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from engine.errors import DataError, ReportError
from engine.pipeline import export_run, read_samples, report_run
from engine.prediction import parts_of
from engine.reading import open_store
from engine.records import PARTS, Part, Prediction, Run, Sample
from engine.runs import find_run, load_explanations, save_explanations, split_of
from engine.storage import storage_error, write_atomic
from engine.workspace import open_workspace
from gui.cli.data import read_images
from gui.cli.overlay import overlay_png
from gui.cli.terminal import progress, say, show_json, show_table

PICTURE_SIDE = 768  # pixels of an explained film


def predict(
    run: str, path: Path, *, out: Path | None, review: bool, workspace_root: Path | None, as_json: bool
) -> None:
    """See `gui.cli.main.predict`."""
    workspace = open_workspace(workspace_root)
    trained = find_run(workspace, run)
    table = out or trained.folder / "predictions.csv"
    make_folder(table.parent)
    lines_of(table, trained)  # what cannot be added to is said before anything is read
    samples = read_images(workspace, path)
    with progress("Predicting") as bar:
        predictions, explanations = read_samples(
            workspace, trained, samples, parts=parts_of(split_of(trained)), progress=bar
        )
    add_to_table(table, trained, predictions)
    if review:
        save_explanations(trained.folder, {**load_explanations(trained.folder), **explanations}.values())
        with open_store(workspace.database) as store:
            store.add_cases(trained.run_id, predictions)
    if as_json:
        show_json(
            {
                "run_id": trained.run_id,
                "table": table,
                "classes": trained.classes,
                "predictions": [
                    {
                        "path": prediction.path,
                        "image_id": prediction.image_id,
                        "predicted": prediction.predicted,
                        "probabilities": prediction.probabilities,
                        "label": prediction.label,
                    }
                    for prediction in predictions
                ],
            }
        )
        return
    rows = [(p.path.name, p.predicted, *(f"{value:.3f}" for value in p.probabilities)) for p in predictions]
    show_table(("image", "predicted", *trained.classes), rows)
    say(f"Added to {table}")


def add_to_table(table: Path, run: Run, predictions: Sequence[Prediction]) -> None:
    """Add predictions to a CSV; an image that is in it already gets its new line in place of the old one.

    Raises:
        DataError: The file is not such a table.
        WorkspaceError: It cannot be written.
    """
    headings, lines = _headings(run), lines_of(table, run)
    for prediction in predictions:
        values = (
            prediction.image_id,
            str(prediction.path),
            prediction.label or "",
            prediction.predicted,
            *(f"{value:.6f}" for value in prediction.probabilities),
        )
        lines[prediction.image_id] = dict(zip(headings, values, strict=True))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, headings)
    writer.writeheader()
    writer.writerows(lines.values())
    write_atomic(table, text.getvalue())


def _headings(run: Run) -> list[str]:
    return ["image_id", "path", "label", "predicted", *(f"p({name})" for name in run.classes)]


def lines_of(table: Path, run: Run) -> dict[str, dict[str, str]]:
    """Return what a table of predictions holds, by image id; nothing where there is none yet.

    Raises:
        DataError: The file is not such a table.
    """
    if not table.exists():
        return {}
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if reader.fieldnames == _headings(run):
                return {row["image_id"]: row for row in reader}
    except (OSError, UnicodeDecodeError, csv.Error):
        pass  # whatever it is, nothing may be added to it
    raise DataError(f"{table} is not a table of this run's predictions", "Choose another file with --out")


def explain(
    run: str, images: Sequence[Path], *, out: Path, workspace_root: Path | None, as_json: bool
) -> None:
    """See `gui.cli.main.explain`."""
    workspace = open_workspace(workspace_root)
    trained = find_run(workspace, run)
    samples: list[Sample] = []
    for path in images:
        samples += read_images(workspace, path)
    chosen = samples if images else list(split_of(trained).test)
    with progress("Explaining") as bar:
        predictions, explanations = read_samples(workspace, trained, chosen, progress=bar)
    make_folder(out)
    written = []
    for prediction in predictions:
        picture = out / f"{prediction.path.stem}-{prediction.image_id[:8]}.png"
        heatmap = explanations[prediction.image_id].heatmap
        write_atomic(picture, overlay_png(prediction.path, heatmap, max_side=PICTURE_SIDE))
        written.append(picture)
    if as_json:
        show_json({"run_id": trained.run_id, "pictures": written})
    else:
        print(f"{len(written)} pictures in {out}")


def make_folder(folder: Path) -> None:
    """Make the folder that was asked for.

    Raises:
        WorkspaceError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error


def report(run: str, *, out: Path, part: str, workspace_root: Path | None, as_json: bool) -> None:
    """See `gui.cli.main.report`."""
    if part not in (*get_args(Part), "all"):
        raise ReportError(f"There is no part “{part}”", "Choose train, val, test or all")
    side = None if part == "all" else next(name for name in PARTS if name == part)
    workspace = open_workspace(workspace_root)
    trained = find_run(workspace, run)
    make_folder(out)
    with open_store(workspace.database) as store:
        built = report_run(workspace, store, trained, part=side)
        exported = export_run(workspace, built, trained, store.predictions(trained.run_id, part=side), out)
    if as_json:
        show_json(
            {"run_id": trained.run_id, "html": exported.html, "json": exported.json, "csv": exported.csv}
        )
        return
    print(exported.html)
    for path in (exported.json, *exported.csv.values()):
        print(path)
