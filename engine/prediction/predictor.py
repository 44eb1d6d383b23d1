"""Prediction: a finished run and images in, calibrated predictions out, with the saliency map where asked for.

Prediction and explanation share one forward pass: the map that the head reads is the map that Grad-CAM weighs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import match_names
from engine.errors import DataError
from engine.images import ImageCache, open_cache
from engine.models import pick_device
from engine.prediction.looking import explanation_of, looker
from engine.records import (
    Explanation,
    Part,
    Prediction,
    Run,
    Sample,
    Split,
    Uncertainty,
    UncertaintyModel,
    margin_of,
)
from engine.runs import load_classifier, load_map_settings, load_uncertainty
from engine.saliency import DEFAULT_SALIENCY
from engine.training import images_of
from engine.uncertainty import as_trained, calibrated, estimate_uncertainty

if TYPE_CHECKING:
    from engine.models import Classifier

Progress = Callable[[int, int], None]


def predict(
    run: Run,
    samples: Sequence[Sample],
    *,
    cache_dir: Path,
    device: str = "auto",
    parts: Mapping[str, Part] | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Iterator[Prediction]:
    """Predict images with a finished run.

    Args:
        run: From `engine.runs.folder.load_run`.
        samples: Images; those that cannot be read any more are left out.
        cache_dir: Where decoded images are kept.
        device: "auto", "cpu", "cuda" or "mps".
        parts: The side of the split by image id (`parts_of`).
        batch_size: Images a batch.
        progress: Called with images done and images in all; may raise to stop.

    Yields:
        One prediction an image, in the order of `samples`.

    Raises:
        DataError: No image can be read.
        RunError: The checkpoint cannot be read.
    """
    for prediction, _ in predict_and_explain(
        run,
        samples,
        cache_dir=cache_dir,
        device=device,
        parts=parts,
        batch_size=batch_size,
        progress=progress,
        method=None,
    ):
        yield prediction


def predict_and_explain(
    run: Run,
    samples: Sequence[Sample],
    *,
    cache_dir: Path,
    device: str = "auto",
    parts: Mapping[str, Part] | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
    method: str | None = DEFAULT_SALIENCY,
    cache: ImageCache | None = None,
) -> Iterator[tuple[Prediction, Explanation | None]]:
    """Predict images and say why, in one pass.

    Two classes are explained by the evidence for `run.positive` whatever was predicted, so that the maps of a series
    can be compared; more classes by the evidence for the predicted one.

    Args:
        run: See `predict`.
        samples: See `predict`.
        cache_dir: See `predict`.
        device: See `predict`.
        parts: See `predict`.
        batch_size: See `predict`.
        progress: See `predict`.
        method: A key of `engine.saliency.methods.SALIENCIES`; None makes no maps.
        cache: Already decoded images that hold `samples`; None decodes them into `cache_dir`.

    Yields:
        One prediction and its explanation an image.
    """
    chosen = pick_device(device)
    classifier = load_classifier(run, chosen)
    classifier.to(memory_format=torch.channels_last)
    if cache is None:
        recipe = run.recipe
        cache = open_cache(
            cache_dir, samples, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit
        )
    readable = [sample for sample in samples if sample.image_id in cache.row]
    if not readable:
        raise _none_readable(cache)
    parts = parts or {}
    meant = _labels_meant(run, readable)
    fitted = load_uncertainty(run.folder)
    look = looker(
        run,
        classifier,
        method=method,
        settings=load_map_settings(run.folder) if method is not None else None,
        images=len(readable),
        cache_dir=cache_dir,
    )
    for at in range(0, len(readable), batch_size):
        batch = readable[at : at + batch_size]
        rows = np.array([cache.row[sample.image_id] for sample in batch], dtype=np.int64)
        seen = look(images_of(cache, rows, chosen).float() / 255)
        probabilities = calibrated(seen.logits.float().cpu().numpy(), run.calibration)
        told = _tell(run, classifier, fitted, seen.pooled, probabilities)
        targets = [_target(run, predicted_class(run, row)) for row in probabilities]
        maps = seen.maps([run.classes.index(target) for target in targets]) if method is not None else []
        for number, sample in enumerate(batch):
            uncertainty, conformal_set = told[number]
            label, part = meant.get(sample.label), parts.get(sample.image_id)
            prediction = replace(
                prediction_of(run, sample, probabilities[number], label, part=part),
                uncertainty=uncertainty,
                conformal_set=conformal_set,
            )
            explanation = None
            if method is not None:
                explanation = explanation_of(run, sample, maps[number], targets[number], method)
            yield prediction, explanation
        if progress is not None:
            progress(min(at + batch_size, len(readable)), len(readable))


def _none_readable(cache: ImageCache) -> DataError:
    return DataError(
        f"None of the images can be read ({cache.failed[0].message if cache.failed else 'there are none'})",
        "Choose a folder with readable images, or say where they are now: overread relocate, or on the Data page",
    )


def _tell(
    run: Run,
    classifier: Classifier,
    fitted: UncertaintyModel | None,
    pooled: Tensor,
    probabilities: NDArray[np.float64],
) -> Sequence[tuple[Uncertainty | None, tuple[str, ...]]]:
    if fitted is None:
        return [(None, ())] * len(probabilities)
    return estimate_uncertainty(
        classifier,
        fitted,
        pooled,
        probabilities,
        [predicted_class(run, row) for row in probabilities],
        classes=run.classes,
        calibration=run.calibration,
    )


def predicted_class(run: Run, probabilities: NDArray[np.float64]) -> str:
    """Return the class that is predicted from probabilities (classes,).

    Of two it is chosen by the threshold; of more it is the most probable, counting the classes as balanced in
    training unless the operating point is "half". Otherwise undoing the balance in the probabilities would undo what
    balancing is for: that rare classes are predicted at all.
    """
    if len(run.classes) == 2:
        positive = run.classes.index(run.positive)
        return run.classes[positive if probabilities[positive] >= run.threshold else 1 - positive]
    if run.recipe.operating_point != "half":
        probabilities = as_trained(probabilities, run.calibration)
    return run.classes[int(np.argmax(probabilities))]


def _target(run: Run, predicted: str) -> str:
    return run.positive if len(run.classes) == 2 else predicted


def _labels_meant(run: Run, samples: Sequence[Sample]) -> dict[str | None, str]:
    found = match_names({sample.label for sample in samples if sample.label is not None}, run.classes)
    return {name: found[name] for name in found}


def prediction_of(
    run: Run,
    sample: Sample,
    probabilities: NDArray[np.float64],
    label: str | None,
    *,
    part: Part | None = None,
) -> Prediction:
    """Return the record of one image from its calibrated probabilities (classes,).

    Args:
        run: That gave them.
        sample: The image.
        probabilities: (classes,).
        label: The class of the run that the sample's label means; None where it has none or means none of them.
        part: The side of the split.
    """
    p = np.clip(probabilities, 1e-300, 1.0)
    predicted = predicted_class(run, probabilities)
    margin = margin_of(
        probabilities.tolist(),
        run.classes.index(predicted),
        positive=run.classes.index(run.positive),
        threshold=run.threshold,
        bias=() if run.recipe.operating_point == "half" else run.calibration.bias,
    )
    return Prediction(
        image_id=sample.image_id,
        path=sample.path,
        label=label,
        patient_id=sample.patient_id,
        part=part,
        probabilities=tuple(float(value) for value in probabilities),
        predicted=predicted,
        entropy=float(-(p * np.log(p)).sum()),
        margin=margin,
    )


def foreign_labels(run: Run, samples: Sequence[Sample]) -> dict[str, int]:
    """Count the labels that mean none of a run's classes, however they are spelled."""
    counts = Counter(sample.label for sample in samples if sample.label is not None)
    meant = match_names(counts, run.classes)
    return {name: count for name, count in counts.most_common() if name not in meant}


def parts_of(split: Split) -> dict[str, Part]:
    """Return the part of the split by image id."""
    named: dict[str, Part] = {}
    for part in ("train", "val", "test"):
        named |= {sample.image_id: part for sample in split.part(part)}
    return named
