"""Decision curves: what is gained by acting on a probability, beside acting on everybody and on nobody.

Vickers and Elkin (doi:10.1177/0272989X06295361): the threshold says how many false alarms one finding is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import ReportError
from engine.records import Estimate
from engine.statistics.clusters import SMALLEST, Clusters, Groups, quantile, without_interval
from engine.statistics.ranking import as_binary

THRESHOLDS = tuple(np.round(np.arange(0.01, 1.0, 0.01), 2).tolist())


@dataclass(frozen=True, kw_only=True, slots=True)
class NetBenefit:
    """Net benefit at one threshold: findings acted on, less false alarms at their worth, for each case.

    Attributes:
        threshold: The probability from which one acts.
        model: Of acting by the model.
        everybody: Of acting on every case. Of acting on none it is 0.
    """

    threshold: float
    model: Estimate
    everybody: float


def net_benefits(
    y: ArrayLike, p: ArrayLike, groups: Groups = None, *, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[NetBenefit, ...]:
    """Compute a decision curve.

    Args:
        y: (N,) bool, whether the finding is present; the cases have the prevalence that the curve speaks of.
        p: (N,) its probability.
        groups: (N,) patients; None means that every case is its own patient.
        thresholds: Each in (0, 1).

    Raises:
        ReportError: A threshold is none.
    """
    if not all(0 < each < 1 for each in thresholds):
        raise ReportError("A threshold of a decision curve lies between 0 and 1", "Leave the others out")
    truth, score = as_binary(y, p)
    n = len(truth)
    if not n:
        return ()
    clusters, found = Clusters.by(groups, n), []
    half = quantile(clusters.count)
    for threshold in thresholds:
        worth = np.where(truth, 1.0, -threshold / (1 - threshold))
        gained = np.where(score >= threshold, worth, 0.0)
        value = float(gained.mean())
        model = without_interval(value, "no spread can be seen", n, clusters.count)
        variance = clusters.variance((gained - value) / n)
        if variance > SMALLEST:
            reach = half * math.sqrt(variance)
            model = Estimate(
                value=value,
                low=value - reach,
                high=min(float(truth.mean()), value + reach),
                method=f"Student's t{clusters.named}",
                n=n,
                patients=clusters.count,
            )
        found.append(NetBenefit(threshold=threshold, model=model, everybody=float(worth.mean())))
    return tuple(found)
