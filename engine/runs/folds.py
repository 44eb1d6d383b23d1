"""The models of a run: itself, or those of a cross-validation, each a run of its own in `folds/1`, `folds/2`, …

What a fold tested, its model has never seen: neither in training nor when its checkpoint, calibration and operating
point were chosen. So that model alone speaks of these images; of any other image all models speak.
"""

from __future__ import annotations

from pathlib import Path

from engine.errors import RunError
from engine.records import Run, Sample
from engine.runs.folder import load_run, split_of
from engine.workspace import fold_folder


def fold_folders(run: Path, folds: int) -> list[Path]:
    """Return where the folds of a run lie, in order."""
    return [fold_folder(run, number) for number in range(1, folds + 1)]


def models_of(run: Run) -> tuple[Run, ...]:
    """Return the runs whose nets speak for a run: its folds', or itself.

    Raises:
        RunError: A fold is missing or damaged.
    """
    if not run.folds:
        return (run,)
    models = tuple(map(load_run, fold_folders(run.folder, run.folds)))
    if any(model.classes != run.classes or model.positive != run.positive for model in models):
        raise RunError(
            f"The folds of run {run.run_id} have other classes than the run",
            "Restore its folder from a backup, or train again",
        )
    return models


def tested_by(models: tuple[Run, ...]) -> dict[str, int]:
    """Return, by image id, the place of the model that tests an image in a cross-validation; it alone never saw it."""
    return {sample.image_id: place for place, model in enumerate(models) for sample in split_of(model).test}


def validated_on(run: Run) -> list[Sample]:
    """Return the validation images of a run, or of its models: each once."""
    return list(
        {sample.image_id: sample for model in models_of(run) for sample in split_of(model).val}.values()
    )
