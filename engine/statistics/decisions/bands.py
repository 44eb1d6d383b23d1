"""Bands around curves: where a ROC and a precision-recall curve of other patients would run.

Pointwise, from resamples of patients: at each false positive rate the 2.5th and 97.5th percentile of the sensitivity,
as pROC's `ci.se` gives (doi:10.1186/1471-2105-12-77), and at each recall those of the precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.statistics.clusters import Groups
from engine.statistics.ranking import as_binary

RESAMPLES, SEED = 400, 0
FEWEST = 5  # patients of a class: a resample of fewer repeats one patient
CELLS = 1_000  # scores between which a band can bend
GRID = np.linspace(0.0, 1.0, 101)

BAND_METHOD = f"pointwise 95% bands, percentiles of {RESAMPLES} resamples of patients (seed {SEED})"

Points = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """A pointwise 95% band.

    Attributes:
        at: (K,) false positive rates, or recalls.
        low: (K,) the least sensitivity, or precision.
        high: (K,) the largest.
    """

    at: Points
    low: Points
    high: Points


def curve_bands(
    y: ArrayLike, p: ArrayLike, groups: Groups = None, *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[Band, Band] | None:
    """Return the bands of the ROC and of the precision-recall curve, or None where no spread can be seen.

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score, larger for more suspicious.
        groups: (N,) patients; None means that every case is its own patient.
        resamples: How many.
        seed: Of the resamples. Patients are numbered by their first case, so that names change nothing.
    """
    truth, score = as_binary(y, p)
    patient = _by_first_case(groups, len(truth))
    if min(len(np.unique(patient[truth])), len(np.unique(patient[~truth]))) < FEWEST:
        return None
    counts, patients = _counts(truth, score, patient), int(patient.max()) + 1
    drawn, rng = [], np.random.default_rng(seed)
    for _ in range(resamples):
        weights = np.bincount(rng.integers(0, patients, patients), minlength=patients)
        positives, negatives = np.cumsum((counts @ weights).reshape(2, -1), axis=1)
        if positives[-1] and negatives[-1]:
            drawn.append(_resampled(positives.astype(np.float64), negatives.astype(np.float64)))
    low, high = np.percentile(np.array(drawn), (2.5, 97.5), axis=0)
    if np.allclose(low, high):
        return None
    roc, precision = (Band(at=GRID, low=low[each], high=high[each]) for each in (0, 1))
    return roc, precision


def _by_first_case(groups: Groups, n: int) -> NDArray[np.int64]:
    """Number the patients of n images in the order in which they come."""
    if groups is None:
        return np.arange(n, dtype=np.int64)
    _, first, codes = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[codes.reshape(-1)]


def _counts(y: NDArray[np.bool_], p: Points, patient: NDArray[np.int64]) -> Any:
    """Count each patient's cases, (2 K, patients) sparse: with the finding, then without, by falling score."""
    from scipy.sparse import csr_matrix

    levels = np.unique(p)
    if len(levels) > CELLS:
        levels = np.unique(np.quantile(p, np.linspace(0, 1, CELLS), method="nearest"))
    cell = len(levels) - np.searchsorted(levels, p, side="right")
    rows = np.where(y, 0, len(levels)) + cell
    shape = (2 * len(levels), int(patient.max()) + 1)
    return csr_matrix((np.ones(len(y), dtype=np.int64), (rows, patient)), shape=shape)


def _resampled(positives: Points, negatives: Points) -> Points:
    """Return sensitivity by false positive rate and precision by recall, (2, K), from cumulated counts."""
    true, false = (np.concatenate([[0.0], of / of[-1]]) for of in (positives, negatives))
    # At a recall of 0 the precision is that of the first threshold that finds a case: that of no case is none.
    reached = np.searchsorted(true[1:], np.maximum(GRID - 1e-12, true[true > 0][0]))
    return np.stack(
        [
            np.interp(GRID, false, true),
            positives[reached] / (positives[reached] + negatives[reached]),
        ]
    )
