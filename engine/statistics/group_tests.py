"""Does a figure differ between groups of cases? Tests that count patients, and their adjustment for number.

A patient may have cases in several groups. The tests are Wald's with the covariance by patient; of shares that
covariance is the one under the null hypothesis, so that a group in which all are right is tested too. They are referred
to Hotelling's T² (doi:10.1214/aoms/1177732979) of as many observations as there are patients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import f as fisher

from engine.statistics.clusters import NAN, Clusters, Groups
from engine.statistics.ranking import area_of

FEWEST_TESTED = 5  # cases of a group, and of an area cases of each class in it


def shares_differ(hits: ArrayLike, groups: ArrayLike, patients: Groups = None) -> float:
    """Return the p-value that the share of hits is the same in all groups; NaN where it cannot be tested.

    Args:
        hits: (N,) bool.
        groups: (N,) group of each case; those of fewer than five cases are left out.
        patients: (N,) patients; None means that every case is its own patient.
    """
    x, names = np.asarray(hits, dtype=np.float64), np.asarray(groups)
    kept = np.isin(names, _large(names))
    x, names, clusters = x[kept], names[kept], Clusters.by(patients, len(kept)).take(kept)
    members = [names == each for each in np.unique(names)]
    if len(members) < 2:
        return NAN
    pooled = x.mean()
    shares = np.array([x[rows].mean() for rows in members])
    influence = np.stack([np.where(rows, x - pooled, 0.0) / rows.sum() for rows in members])
    return _differ(shares, influence, clusters)


def areas_differ(y: ArrayLike, p: ArrayLike, groups: ArrayLike, patients: Groups = None) -> float:
    """Return the p-value that the AUROC is the same in all groups; NaN where it cannot be tested.

    Groups of fewer than five cases of a class are left out; where a group shows no spread there is no test.

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score.
        groups: (N,) group of each case.
        patients: (N,) patients; None means that every case is its own patient.
    """
    truth, score, names = np.asarray(y, dtype=bool), np.asarray(p, dtype=np.float64), np.asarray(groups)
    # Patients of groups that are left out tell nothing of the others.
    kept = np.isin(names, _large(names[truth])) & np.isin(names, _large(names[~truth]))
    clusters = Clusters.by(patients, len(truth)).take(kept)
    truth, score, names = truth[kept], score[kept], names[kept]
    values, influences = [], []
    for each in np.unique(names):
        rows = names == each
        area = area_of(truth[rows], score[rows], clusters.take(rows))
        influence = np.zeros(len(truth))
        influence[rows] = area.of_positives + area.of_negatives
        values.append(area.value)
        influences.append(influence)
    if len(values) < 2 or not all(np.any(one) for one in influences):
        return NAN
    return _differ(np.array(values), np.stack(influences), clusters)


def _large(names: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the groups of enough cases."""
    values, counts = np.unique(names, return_counts=True)
    large: NDArray[np.generic] = values[counts >= FEWEST_TESTED]
    return large


def _differ(values: NDArray[np.float64], influence: NDArray[np.float64], clusters: Clusters) -> float:
    """Test whether K values with influences (K, N) are all the same."""
    free = len(values) - 1
    rest = clusters.count - len(values)
    if rest < 1:
        return NAN
    by_patient = np.stack([clusters.sums(row) for row in influence[:-1] - influence[-1]])
    covariance = clusters.count / (clusters.count - 1) * by_patient @ by_patient.T
    gaps = values[:-1] - values[-1]
    if np.allclose(gaps, 0):
        return 1.0
    if np.linalg.matrix_rank(covariance) < free:
        return NAN
    statistic = float(gaps @ np.linalg.solve(covariance, gaps))
    return float(fisher.sf(statistic * (rest + 1) / (free * (clusters.count - 1)), free, rest + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's method; NaN stays NaN and does not count."""
    known = sorted((p, place) for place, p in enumerate(p_values) if math.isfinite(p))
    adjusted = [NAN] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted
