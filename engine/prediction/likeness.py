"""Features of a run's images are kept with it, so that the training images most like an image are found at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.images import ImageCache
from engine.prediction.looking import looker
from engine.prediction.predictor import Progress
from engine.records import PARTS, Run, Sample
from engine.runs import FITTED_ON, fit_alike, load_classifier, save_alike, split_of
from engine.training import images_of
from engine.uncertainty import shift_features

BATCH = 64


def keep_alike(
    run: Run, *, cache: ImageCache, cache_dir: Path, device: str, progress: Progress | None = None
) -> None:
    """Keep the features of a run's training, validation and test images.

    Of a run of several folds nothing is kept: each of its nets has features of its own.

    Args:
        run: A finished run.
        cache: With the decoded images of its split; those that it lacks are left out.
        cache_dir: Where converted nets are kept.
        device: "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.

    Raises:
        RunError: The checkpoint cannot be read.
        WorkspaceError: The run's folder cannot be written to.
    """
    if run.folds:
        return
    split = split_of(run)
    samples = [sample for part in PARTS for sample in split.part(part) if sample.image_id in cache.row]
    known = sum(sample.image_id in cache.row for sample in split.train)
    if known < 2:
        return
    net = load_classifier(run, device)
    look = looker(run, net, method=None, settings=None, images=len(samples), cache_dir=cache_dir)

    def features(chosen: Sequence[Sample]) -> NDArray[np.float64]:
        rows = cache.rows(chosen)
        return shift_features(look(images_of(cache, rows, device).float() / 255).pooled)

    drawn = np.random.default_rng(split.seed).permutation(known)[:FITTED_ON]
    fitted_on = [samples[place] for place in drawn]
    fitted = fit_alike(
        np.concatenate([features(fitted_on[at : at + BATCH]) for at in range(0, len(fitted_on), BATCH)]),
        [sample.patient_id for sample in fitted_on],
    )
    directions = []
    for at in range(0, len(samples), BATCH):
        directions.append(fitted.directions(features(samples[at : at + BATCH])))
        if progress is not None:
            progress(min(at + BATCH, len(samples)), len(samples))
    kept = replace(
        fitted,
        image_ids=tuple(sample.image_id for sample in samples),
        patients=tuple(sample.patient_id for sample in samples),
        known=known,
        features=np.concatenate(directions),
    )
    save_alike(run.folder, kept)
