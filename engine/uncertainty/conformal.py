"""Sets of classes that hold the right one with a stated coverage, whatever the net (arXiv:2107.07511).

The rule is a score, a rank and a comparison. MAPIE has the same, made for estimators of scikit-learn that
it calls itself; here the probabilities are there already, so that going through it would be longer than the
rule, and one more package to install. The tests hold the rule to its guarantee.

The guarantee is over cases exchangeable with the validation cases. Those also chose the best epoch and the
temperature, which makes it slightly optimistic; and it is no promise about films from another hospital.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError
from engine.records import Conformal

EXCLUDES_NOTHING = 1.0  # no score is higher; for when there are too few cases for the coverage


def _least_ambiguous(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """One minus the class's own probability (doi:10.1080/01621459.2017.1395341): smallest on average."""
    return 1.0 - probabilities


def _adaptive(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of the class and of all more probable ones (arXiv:2006.02544): wider where hard."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    summed = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    scores = np.empty_like(summed)
    np.put_along_axis(scores, order, summed, axis=1)
    return scores


SCORES: Final[dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "lac": _least_ambiguous,
    "aps": _adaptive,
}
"""Name → (probabilities (N, C)) → how odd each class would be (N, C)."""


def fit_conformal(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    coverage: float = 0.95,
    method: str = "lac",
    by_class: bool = False,
) -> Conformal:
    """Fit a rule on cases that the net did not learn from.

    Args:
        probabilities: (N, C) calibrated.
        labels: (N,) class numbers.
        coverage: In (0, 1).
        method: A key of `SCORES`.
        by_class: Whether the coverage shall hold within each class by itself, so that a common class does not
            pay for a rare one; it takes more cases.

    Raises:
        RecipeError: The method is unknown or the coverage is no share.
    """
    if method not in SCORES:
        raise RecipeError(f"There is no conformal method “{method}”", f"Choose one of: {', '.join(SCORES)}")
    if not 0.0 < coverage < 1.0:
        raise RecipeError(
            f"A coverage of {coverage:g} cannot be had", "Choose one between 0 and 1, such as 0.95"
        )
    labels = np.asarray(labels)
    scores = SCORES[method](np.asarray(probabilities, dtype=np.float64))
    own = scores[np.arange(len(labels)), labels]
    groups = [own[labels == number] for number in range(scores.shape[1])] if by_class else [own]
    return Conformal(
        method=method,
        coverage=coverage,
        thresholds=tuple(_threshold(group, coverage) for group in groups),
        cases=len(labels),
    )


def _threshold(scores: NDArray[np.float64], coverage: float) -> float:
    # A new case's score is equally likely to take any rank among these and its own: hence n + 1.
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else EXCLUDES_NOTHING


def conformal_sets(probabilities: NDArray[np.floating], conformal: Conformal) -> NDArray[np.bool_]:
    """Return which classes cannot be excluded.

    The most probable class is always among them: an empty set would say nothing to a reader, and a larger
    set can only raise the coverage.

    Args:
        probabilities: (N, C) calibrated.
        conformal: From `fit_conformal`.

    Returns:
        (N, C), at least one true in each row.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    # Sums of probabilities differ in their last digit from machine to machine; a tie must not decide by it.
    kept = SCORES[conformal.method](values) <= np.asarray(conformal.thresholds) + 1e-12
    kept[np.arange(len(values)), values.argmax(axis=1)] = True
    return kept
