"""Agreement beyond chance between readers: Cohen's kappa of two, Krippendorff's alpha of any number.

Intervals count patients, and hold near perfect agreement and where a finding is rare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.records import Estimate
from engine.statistics.clusters import Clusters, Groups, inestimable, quantile

GRID = 4000  # true values tried


def cohen_kappa(
    first: Sequence[Any] | NDArray[Any], second: Sequence[Any] | NDArray[Any], groups: Groups = None
) -> Estimate:
    """Estimate Cohen's kappa (doi:10.1177/001316446002000104): agreement of two readers beyond chance.

    Args:
        first: (N,) answers of one reader.
        second: (N,) answers of the other, on the same cases.
        groups: (N,) patients; None means that every case is its own patient.
    """
    _, codes = np.unique(np.concatenate([np.asarray(first), np.asarray(second)]), return_inverse=True)
    n = len(codes) // 2
    if not n:
        return inestimable("no case was given a class by both readers", 0)
    one, two = codes[:n], codes[n:]
    classes = int(codes.max()) + 1
    by_first, by_second = (np.bincount(of, minlength=classes) / n for of in (one, two))
    observed, chance = float((one == two).mean()), float(by_first @ by_second)
    if chance >= 1:
        return inestimable("both readers gave the same answer for every case", n)
    kappa = (observed - chance) / (1 - chance)
    # What a case adds to the chance agreement: its answers' shares in the other reader's answers.
    to_chance = by_second[one] + by_first[two] - 2 * chance
    influence = (((one == two) - observed) - (1 - kappa) * to_chance) / (1 - chance) / n
    clusters = Clusters.by(groups, n)
    return _scored(kappa, influence, clusters, disagreement=1 - chance)


def krippendorff_alpha(counts: ArrayLike, groups: Groups = None) -> Estimate:
    """Estimate Krippendorff's alpha for names of classes (doi:10.1080/19312450709336664): agreement of all readers.

    Cases that one reader alone has read say nothing and are left out; readers need not have read the same cases.

    Args:
        counts: (N, C) readers who gave case i the class c.
        groups: (N,) patients; None means that every case is its own patient.
    """
    table = np.asarray(counts, dtype=np.float64)
    paired = table.sum(axis=1) >= 2
    clusters = Clusters.by(None if groups is None else np.asarray(groups)[paired], int(paired.sum()))
    table = table[paired]
    n = len(table)
    if not n:
        return inestimable("no case was given a class by two readers", n)
    readings = table.sum(axis=1)
    disagree = (readings**2 - (table**2).sum(axis=1)) / (readings - 1)
    totals, all_readings = table.sum(axis=0), float(table.sum())
    expected = (all_readings**2 - float(totals @ totals)) / (all_readings - 1)
    if expected == 0:
        return inestimable("all readers gave the same answer for every case", n)
    ratio = float(disagree.sum()) / expected
    # The derivative of the expected disagreement by one more case with these answers.
    to_expected = (2 * all_readings * readings - 2 * (table @ totals)) / (all_readings - 1)
    to_expected = to_expected - expected * readings / (all_readings - 1)
    influence = -(disagree - ratio * to_expected) / expected
    return _scored(
        1 - ratio,
        influence - influence.mean(),
        clusters,
        disagreement=expected / all_readings,
    )


def _scored(
    value: float,
    influence: NDArray[np.float64],
    clusters: Clusters,
    *,
    disagreement: float,
) -> Estimate:
    """Give an agreement its score interval: all true values from which it is not further off than 95% would be.

    How the variance of kappa depends on its true value is that of the common-correlation model (doi:10.2307/2532052;
    intervals by inverting a test in it: doi:10.1002/sim.4780111109). Its level is what the patients show, and no less
    than the model says of two readers of independent cases: so the interval is not narrow where a finding is rare and
    readers happened not to agree on it once.

    Args:
        value: In [-1, 1].
        influence: (N,) what each case contributes.
        clusters: The patients.
        disagreement: Of readers who answer by chance.
    """
    n = len(clusters.of)
    true = np.linspace(-1, 1, GRID + 1)
    shape = np.maximum((1 - true) * ((1 - true) * (1 - 2 * true) + true * (2 - true) / disagreement), 0.0)
    here = max(float(np.interp(value, true, shape)), 1e-12)
    seen = clusters.variance(influence)
    level = max(seen / here if math.isfinite(seen) and value < 1 else 1 / clusters.count, 1 / n)
    far = (true - value) ** 2 > min(quantile(clusters.count), quantile(2)) ** 2 * level * shape
    below, above = np.flatnonzero(far & (true < value)), np.flatnonzero(far & (true > value))
    low = true[below[-1] + 1] if len(below) else -1.0
    high = true[above[0] - 1] if len(above) else 1.0
    return Estimate(
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        method="score interval" + ("" if clusters.single else ", by patient"),
        n=n,
        patients=clusters.count,
    )
