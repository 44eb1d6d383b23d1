"""The partial area under the ROC curve: where the specificity is high enough to be of use.

McClish (doi:10.1177/0272989X8900900307); what each case contributes is after Dodd and Pepe
(doi:10.1111/1541-0420.00071).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from engine.errors import ReportError
from engine.records import Estimate
from engine.statistics.clusters import (
    SMALLEST,
    Clusters,
    Groups,
    inestimable,
    logit_interval,
    without_interval,
)
from engine.statistics.ranking import as_binary, one_class


def partial_auroc(y: ArrayLike, p: ArrayLike, groups: Groups = None, *, specificity: float = 0.9) -> Estimate:
    """Estimate the area under the ROC curve where the specificity lies between this and 1.

    Args:
        y: (N,) bool, whether the finding is present.
        p: (N,) score, larger for more suspicious.
        groups: (N,) patients; None means that every case is its own patient.
        specificity: The least, in [0, 1).

    Returns:
        The area, not scaled: at most 1 - specificity, and half of its square by chance. With a specificity of 0 it is
        the AUROC.
    """
    if not 0 <= specificity < 1:
        raise ReportError(
            f"A partial area from a specificity of {specificity:g} upwards is none",
            "Give one below 1, such as .9",
        )
    truth, score = as_binary(y, p)
    n, width = len(truth), 1 - specificity
    if reason := one_class(truth):
        return inestimable(reason, n)
    clusters = Clusters.by(groups, n)
    value, influence = _influence(truth, score, width)
    fewest = min(clusters.among(truth), clusters.among(~truth))
    found = without_interval(value, "no spread can be seen", n, clusters.count)
    share, variance = value / width, clusters.variance(influence / width)
    if fewest < 2 or not 0 < share < 1 - 1e-12 or not variance > SMALLEST:
        return found
    low, high = logit_interval(share, variance, fewest)
    method = f"influence{clusters.named}, logit scale"
    return replace(found, low=low * width, high=high * width, method=method)


def _influence(
    y: NDArray[np.bool_], p: NDArray[np.float64], width: float
) -> tuple[float, NDArray[np.float64]]:
    """Return the area left of a false positive rate, and what each case contributes to its deviation."""
    positive, negative = p[y], p[~y]
    thresholds = np.unique(p)[::-1]
    at = np.searchsorted(np.sort(negative), thresholds, side="left")
    false = np.concatenate([[0.0], 1 - at / len(negative)])
    true = np.concatenate(
        [[0.0], 1 - np.searchsorted(np.sort(positive), thresholds, side="left") / len(positive)]
    )
    # Between two thresholds the curve is straight; a step up counts at its top.
    inside = false <= width
    x, height = false[inside], true[inside]
    if x[-1] < width:
        beyond = int(inside.sum())
        slope = (true[beyond] - height[-1]) / (false[beyond] - x[-1])
        x, height = np.append(x, width), np.append(height, height[-1] + slope * (width - x[-1]))
    value, edge = float(np.trapezoid(height, x)), float(height[-1])
    outranked = _above(positive, negative)  # by how many negatives a positive is outranked
    found = _above(negative, positive)  # how many positives outrank a negative
    rank = (rankdata(-negative) - 0.5) / len(negative)  # the false positive rate at a negative
    influence = np.zeros(len(y))
    influence[y] = (np.maximum(0.0, width - outranked) - np.maximum(0.0, width - outranked).mean()) / len(
        positive
    )
    of_negative = np.where(rank <= width, found - edge, 0.0)
    influence[~y] = (of_negative - of_negative.mean()) / len(negative)
    return value, influence


def _above(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of others that lie above each score; ties count one half."""
    ordered = np.sort(others)
    above = len(others) - np.searchsorted(ordered, scores, side="right")
    ties = len(others) - np.searchsorted(ordered, scores, side="left") - above
    return np.asarray((above + ties / 2) / len(others))
