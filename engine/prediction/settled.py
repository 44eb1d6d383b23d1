"""What is made of a trained run and kept in its folder: its maps, its passport, the features of its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.images import ImageCache, open_cache
from engine.models import pick_device
from engine.prediction.likeness import keep_alike
from engine.prediction.map_passport import NO_MASKS, Masks, make_passport
from engine.prediction.map_settings import settle_maps
from engine.prediction.map_trials import Told
from engine.prediction.predictor import Loaded, Progress, parts_of, predict_and_explain
from engine.records import Explanation, Part, Passport, Prediction, Run, recipe_of
from engine.runs import (
    load_map_settings,
    models_of,
    save_distances,
    save_explanations,
    save_passport,
    split_of,
)
from engine.saliency import DEFAULT_SALIENCY


def read_own(
    run: Run, parts: Sequence[Part], *, cache_dir: Path, device: str, progress: Progress | None = None
) -> tuple[list[Prediction], dict[str, Explanation]]:
    """Predict and explain images of a run's own split, and keep in its folder what is learnt by that.

    How its maps are made is settled first; of what they show a passport is made, and the features of all images of the
    split are kept, so that alike ones are found.

    Args:
        run: A finished run.
        parts: Of its split.
        cache_dir: Where decoded images and converted nets are kept.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.

    Returns:
        The predictions, and the explanations by image id.
    """
    split, recipe, on = split_of(run), recipe_of(run), pick_device(device)
    cache = open_cache(
        cache_dir,
        [*split.train, *split.val, *split.test],  # as training decoded them: they are found, not made again
        size=recipe.image_size,
        channels=recipe.channels,
        fit=recipe.fit,
    )
    settle_maps(run, cache=cache, cache_dir=cache_dir, device=on)
    settings, seen = load_map_settings(run.folder), dict[str, NDArray[np.float32]]()
    samples = [sample for part in parts for sample in split.part(part)]
    read = list(
        predict_and_explain(
            run,
            samples,
            cache_dir=cache_dir,
            device=on,
            parts=parts_of(split),
            progress=progress,
            method=settings.method if settings else DEFAULT_SALIENCY,
            cache=cache,
            loaded=None if run.folds else Loaded(len(samples), features=seen),
        )
    )
    told = {one.image_id: (one, why) for one, why in read if why is not None}
    predictions = [one for one, _ in read]
    explanations = {image_id: why for image_id, (_, why) in told.items()}
    save_explanations(run.folder, explanations.values())
    save_distances(run, predictions)
    settle_passport(run, told, cache_dir=cache_dir, cache=cache, device=on)
    # What the net saw of an image when it predicted serves again.
    keep_alike(run, cache=cache, cache_dir=cache_dir, device=on, progress=progress, seen=seen)
    return predictions, explanations


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
