"""The points of the curves that a report draws: ROC, precision-recall, reliability."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from engine.records import Estimate
from engine.statistics.calibration_figures import BINS
from engine.statistics.clusters import Groups
from engine.statistics.proportions import proportion

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Roc:
    """A ROC curve: (K,) arrays; a case is predicted positive from `threshold` upwards, at first from infinity."""

    false_positive_rate: Points
    true_positive_rate: Points
    threshold: Points


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """A precision-recall curve: (K,) arrays, recall ascending, no interpolation."""

    recall: Points
    precision: Points
    threshold: Points


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Cases whose probability lies in (low, high].

    Attributes:
        low: Lower edge; the first bin holds its lower edge too.
        high: Upper edge.
        count: Cases.
        probability: Mean probability.
        frequency: The share that had the finding, with its interval.
    """

    low: float
    high: float
    count: int
    probability: float
    frequency: Estimate


def at_probabilities(curve: Roc | None) -> Roc | None:
    """Return a curve over log-odds with its thresholds as probabilities."""
    return None if curve is None else replace(curve, threshold=expit(curve.threshold))


def roc_curve(y: ArrayLike, p: ArrayLike) -> Roc | None:
    """Return the ROC curve, without points inside straight stretches; None with fewer than two classes.

    Args:
        y: (N,) bool.
        p: (N,) finite score.
    """
    truth = np.asarray(y, dtype=bool)
    from sklearn import metrics  # a second of its own: a window opens without it

    return None if truth.all() or not truth.any() else Roc(*metrics.roc_curve(truth, p))


def precision_recall_curve(y: ArrayLike, p: ArrayLike) -> PrecisionRecall | None:
    """Return the precision-recall curve at every distinct score; None with fewer than two classes.

    Args:
        y: (N,) bool.
        p: (N,) finite score.
    """
    truth = np.asarray(y, dtype=bool)
    if truth.all() or not truth.any():
        return None
    from sklearn import metrics  # a second of its own: a window opens without it

    precision, recall, threshold = metrics.precision_recall_curve(truth, p)
    # Its last point, precision 1 at recall 0, is that of no threshold.
    return PrecisionRecall(recall[-2::-1], precision[-2::-1], threshold[::-1])


def reliability_bins(
    y: ArrayLike, p: ArrayLike, groups: Groups = None, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Compare mean probability with frequency in bins of equal width; empty bins are left out.

    Args:
        y: (N,) bool, whether what `p` is the probability of was so.
        p: (N,) probability.
        groups: (N,) patients, for the intervals; None means that every case is its own patient.
        bins: How many.
    """
    truth, score = np.asarray(y, dtype=bool), np.asarray(p, dtype=np.float64)
    edges = np.linspace(0, 1, bins + 1)
    patient = None if groups is None else np.asarray(groups)
    bin_of = np.searchsorted(edges[1:-1], score)
    return tuple(
        ReliabilityBin(
            low=float(edges[each]),
            high=float(edges[each + 1]),
            count=int((bin_of == each).sum()),
            probability=float(score[bin_of == each].mean()),
            frequency=proportion(truth[bin_of == each], None if patient is None else patient[bin_of == each]),
        )
        for each in range(bins)
        if (bin_of == each).any()
    )
