"""Shares and means of readings, which are alike within a reader and within a case.

Readings of one reader are alike, and so are those of one case; their variance is the sum of both, less what is counted
twice (doi:10.1198/jbes.2010.07136). What readers differ by is known with few degrees of freedom, what cases differ by
with many: Hillis' rule (doi:10.1002/sim.2532) weighs one against the other. So an interval is for other readers and
other cases like these; of one reader it is for other cases.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from engine.records import Estimate
from engine.statistics.clusters import SMALLEST, Z95, Clusters, Groups, inestimable, without_interval
from engine.statistics.proportions import wilson


def variance_of_readings(
    influence: NDArray[np.float64], readers: Clusters, cases: Clusters
) -> tuple[float, float]:
    """Return the variance of a figure by readers and cases, and its degrees of freedom.

    Args:
        influence: (M,) what each reading contributes to the figure's deviation.
        readers: Whose readings they are.
        cases: Of which patients.
    """
    by_case = cases.variance(influence)
    if readers.count < 2:
        return by_case, max(1.0, cases.count - 1.0)
    by_reader = readers.variance(influence)
    both = Clusters.by(readers.of * cases.count + cases.of, len(influence)).variance(influence)
    shared = max(0.0, by_case - both) if math.isfinite(by_case) else 0.0
    total = by_reader + shared
    if not by_reader > SMALLEST:  # readers are as alike as can be: cases alone are heard
        return total, max(1.0, cases.count - 1.0)
    return total, min((readers.count - 1) * (total / by_reader) ** 2, max(1.0, cases.count - 1.0))


def share_of_readings(hits: ArrayLike, readers: Groups, groups: Groups) -> Estimate:
    """Estimate the share of readings that are hits: Wilson's interval, by reader and case.

    As many trials stand in Wilson's formula as would give the variance that is seen, and no more than there are
    readings; where all or none are hits, the number of patients does.

    Args:
        hits: (M,) bool.
        readers: (M,) who read.
        groups: (M,) patients read.
    """
    hit = np.asarray(hits, dtype=np.float64)
    n = len(hit)
    if not n:
        return inestimable("there is no such reading", 0)
    who, cases = Clusters.by(readers, n), Clusters.by(groups, n)
    share = float(hit.mean())
    effective, z = float(cases.count), Z95
    if 0 < share < 1:
        variance, freedom = variance_of_readings((hit - share) / n, who, cases)
        if math.isfinite(variance) and variance > SMALLEST:
            effective = min(float(n), share * (1 - share) / variance)
            z = float(student.ppf(0.975, freedom))
    found = wilson(share * effective, effective, method=f"Wilson, {_named(who)}", cases=n, z=z)
    return replace(found, patients=cases.count)


def mean_of_readings(
    values: ArrayLike, readers: Groups, groups: Groups, *, least: float = -1.0, most: float = 1.0
) -> Estimate:
    """Estimate the mean of something that each reading has, by reader and case.

    Args:
        values: (M,) such as right with the machine minus right without.
        readers: (M,) who read.
        groups: (M,) patients read.
        least: A bound that the mean cannot pass.
        most: Likewise.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if not n:
        return inestimable("there is no such reading", 0)
    who, cases = Clusters.by(readers, n), Clusters.by(groups, n)
    mean = float(x.mean())
    variance, freedom = variance_of_readings((x - mean) / n, who, cases)
    if not (math.isfinite(variance) and variance > SMALLEST):
        return without_interval(mean, "no spread can be seen", n, cases.count)
    half = float(student.ppf(0.975, freedom)) * math.sqrt(variance)
    return Estimate(
        value=mean,
        low=max(least, mean - half),
        high=min(most, mean + half),
        method=f"Student's t, {_named(who)}",
        n=n,
        patients=cases.count,
    )


def _named(readers: Clusters) -> str:
    return "by reader and case" if readers.count > 1 else "by case, of one reader"
