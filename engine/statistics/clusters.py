"""Images of one patient are not independent: variances that count patients.

Every figure here is close to a sum over images of what each contributes (its influence). Summed by patient, those
contributions give a variance that holds however alike the images of a patient are, and that is the usual one where
every patient has one image. Small numbers of patients are heeded by Student's t.

`benchmarks.coverage` measures how often each interval holds the true value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate

Z95 = 1.959963984540054
NAN = float("nan")
SMALLEST = 1e-15  # a variance below is rounding

Groups = Sequence[Any] | NDArray[Any] | None
"""(N,) the patient of each image; None means that every image is its own patient."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which images are of one patient.

    Attributes:
        of: (N,) int64, the patient of each image, 0 to `count` - 1.
        count: Patients.
    """

    of: NDArray[np.int64]
    count: int

    @classmethod
    def by(cls, groups: Groups, n: int) -> Clusters:
        """Number the patients of n images."""
        if groups is None:
            return cls(np.arange(n, dtype=np.int64), n)
        given = np.asarray(groups)
        if given.dtype.kind != "i" or not 0 <= given.min(initial=0) <= given.max(initial=0) <= 2 * n:
            given = np.unique(given, return_inverse=True)[1].reshape(-1)
        return cls._without_gaps(given)

    @property
    def single(self) -> bool:
        """Whether every patient has one image."""
        return self.count == len(self.of)

    @property
    def named(self) -> str:
        """ " by patient", for the name of a method, where any patient has several images."""
        return "" if self.single else " by patient"

    def among(self, rows: NDArray[np.bool_]) -> int:
        """Count the patients of some images, given as (N,) bool."""
        return int(np.count_nonzero(np.bincount(self.of[rows])))

    def take(self, rows: NDArray[np.bool_]) -> Clusters:
        """Return the clusters of some images, given as (N,) bool, numbered in the same order without gaps."""
        return Clusters._without_gaps(self.of[rows])

    @classmethod
    def _without_gaps(cls, of: NDArray[np.int64]) -> Clusters:
        """Number patients anew in the same order, by counting: a report does it a hundred times, and sorts slowly."""
        there = np.bincount(of) > 0
        return cls((np.cumsum(there) - 1)[of], int(np.count_nonzero(there)))

    def sums(self, influence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum what images contribute, (N,), by patient: (count,)."""
        return np.bincount(self.of, weights=influence, minlength=self.count).astype(np.float64)

    def covariance(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
        """Return the covariance of two figures whose images contribute `first` and `second`, both (N,)."""
        if self.count < 2:
            return NAN
        return self.count / (self.count - 1) * float(self.sums(first) @ self.sums(second))

    def variance(self, influence: NDArray[np.float64]) -> float:
        """Return the variance of a figure to which image i contributes `influence[i]`."""
        return self.covariance(influence, influence)


def quantile(patients: int) -> float:
    """Return the half width, in standard errors, of a 95% interval that rests on so many patients."""
    from scipy.stats import t as student  # a second of its own: a window opens without it

    return float(student.ppf(0.975, patients - 1)) if patients > 1 else math.inf


def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def logit_interval(value: float, variance: float, patients: int) -> tuple[float, float]:
    """Return 95% bounds of a share that stay within (0, 1): symmetric on the logit scale.

    Args:
        value: In (0, 1).
        variance: Of `value`.
        patients: That the variance rests on; Student's t has one degree of freedom less.
    """
    middle = math.log(value / (1 - value))
    reach = quantile(patients) * math.sqrt(variance) / (value * (1 - value))
    return min(value, logistic(middle - reach)), max(value, logistic(middle + reach))


def inestimable(reason: str, n: int) -> Estimate:
    """Return the estimate that says why there is none.

    Args:
        reason: Follows "cannot be estimated because", without a full stop.
        n: Images there were.
    """
    return Estimate(value=NAN, low=NAN, high=NAN, method=f"cannot be estimated because {reason}", n=n)


def without_interval(value: float, reason: str, n: int, patients: int | None = None) -> Estimate:
    """Return a figure of which no honest interval is known, with the reason."""
    return Estimate(value=value, low=NAN, high=NAN, method=f"no interval: {reason}", n=n, patients=patients)


def independent_difference(one: Estimate, other: Estimate) -> Estimate:
    """Estimate by how much one figure exceeds another of other patients, from the bounds of both.

    The square-and-add rule (doi:10.1002/sim.3095); for two shares with Wilson's bounds it is Newcombe's tenth method
    (doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I).

    Args:
        one: With its interval.
        other: With its interval; of patients none of whom are in `one`.

    Returns:
        One minus other; NaN bounds where either has none.
    """
    value = one.value - other.value
    return Estimate(
        value=value,
        low=value - math.hypot(one.value - one.low, other.high - other.value),
        high=value + math.hypot(one.high - one.value, other.value - other.low),
        method="square and add, independent patients",
        n=one.n + other.n,
    )


def square_and_add(
    value: float,
    parts: Sequence[tuple[float, Estimate]],
    correlation: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Return bounds of a weighted sum of figures from the bounds of each (doi:10.1002/sim.3095).

    Args:
        value: The sum.
        parts: Weight (at least 0) and figure of each.
        correlation: (K, K) of the figures; None means that they are independent.
    """
    down = np.array([weight * (part.value - part.low) for weight, part in parts])
    up = np.array([weight * (part.high - part.value) for weight, part in parts])
    related = np.eye(len(parts)) if correlation is None else correlation
    low = value - math.sqrt(max(0.0, float(down @ related @ down)))
    return low, value + math.sqrt(max(0.0, float(up @ related @ up)))


UNSEEN_CORRELATION = 0.5
"""Of two figures one of which shows no spread. One class's errors are another's, so that 0 would be too narrow."""


def correlation_of(
    influence: NDArray[np.float64], clusters: Clusters, *, unseen: float = UNSEEN_CORRELATION
) -> NDArray[np.float64]:
    """Return the correlation (K, K) of figures from what images contribute to them, (K, N).

    Two figures one of which shows no spread are taken to correlate by `unseen`.
    """
    by_patient = np.stack([clusters.sums(row) for row in influence])
    covariance = by_patient @ by_patient.T
    spread = np.sqrt(np.diag(covariance))
    scale = np.outer(spread, spread)
    related: NDArray[np.float64] = np.divide(
        covariance, scale, out=np.full(scale.shape, unseen), where=scale > SMALLEST
    )
    np.fill_diagonal(related, 1.0)
    return related
