"""Agreement beyond chance between readers: Cohen's and Fleiss' kappa."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.records import Estimate
from engine.statistics.bootstrap import RESAMPLES, percentile_interval, resamples
from engine.statistics.metrics import NAN, Z95, inestimable


def cohen_kappa(first: Sequence[Any] | NDArray[Any], second: Sequence[Any] | NDArray[Any]) -> Estimate:
    """Estimate Cohen's kappa (doi:10.1177/001316446002000104): agreement of two readers beyond chance.

    The interval is from the large-sample standard error (doi:10.1037/h0028106), cut at -1 and 1.

    Args:
        first: (N,) answers of one reader.
        second: (N,) answers of the other, on the same cases.
    """
    _, codes = np.unique(np.concatenate([np.asarray(first), np.asarray(second)]), return_inverse=True)
    n = len(codes) // 2
    if not n:
        return inestimable("no case was read by both", 0)
    classes = int(codes.max()) + 1
    table = np.bincount(codes[:n] * classes + codes[n:], minlength=classes**2).reshape(classes, classes) / n
    by_first, by_second = table.sum(axis=1), table.sum(axis=0)
    observed, chance = float(np.trace(table)), float(by_first @ by_second)
    if chance >= 1:
        return inestimable("both gave one and the same answer to every case", n)
    kappa = (observed - chance) / (1 - chance)
    # Fleiss, Cohen and Everitt 1969, equation 13.
    ends = by_second[:, None] + by_first[None, :]
    diagonal = np.diag(table) @ (1 - (by_first + by_second) * (1 - kappa)) ** 2
    off = (1 - kappa) ** 2 * float((table * ends**2).sum() - np.diag(table) @ np.diag(ends) ** 2)
    variance = (float(diagonal) + off - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    half = Z95 * math.sqrt(max(0.0, variance))
    if variance < 1e-14:
        return Estimate(value=kappa, low=NAN, high=NAN, method="no interval: no spread can be seen", n=n)
    low, high = max(-1.0, kappa - half), min(1.0, kappa + half)
    return Estimate(value=kappa, low=low, high=high, method="large-sample standard error", n=n)


def fleiss_kappa(counts: ArrayLike, *, count: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Estimate Fleiss' kappa (doi:10.1037/h0031619): agreement of several readers beyond chance.

    Args:
        counts: (N, C) readers who gave case i the class c; each case has the same number of readers, >= 2.
        count: Bootstrap resamples of cases, for the interval.
        seed: Of the bootstrap.
    """
    table = np.asarray(counts, dtype=np.float64)
    n = len(table)
    readers = table.sum(axis=1)
    if not n or readers[0] < 2:
        return inestimable("no case was read by two readers", n)
    if (readers != readers[0]).any():
        return inestimable("not every case was read by the same number of readers", n)
    agree = ((table**2).sum(axis=1) - readers) / (readers * (readers - 1))

    def kappa(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        total = sums[:, :1]
        chance = ((sums[:, 2:] / (total * readers[0])) ** 2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(chance < 1 - 1e-12, (sums[:, 1] / total[:, 0] - chance) / (1 - chance), NAN)

    columns = np.column_stack([np.ones(n), agree, table])
    value = float(kappa(columns.sum(axis=0, keepdims=True))[0])
    if math.isnan(value):
        return inestimable("all readers gave one and the same answer to every case", n)
    return percentile_interval(value, kappa(resamples(n, count=count, seed=seed).sums(columns)), n)
