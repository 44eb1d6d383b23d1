"""A run's uncertainty estimates: fitted once on validation cases, kept in its folder, told with each prediction.

cases_for_passes(count) -> rows                                        of the validation cases
fit_uncertainty(classifier, logits, labels, ...) -> UncertaintyModel   at the end of training
estimate_uncertainty(classifier, model, pooled, ...)                   for each batch of predictions
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.models import Classifier
from engine.records import Calibration, Uncertainty, UncertaintyModel
from engine.uncertainty.calibration import calibrated
from engine.uncertainty.conformal import conformal_sets, fit_conformal
from engine.uncertainty.dropout import fit_injection, uncertainties

MOST_CASES = 1000  # for the passes: more fix a rate no better, and 240 passes of a wide head take minutes


def cases_for_passes(count: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return which of so many validation cases dropout is fitted on, in order: all, or `MOST_CASES` drawn by seed."""
    if count <= MOST_CASES:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST_CASES, replace=False))


def fit_uncertainty(
    classifier: Classifier,
    logits: NDArray[np.floating],
    labels: NDArray[np.integer],
    pooled: Sequence[Tensor],
    pooled_labels: NDArray[np.integer],
    calibration: Calibration,
    *,
    patients: Sequence[str] | None = None,
    coverage: float = 0.95,
    seed: int = 0,
    each_pass: Callable[[], None] = lambda: None,
) -> UncertaintyModel | None:
    """Fit both on validation cases: the sets on all of them, the dropout on a sample (`cases_for_passes`).

    Args:
        classifier: Trained.
        logits: (N, C).
        labels: (N,) class numbers.
        pooled: Batches of what `pooled_features` gives of the sample, on the classifier's device.
        pooled_labels: (M,) class numbers of the sample, over all batches.
        calibration: Of the run.
        patients: (N,) whose cases they are; None means that every case is its own patient.
        coverage: Of the conformal sets, within each class.
        seed: Of the masks.
        each_pass: Called before each; may raise to end it all.

    Returns:
        None when there are no validation cases.
    """
    if len(labels) == 0:
        return None
    return UncertaintyModel(
        injection=fit_injection(
            classifier, pooled, pooled_labels, calibration, seed=seed, each_pass=each_pass
        ),
        conformal=fit_conformal(
            calibrated(logits, calibration), labels, coverage=coverage, patients=patients
        ),
    )


def estimate_uncertainty(
    classifier: Classifier,
    uncertainty: UncertaintyModel,
    pooled: Tensor,
    probabilities: NDArray[np.float64],
    predicted: Sequence[str],
    *,
    classes: Sequence[str],
    calibration: Calibration,
) -> list[tuple[Uncertainty, tuple[str, ...]]]:
    """Return the uncertainty and the conformal set of each prediction.

    Args:
        classifier: Trained.
        uncertainty: From `fit_uncertainty` or `load_uncertainty`.
        pooled: (B, ...) of `engine.uncertainty.dropout.pooled_features`.
        probabilities: (B, C) calibrated.
        predicted: (B,) names of the predicted classes.
        classes: Of the run.
        calibration: Of the run.
    """
    numbers = np.array([list(classes).index(name) for name in predicted], dtype=np.int64)
    sets = conformal_sets(probabilities, uncertainty.conformal, numbers)
    told = uncertainties(classifier, pooled, numbers, calibration, uncertainty.injection)
    return [
        (uncertainty, tuple(name for name, kept in zip(classes, row, strict=True) if kept))
        for uncertainty, row in zip(told, sets, strict=True)
    ]
