"""The negative log-likelihood: how surprised the probabilities are by what was so."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.clusters import SMALLEST, Clusters, Groups, inestimable, quantile, without_interval

LEAST = float(np.finfo(np.float64).eps)
"""A probability of 0 for what was so would make the mean infinite: it counts as this, as in scikit-learn."""


def log_loss(truth: NDArray[np.int64], probabilities: NDArray[np.float64], groups: Groups = None) -> Estimate:
    """Estimate the mean of -log p of the class that each case is of, in nats; 0 is perfect (the logarithmic score,
    doi:10.1198/016214506000001437).

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        probabilities: (N, C).
        groups: (N,) patients; None means that every case is its own patient.
    """
    n = len(truth)
    if not n:
        return inestimable("there is no case", 0)
    own = probabilities[np.arange(n), truth]
    surprise = -np.log(np.clip(own, LEAST, 1 - LEAST))
    value, clusters = float(surprise.mean()), Clusters.by(groups, n)
    clipped = int((own < LEAST).sum())
    noted = f"; a probability of 0 counts as {LEAST:.1e}, of {clipped:,} images" if clipped else ""
    variance = clusters.variance((surprise - value) / n)
    if not variance > SMALLEST:
        return without_interval(value, f"no spread can be seen{noted}", n, clusters.count)
    reach = quantile(clusters.count) * math.sqrt(variance)
    return Estimate(
        value=value,
        low=max(0.0, value - reach),
        high=value + reach,
        method=f"Student's t{clusters.named}{noted}",
        n=n,
        patients=clusters.count,
    )
