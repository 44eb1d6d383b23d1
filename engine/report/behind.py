"""Which cases stand behind a place in a figure: a cell of the confusion matrix, a point of a curve, a bar.

To let another figure open its cases, write a function and put it into `BEHIND` under the figure's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from engine.report.figures import by_likeness
from engine.report.formatting import figure, probability
from engine.report.records import Against, CaseRow, Report
from engine.report.standards.curves import bin_of
from engine.report.standards.reference_standards import REFERENCE_STANDARDS

NEAREST = 24  # cases on either side of a point of a curve, together


@dataclass(frozen=True, slots=True)
class Behind:
    """Cases behind a place in a figure: what they have in common, in words, and they."""

    title: str
    cases: tuple[CaseRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place in a figure of one reference standard, in the units of its axes."""

    report: Report
    against: Against
    x: float
    y: float
    panel: int = 0

    @property
    def labelled(self) -> list[tuple[CaseRow, str]]:
        """The cases that the standard gives a class, each with it."""
        evidence = self.report.evidence
        standard = REFERENCE_STANDARDS[self.against.name](
            self.report.run, evidence.predictions, evidence.reviews
        )
        return [
            (case, standard.answers[case.image_id])
            for case in self.report.cases
            if case.image_id in standard.answers
        ]


def cases_behind(
    report: Report, figure: str, standard: str, x: float, y: float, panel: int = 0
) -> Behind | None:
    """Return the cases behind a place in a figure.

    Args:
        report: With the figure.
        figure: A name that `figures_of` gives.
        standard: Name of the reference standard.
        x: Across, in the units of the axis.
        y: Up, likewise; of a confusion matrix, which row as it is drawn.
        panel: Which of several axes, from the top.

    Returns:
        None where the figure has no cases there, or none that could be told.
    """
    against = next((one for one in report.against if one.name == standard), None)
    if against is None or figure not in BEHIND or not (math.isfinite(x) and math.isfinite(y)):
        return None
    return BEHIND[figure](Place(report=report, against=against, x=x, y=y, panel=panel))


def cell(place: Place) -> Behind | None:
    """Return the cases of the nearest cell of a confusion matrix."""
    classes = place.report.classes
    row, column = round(place.y), round(place.x)
    if not (0 <= row < len(classes) and 0 <= column < len(classes)):
        return None
    order = by_likeness(place.against.confusion)  # as it is drawn
    truth, predicted = classes[order[row]], classes[order[column]]
    cases = [case for case, label in place.labelled if label == truth and case.predicted == predicted]
    return Behind(
        f"{truth} by the {place.against.name}, predicted {predicted}",
        tuple(_surest(place.report, cases, predicted)),
    )


def _surest(report: Report, cases: Sequence[CaseRow], name: str) -> list[CaseRow]:
    at = report.classes.index(name)
    return sorted(cases, key=lambda case: -case.probabilities[at])


def roc_point(place: Place) -> Behind | None:
    """Return the cases whose probability is nearest to the threshold at a point of an ROC curve."""
    curves = (
        (name, (curve.false_positive_rate, curve.true_positive_rate, curve.threshold))
        for name, curve in place.against.roc.items()
        if curve is not None
    )
    return _near_threshold(place, curves)


def precision_recall_point(place: Place) -> Behind | None:
    """Return the cases whose probability is nearest to the threshold at a point of a precision-recall curve."""
    curves = (
        (name, (curve.recall, curve.precision, expit(curve.threshold)))  # its thresholds are log-odds
        for name, curve in place.against.precision_recall.items()
        if curve is not None
    )
    return _near_threshold(place, curves)


def _near_threshold(
    place: Place, curves: Iterable[tuple[str, tuple[NDArray[np.float64], ...]]]
) -> Behind | None:
    best: tuple[float, str, float] | None = None
    for name, (across, up, threshold) in curves:
        count = min(len(across), len(up), len(threshold))
        known = np.isfinite(threshold[:count])
        if not known.any():
            continue
        away = np.hypot(across[:count] - place.x, up[:count] - place.y)
        away[~known] = np.inf
        at = int(away.argmin())
        if best is None or away[at] < best[0]:
            best = float(away[at]), name, float(threshold[at])
    if best is None:
        return None
    return _nearest(place, best[1], best[2])


def _nearest(place: Place, name: str, threshold: float) -> Behind:
    """Return the cases whose probability of a class is nearest to a threshold."""
    number = place.report.classes.index(name)
    near = sorted(
        (case for case, _ in place.labelled), key=lambda case: abs(case.probabilities[number] - threshold)
    )[:NEAREST]
    return Behind(
        f"Cases whose probability of {name} is nearest to {probability(threshold)}, the threshold at this point",
        tuple(_surest(place.report, near, name)),
    )


def reliability_bin(place: Place) -> Behind | None:
    """Return the cases of the nearest bin of a reliability diagram."""
    bins = place.against.reliability
    if not bins:
        return None
    nearest = min(bins, key=lambda one: max(one.low - place.x, place.x - one.high, 0.0))
    positive = place.report.positive

    def value(case: CaseRow) -> float:
        if positive is None:
            return max(case.probabilities)
        return case.probabilities[place.report.classes.index(positive)]

    cases = [
        case
        for case, _ in place.labelled
        if nearest.low < value(case) <= nearest.high or value(case) == nearest.low == bins[0].low
    ]
    return Behind(
        f"Probability of {positive or 'the most probable class'} from {figure(nearest.low, 2)} to "
        f"{figure(nearest.high, 2)}",
        tuple(sorted(cases, key=value)),
    )


def decision_point(place: Place) -> Behind | None:
    """Return the cases whose probability is nearest to a threshold of the decision curve."""
    positive = place.report.positive
    return None if positive is None else _nearest(place, positive, place.x)


def coverage_point(place: Place) -> Behind | None:
    """Return the cases that are the next to be kept, or left out, at a share of cases kept."""
    cases = sorted((case for case, _ in place.labelled), key=lambda case: -_confidence(case))
    if not cases or not 0 <= place.x <= 1.02:
        return None
    first = min(max(0, round(place.x * len(cases)) - NEAREST // 2), max(0, len(cases) - NEAREST))
    return Behind(
        f"The cases next to be kept or left out where {min(place.x, 1):.0%} are kept",
        tuple(cases[first : first + NEAREST]),
    )


def _confidence(case: CaseRow) -> float:
    return max(case.probabilities)


def scores_bin(place: Place) -> Behind | None:
    """Return the cases of one class whose probability lies in a bar of the scores by class."""
    scores, positive = place.against.curves.scores, place.report.positive
    row = place.panel if positive else round(place.y)
    if not 0 <= row < len(scores) or not 0 <= place.x <= 1:
        return None
    name = list(scores)[row]
    of = place.report.classes.index(positive or name)
    bins = len(scores[name])
    wanted = min(int(place.x * bins), bins - 1)
    cases = [
        case
        for case, label in place.labelled
        if label == name and bin_of(case.probabilities[of], bins) == wanted
    ]
    return Behind(
        f"{name} by the {place.against.name}, probability of {positive or name} from {figure(wanted / bins, 2)} to "
        f"{figure((wanted + 1) / bins, 2)}",
        tuple(cases),
    )


BEHIND: Mapping[str, Callable[[Place], Behind | None]] = {
    "confusion": cell,
    "roc": roc_point,
    "precision_recall": precision_recall_point,
    "reliability": reliability_bin,
    "decision_curve": decision_point,
    "risk_coverage": coverage_point,
    "scores": scores_bin,
}
