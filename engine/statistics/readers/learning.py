"""Whether readers changed over a study: right answers and time in the first, middle and last third of their cases."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import ArrayLike

from engine.records import Estimate
from engine.statistics.clusters import Groups, inestimable
from engine.statistics.readers.shares import mean_of_readings, share_of_readings

THIRDS = ("first", "middle", "last")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A third of each reader's cases, in the order in which they were read.

    Attributes:
        name: "first", "middle" or "last".
        readings: In it.
        right: The share that is right.
        seconds: Median; NaN without any.
    """

    name: str
    readings: int
    right: Estimate
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Learning:
    """How readers changed over a study.

    Attributes:
        thirds: In their order.
        faster: By what share of its time a reading grew shorter from the first third to the last: the mean over
            readings of the last third, of the logarithm of seconds beside the reader's mean in the first, as a ratio
            minus 1 (-0.2: a fifth faster).
    """

    thirds: tuple[Stretch, ...]
    faster: Estimate


def learning_over(
    right: ArrayLike, seconds: ArrayLike, order: ArrayLike, readers: Groups, groups: Groups
) -> Learning:
    """Tell how right answers and time changed over each reader's cases.

    Args:
        right: (M,) bool.
        seconds: (M,) above 0, of each reading.
        order: (M,) numbers that grow in the order in which a reader read.
        readers: (M,) who.
        groups: (M,) patients.
    """
    hit, taken = np.asarray(right, dtype=bool), np.asarray(seconds, dtype=np.float64)
    when, who, patients = np.asarray(order), np.asarray(readers), np.asarray(groups)
    third = np.zeros(len(hit), dtype=np.int64)
    for reader in np.unique(who):
        own = np.flatnonzero(who == reader)
        ranks = np.empty(len(own), dtype=np.int64)
        ranks[np.argsort(when[own], kind="stable")] = np.arange(len(own))
        third[own] = ranks * 3 // len(own)
    thirds = []
    for number, name in enumerate(THIRDS):
        rows = third == number
        timed = taken[rows & (taken > 0)]
        thirds.append(
            Stretch(
                name=name,
                readings=int(rows.sum()),
                right=share_of_readings(hit[rows], who[rows], patients[rows]),
                seconds=median(timed.tolist()) if len(timed) else float("nan"),
            )
        )
    return Learning(thirds=tuple(thirds), faster=_faster(taken, third, who, patients))


def _faster(
    taken: np.ndarray[tuple[int], np.dtype[np.float64]],
    third: np.ndarray[tuple[int], np.dtype[np.int64]],
    who: np.ndarray[tuple[int], np.dtype[np.generic]],
    patients: np.ndarray[tuple[int], np.dtype[np.generic]],
) -> Estimate:
    timed = taken > 0
    gaps, by, of = [], [], []
    for reader in np.unique(who):
        early = timed & (who == reader) & (third == 0)
        late = timed & (who == reader) & (third == 2)
        if early.any() and late.any():
            gaps.append(np.log(taken[late]) - np.log(taken[early]).mean())
            by.append(who[late])
            of.append(patients[late])
    if not gaps:
        return inestimable("no reader has timed readings early and late", 0)
    found = mean_of_readings(
        np.concatenate(gaps), np.concatenate(by), np.concatenate(of), least=-np.inf, most=np.inf
    )
    return Estimate(
        value=float(np.expm1(found.value)),
        low=float(np.expm1(found.low)),
        high=float(np.expm1(found.high)),
        method=found.method,
        n=found.n,
        patients=found.patients,
    )
