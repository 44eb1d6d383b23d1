"""Features of a run's images are kept with it, so that the training images most like an image are found at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.images import ImageCache
from engine.prediction.looking import looker, looks_at
from engine.prediction.predictor import Progress
from engine.records import PARTS, Run
from engine.runs import FITTED_ON, fit_alike, load_classifier, save_alike, split_of
from engine.training import images_of
from engine.uncertainty import shift_features

BATCH = 64
NOTHING_SEEN: Mapping[str, NDArray[np.floating]] = {}


def keep_alike(
    run: Run,
    *,
    cache: ImageCache,
    cache_dir: Path,
    device: str,
    progress: Progress | None = None,
    seen: Mapping[str, NDArray[np.floating]] = NOTHING_SEEN,
) -> None:
    """Keep the features of a run's training, validation and test images.

    Of a run of several folds nothing is kept: each of its nets has features of its own.

    Args:
        run: A finished run.
        cache: With the decoded images of its split; those that it lacks are left out.
        cache_dir: Where converted nets are kept.
        device: "cpu", "cuda" or "mps".
        progress: Called with images done and images in all; may raise to stop.
        seen: `shift_features` of validation and test images by their id, as far as they are known: they are not looked
            at again.

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
    # The components are learned from the first training images, in a drawn order: none is looked at twice.
    order = np.random.default_rng(split.seed).permutation(known)
    others = samples[known:]
    told = [sample for sample in others if sample.image_id in seen]
    asked = [samples[place] for place in order]
    asked += [sample for sample in others if sample.image_id not in seen]
    net = load_classifier(run, device)
    look = looker(run, net, method=None, settings=None, images=len(asked), cache_dir=cache_dir)

    def looked_at() -> Iterator[NDArray[np.float64]]:
        batches = [asked[at : at + BATCH] for at in range(0, len(asked), BATCH)]
        done = 0
        for features in looks_at(
            [look],
            batches,
            lambda batch: images_of(cache, cache.rows(batch), device),
            lambda _, looks: shift_features(looks[0].pooled),
        ):
            yield features
            done += len(features)
            if progress is not None:
                progress(done, len(asked))

    fitted_on, batches = min(known, FITTED_ON), looked_at()
    first = np.concatenate([*islice(batches, math.ceil(fitted_on / BATCH))])
    fitted = fit_alike(first[:fitted_on], [sample.patient_id for sample in asked[:fitted_on]])
    directions = [fitted.directions(first), *map(fitted.directions, batches)]
    for at in range(0, len(told), BATCH):
        directions.append(
            fitted.directions(np.stack([seen[each.image_id] for each in told[at : at + BATCH]]))
        )
    samples = [*asked, *told]
    kept = replace(
        fitted,
        image_ids=tuple(sample.image_id for sample in samples),
        patients=tuple(sample.patient_id for sample in samples),
        known=known,
        features=np.concatenate(directions),
    )
    save_alike(run.folder, kept)
