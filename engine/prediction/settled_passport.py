"""A run's passport, made and kept in its folder."""

from __future__ import annotations

from pathlib import Path

from engine.errors import DataError
from engine.images import ImageCache
from engine.models import pick_device
from engine.prediction.map_passport import NO_MASKS, Masks, make_passport
from engine.prediction.map_trials import Told
from engine.prediction.predictor import Progress
from engine.records import Passport, Run
from engine.runs import load_map_settings, models_of, save_passport, split_of


def settle_passport(
    run: Run,
    told: Told | None = None,
    *,
    cache_dir: Path,
    cache: ImageCache | None = None,
    device: str = "cpu",
    regions: Masks = NO_MASKS,
    progress: Progress | None = None,
) -> Passport | None:
    """Measure on a run's validation images how far its maps can be believed, and keep it in its folder.

    Arguments as `make_passport`; None where there is nothing to measure: see `passport_anew`.
    """
    passport = make_passport(
        run,
        [(model, split_of(model).val) for model in models_of(run)],
        None if run.folds else told,  # what a cross-validation tells is of its test images
        settings=load_map_settings(run.folder),
        cache_dir=cache_dir,
        cache=cache,
        device=device,
        regions=regions,
        progress=progress,
    )
    if passport is not None:
        save_passport(run.folder, passport)
    return passport


def passport_anew(
    run: Run,
    *,
    cache_dir: Path,
    device: str = "auto",
    regions: Masks = NO_MASKS,
    progress: Progress | None = None,
) -> Passport:
    """Make a run's passport anew; see `settle_passport`, and `engine.models.pick_device` for the device.

    Raises:
        DataError: There is nothing to measure it on, or none of the images can be read.
    """
    made = settle_passport(
        run, cache_dir=cache_dir, device=pick_device(device), regions=regions, progress=progress
    )
    if made is not None:
        return made
    raise DataError(
        f"Run {run.run_id} has no validation image with a label to make heatmaps of",
        "Train with a validation part",
    )
