"""Sets of classes that hold the right one with a stated coverage, whatever the net (arXiv:2107.07511).

The rule is a score, a rank and a comparison. MAPIE has the same, made for estimators of scikit-learn that
it calls itself; here the probabilities are there already, so that going through it would be longer than the
rule, and one more package to install. The tests hold the rule to its guarantee.

The guarantee is over cases exchangeable with the validation cases. Those also chose the best epoch and the
temperature, which makes it slightly optimistic; and it is no promise about films from another hospital.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    by_class: bool = True,
    patients: Sequence[str] | NDArray[np.str_] | None = None,
) -> Conformal:
    """Fit a rule on cases that the net did not learn from.

    Args:
        probabilities: (N, C) calibrated.
        labels: (N,) class numbers.
        coverage: In (0, 1).
        method: A key of `SCORES`.
        by_class: Whether the coverage shall hold within each class by itself (doi:10.1007/s10994-013-5355-6), so that a
            common class does not pay for a rare one; it takes more cases.
        patients: (N,) whose cases they are; those of one patient count as one together (arXiv:2306.06342). None means
            that every case is its own patient.

    Raises:
        RecipeError: The method is unknown or the coverage is no share.
    """
    if method not in SCORES:
        raise RecipeError(f"There is no conformal method “{method}”", f"Choose one of: {', '.join(SCORES)}")
    if not 0.0 < coverage < 1.0:
        raise RecipeError(
            f"A coverage of {coverage:g} is not possible", "Choose one between 0 and 1, such as 0.95"
        )
    labels = np.asarray(labels)
    scores = SCORES[method](np.asarray(probabilities, dtype=np.float64))
    own = scores[np.arange(len(labels)), labels]
    who = np.arange(len(labels)) if patients is None else np.unique(patients, return_inverse=True)[1]
    of_class = [labels == number for number in range(scores.shape[1])]
    groups = of_class if by_class else [np.ones(len(labels), dtype=bool)]
    return Conformal(
        method=method,
        coverage=coverage,
        thresholds=tuple(_threshold(own[group], who[group], coverage) for group in groups),
        cases=len(labels),
        patients_by_class=tuple(len(np.unique(who[group])) for group in of_class),
    )


def _threshold(scores: NDArray[np.float64], patients: NDArray[np.int64], coverage: float) -> float:
    """Return the score that so large a share of patients, and a new one beside them, stay below."""
    _, patient, images = np.unique(patients, return_inverse=True, return_counts=True)
    # A new patient's score is equally likely to take any rank among these and its own: hence one more.
    weight = 1 / images[patient.reshape(-1)] / (len(images) + 1)
    order = np.argsort(scores, kind="stable")
    reached = np.flatnonzero(np.cumsum(weight[order]) >= coverage - 1e-9)
    return float(scores[order[reached[0]]]) if len(reached) else EXCLUDES_NOTHING


def conformal_sets(
    probabilities: NDArray[np.floating],
    conformal: Conformal,
    predicted: NDArray[np.integer] | None = None,
) -> NDArray[np.bool_]:
    """Return which classes cannot be excluded.

    The predicted class is always among them: a set without it, or an empty one, would contradict what the reader is
    told, and a larger set can only raise the coverage.

    Args:
        probabilities: (N, C) calibrated.
        conformal: From `fit_conformal`.
        predicted: (N,) class numbers at the operating point; None means the most probable.

    Returns:
        (N, C), at least one true in each row.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    # Sums of probabilities differ in their last digit from machine to machine; a tie must not decide by it.
    kept = SCORES[conformal.method](values) <= np.asarray(conformal.thresholds) + 1e-12
    kept[np.arange(len(values)), values.argmax(axis=1) if predicted is None else predicted] = True
    return kept
