"""Prediction: a finished run and images in, calibrated predictions out, with the saliency map where asked for.

Prediction and explanation share one forward pass: the map that the head reads is the map that Grad-CAM weighs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import match_names
from engine.errors import WHERE_NOW, DataError
from engine.images import ImageCache, open_cache
from engine.models import pick_device
from engine.prediction.looking import AT_ONCE, Look, Looker, Map, explanation_of, looker, looks_at, mean_maps
from engine.prediction.on_demand import check_choice
from engine.prediction.speakers import Speakers, speakers
from engine.records import (
    Explanation,
    Part,
    Prediction,
    Run,
    Sample,
    ShiftModel,
    Split,
    Uncertainty,
    UncertaintyModel,
    class_argued_for,
    margin_of,
    recipe_of,
)
from engine.runs import fold_folders, load_classifier, load_map_settings, load_shift, load_uncertainty
from engine.saliency import DEFAULT_SALIENCY
from engine.training import images_of
from engine.uncertainty import (
    as_trained,
    calibrated,
    distances_of,
    estimate_uncertainty,
    mean_log_odds,
    shift_features,
)

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
        batch_size: Images that are told of at a time: a batch, and on a CPU several.
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
    target: str | None = None,
    cache: ImageCache | None = None,
    loaded: Loaded | None = None,
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
        target: The class that every map argues for; None as said above.
        cache: Already decoded images that hold `samples`; None decodes them into `cache_dir`.
        loaded: Where nets stay loaded between calls with the same `method`; None loads them for this call alone.

    Yields:
        One prediction and its explanation an image.
    """
    check_choice(run, method, target)
    chosen = pick_device(device)
    if cache is None:
        recipe = recipe_of(run)
        cache = open_cache(
            cache_dir, samples, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit
        )
    readable = [sample for sample in samples if sample.image_id in cache.row]
    if not readable:
        raise _none_readable(cache)
    reading = _Reading(
        cache=cache,
        cache_dir=cache_dir,
        device=chosen,
        method=method,
        target=target,
        batch_size=max(1, batch_size // AT_ONCE) if chosen == "cpu" else batch_size,
        parts=parts or {},
        meant=_labels_meant(run, readable),
        loaded=loaded,
        folds=fold_folders(run.folder, run.folds) if run.folds else (),
    )
    told = _told(reading, speakers(run, readable), len(readable), progress)
    if not run.folds:
        yield from told
        return
    by_id = {prediction.image_id: (prediction, explanation) for prediction, explanation in told}
    for sample in readable:
        yield by_id[sample.image_id]


@dataclass(eq=False)
class Loaded:
    """Nets that stay loaded from call to call, as whoever predicts the same images again and again wants them.

    Attributes:
        images: How many images they will see in all: whether converting a net pays depends on that.
        models: Those loaded so far, by their run's folder.
        features: Takes the `shift_features` of each image that one net predicts, by its id; None where nobody asks.
    """

    images: int
    models: dict[Path, _Model] = field(default_factory=dict)
    features: dict[str, NDArray[np.float32]] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reading:
    """What all images of one call have in common."""

    cache: ImageCache
    cache_dir: Path
    device: str
    method: str | None
    target: str | None
    batch_size: int
    parts: Mapping[str, Part]
    meant: Mapping[str | None, str]
    loaded: Loaded | None
    folds: Sequence[Path]

    def pixels(self, batch: Sequence[Sample]) -> Tensor:
        """Return images as bytes (B, C, H, W)."""
        return images_of(self.cache, self.cache.rows(batch), self.device)


@dataclass(frozen=True, eq=False)
class _Model:
    """One net, ready to look at images."""

    run: Run
    classifier: Classifier
    fitted: UncertaintyModel | None
    known: ShiftModel | None
    look: Looker


def _model(reading: _Reading, run: Run, images: int) -> _Model:
    loaded = reading.loaded or Loaded(images)
    if run.folder not in loaded.models:
        loaded.models[run.folder] = _load(reading, run, loaded.images)
    return loaded.models[run.folder]


def _load(reading: _Reading, run: Run, images: int) -> _Model:
    classifier = load_classifier(run, reading.device).to(memory_format=torch.channels_last)
    look = looker(
        run,
        classifier,
        method=reading.method,
        settings=load_map_settings(run.folder) if reading.method is not None else None,
        images=images,
        cache_dir=reading.cache_dir,
    )
    return _Model(run, classifier, load_uncertainty(run.folder), load_shift(run.folder), look)


def _told(
    reading: _Reading, shares: Sequence[Speakers], images: int, progress: Progress | None
) -> Iterator[tuple[Prediction, Explanation | None]]:
    done = 0
    for run, runs, samples in shares:
        models = [_model(reading, one, len(samples)) for one in runs]
        batches = [samples[at : at + reading.batch_size] for at in range(0, len(samples), reading.batch_size)]
        tell = partial(_told_of_batch, reading, run, models)
        for told in looks_at([model.look for model in models], batches, reading.pixels, tell):
            yield from told
            done += len(told)
            if progress is not None:
                progress(done, images)


def _told_of_batch(
    reading: _Reading,
    run: Run,
    models: Sequence[_Model],
    batch: Sequence[Sample],
    seen: Sequence[Look],
) -> list[tuple[Prediction, Explanation | None]]:
    logits = [look.logits.float().cpu().numpy() for look in seen]
    each = [calibrated(one, model.run.calibration) for one, model in zip(logits, models, strict=True)]
    probabilities = mean_log_odds(each)
    told: Sequence[tuple[Uncertainty | None, tuple[str, ...]]] = [(None, ())] * len(batch)
    if len(models) == 1:  # passes and conformal sets are of one net
        told = _tell(run, models[0], seen[0].pooled, probabilities)
    targets = [
        reading.target or class_argued_for(run.classes, run.positive, predicted_class(run, row))
        for row in probabilities
    ]
    features = [shift_features(look.pooled) for look in seen]
    if len(models) == 1 and reading.loaded is not None and reading.loaded.features is not None:
        rows = zip(batch, features[0].astype(np.float32), strict=True)
        reading.loaded.features.update({sample.image_id: row for sample, row in rows})
    by_model = _distances(models, features, batch)
    folds = reading.folds if by_model else ()
    maps: Sequence[Map] = []
    if reading.method is not None:
        numbers = [run.classes.index(target) for target in targets]
        maps = mean_maps([look.maps(numbers) for look in seen])
    made: list[tuple[Prediction, Explanation | None]] = []
    for number, sample in enumerate(batch):
        uncertainty, conformal_set = told[number]
        label, part = reading.meant.get(sample.label), reading.parts.get(sample.image_id)
        prediction = replace(
            prediction_of(run, sample, probabilities[number], label, part=part),
            uncertainty=uncertainty,
            conformal_set=conformal_set,
            distance=float(np.mean([one[number] for one in by_model.values()])) if by_model else None,
            distances=tuple(by_model[at][number] if at in by_model else None for at in folds),
        )
        why = (
            explanation_of(run, sample, maps[number], targets[number], str(reading.method)) if maps else None
        )
        made.append((prediction, why))
    return made


def _none_readable(cache: ImageCache) -> DataError:
    failed = cache.failed
    problem = f"None of the images can be read ({failed[0].message if failed else 'there are none'})"
    remedy = "Choose a folder with readable images, or say where they are now"
    return DataError(problem, remedy, option="overread relocate", fields=WHERE_NOW)


def _tell(
    run: Run, model: _Model, pooled: Tensor, probabilities: NDArray[np.float64]
) -> Sequence[tuple[Uncertainty | None, tuple[str, ...]]]:
    if model.fitted is None:
        return [(None, ())] * len(probabilities)
    return estimate_uncertainty(
        model.classifier,
        model.fitted,
        pooled,
        probabilities,
        [predicted_class(run, row) for row in probabilities],
        classes=run.classes,
        calibration=run.calibration,
    )


def _distances(
    models: Sequence[_Model], features: Sequence[NDArray[np.float64]], samples: Sequence[Sample]
) -> dict[Path, list[float]]:
    """Return each image's distance by each net's folder; none where one of the nets cannot say."""
    ids = [sample.image_id for sample in samples]
    each = {
        model.run.folder: distances_of(model.known, read, ids)
        for model, read in zip(models, features, strict=True)
        if model.known is not None and model.known.speaks
    }
    return each if len(each) == len(models) else {}


def predicted_class(run: Run, probabilities: NDArray[np.float64]) -> str:
    """Return the class that is predicted from probabilities (classes,).

    Of two it is chosen by the threshold; of more it is the most probable, counting the classes as balanced in
    training unless the operating point is "half". Otherwise undoing the balance in the probabilities would undo what
    balancing is for: that rare classes are predicted at all.
    """
    if len(run.classes) == 2:
        positive = run.classes.index(run.positive)
        return run.classes[positive if probabilities[positive] >= run.threshold else 1 - positive]
    if recipe_of(run).operating_point != "half":
        probabilities = as_trained(probabilities, run.calibration)
    return run.classes[int(np.argmax(probabilities))]


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
        bias=() if recipe_of(run).operating_point == "half" else run.calibration.bias,
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
        meta=dict(sample.meta),
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
