"""Operating points: the probability from which the finding is predicted, chosen on validation data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import RecipeError
from engine.language import in_print
from engine.records import Estimate, OperatingFigures
from engine.statistics.clusters import Clusters, Groups, inestimable
from engine.statistics.proportions import proportion
from engine.statistics.ranking import as_binary, one_class

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asked:
    """What an operating point is chosen on.

    Attributes:
        y: (N,) whether the finding is present.
        p: (N,) its probability.
        undecided: Where the net as trained gives both classes equally.
        patients: (N,) whose cases they are.
    """

    y: Truth
    p: Scores
    undecided: float
    patients: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A probability from which the finding is predicted.

    Attributes:
        value: The probability.
        note: A sentence where the rule could not be followed, and why; empty where it was.
    """

    value: float
    note: str = ""


def _candidates(p: Scores) -> tuple[Scores, Scores]:
    """Return the thresholds worth trying, ascending, half way between neighbours, and each one's gap."""
    scores = np.unique(p)
    between = scores[:-1] + (scores[1:] - scores[:-1]) / 2
    # Between two neighbouring floats there is nothing: the half way point rounds onto one of them.
    between = np.where(between <= scores[:-1], scores[1:], between)
    # Half way to 0 and to 1; of scores that are no probabilities, none of which lies between, just beyond.
    lowest = min(scores[0], scores[0] / 2)
    highest = max((scores[-1] + 1) / 2, np.nextafter(scores[-1], np.inf))
    thresholds = np.concatenate([[lowest], between, [highest]])
    gaps = np.concatenate([[0.0], np.diff(scores), [0.0]])
    return thresholds, gaps


def _rates(y: Truth, p: Scores, thresholds: Scores) -> tuple[Scores, Scores]:
    """Return sensitivity and specificity at each threshold; a case is predicted positive from the threshold upwards."""
    positive, negative = np.sort(p[y]), np.sort(p[~y])
    sensitivity = 1 - np.searchsorted(positive, thresholds, side="left") / len(positive)
    specificity = np.searchsorted(negative, thresholds, side="left") / len(negative)
    return sensitivity, specificity


def youden(asked: Asked) -> Threshold:
    """Return the threshold of the largest sensitivity + specificity.

    Youden 1950 (doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).

    Among equally good ones the one in the widest gap between scores is taken; 0.5 where none is better than
    chance.
    """
    thresholds, gaps = _candidates(asked.p)
    sensitivity, specificity = _rates(asked.y, asked.p, thresholds)
    gain = sensitivity + specificity - 1
    if gain.max() <= 1e-12:
        return Threshold(0.5, "No threshold was better than chance on validation, so one half was taken.")
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return Threshold(float(thresholds[best[np.argmax(gaps[best])]]))


def sensitivity_95(asked: Asked) -> Threshold:
    """Return the largest threshold whose sensitivity is at least .95, which has the best specificity."""
    thresholds, _ = _candidates(asked.p)
    sensitivity, _ = _rates(asked.y, asked.p, thresholds)
    return Threshold(float(thresholds[np.flatnonzero(sensitivity >= 0.95 - 1e-12)[-1]]))


def specificity_95(asked: Asked) -> Threshold:
    """Return the smallest threshold whose specificity is at least .95, which has the best sensitivity."""
    thresholds, _ = _candidates(asked.p)
    _, specificity = _rates(asked.y, asked.p, thresholds)
    return Threshold(float(thresholds[np.flatnonzero(specificity >= 0.95 - 1e-12)[0]]))


def sensitivity_at_least(asked: Asked, least: float) -> Threshold:
    """Return the largest threshold whose sensitivity has a 95% interval that lies at `least` or above.

    Sensitivity that is merely *seen* on few cases is lower in truth about as often as not; its lower bound is not.
    Where no threshold reaches that, because too few patients have the finding, the one with the highest bound is taken.
    """
    thresholds, _ = _candidates(asked.p)
    sensitivity, _ = _rates(asked.y, asked.p, thresholds)
    best, bound = 0, -1.0
    # One threshold for each sensitivity there is, from the largest threshold down.
    for place in np.flatnonzero(np.diff(sensitivity) < 0)[::-1]:
        if sensitivity[place] < least:
            continue
        low = proportion(asked.p[asked.y] >= thresholds[place], asked.patients[asked.y]).low
        if low >= least:
            return Threshold(float(thresholds[place]))
        if low > bound:
            best, bound = int(place), low
    note = (
        f"No threshold had a sensitivity whose 95% interval lies at {in_print(least)} or above, because too few "
        f"validation cases have the finding; the one with the highest lower bound ({in_print(bound, '.3f')}) was taken."
    )
    return Threshold(float(thresholds[best]), note)


OperatingPoint = Callable[[Asked], Threshold]


def _on_cases(choose: OperatingPoint) -> OperatingPoint:
    def chosen(asked: Asked) -> Threshold:
        if reason := one_class(asked.y):
            return Threshold(0.5, f"One half was taken, because on validation {reason}.")
        return choose(asked)

    return chosen


OPERATING_POINTS: dict[str, OperatingPoint] = {
    "youden": _on_cases(youden),
    "half": lambda asked: Threshold(0.5),
    "as-trained": lambda asked: Threshold(asked.undecided),
    "sensitivity>=0.95": _on_cases(sensitivity_95),
    "specificity>=0.95": _on_cases(specificity_95),
    **{
        f"sensitivity-lower-bound>={least:g}": _on_cases(partial(sensitivity_at_least, least=least))
        for least in (0.8, 0.9, 0.95)
    },
}


"""Recipe.operating_point → what it is chosen on → threshold. Of more than two classes
`engine.prediction.predictor.predicted_class` decides."""


def choose_threshold(
    name: str, y: ArrayLike, p: ArrayLike, *, undecided: float = 0.5, groups: Groups = None
) -> Threshold:
    """Choose the probability from which a case is predicted positive (p >= threshold), on validation data.

    Args:
        name: A key of `OPERATING_POINTS`.
        y: (N,) bool, whether the finding is present.
        p: (N,) probability of the finding.
        undecided: The probability at which the net, with the classes balanced as in training, gives both equally
            (`engine.uncertainty.calibration.undecided`).
        groups: (N,) patients; None means that every case is its own patient.

    Returns:
        The threshold, half way between neighbouring scores so that rounding does not flip a case; 0.5, with a note,
        where it must be chosen and there is no case or only one class.

    Raises:
        RecipeError: `name` is not an operating point.
    """
    if name not in OPERATING_POINTS:
        raise RecipeError(
            f"There is no operating point named {name!r}", f"Choose one of {', '.join(OPERATING_POINTS)}"
        )
    truth, score = as_binary(y, p)
    patients = Clusters.by(groups, len(truth)).of
    return OPERATING_POINTS[name](Asked(truth, score, undecided, patients))


def operating_figures(
    threshold: Threshold, y: ArrayLike, p: ArrayLike, groups: Groups = None, *, named: bool = True
) -> OperatingFigures:
    """Estimate sensitivity and specificity at a threshold on the cases it was chosen on.

    Args:
        threshold: Of `choose_threshold`; the arrays are those it was given.
        y: See there.
        p: See there.
        groups: See there.
        named: Whether the data name the patients, so that they may be counted.
    """
    truth, score = as_binary(y, p)
    predicted, patients = score >= threshold.value, Clusters.by(groups, len(truth)).of

    def share(rows: Truth) -> Estimate:
        if not rows.any():
            return inestimable("no validation case is of the class", 0)
        found = proportion(predicted[rows] == truth[rows], patients[rows])
        return found if named else replace(found, patients=None)

    return OperatingFigures(sensitivity=share(truth), specificity=share(~truth), note=threshold.note)
