"""The classification report: every figure that follows from which class was predicted, each with its 95% interval.

Shares have Wilson's interval by patient. F1 is 2J / (1 + J) of the share J that is right among the cases that are, or
were predicted, of the class, and takes its interval over; balanced accuracy, macro F1 and MCC are put together from the
intervals of their parts (doi:10.1002/sim.3095), with the correlation that the parts show by patient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.calibration_figures import brier, calibration_fit, ece, observed_to_expected
from engine.statistics.clusters import (
    SMALLEST,
    Clusters,
    Groups,
    correlation_of,
    inestimable,
    logit_interval,
    quantile,
    square_and_add,
    without_interval,
)
from engine.statistics.proportions import likelihood_ratios, predictive_values, proportion
from engine.statistics.ranking import auroc, average_precision, log_odds, mean_auroc, mean_average_precision

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRow:
    """One class of the classification report.

    Attributes:
        name: The class.
        support: Cases of it in the reference standard.
        predicted: Cases predicted to be of it.
        precision: Of those predicted so, the share that are: the positive predictive value.
        recall: Of those that are, the share predicted so: the sensitivity.
        specificity: Of those that are not, the share not predicted so.
        negative_predictive_value: Of those not predicted so, the share that are not.
        positive_likelihood_ratio: By what being predicted so multiplies the odds of being so.
        negative_likelihood_ratio: By what not being predicted so multiplies them.
        f1: Harmonic mean of both.
        auroc: This class against all others.
    """

    name: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    specificity: Estimate
    negative_predictive_value: Estimate
    positive_likelihood_ratio: Estimate
    negative_likelihood_ratio: Estimate
    f1: Estimate
    auroc: Estimate


def confusion_matrix(truth: Codes, predicted: Codes, classes: int) -> NDArray[np.int64]:
    """Count cases: (C, C) int64, rows by reference standard, columns by predicted class."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def calibrated_event(
    truth: Codes, probabilities: NDArray[np.float64], positive: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return what a probability is held to, and the probability, both (N,).

    With two classes: whether the case is positive. With more: whether the most probable class was right.
    """
    if probabilities.shape[1] == 2:
        return truth == positive, probabilities[:, positive]
    return probabilities.argmax(axis=1) == truth, probabilities.max(axis=1)


def classification_table(
    truth: Codes,
    predicted: Codes,
    classes: Sequence[str],
    probabilities: NDArray[np.float64] | None = None,
    groups: Groups = None,
) -> tuple[ClassRow, ...]:
    """Make the classification report: what each class against all others is told by, and its support.

    Args:
        truth: (N,) class of each case in the reference standard, 0 to C - 1.
        predicted: (N,) predicted class.
        classes: C names.
        probabilities: (N, C), for the AUROC of each class; None leaves it out.
        groups: (N,) patients; None means that every case is its own patient.
    """
    groups = _numbered(groups, len(truth))
    rows = []
    for code, name in enumerate(classes):
        is_class, is_predicted = truth == code, predicted == code
        recall = _share(is_predicted, is_class, groups, f"no case is {name}")
        specificity = _share(~is_predicted, ~is_class, groups, f"every case is {name}")
        positive, negative = likelihood_ratios(recall, specificity)
        rows.append(
            ClassRow(
                name=name,
                support=int(is_class.sum()),
                predicted=int(is_predicted.sum()),
                precision=_share(is_class, is_predicted, groups, f"no case was predicted as {name}"),
                recall=recall,
                specificity=specificity,
                negative_predictive_value=_share(
                    ~is_class, ~is_predicted, groups, f"every case was predicted as {name}"
                ),
                positive_likelihood_ratio=positive,
                negative_likelihood_ratio=negative,
                f1=f1_score(is_class, is_predicted, groups),
                auroc=inestimable("there are no probabilities", len(truth))
                if probabilities is None
                else auroc(is_class, log_odds(probabilities, code), groups),
            )
        )
    return tuple(rows)


def _numbered(groups: Groups, n: int) -> Groups:
    """Number patients once: names are slow to sort, and every figure sorts them."""
    return None if groups is None else Clusters.by(groups, n).of


def _share(hits: NDArray[np.bool_], of: NDArray[np.bool_], groups: Groups, reason: str) -> Estimate:
    if not of.any():
        return inestimable(reason, 0)
    return proportion(hits[of], None if groups is None else np.asarray(groups)[of])


def f1_score(is_class: NDArray[np.bool_], predicted: NDArray[np.bool_], groups: Groups = None) -> Estimate:
    """Estimate F1 of one class.

    Args:
        is_class: (N,) whether a case is of the class.
        predicted: (N,) whether it was predicted so.
        groups: (N,) patients; None means that every case is its own patient.
    """
    either = is_class | predicted
    if not either.any():
        return inestimable("no case is or was predicted as this class", len(is_class))
    overlap = _share(is_class & predicted, either, groups, "")
    value, low, high = (2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high))
    method = f"{overlap.method}, of the overlap"
    return replace(overlap, value=value, low=low, high=high, method=method, n=len(is_class))


def overall(
    truth: Codes,
    predicted: Codes,
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    *,
    positive: str | None = None,
    groups: Groups = None,
    prevalence: float | None = None,
) -> dict[str, Estimate]:
    """Estimate every figure that speaks of all cases, by name, in the order of a report.

    Args:
        truth: (N,) class of each case in the reference standard, 0 to C - 1.
        predicted: (N,) class predicted at the operating point.
        probabilities: (N, C).
        classes: C names.
        positive: With two classes, the one sensitivity speaks of; the last one by default.
        groups: (N,) patients; None means that every case is its own patient.
        prevalence: Adds the predictive values where the finding is this common.
    """
    groups = _numbered(groups, len(truth))
    code = list(classes).index(positive) if positive is not None and positive in classes else 1
    found: dict[str, Estimate] = {}
    if len(classes) == 2:
        found |= _binary_shares(truth == code, predicted == code, classes[code], classes[1 - code], groups)
        if prevalence is not None:
            ppv, npv = predictive_values(found["sensitivity"], found["specificity"], prevalence)
            found[f"positive predictive value at {prevalence:g}"] = ppv
            found[f"negative predictive value at {prevalence:g}"] = npv
        odds = log_odds(probabilities, code) if len(truth) else np.zeros(0)
        found["AUROC"] = auroc(truth == code, odds, groups)
        found["average precision"] = average_precision(truth == code, odds, groups)
    else:
        found |= _one_against_rest(truth, probabilities, classes, groups)
    everything = np.ones(len(truth), dtype=bool)
    found["accuracy"] = _share(truth == predicted, everything, groups, "there is no case")
    found["balanced accuracy"] = balanced_accuracy(truth, predicted, len(classes), groups)
    found["macro F1"] = macro_f1(truth, predicted, len(classes), groups)
    found["MCC"] = mcc(truth, predicted, len(classes), groups)
    found["Brier score"] = brier(truth, probabilities, groups)
    event, sure = calibrated_event(truth, probabilities, code)
    found["calibration error"] = ece(event, sure, groups)
    odds = np.log(np.maximum(sure, 1e-300)) - np.log(np.maximum(1 - sure, 1e-300))
    if len(classes) == 2 and len(truth):
        odds = log_odds(probabilities, code)
    found["calibration intercept"], found["calibration slope"] = calibration_fit(event, odds, groups)
    found["observed / expected"] = observed_to_expected(event, sure, groups)
    return found


def _binary_shares(
    is_positive: NDArray[np.bool_], predicted: NDArray[np.bool_], name: str, other: str, groups: Groups
) -> dict[str, Estimate]:
    return {
        "sensitivity": _share(predicted, is_positive, groups, f"no case is {name}"),
        "specificity": _share(~predicted, ~is_positive, groups, f"no case is {other}"),
        "positive predictive value": _share(
            is_positive, predicted, groups, f"no case was predicted as {name}"
        ),
        "negative predictive value": _share(
            ~is_positive, ~predicted, groups, f"no case was predicted as {other}"
        ),
    }


def _one_against_rest(
    truth: Codes, probabilities: NDArray[np.float64], classes: Sequence[str], groups: Groups
) -> dict[str, Estimate]:
    absent = [name for code, name in enumerate(classes) if not (truth == code).any()]
    reason = "there is no case" if not len(truth) else f"no case is {absent[0]}" if absent else ""
    if not reason and len(classes) == 1:
        reason = "there is only one class"
    if reason:
        nothing = inestimable(reason, len(truth))
        return {"AUROC": nothing, "average precision": nothing}
    odds = [log_odds(probabilities, code) for code in range(len(classes))]
    return {
        "AUROC": mean_auroc(truth, odds, groups),
        "average precision": mean_average_precision(truth, odds, groups),
    }


# ---------------------------------------------------------------------------------- put together from several


def balanced_accuracy(truth: Codes, predicted: Codes, classes: int, groups: Groups = None) -> Estimate:
    """Estimate the mean recall over the classes that are there; arguments as `mcc`."""
    there = [code for code in range(classes) if (truth == code).any()]
    if len(there) < 2:
        return inestimable("the reference standard contains fewer than two classes", len(truth))
    recalls = [_share(predicted == code, truth == code, groups, "") for code in there]
    value = float(np.mean([recall.value for recall in recalls]))
    low, high = square_and_add(value, [(1 / len(there), recall) for recall in recalls])
    return _joined(value, max(0.0, low), min(1.0, high), truth, groups)


def macro_f1(truth: Codes, predicted: Codes, classes: int, groups: Groups = None) -> Estimate:
    """Estimate the mean F1 over classes; arguments as `mcc`."""
    n = len(truth)
    scores = [f1_score(truth == code, predicted == code, groups) for code in range(classes)]
    if not n or not all(math.isfinite(score.value) for score in scores):
        return inestimable("a class is neither in the reference standard nor among the predictions", n)
    value = float(np.mean([score.value for score in scores]))
    influence = []
    for code, score in enumerate(scores):
        size = float((truth == code).sum() + (predicted == code).sum())
        both = (truth == code).astype(np.float64) + (predicted == code)
        influence.append((2.0 * ((truth == code) & (predicted == code)) - score.value * both) / size)
    correlation = correlation_of(np.array(influence), Clusters.by(groups, n))
    low, high = square_and_add(value, [(1 / classes, score) for score in scores], correlation)
    return _joined(value, max(0.0, low), min(1.0, high), truth, groups)


def weighted_f1(truth: Codes, predicted: Codes, classes: int, groups: Groups = None) -> Estimate:
    """Estimate the mean F1 over the classes that are there, each by its share of cases; arguments as `mcc`.

    Its interval is of what each case contributes, as the shares of the classes are estimated too.
    """
    n = len(truth)
    there = [code for code in range(classes) if (truth == code).any()]
    if not there:
        return inestimable("there is no case", n)
    clusters, value, influence = Clusters.by(groups, n), 0.0, np.zeros(n)
    for code in there:
        is_class, chosen = truth == code, predicted == code
        share, score = float(is_class.mean()), f1_score(is_class, chosen).value
        size = float(is_class.sum() + chosen.sum())
        value += share * score
        influence += (
            share * (2.0 * (is_class & chosen) - score * (is_class.astype(np.float64) + chosen)) / size
        )
        influence += score * (is_class - share) / n
    variance = clusters.variance(influence)
    if not (0 < value < 1 and variance > SMALLEST):
        return without_interval(value, "no spread can be seen", n, clusters.count)
    low, high = logit_interval(value, variance, clusters.count)
    return replace(_joined(value, low, high, truth, groups), method=f"influence{clusters.named}, logit scale")


def top_k(truth: Codes, probabilities: NDArray[np.float64], k: int, groups: Groups = None) -> Estimate:
    """Estimate the share of cases whose class is among the k most probable; of equal probabilities the first count.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        probabilities: (N, C).
        k: From 1 to C.
        groups: (N,) patients; None means that every case is its own patient.
    """
    if not len(truth):
        return inestimable("there is no case", 0)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return proportion((best == truth[:, None]).any(axis=1), groups)


def mcc(truth: Codes, predicted: Codes, classes: int, groups: Groups = None) -> Estimate:
    """Estimate Matthews' correlation coefficient (doi:10.1016/j.compbiolchem.2004.09.006).

    Args:
        truth: (N,) class of each case in the reference standard, 0 to C - 1.
        predicted: (N,) predicted class.
        classes: How many there are.
        groups: (N,) patients; None means that every case is its own patient.
    """
    n = len(truth)
    cells = confusion_matrix(truth, predicted, classes).astype(np.float64)
    value = _mcc_of(cells)
    if math.isnan(value):
        return inestimable("all cases are of one class, or were predicted one class", n)
    if classes == 2:
        low, high = _binary_mcc_bounds(truth, predicted, groups, value)
        return _joined(value, low, high, truth, groups)
    clusters = Clusters.by(groups, n)
    variance = clusters.variance(_mcc_influence(truth, predicted, cells))
    if abs(value) >= 1 or not variance > SMALLEST:
        return replace(_joined(value, math.nan, math.nan, truth, groups), method="no interval: no spread")
    reach = quantile(clusters.count) * math.sqrt(variance) / (1 - value**2)
    low, high = math.tanh(math.atanh(value) - reach), math.tanh(math.atanh(value) + reach)
    return replace(_joined(value, low, high, truth, groups), method=f"influence{clusters.named}, Fisher's z")


def _mcc_of(cells: NDArray[np.float64]) -> float:
    right, total = float(np.trace(cells)), float(cells.sum())
    actual, predicted = cells.sum(axis=1), cells.sum(axis=0)
    spread = (total**2 - float(predicted @ predicted)) * (total**2 - float(actual @ actual))
    return (right * total - float(actual @ predicted)) / math.sqrt(spread) if spread > 0 else math.nan


def _mcc_influence(truth: Codes, predicted: Codes, cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each case contributes to the coefficient's deviation, (N,): its derivative by the case's cell."""
    n = float(cells.sum())
    shares = cells / n
    actual, forecast = shares.sum(axis=1), shares.sum(axis=0)
    right = float(np.trace(shares))
    top = right - float(actual @ forecast)
    by_predicted, by_actual = 1 - float(forecast @ forecast), 1 - float(actual @ actual)
    bottom = math.sqrt(by_predicted * by_actual)
    hit = (truth == predicted).astype(np.float64)
    d_top = hit - right - (forecast[truth] + actual[predicted] - 2 * float(actual @ forecast))
    d_log = (forecast[predicted] - float(forecast @ forecast)) / by_predicted
    d_log = d_log + (actual[truth] - float(actual @ actual)) / by_actual
    influence: NDArray[np.float64] = (d_top / bottom + top / bottom * d_log) / n
    return influence


def _binary_mcc_bounds(truth: Codes, predicted: Codes, groups: Groups, value: float) -> tuple[float, float]:
    """Move recall of either class and the prevalence to their bounds, one at a time, and add the squares."""
    first = _share(predicted == 1, truth == 1, groups, "")
    second = _share(predicted == 0, truth == 0, groups, "")
    common = _share(truth == 1, np.ones(len(truth), dtype=bool), groups, "")

    def at(recall: float, other: float, prevalence: float) -> float:
        a, b, q = (min(max(x, 1e-9), 1 - 1e-9) for x in (recall, other, prevalence))
        return _mcc_of(np.array([[b * (1 - q), (1 - b) * (1 - q)], [(1 - a) * q, a * q]]))

    here: Callable[[float], float] = lambda prevalence: at(first.value, second.value, prevalence)  # noqa: E731
    ends = (here(common.low), here(common.high), value)
    down = (
        value - at(first.low, second.value, common.value),
        value - at(first.value, second.low, common.value),
        value - min(ends),
    )
    up = (
        at(first.high, second.value, common.value) - value,
        at(first.value, second.high, common.value) - value,
        max(ends) - value,
    )
    return max(-1.0, value - math.hypot(*down)), min(1.0, value + math.hypot(*up))


def _joined(value: float, low: float, high: float, truth: Codes, groups: Groups) -> Estimate:
    n = len(truth)
    clusters = Clusters.by(groups, n)
    return Estimate(
        value=value,
        low=low,
        high=high,
        method=f"square and add{clusters.named}",
        n=n,
        patients=clusters.count,
    )
