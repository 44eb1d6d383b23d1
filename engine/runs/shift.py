"""How far images lie from those that a run was made with: what is known of these, in shift.npz, and the distance of
each predicted image, in distances.npz."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import RunError
from engine.kept_files import read_arrays
from engine.records import Prediction, Run, ShiftModel
from engine.runs.folds import fold_folders
from engine.storage import write_atomic

SHIFT_FILE, DISTANCES_FILE = "shift.npz", "distances.npz"
_MODEL = {
    "centres": "f", "axes": "f", "threshold": "f", "image_ids": "U", "patients": "U", "distances": "f",
}  # fmt: skip
_DISTANCES = {"image_ids": "U", "distances": "f"}


def save_shift(folder: Path, model: ShiftModel) -> None:
    """Write what a run knows of the images it was made with into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    stream = io.BytesIO()
    np.savez(
        stream,
        centres=model.centres,
        axes=model.axes.astype(np.float32),
        threshold=np.array(model.threshold),
        image_ids=np.array(model.image_ids, dtype=np.str_),
        patients=np.array(model.patients, dtype=np.str_),
        distances=model.distances,
    )
    write_atomic(folder / SHIFT_FILE, stream.getvalue())


def load_shift(folder: Path) -> ShiftModel | None:
    """Read it back; None where none was fitted, as in a run of an earlier version.

    Raises:
        RunError: The file is damaged.
    """
    remedy = "Have it fitted again"
    option = f"overread shift {folder.name} --again"
    try:
        found = read_arrays(folder / SHIFT_FILE, _MODEL, RunError, remedy, option=option)
    except FileNotFoundError:
        return None
    centres, axes, distances = (found[name].astype(np.float64) for name in ("centres", "axes", "distances"))
    count = len(found["image_ids"]) if found["image_ids"].ndim == 1 else -1
    threshold = float(found["threshold"]) if found["threshold"].ndim == 0 else math.nan
    fits = (
        centres.ndim == 2
        and axes.ndim == 3
        and (axes.shape[0], axes.shape[2]) == centres.shape
        and len(centres) > 0
        and found["patients"].shape == distances.shape == (count,)
        and np.isfinite(centres).all()
        and np.isfinite(axes).all()
        and np.isfinite(distances).all()
        and threshold > 0
    )
    if not fits:
        raise RunError(
            f"{folder / SHIFT_FILE} is damaged or was changed: its arrays do not belong together",
            remedy,
            option=option,
        )
    return ShiftModel(
        centres=centres,
        axes=axes,
        threshold=threshold,
        image_ids=tuple(found["image_ids"].tolist()),
        patients=tuple(found["patients"].tolist()),
        distances=distances,
    )


def load_known(run: Run) -> tuple[ShiftModel | None, ...]:
    """Return what each of a run's models knows: its own, or those of its folds; `load_shift` says what is raised."""
    return tuple(load_shift(folder) for folder in _model_folders(run))


def save_distances(run: Run, predictions: Sequence[Prediction], *, anew: bool = False) -> None:
    """Keep the distances of images that a run predicted; of a cross-validation those by each model with that model.

    Args:
        run: The run.
        predictions: With their distances; those that have none are left out.
        anew: In place of those that are kept, and not beside them.

    Raises:
        RunError: What is kept is damaged.
        WorkspaceError: The folder cannot be written to.
    """
    _keep(run.folder, {each.image_id: each.distance for each in predictions}, anew=anew)
    for place, folder in enumerate(_model_folders(run) if run.folds else ()):
        by_model = {each.image_id: each.distances[place] for each in predictions if each.distances}
        _keep(folder, by_model, anew=anew)


def _model_folders(run: Run) -> list[Path]:
    return fold_folders(run.folder, run.folds) if run.folds else [run.folder]


def _keep(folder: Path, measured: Mapping[str, float | None], *, anew: bool) -> None:
    kept = {} if anew else load_distances(folder)
    kept |= {image_id: distance for image_id, distance in measured.items() if distance is not None}
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        image_ids=np.array(list(kept), dtype=np.str_),
        distances=np.array(list(kept.values()), dtype=np.float64),
    )
    write_atomic(folder / DISTANCES_FILE, stream.getvalue())


def load_distances(folder: Path) -> dict[str, float]:
    """Read the distances of the predicted images by image id; empty where there are none.

    Raises:
        RunError: The file is damaged.
    """
    remedy = "Delete it and have them measured again"
    option = f"overread shift {folder.name} --again"
    try:
        found = read_arrays(folder / DISTANCES_FILE, _DISTANCES, RunError, remedy, option=option)
    except FileNotFoundError:
        return {}
    ids, distances = found["image_ids"], found["distances"]
    if ids.ndim != 1 or ids.shape != distances.shape or not np.isfinite(distances).all():
        raise RunError(
            f"{folder / DISTANCES_FILE} is damaged or was changed: its arrays do not belong together",
            remedy,
            option=option,
        )
    return dict(zip(ids.tolist(), distances.tolist(), strict=True))


def with_distances(run: Run, predictions: Iterable[Prediction]) -> list[Prediction]:
    """Return predictions with the distances that their run keeps; `load_distances` says what is raised."""
    kept, by_model = load_distances(run.folder), load_distances_by_model(run)
    return [
        replace(
            each,
            distance=kept.get(each.image_id),
            distances=distances_by_model(by_model, each.image_id),
        )
        for each in predictions
    ]


def load_distances_by_model(run: Run) -> tuple[Mapping[str, float], ...]:
    """Read the distances by each model of a cross-validation; none of another run. See `load_distances`."""
    return tuple(load_distances(folder) for folder in _model_folders(run)) if run.folds else ()


def distances_by_model(by_model: Sequence[Mapping[str, float]], image_id: str) -> tuple[float | None, ...]:
    """Return how far an image lies by each model, None by one that was not asked; empty where none was."""
    found = tuple(distances.get(image_id) for distances in by_model)
    return found if any(one is not None for one in found) else ()
