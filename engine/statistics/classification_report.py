"""The classification report: every figure that follows from what was predicted of whom, each with its 95% interval.

Figures are computed from confusion matrices, and from a stack of them in the same breath: a bootstrap is one
matrix product that gives the confusion matrix of every resample, and the same functions again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.records import Estimate
from engine.statistics.bootstrap import RESAMPLES, Ranks, percentile_interval, resamples
from engine.statistics.metrics import (
    Groups,
    auroc,
    brier,
    calibration_columns,
    ece,
    inestimable,
    predictive_values,
    proportion,
    ranking_estimates,
    squared_errors,
)

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRow:
    """One class of the classification report.

    Attributes:
        name: The class.
        support: Cases of it in the reference standard.
        predicted: Cases predicted to be of the class.
        precision: Of those predicted so, the share that are.
        recall: Of those that are, the share predicted so.
        f1: Harmonic mean of both.
        auroc: This class against all others.
    """

    name: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auroc: Estimate


def confusion_matrix(truth: Codes, predicted: Codes, classes: int) -> NDArray[np.int64]:
    """Count cases: (C, C) int64, rows by reference standard, columns by prediction."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def scores(confusion: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Compute what follows from confusion matrices.

    Args:
        confusion: (..., C, C) counts, rows by reference standard.

    Returns:
        "f1" (..., C); "balanced accuracy", "macro F1" and "MCC" (doi:10.1016/j.compbiolchem.2004.09.006)
        (...). NaN where a class was neither there nor predicted (F1), where fewer than two classes were there
        (balanced accuracy), where all cases are of one class or were predicted so (MCC).
    """
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = actual.sum(axis=-1)
    present = (actual > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * right / (actual + predicted)
        recall = np.where(actual > 0, right / actual, 0.0)
        balanced = np.where(present > 1, recall.sum(axis=-1) / present, np.nan)
        covariance = right.sum(axis=-1) * total - (actual * predicted).sum(axis=-1)
        spread = (total**2 - (predicted**2).sum(axis=-1)) * (total**2 - (actual**2).sum(axis=-1))
        mcc = np.where(spread > 0, covariance / np.sqrt(spread), np.nan)
    return {"f1": f1, "balanced accuracy": balanced, "macro F1": f1.mean(axis=-1), "MCC": mcc}


@dataclass(frozen=True, eq=False)
class Draws:
    """What resampled patients give, from one pass.

    Attributes:
        confusion: (R, C, C) confusion matrices.
        calibration: (R,) calibration errors.
        brier: (R,) Brier scores.
        area: (R,) AUROC of the positive class; None with more than two classes.
        precision: (R,) its average precision.
    """

    confusion: NDArray[np.float64]
    calibration: NDArray[np.float64]
    brier: NDArray[np.float64]
    area: NDArray[np.float64] | None = None
    precision: NDArray[np.float64] | None = None


def resample(
    truth: Codes,
    predicted: Codes,
    probabilities: NDArray[np.float64],
    positive: int = 1,
    groups: Groups = None,
    *,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Draws:
    """Resample patients once for every figure of a report.

    Args:
        truth: (N,) class of each case, 0 to C - 1.
        predicted: (N,) predicted class.
        probabilities: (N, C).
        positive: With two classes, the one whose probability is ranked and calibrated.
        groups: (N,) patients.
        count: Resamples.
        seed: Equal seeds draw equal resamples.
    """
    n, classes = probabilities.shape
    cell = truth * classes + predicted
    used = np.unique(cell)  # of many classes most cells are empty, and need no column
    event, sure = calibrated_event(truth, probabilities, positive)
    columns = np.column_stack(
        [
            (cell[:, None] == used[None, :]).astype(np.float64),
            calibration_columns(event, sure),
            squared_errors(truth, probabilities),
        ]
    )
    draw = resamples(n, groups, count=count, seed=seed)
    area = precision = None
    if classes == 2:
        sums, area, precision = draw.sums_and_ranking(columns, truth == positive, probabilities[:, positive])
    else:
        sums = draw.sums(columns)
    confusion = np.zeros((count, classes * classes))
    confusion[:, used] = sums[:, : len(used)]
    total = np.maximum(confusion.sum(axis=1), 1)
    return Draws(
        confusion=confusion.reshape(count, classes, classes),
        calibration=np.abs(sums[:, len(used) : -1]).sum(axis=1) / total,
        brier=sums[:, -1] / total,
        area=area,
        precision=precision,
    )


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
    *,
    count: int = RESAMPLES,
    seed: int = 0,
    draws: Draws | None = None,
) -> tuple[ClassRow, ...]:
    """Make the classification report: precision, recall, F1 and support of each class.

    Args:
        truth: (N,) class of each case in the reference standard, 0 to C - 1.
        predicted: (N,) predicted class.
        classes: C names.
        probabilities: (N, C), for the AUROC of each class; None leaves it out.
        groups: (N,) patients.
        count: Bootstrap resamples, for F1.
        seed: Of the bootstrap.
        draws: Of `resample`, where they are at hand already.
    """
    known = np.full((len(truth), len(classes)), 0.5) if probabilities is None else probabilities
    if draws is None:
        draws = resample(truth, predicted, known, groups=groups, count=count, seed=seed)
    group = None if groups is None else np.asarray(groups)
    f1 = scores(confusion_matrix(truth, predicted, len(classes)).astype(np.float64))["f1"]
    f1_draws = scores(draws.confusion)["f1"]
    rows = []
    for code, name in enumerate(classes):
        is_class, is_predicted = truth == code, predicted == code
        in_class = proportion(is_predicted[is_class], None if group is None else group[is_class])
        in_predicted = proportion(is_class[is_predicted], None if group is None else group[is_predicted])
        rows.append(
            ClassRow(
                name=name,
                support=int(is_class.sum()),
                predicted=int(is_predicted.sum()),
                precision=in_predicted if is_predicted.any() else inestimable("no case was predicted so", 0),
                recall=in_class if is_class.any() else inestimable("no case is of this class", 0),
                f1=percentile_interval(float(f1[code]), f1_draws[:, code], len(truth))
                if np.isfinite(f1[code])
                else inestimable("no case is of this class or was predicted so", len(truth)),
                auroc=inestimable("there are no probabilities", len(truth))
                if probabilities is None
                # With two classes both have the same area, and so the same draws of it.
                else auroc(
                    is_class, probabilities[:, code], groups, count=count, seed=seed, draws=draws.area
                ),
            )
        )
    return tuple(rows)


def overall(
    truth: Codes,
    predicted: Codes,
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    *,
    positive: str | None = None,
    groups: Groups = None,
    prevalence: float | None = None,
    count: int = RESAMPLES,
    seed: int = 0,
    draws: Draws | None = None,
) -> dict[str, Estimate]:
    """Estimate every figure that speaks of all cases, by name, in the order of a report.

    Args:
        truth: (N,) class of each case in the reference standard, 0 to C - 1.
        predicted: (N,) predicted class at its operating point.
        probabilities: (N, C).
        classes: C names.
        positive: With two classes, the one sensitivity speaks of; the last one by default.
        groups: (N,) patients.
        prevalence: Adds the predictive values where the finding is this common.
        count: Bootstrap resamples.
        seed: Of the bootstrap.
        draws: Of `resample`, where they are at hand already.
    """
    n, group = len(truth), None if groups is None else np.asarray(groups)
    code = list(classes).index(positive) if positive is not None and positive in classes else 1
    if draws is None:
        draws = resample(truth, predicted, probabilities, code, groups, count=count, seed=seed)
    found: dict[str, Estimate] = {}

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_], reason: str) -> Estimate:
        if not of.any():
            return inestimable(reason, 0)
        return proportion(hits[of], None if group is None else group[of])

    if len(classes) == 2:
        is_positive, is_predicted = truth == code, predicted == code
        name, other = classes[code], classes[1 - code]
        found["sensitivity"] = share(is_predicted, is_positive, f"no case is {name}")
        found["specificity"] = share(~is_predicted, ~is_positive, f"no case is {other}")
        found["positive predictive value"] = share(is_positive, is_predicted, f"no case was predicted {name}")
        found["negative predictive value"] = share(
            ~is_positive, ~is_predicted, f"no case was predicted {other}"
        )
        if prevalence is not None:
            ppv, npv = predictive_values(found["sensitivity"], found["specificity"], prevalence)
            found[f"positive predictive value at {prevalence:g}"] = ppv
            found[f"negative predictive value at {prevalence:g}"] = npv
        known = None if draws.area is None or draws.precision is None else (draws.area, draws.precision)
        ranks = ranking_estimates(
            is_positive, probabilities[:, code], groups, count=count, seed=seed, draws=known
        )
        found["AUROC"], found["average precision"] = ranks
    else:
        ranks = _one_vs_rest(truth, probabilities, classes, groups, count=count, seed=seed)
        found["AUROC"], found["average precision"] = ranks
    found["accuracy"] = share(truth == predicted, np.ones(n, dtype=bool), "there is no case")
    point = scores(confusion_matrix(truth, predicted, len(classes)).astype(np.float64))
    resampled = scores(draws.confusion)
    for figure, reason in (
        ("balanced accuracy", "the reference standard holds fewer than two classes"),
        ("macro F1", "a class is neither in the reference standard nor among the predictions"),
        ("MCC", "all cases are of one class, or were predicted so"),
    ):
        value = float(point[figure])
        found[figure] = (
            percentile_interval(value, resampled[figure], n) if np.isfinite(value) else inestimable(reason, n)
        )
    found["Brier score"] = brier(truth, probabilities, draws=draws.brier)
    event, sure = calibrated_event(truth, probabilities, code)
    found["calibration error"] = ece(event, sure, draws=draws.calibration)
    return found


def _one_vs_rest(
    truth: Codes,
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    groups: Groups,
    *,
    count: int,
    seed: int,
) -> tuple[Estimate, Estimate]:
    """Average AUROC and average precision over the classes, each against all others, resampled together."""
    n = len(truth)
    absent = [name for code, name in enumerate(classes) if not (truth == code).any()]
    if absent or not n:
        return (inestimable(f"no case is {absent[0]}" if absent else "there is no case", n),) * 2
    if len(classes) < 2 or (truth == truth[0]).all():
        return (inestimable("there is one class only", n),) * 2
    draw, once = resamples(n, groups, count=count, seed=seed), np.ones((1, n), dtype=np.int32)
    alone = np.arange(n, dtype=np.int64)
    drawn = [draw.ranking(truth == code, probabilities[:, code]) for code in range(len(classes))]
    value = [
        Ranks.of(truth == code, probabilities[:, code], alone).of_resamples(once)
        for code in range(len(classes))
    ]
    area, precision = (
        percentile_interval(
            float(np.mean([each[which][0] for each in value])),
            np.mean([each[which] for each in drawn], axis=0),
            n,
            of="mean over classes, each against the rest; ",
        )
        for which in (0, 1)
    )
    return area, precision
