"""Operating points: the probability from which the finding is predicted, chosen on validation data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import RecipeError
from engine.statistics.ranking import as_binary, one_class


def _candidates(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the thresholds worth trying, ascending, half way between neighbours, and each one's gap."""
    scores = np.unique(p)
    between = scores[:-1] + (scores[1:] - scores[:-1]) / 2
    # Between two neighbouring floats there is nothing: the half way point rounds onto one of them.
    between = np.where(between <= scores[:-1], scores[1:], between)
    lowest = min(scores[0], scores[0] / 2 if scores[0] > 0 else scores[0])
    highest = (scores[-1] + 1) / 2 if scores[-1] < 1 else np.nextafter(scores[-1], np.inf)
    thresholds = np.concatenate([[lowest], between, [max(highest, np.nextafter(scores[-1], np.inf))]])
    gaps = np.concatenate([[0.0], np.diff(scores), [0.0]])
    return thresholds, gaps


def _rates(
    y: NDArray[np.bool_], p: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sensitivity and specificity at each threshold; a case is predicted positive from the threshold upwards."""
    positive, negative = np.sort(p[y]), np.sort(p[~y])
    sensitivity = 1 - np.searchsorted(positive, thresholds, side="left") / len(positive)
    specificity = np.searchsorted(negative, thresholds, side="left") / len(negative)
    return sensitivity, specificity


def youden(y: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Return the threshold of the largest sensitivity + specificity.

    Youden 1950 (doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).

    Among equally good ones the one in the widest gap between scores is taken; 0.5 where none is better than
    chance.
    """
    thresholds, gaps = _candidates(p)
    sensitivity, specificity = _rates(y, p, thresholds)
    gain = sensitivity + specificity - 1
    if gain.max() <= 1e-12:
        return 0.5
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return float(thresholds[best[np.argmax(gaps[best])]])


def sensitivity_95(y: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Return the largest threshold whose sensitivity is at least .95, which has the best specificity."""
    thresholds, _ = _candidates(p)
    sensitivity, _ = _rates(y, p, thresholds)
    return float(thresholds[np.flatnonzero(sensitivity >= 0.95 - 1e-12)[-1]])


def specificity_95(y: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Return the smallest threshold whose specificity is at least .95, which has the best sensitivity."""
    thresholds, _ = _candidates(p)
    _, specificity = _rates(y, p, thresholds)
    return float(thresholds[np.flatnonzero(specificity >= 0.95 - 1e-12)[0]])


OperatingPoint = Callable[[NDArray[np.bool_], NDArray[np.float64], float], float]


def _on_cases(choose: Callable[[NDArray[np.bool_], NDArray[np.float64]], float]) -> OperatingPoint:
    return lambda y, p, undecided: 0.5 if one_class(y) else choose(y, p)


OPERATING_POINTS: dict[str, OperatingPoint] = {
    "youden": _on_cases(youden),
    "half": lambda y, p, undecided: 0.5,
    "as-trained": lambda y, p, undecided: undecided,
    "sensitivity>=0.95": _on_cases(sensitivity_95),
    "specificity>=0.95": _on_cases(specificity_95),
}


"""Recipe.operating_point → (truth (N,), p (N,), where the net as trained is undecided) → threshold. Of more than two
classes `engine.prediction.predictor.predicted_class` decides."""


def choose_threshold(name: str, y: ArrayLike, p: ArrayLike, *, undecided: float = 0.5) -> float:
    """Choose the probability from which a case is predicted positive (p >= threshold), on validation data.

    Args:
        name: A key of `OPERATING_POINTS`.
        y: (N,) bool, whether the finding is present.
        p: (N,) probability of the finding.
        undecided: The probability at which the net, with the classes balanced as in training, gives both equally
            (`engine.uncertainty.calibration.undecided`).

    Returns:
        The threshold, half way between neighbouring scores so that rounding does not flip a case; 0.5 where it
        must be chosen and there is no case or only one class.

    Raises:
        RecipeError: `name` is not an operating point.
    """
    if name not in OPERATING_POINTS:
        raise RecipeError(
            f"There is no operating point named {name!r}", f"Choose one of {', '.join(OPERATING_POINTS)}"
        )
    truth, score = as_binary(y, p)
    return OPERATING_POINTS[name](truth, score, undecided)
