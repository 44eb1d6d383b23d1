"""Agreement on answers that have an order or a distance: Krippendorff's alpha, weighted kappa.

Krippendorff's alpha for ordered answers and for numbers (doi:10.1080/19312450709336664) weighs a disagreement by how
far apart the answers are; Cohen's weighted kappa does so for two readers (doi:10.1037/h0026256). Intervals are of a
bootstrap of patients. Names of classes have `krippendorff_alpha` and `cohen_kappa`, with intervals of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ReportError
from engine.records import Estimate
from engine.statistics.clusters import Clusters, Groups, inestimable, without_interval

LEVELS = ("nominal", "ordinal", "interval")
WEIGHTS = ("none", "linear", "quadratic")
RESAMPLES = 500

Numbers = NDArray[np.float64]


def alpha_of_answers(answers: ArrayLike, *, level: str, groups: Groups = None, seed: int = 0) -> Estimate:
    """Estimate Krippendorff's alpha of any number of readers, who need not have answered every case.

    Args:
        answers: (R, N) numbers, NaN where a reader gave none. Only their order counts for "ordinal", their distance
            for "interval", and whether they are equal for "nominal".
        level: One of `LEVELS`.
        groups: (N,) patients; None means that every case is its own patient.
        seed: Of the bootstrap.

    Returns:
        Alpha with n cases that two readers or more answered.
    """
    if level not in LEVELS:
        raise ReportError(f"Answers have no level {level!r}", f"Take one of: {', '.join(LEVELS)}")
    table = np.asarray(answers, dtype=np.float64)
    values, codes = np.unique(table[np.isfinite(table)], return_inverse=True)
    counts = np.zeros((table.shape[1], len(values)))
    np.add.at(counts, (np.nonzero(np.isfinite(table))[1], codes), 1)
    paired = counts.sum(axis=1) >= 2
    counts = counts[paired]
    if not len(counts):
        return inestimable("no case was answered by two readers", 0)
    clusters = Clusters.by(None if groups is None else np.asarray(groups)[paired], len(counts))
    return _bootstrapped(lambda times: _alpha(counts, values, level, times), clusters, seed)


def _alpha(counts: Numbers, values: Numbers, level: str, times: Numbers) -> float:
    """Return alpha where case i counts `times[i]` times; NaN where all answers are the same."""
    readings = counts.sum(axis=1)
    weighted = counts * (times / (readings - 1))[:, None]
    together = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    totals = together.sum(axis=1)
    apart = _distances(values, totals, level)
    expected = float(totals @ apart @ totals) / (totals.sum() - 1)
    return 1 - float((together * apart).sum()) / expected if expected > 0 else float("nan")


def _distances(values: Numbers, totals: Numbers, level: str) -> Numbers:
    """Return how far apart every two answers are, squared, (V, V)."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    # Ranked answers lie as far apart as there are answers in between, and half of those at either end.
    place = values if level == "interval" else np.cumsum(totals) - totals / 2
    return np.asarray((place[:, None] - place[None, :]) ** 2)


def weighted_kappa(
    first: ArrayLike, second: ArrayLike, *, weights: str = "quadratic", groups: Groups = None, seed: int = 0
) -> Estimate:
    """Estimate Cohen's weighted kappa of two readers whose answers have an order.

    Args:
        first: (N,) answers of one, as numbers in their order; steps between neighbouring answers that were given count
            as equal.
        second: (N,) answers of the other, on the same cases.
        weights: One of `WEIGHTS`: how a disagreement grows with the steps between both answers.
        groups: (N,) patients; None means that every case is its own patient.
        seed: Of the bootstrap.
    """
    if weights not in WEIGHTS:
        raise ReportError(f"Kappa has no weights {weights!r}", f"Take one of: {', '.join(WEIGHTS)}")
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not len(one):
        return inestimable("no case was answered by both readers", 0)
    values, codes = np.unique(np.concatenate([one, two]), return_inverse=True)
    a, b = codes[: len(one)], codes[len(one) :]
    steps = np.abs(np.arange(len(values))[:, None] - np.arange(len(values))[None, :]).astype(np.float64)
    apart = {"none": (steps > 0).astype(np.float64), "linear": steps, "quadratic": steps**2}[weights]

    def kappa(times: Numbers) -> float:
        of_first = np.bincount(a, weights=times, minlength=len(values))
        of_second = np.bincount(b, weights=times, minlength=len(values))
        chance = float(of_first @ apart @ of_second) / times.sum()
        return 1 - float(times @ apart[a, b]) / chance if chance > 0 else float("nan")

    return _bootstrapped(kappa, Clusters.by(groups, len(one)), seed)


def _bootstrapped(figure: Callable[[Numbers], float], clusters: Clusters, seed: int) -> Estimate:
    """Estimate a figure of cases that count so many times, with percentiles of a bootstrap of patients."""
    n = len(clusters.of)
    value = figure(np.ones(n))
    if np.isnan(value):
        return inestimable("all readers gave the same answer for every case", n)
    if clusters.count < 2:
        return without_interval(value, "the cases are of one patient", n, clusters.count)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(clusters.count, np.full(clusters.count, 1 / clusters.count), size=RESAMPLES)
    found = np.array([figure(times[clusters.of].astype(np.float64)) for times in drawn])
    found = found[np.isfinite(found)]
    if len(found) < RESAMPLES / 2 or np.ptp(found) == 0:
        return without_interval(value, "readers hardly ever differ", n, clusters.count)
    low, high = np.quantile(found, (0.025, 0.975))
    return Estimate(
        value=value,
        low=min(value, float(low)),
        high=max(value, float(high)),
        method=f"percentiles of {RESAMPLES} resamples{clusters.named or ' by case'}, seed {seed}",
        n=n,
        patients=clusters.count,
    )
