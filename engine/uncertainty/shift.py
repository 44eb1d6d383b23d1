"""Whether images are like those that a net was made with: how far they lie from them in what the net sees.

The distance is what is left of an image's pooled features outside the principal components of validation images
(doi:10.1080/00401706.1979.10489779, control of residuals), over the residual that 97% of these stay within. Each of
them is measured by axes that were fitted without its patient, as an image from elsewhere is: that one by the axes of
every fold, and the mean taken, for axes of more images leave less. It says that an image
differs, never why: patients, devices and the preparation of the image all move it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.records import SHIFT_SHARE, Prediction, SetShift, ShiftModel, is_unlike
from engine.statistics import proportion

if TYPE_CHECKING:
    from torch import Tensor

COMPONENTS = 64
MOST_FEATURES = 4096
FOLDS = 5
PERMUTATIONS = 1999
MOST_PATIENTS = 1000
"""Of a set that is tested: more make the test no clearer, and the permutations long."""


def shift_features(pooled: Tensor) -> NDArray[np.float64]:
    """Return (B, D), what the distance is measured in, from what a net's head reads of its last map.

    Args:
        pooled: (B, c), or (B, c, h, w) where the head reads each position: these are averaged. A map that was laid
            flat and is longer than `MOST_FEATURES` is averaged over neighbours.
    """
    read = pooled.float()
    if read.ndim == 4:
        read = read.mean((2, 3))
    if read.shape[1] > MOST_FEATURES:
        from torch.nn.functional import adaptive_avg_pool1d

        read = adaptive_avg_pool1d(read[:, None], MOST_FEATURES)[:, 0]
    features: NDArray[np.float64] = read.cpu().numpy().astype(np.float64)
    return features


def fit_shift(
    features: NDArray[np.floating], image_ids: Sequence[str], patients: Sequence[str], *, seed: int = 0
) -> ShiftModel | None:
    """Learn what images like those of training look like, from validation images.

    Args:
        features: (N, D) of `shift_features`.
        image_ids: (N,).
        patients: (N,) whose images they are.
        seed: Deals the patients into folds.

    Returns:
        None where there are fewer than two patients.
    """
    found = np.asarray(features, dtype=np.float64)
    fold = _folds(patients, seed)
    numbers = sorted(set(fold.tolist()))
    if len(numbers) < 2:
        return None
    fitted = [_axes(found[fold != number]) for number in numbers]
    residuals = np.zeros(len(found))
    for number, (centre, axes) in zip(numbers, fitted, strict=True):
        residuals[fold == number] = _residuals(found[fold == number], centre, axes)
    threshold = max(_quantile(residuals, SHIFT_SHARE), 1e-9)  # images that are all alike have none
    return ShiftModel(
        centres=np.stack([centre for centre, _ in fitted]),
        axes=np.stack([axes for _, axes in fitted]),
        threshold=threshold,
        image_ids=tuple(image_ids),
        patients=tuple(patients),
        distances=residuals / threshold,
    )


def distances_of(model: ShiftModel, features: NDArray[np.floating], image_ids: Sequence[str]) -> list[float]:
    """Return how far each image lies from those of training; above 1 it differs.

    An image that the model was fitted on has the distance by axes without it.

    Args:
        model: Of the run; it speaks.
        features: (B, D) of `shift_features`.
        image_ids: (B,).
    """
    known = dict(zip(model.image_ids, model.distances.tolist(), strict=True))
    found = np.asarray(features, dtype=np.float64)
    each = [_residuals(found, *fitted) for fitted in zip(model.centres, model.axes, strict=True)]
    fresh = np.mean(each, axis=0) / model.threshold
    return [known.get(name, value) for name, value in zip(image_ids, fresh.tolist(), strict=True)]


def shift_of(
    known: Sequence[ShiftModel | None], predictions: Sequence[Prediction], *, seed: int = 0
) -> SetShift | None:
    """Test whether a set of images as a whole lies farther away than validation images do.

    The statistic is the mean rank among both; patients are dealt anew, so that several images of one count as what
    they are. Of a cross-validation each model is asked so, with its own validation images, and p is twice the median
    of theirs: that holds however their answers hang together (doi:10.1198/jasa.2009.tm08647, quantile of one half).

    Args:
        known: Of each of the run's models what it knows: one, or as many as there are folds.
        predictions: With their distances; those that have none, and validation images that a model was fitted on,
            are left out where it is asked.
        seed: Of the permutations.

    Returns:
        None where no image is left, or one of the models does not speak.
    """
    rng, p_values = np.random.default_rng(seed), list[float]()
    asked: set[str] = set()
    for place, model in enumerate(known):
        if model is None or not model.speaks:
            return None
        fitted = set(model.image_ids)
        fresh = [
            (each, distance)
            for each in predictions
            if each.image_id not in fitted and (distance := _by(each, place, len(known))) is not None
        ]
        if not fresh:
            continue
        asked |= {each.image_id for each, _ in fresh}
        distances = np.array([distance for _, distance in fresh], dtype=np.float64)
        patients = np.array([each.patient_id for each, _ in fresh])
        p_values.append(_p_value(model, distances, patients, rng))
    measured = [each for each in predictions if each.image_id in asked]
    if not measured:
        return None
    beyond = np.array([is_unlike(each.distance) for each in measured])
    return SetShift(
        images=len(measured),
        differing=proportion(beyond, np.array([each.patient_id for each in measured])),
        p_value=_together(p_values),
    )


def _by(prediction: Prediction, place: int, models: int) -> float | None:
    """Return how far an image lies by one of a run's models; None where that one was not asked."""
    if models == 1:
        return prediction.distance
    return prediction.distances[place] if prediction.distances else None


def _together(p_values: Sequence[float]) -> float:
    """Return one p value of several that may hang together."""
    if len(p_values) == 1:
        return p_values[0]
    return min(1.0, 2 * sorted(p_values)[math.ceil(len(p_values) / 2) - 1])


def _p_value(
    model: ShiftModel, distances: NDArray[np.float64], patients: NDArray[np.str_], rng: np.random.Generator
) -> float:
    from scipy.stats import rankdata

    names, whose = np.unique(patients, return_inverse=True)
    if len(names) > MOST_PATIENTS:
        kept = np.isin(whose, rng.choice(len(names), MOST_PATIENTS, replace=False))
        names, whose = np.unique(whose[kept], return_inverse=True)
        distances = distances[kept]
    own_names, own = np.unique(np.asarray(model.patients), return_inverse=True)
    # A patient of both sets is two here: each set's images of one patient stay together.
    group = np.concatenate([own, whose + len(own_names)])
    ranks = rankdata(np.concatenate([model.distances, distances]))
    sums, counts = np.bincount(group, weights=ranks), np.bincount(group)
    here = np.arange(len(sums)) >= len(own_names)
    dealt = rng.permuted(np.tile(here.astype(np.float32), (PERMUTATIONS, 1)), axis=1)
    by_chance = (dealt @ sums) / (dealt @ counts)
    seen = sums[here].sum() / counts[here].sum()
    return float((1 + (by_chance >= seen - 1e-9).sum()) / (1 + PERMUTATIONS))


def _folds(patients: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Deal patients evenly; return (N,) the fold of each image."""
    names, whose = np.unique(np.asarray(patients), return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(names))[whose] % FOLDS)


def _axes(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre (D,) and principal components (`COMPONENTS`, D) of features (N, D); 0 where there are fewer."""
    from scipy.linalg import eigh

    centre = features.mean(axis=0)
    rest = features - centre
    count = len(rest)
    # By the products of images and not of features: there are fewer of them.
    values, vectors = eigh(rest @ rest.T, subset_by_index=(max(0, count - COMPONENTS), count - 1))
    real = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    axes = np.zeros((COMPONENTS, rest.shape[1]))
    axes[: real.sum()] = (rest.T @ vectors[:, real] / np.sqrt(values[real])).T
    return centre, axes


def _residuals(
    features: NDArray[np.float64], centre: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (B,) the length of what lies outside the axes."""
    rest = features - centre
    outside = (rest**2).sum(axis=1) - ((rest @ axes.T) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(outside, 0.0)))


def _quantile(values: NDArray[np.float64], share: float) -> float:
    """Return the value that a further one exceeds with a probability of at most 1 - share; infinite with too few."""
    place = math.ceil((len(values) + 1) * share)
    return float(np.sort(values)[place - 1]) if place <= len(values) else math.inf
