"""From logits to probabilities that mean what they say, fitted on validation data.

Two corrections: a balance that changed the classes' shares is undone (doi:10.1162/089976602753284446), and one
temperature removes over-confidence (arXiv:1706.04599). Both are recorded, so that the report can say so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax

from engine.language import in_print
from engine.recipes import balanced_prior, class_counts
from engine.records import Calibration, Recipe

FEWEST_CASES = 20  # below this a fitted temperature is noise


def calibrated(logits: NDArray[np.floating], calibration: Calibration) -> NDArray[np.float64]:
    """Return calibrated probabilities.

    Args:
        logits: (N, C).
        calibration: Fitted by `calibrate`.

    Returns:
        (N, C) float64, rows summing to 1.
    """
    scaled = logits.astype(np.float64) / calibration.temperature
    if calibration.bias:
        scaled = scaled + np.asarray(calibration.bias)
    return np.asarray(softmax(scaled, axis=1))


def mean_log_odds(probabilities: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return what several models say together: the probabilities whose log-odds are the mean of theirs.

    Log-odds and not probabilities are averaged, because a mean of calibrated probabilities is less sure than it should
    be (doi:10.1111/j.1467-9868.2009.00726.x), because maps of evidence are in log-odds, so that their mean explains
    this mean, and because the mean of the models' operating points is then the operating point of all.

    Args:
        probabilities: Of each model (N, C), calibrated.

    Returns:
        (N, C), summing to 1; one model's own where there is but one.
    """
    if len(probabilities) == 1:
        return np.asarray(probabilities[0], dtype=np.float64)
    logs = [np.log(np.clip(p, 1e-300, 1.0)) for p in probabilities]
    return np.asarray(softmax(np.mean(logs, axis=0), axis=1))


def undecided(calibration: Calibration, positive: int) -> float:
    """Return the calibrated probability of one of two classes at which the net as it was trained gives both equally.

    It is .5 unless a balanced prior was undone: then the net's own even odds stand elsewhere.
    """
    return (
        float(expit(calibration.bias[positive] - calibration.bias[1 - positive])) if calibration.bias else 0.5
    )


def as_trained(probabilities: NDArray[np.floating], calibration: Calibration) -> NDArray[np.float64]:
    """Return calibrated probabilities (..., C) with the shares of classes that the net was trained with put back."""
    scores = np.log(np.clip(probabilities, 1e-300, 1.0)) - np.asarray(calibration.bias or 0.0)
    return np.asarray(softmax(scores, axis=-1))


def calibrate(
    recipe: Recipe,
    logits: NDArray[np.floating],
    labels: NDArray[np.int64],
    train_labels: NDArray[np.int64],
    classes: Sequence[str],
) -> Calibration:
    """Fit a calibration on validation data.

    Args:
        recipe: Whether to calibrate at all, and how the classes were balanced.
        logits: (N, C) of the validation images.
        labels: (N,) their class numbers.
        train_labels: (M,) class numbers of the training images, before balancing.
        classes: Names.
    """
    if not recipe.calibrate:
        return Calibration(note="Probabilities are the model's own; they were not calibrated.")
    counts = class_counts(train_labels, classes).astype(np.float64)
    real = counts / counts.sum()
    taught = balanced_prior(train_labels, recipe.balance, classes)
    bias: tuple[float, ...] = ()
    notes: list[str] = []
    if not np.allclose(real, taught) and (taught > 0).all() and (real > 0).all():
        shift = np.log(real) - np.log(taught)
        bias = tuple(float(value) for value in shift - shift.mean())
        notes.append(
            f"Balancing ({recipe.balance.method}) changed the class frequencies in training; "
            "probabilities were corrected to the class frequencies of the training data"
        )
    if len(labels) < FEWEST_CASES:
        only = (
            "is only 1 validation image" if len(labels) == 1 else f"are only {len(labels)} validation images"
        )
        notes.append(f"no temperature was fitted because there {only}")
        return Calibration(bias=bias, note="; ".join(notes) + ".")

    targets = _smoothed(labels, len(classes))

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature) + np.asarray(bias or 0.0)
        return float(-(targets * log_softmax(scaled, axis=1)).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    temperature = float(np.exp(found.x))
    notes.append(f"temperature {in_print(temperature, '.3f')} was fitted on {len(labels)} validation images")
    text = "; ".join(notes)
    return Calibration(temperature=temperature, bias=bias, note=text[0].upper() + text[1:] + ".")


def _smoothed(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return Platt's targets (N, C): (n + 1) / (n + 2) for a class of n cases, the rest spread over the others.

    Against hard targets the temperature of a net that makes no mistake on the validation cases would go to nought,
    and every probability to 0 or 1.
    """
    counts = np.bincount(labels, minlength=classes)
    right = ((counts + 1) / (counts + 2))[labels]
    targets = np.repeat(((1 - right) / (classes - 1))[:, None], classes, axis=1)
    targets[np.arange(len(labels)), labels] = right
    return targets
