"""Figures of diagnostic accuracy, each with its 95% interval.

Every figure equals scikit-learn, scipy or statsmodels to 1e-9 where they have it
(`tests/engine/statistics/test_metrics.py` says which). A figure that the cases do not allow is NaN and its `method`
says why; nothing here raises on odd data.

Proportions get Wilson intervals (doi:10.1080/01621459.1927.10502953), with the effective number of cases
where patients have several films (doi:10.2307/2532311); AUROC gets DeLong's on the logit scale, so that it
stays in [0, 1]; everything else, and AUROC where patients have several films, a bootstrap over patients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import rankdata

from engine.records import Estimate
from engine.statistics.bootstrap import RESAMPLES, Ranks, percentile_interval, resamples

Z95 = 1.959963984540054
NAN = float("nan")
BINS = 10

Groups = Sequence[Any] | NDArray[Any] | None


def inestimable(reason: str, n: int) -> Estimate:
    """Return the estimate that says why there is none.

    Args:
        reason: Follows "cannot be estimated because", without a full stop.
        n: Cases there were.
    """
    return Estimate(value=NAN, low=NAN, high=NAN, method=f"cannot be estimated because {reason}", n=n)


# ------------------------------------------------------------------------------------------------ proportions


def wilson(k: float, n: float, *, method: str = "Wilson", cases: int | None = None) -> Estimate:
    """Estimate a proportion with Wilson's score interval (doi:10.1080/01621459.1927.10502953).

    Args:
        k: Successes.
        n: Trials; 0 gives NaN.
        method: How it will be named.
        cases: What to report as n where `n` is an effective number.
    """
    counted = int(n) if cases is None else cases
    if n <= 0:
        return inestimable("there is no case to count", counted)
    share = k / n
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    low, high = max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
    return Estimate(value=share, low=low, high=high, method=method, n=counted)


def proportion(hits: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate the share of hits, with films of one patient counted for what they are worth.

    Where patients have several films the number of trials in Wilson's formula is divided by the design effect
    (doi:10.2307/2532311), which is never taken below 1; where all films agree, and the design effect cannot
    be seen, the number of patients stands for the number of trials.

    Args:
        hits: (N,) bool.
        groups: (N,) patients; None means that every case is its own patient.
    """
    hit = np.asarray(hits, dtype=np.float64)
    n = len(hit)
    if groups is None or n == 0:
        return wilson(float(hit.sum()), n)
    _, patient = np.unique(np.asarray(groups), return_inverse=True)
    size = np.bincount(patient.reshape(-1))
    patients = len(size)
    if patients == n:
        return wilson(float(hit.sum()), n)
    share = float(hit.mean())
    named = "Wilson, films clustered by patient"
    if share in (0.0, 1.0) or patients == 1:
        effective = float(patients)
    else:
        residual = np.bincount(patient.reshape(-1), weights=hit) - share * size
        variance = patients / (patients - 1) * float((residual**2).sum()) / n**2
        effective = n / max(1.0, variance / (share * (1 - share) / n))
    return wilson(share * effective, effective, method=named, cases=n)


# ----------------------------------------------------------------------------------------- area under the ROC


def placements(
    y: NDArray[np.bool_], p: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return DeLong's structural components in O(N log N) by mid-ranks (doi:10.1109/LSP.2014.2337313).

    Args:
        y: (N,) whether the finding is present.
        p: (N,) score.

    Returns:
        For each positive case the share of negatives it outranks, and for each negative case the share of
        positives that outrank it; ties count one half. Both have the AUROC as their mean.
    """
    positive, negative = p[y], p[~y]
    ranks = rankdata(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    return (ranks[:m] - rankdata(positive)) / n, 1 - (ranks[m:] - rankdata(negative)) / m


def auroc(
    y: ArrayLike,
    p: ArrayLike,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
    draws: NDArray[np.float64] | None = None,
) -> Estimate:
    """Estimate the area under the ROC curve.

    The interval is DeLong's (doi:10.2307/2531595, computed by doi:10.1109/LSP.2014.2337313) on the logit
    scale, or a bootstrap over patients where any patient has several cases. A perfect ranking has no visible
    spread: there, and with a single case of a class, the interval is Newcombe's fifth (doi:10.1002/sim.2324),
    over patients.

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score, larger for more suspicious.
        groups: (N,) patients; None means that every case is its own patient.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
        draws: AUROC of each resample, where it is at hand already.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if reason := one_class(truth):
        return inestimable(reason, n)
    v10, v01 = placements(truth, score)
    area = float(v10.mean())
    several = groups is not None and len(np.unique(np.asarray(groups))) < n
    m, k = _patients(truth, groups), _patients(~truth, groups)
    if area in (0.0, 1.0) or min(len(v10), len(v01)) < 2:
        low, high = _newcombe(area, m, k)
        return Estimate(value=area, low=low, high=high, method="Newcombe", n=n)
    if several:
        if draws is None:
            draws, _ = resamples(n, groups, count=count, seed=seed).ranking(truth, score)
        return percentile_interval(area, draws, n)
    error = math.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01))
    if error == 0.0:  # constant scores: every case ties with every other, and no spread can be seen
        low, high = _newcombe(area, m, k)
        return Estimate(value=area, low=low, high=high, method="Newcombe", n=n)
    logit, spread = math.log(area / (1 - area)), Z95 * error / (area * (1 - area))
    low, high = _logistic(logit - spread), _logistic(logit + spread)
    return Estimate(value=area, low=min(low, area), high=max(high, area), method="DeLong, logit scale", n=n)


def _newcombe(area: float, m: int, n: int) -> tuple[float, float]:
    """Return the bounds where the score test of an area, with Hanley and McNeil's variance, has z = 1.96."""

    def distance(theta: float) -> float:
        spread = (m + n) / 2 - 1
        variance = (
            theta * (1 - theta) * (1 + spread * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (m * n)
        )
        return (theta - area) ** 2 - Z95**2 * variance

    low = 0.0 if area == 0.0 else float(brentq(distance, 1e-12, area - 1e-12))
    high = 1.0 if area == 1.0 else float(brentq(distance, area + 1e-12, 1 - 1e-12))
    return low, high


# ------------------------------------------------------------------------ precision-recall and calibration


def average_precision(
    y: ArrayLike, p: ArrayLike, groups: Groups = None, *, count: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """Estimate the average precision: the precision at each positive case, averaged (ties share one step).

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score.
        groups: (N,) patients, resampled for the interval.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
    """
    return ranking_estimates(y, p, groups, count=count, seed=seed)[1]


def ranking_estimates(
    y: ArrayLike,
    p: ArrayLike,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
    draws: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> tuple[Estimate, Estimate]:
    """Estimate AUROC and average precision from one pass of resampling.

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score.
        groups: (N,) patients, resampled for the interval.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
        draws: AUROC and average precision of each resample, where they are at hand already.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if reason := one_class(truth):
        return inestimable(reason, n), inestimable(reason, n)
    areas, precisions = draws or resamples(n, groups, count=count, seed=seed).ranking(truth, score)
    once = Ranks.of(truth, score, np.arange(n, dtype=np.int64))
    value = float(once.of_resamples(np.ones((1, n), dtype=np.int32))[1][0])
    return auroc(truth, score, groups, draws=areas), percentile_interval(value, precisions, n)


def calibration_columns(
    y: NDArray[np.bool_], p: NDArray[np.float64], bins: int = BINS
) -> NDArray[np.float64]:
    """Return (N, bins) columns of y - p in the bin of p; the calibration error is sum |column sum| / N."""
    bin_of = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    columns = np.zeros((len(p), bins))
    columns[np.arange(len(p)), bin_of] = y - p
    return columns


def ece(
    y: ArrayLike,
    p: ArrayLike,
    groups: Groups = None,
    *,
    bins: int = BINS,
    count: int = RESAMPLES,
    seed: int = 0,
    draws: NDArray[np.float64] | None = None,
) -> Estimate:
    """Estimate the expected calibration error (arXiv:1706.04599): the mean gap of probability and frequency.

    Args:
        y: (N,) bool, whether what `p` is the probability of was so.
        p: (N,) probability.
        groups: (N,) patients, resampled for the interval.
        bins: Of equal width.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
        draws: The error of each resample, where it is at hand already.
    """
    truth, score = as_binary(y, p)
    n = len(truth)
    if not n:
        return inestimable("there is no case", 0)
    columns = calibration_columns(truth, score, bins)
    if draws is None:
        sums = resamples(n, groups, count=count, seed=seed).sums(np.column_stack([columns, np.ones(n)]))
        draws = np.abs(sums[:, :-1]).sum(axis=1) / np.maximum(sums[:, -1], 1)
    return percentile_interval(float(np.abs(columns.sum(axis=0)).sum() / n), draws, n)


def brier(
    truth: ArrayLike,
    probabilities: ArrayLike,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
    draws: NDArray[np.float64] | None = None,
) -> Estimate:
    """Estimate the Brier score (doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2): 0 is perfect.

    With two classes it is the mean squared error of one probability, in [0, 1]; with more, squared errors are
    summed over the classes, in [0, 2], as in Brier's paper.

    Args:
        truth: (N,) int, the class of each case.
        probabilities: (N, C).
        groups: (N,) patients, resampled for the interval.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
        draws: The score of each resample, where it is at hand already.
    """
    error = squared_errors(truth, probabilities)
    n = len(error)
    if not n:
        return inestimable("there is no case", 0)
    if draws is None:
        sums = resamples(n, groups, count=count, seed=seed).sums(np.column_stack([error, np.ones(n)]))
        draws = sums[:, 0] / np.maximum(sums[:, 1], 1)
    return percentile_interval(float(error.mean()), draws, n)


def squared_errors(truth: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return what each case adds to Brier's score, (N,); arguments as `brier`."""
    codes, p = np.asarray(truth, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    error: NDArray[np.float64] = ((p - np.eye(p.shape[1])[codes]) ** 2).sum(axis=1)
    return error / 2 if p.shape[1] == 2 else error


# ----------------------------------------------------------------------------------------- predictive values


def predictive_values(
    sensitivity: Estimate, specificity: Estimate, prevalence: float
) -> tuple[Estimate, Estimate]:
    """Give the positive and negative predictive value where the finding is as common as `prevalence`.

    By Bayes' theorem; the intervals join those of sensitivity and specificity on the scale of the logarithm
    of the likelihood ratio (doi:10.1002/sim.3095), and so stay in [0, 1] and hold at 100%.

    Args:
        sensitivity: With its interval.
        specificity: With its interval.
        prevalence: In (0, 1).

    Returns:
        PPV and NPV; NaN where sensitivity or specificity is, or the prevalence is not within (0, 1).
    """
    n = sensitivity.n + specificity.n
    if not (math.isfinite(sensitivity.value) and math.isfinite(specificity.value)):
        return (inestimable("sensitivity or specificity is unknown", n),) * 2
    if not 0 < prevalence < 1:
        return (inestimable("a prevalence lies between 0 and 1", n),) * 2
    ppv = _posterior(sensitivity, _complement(specificity), prevalence, n)
    npv = _posterior(specificity, _complement(sensitivity), 1 - prevalence, n)
    return ppv, npv


def _complement(share: Estimate) -> Estimate:
    return Estimate(
        value=1 - share.value, low=1 - share.high, high=1 - share.low, method=share.method, n=share.n
    )


def _posterior(hit: Estimate, false: Estimate, prior: float, n: int) -> Estimate:
    """Return P(class | predicted so) from the rate of predicting it when it is there and when it is not."""
    method = f"Bayes, at a prevalence of {prior:g}"

    def probability(a: float, b: float) -> float:
        predicted = prior * a + (1 - prior) * b
        return prior * a / predicted if predicted > 0 else NAN

    value = probability(hit.value, false.value)
    if math.isnan(value):
        return inestimable("no case was predicted so", n)
    if hit.value > 0 and false.value > 0 and hit.low > 0 and false.low > 0:
        middle = math.log(hit.value / false.value)
        down = math.hypot(math.log(hit.value / hit.low), math.log(false.high / false.value))
        up = math.hypot(math.log(hit.high / hit.value), math.log(false.value / false.low))
        odds = math.log(prior / (1 - prior))
        low, high = _logistic(odds + middle - down), _logistic(odds + middle + up)
    else:  # a rate of exactly 0 has no logarithm: the corners of both intervals, which is wider
        low, high = probability(hit.low, false.high), probability(hit.high, false.low)
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=method, n=n)


# --------------------------------------------------------------------------------------------------- the rest


def as_binary(y: ArrayLike, p: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return truth (N,) bool and scores (N,) float64, whatever they came as."""
    return np.asarray(y, dtype=bool).reshape(-1), np.asarray(p, dtype=np.float64).reshape(-1)


def one_class(y: NDArray[np.bool_]) -> str:
    """Return why two classes cannot be told apart, or nothing where they can."""
    if not len(y):
        return "there is no case"
    if y.all():
        return "every case has the finding"
    return "" if y.any() else "no case has the finding"


def _patients(rows: NDArray[np.bool_], groups: Groups) -> int:
    return int(rows.sum()) if groups is None else len(np.unique(np.asarray(groups)[rows]))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
