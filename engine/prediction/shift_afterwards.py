"""What images a run knows, fitted after its training: for runs of earlier versions, and where the file was damaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine.errors import WHERE_NOW, DataError
from engine.images import open_cache
from engine.models import pick_device
from engine.prediction.likeness import keep_alike
from engine.prediction.looking import looker
from engine.prediction.predictor import Progress, parts_of, predict
from engine.records import Prediction, Run, Sample, ShiftModel, recipe_of
from engine.runs import load_classifier, models_of, save_distances, save_shift, split_of
from engine.training import images_of
from engine.uncertainty import cases_for_passes, fit_shift, shift_features

BATCH = 64


def refit_shift(
    run: Run,
    further: Sequence[Sample] = (),
    *,
    cache_dir: Path,
    device: str = "auto",
    progress: Progress | None = None,
) -> list[Prediction]:
    """Fit what images a run knows on its validation images, as training does, and measure what it has predicted.

    Of a cross-validation, what each of its models knows.

    Both are kept with the run, and so is what finds training images that are alike; its net and what it predicts stay
    as they are.

    Args:
        run: A finished run.
        further: Images from elsewhere that it has predicted.
        cache_dir: Where decoded images and converted nets are kept.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.

    Returns:
        The predictions of validation, test and further images with their distances.

    Raises:
        DataError: No image can be read, or the validation images are of fewer than two patients.
        RunError: The checkpoint cannot be read.
        WorkspaceError: The run's folder cannot be written to.
    """
    for model in models_of(run):
        save_shift(model.folder, _fitted_anew(model, cache_dir, device))
    split, recipe = split_of(run), recipe_of(run)
    whole = [*split.train, *split.val, *split.test]
    everything = open_cache(
        cache_dir, whole, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit
    )
    keep_alike(run, cache=everything, cache_dir=cache_dir, device=pick_device(device))
    samples = [*split.val, *split.test, *further]
    measured = list(
        predict(run, samples, cache_dir=cache_dir, device=device, parts=parts_of(split), progress=progress)
    )
    save_distances(run, measured, anew=True)
    return measured


def _fitted_anew(run: Run, cache_dir: Path, device: str) -> ShiftModel:
    """Fit what images one net knows on its validation images, as training does."""
    split, recipe = split_of(run), recipe_of(run)
    cache = open_cache(cache_dir, split.val, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit)
    known = [sample for sample in split.val if sample.image_id in cache.row]
    known = [known[place] for place in cases_for_passes(len(known), seed=recipe.seed)]
    chosen = pick_device(device)
    net = load_classifier(run, chosen).to(memory_format=torch.channels_last)
    look = looker(run, net, method=None, settings=None, images=len(known), cache_dir=cache_dir)
    seen = [
        shift_features(look(images_of(cache, cache.rows(known[at : at + BATCH]), chosen)).pooled)
        for at in range(0, len(known), BATCH)
    ]
    model = fit_shift(
        np.concatenate(seen) if seen else np.zeros((0, 0)),
        [sample.image_id for sample in known],
        [sample.patient_id for sample in known],
        seed=recipe.seed,
    )
    if model is None:
        raise DataError(
            "What images the run knows cannot be fitted: of its validation images, those of fewer than two patients "
            "can be read",
            "Say where they are now",
            option="overread relocate",
            fields=WHERE_NOW,
        )
    return model
