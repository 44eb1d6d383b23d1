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


def _steps(y: ArrayLike, p: ArrayLike) -> tuple[Points, Points, Points]:
    """Count true and false positives when the threshold falls onto each distinct score."""
    truth, score = np.asarray(y, dtype=bool), np.asarray(p, dtype=np.float64)
    order = np.argsort(-score, kind="stable")
    truth, score = truth[order], score[order]
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, dtype=int)
    true = np.cumsum(truth, dtype=np.float64)[ends]
    return true, ends + 1.0 - true, score[ends]


def roc_curve(y: ArrayLike, p: ArrayLike) -> Roc | None:
    """Return the ROC curve, without points inside straight stretches; None with fewer than two classes.

    Args:
        y: (N,) bool.
        p: (N,) score.
    """
    true, false, score = _steps(y, p)
    if not len(true) or true[-1] == 0 or false[-1] == 0:
        return None
    true, false = np.append(0.0, true), np.append(0.0, false)
    score = np.append(np.inf, score)
    corner = np.ones(len(true), dtype=bool)
    corner[1:-1] = (np.diff(true, 2) != 0) | (np.diff(false, 2) != 0)
    return Roc(false[corner] / false[-1], true[corner] / true[-1], score[corner])


def precision_recall_curve(y: ArrayLike, p: ArrayLike) -> PrecisionRecall | None:
    """Return the precision-recall curve at every distinct score; None with fewer than two classes.

    Args:
        y: (N,) bool.
        p: (N,) score.
    """
    true, false, score = _steps(y, p)
    if not len(true) or true[-1] == 0 or false[-1] == 0:
        return None
    return PrecisionRecall(true / true[-1], true / (true + false), score)


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
