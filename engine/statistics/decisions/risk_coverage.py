"""What is left undecided: the error among the cases that are kept, by how many are kept.

Selective classification (arXiv:1705.08500): the surest cases are kept first; the area under the curve (AURC) is the
mean error over all shares of cases kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """A risk-coverage curve.

    Attributes:
        coverage: (K,) shares of cases kept, ascending; cases of equal sureness are kept together.
        risk: (K,) the share of wrong answers among them.
        threshold: (K,) the least sureness kept.
        area: The mean risk over all shares.
        least: The area if wrong answers were the least sure: no order does better.
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    threshold: NDArray[np.float64]
    area: float
    least: float


def kept_by_sureness(right: ArrayLike, sureness: ArrayLike) -> RiskCoverage | None:
    """Compute a risk-coverage curve; None without cases.

    Args:
        right: (N,) bool, whether the answer was right.
        sureness: (N,) such as the probability of the answer.
    """
    wrong, sure = ~np.asarray(right, dtype=bool), np.asarray(sureness, dtype=np.float64)
    n = len(wrong)
    if not n:
        return None
    order = np.argsort(-sure, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    kept, errors = ends + 1.0, np.cumsum(wrong[order])[ends]
    # Within cases of equal sureness any order is as good: their errors come in evenly.
    steps = np.interp(np.arange(1, n + 1), np.append(0.0, kept), np.append(0.0, errors))
    best = np.cumsum(np.sort(wrong))
    counts = np.arange(1, n + 1)
    return RiskCoverage(
        coverage=kept / n,
        risk=errors / kept,
        threshold=sure[order][ends],
        area=float((steps / counts).mean()),
        least=float((best / counts).mean()),
    )
