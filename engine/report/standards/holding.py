"""Predictions held against one reference standard: every figure that its cases allow, and no other.

Where readers chose the cases themselves, what is given are counts: a share of such cases is a figure of nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data import patients_named
from engine.language import _, counted, number
from engine.records import Estimate, Prediction, Run, probabilities_of
from engine.report.formatting import counts_in_words, figure, interval, sentences, weighted_sentences
from engine.report.named.of_methods import method_words
from engine.report.records import Against, ByPatient
from engine.report.standards.by_patient import by_patient
from engine.report.standards.curves import curves_of
from engine.report.standards.on_demand import by_class, precision_recall_of
from engine.report.standards.reference_standards import Reference
from engine.statistics import (
    ClassRow,
    Clusters,
    areas_of_folds,
    at_probabilities,
    auroc,
    calibrated_event,
    classification_table,
    confusion_matrix,
    inestimable,
    log_odds,
    performance,
    predictive_values,
    proportion,
    reliability_bins,
    roc_curve,
    verified_accuracy,
    verified_figures,
    without_patients,
)

CONFORMAL = "conformal sets that contain {} where it is present"
PREVALENCES = (0.01, 0.05, 0.1, 0.25, 0.5)


def hold_against(
    name: str,
    standard: Reference,
    run: Run,
    predictions: Sequence[Prediction],
    *,
    prevalence: float | None = None,
    fold_of: Mapping[str, int] = MappingProxyType({}),
) -> Against:
    """Compute every figure against one reference standard that the way its cases were drawn allows."""
    kept = [each for each in predictions if each.image_id in standard.answers]
    code = {label: place for place, label in enumerate(run.classes)}
    truth = np.array([code[standard.answers[each.image_id]] for each in kept], dtype=np.int64)
    predicted = np.array([code[each.predicted] for each in kept], dtype=np.int64)
    p = probabilities_of(kept, len(run.classes))
    # numbered once: names are slow to sort
    patients = Clusters.by([each.patient_id for each in kept], len(kept)).of
    confusion = confusion_matrix(truth, predicted, len(run.classes))
    named = patients_named(kept).all
    rows = classification_table(truth, predicted, run.classes, p, patients)
    if not named:
        rows = tuple(map(without_patients, rows))
    sampling = standard.sampling
    found = _without_figures(name, standard, run, predictions, rows, confusion)
    if sampling.kind == "selected":
        return replace(
            found,
            rows=tuple(_counted(row, confusion, place) for place, row in enumerate(rows)),
            estimates=_counts(run, confusion),
            sentences=counts_in_words(run, confusion),
        )
    if sampling.kind == "weighted":
        weighted = _named_only(_weighted(run, predictions, standard), predictions)
        return replace(
            found,
            rows=tuple(_counted(row, confusion, place) for place, row in enumerate(rows)),
            estimates=weighted,
            sentences=weighted_sentences(weighted),
        )
    asked: dict[str, Any] = {"positive": run.positive, "prevalence": prevalence}
    estimates = performance(truth, predicted, p, run.classes, groups=patients, **asked)
    estimates, by_fold = _with_folds(run, estimates, truth, p, kept, fold_of)
    estimates = _named_only({**estimates, **uncertainty_figures(kept, standard.answers)}, kept)
    binary = len(run.classes) == 2
    shown = {run.positive: code[run.positive]} if binary else code
    odds = by_class(shown, partial(log_odds, p))
    event, sure = calibrated_event(truth, p, code[run.positive])
    return replace(
        found,
        sentences=(*sentences(run, confusion, estimates, note=sampling.note), *by_fold),
        estimates=estimates,
        by_patient=by_patient(truth, predicted, p, patients, run.classes, **asked) if named else ByPatient(),
        roc={name: at_probabilities(roc_curve(truth == code[name], of)) for name, of in odds.items()},
        precision_recall=by_class(shown, partial(precision_recall_of, truth, p)),
        reliability=reliability_bins(event, sure, patients),
        indeterminate=_by_rule(standard, run, predictions),
        predictive=tuple(
            (each, *predictive_values(estimates["sensitivity"], estimates["specificity"], each))
            for each in (sorted({*PREVALENCES, *filter(None, [prevalence])}) if binary else ())
        ),
        curves=curves_of(truth, predicted, p, run.classes, odds, patients),
    )


def _without_figures(
    name: str,
    standard: Reference,
    run: Run,
    predictions: Sequence[Prediction],
    rows: tuple[ClassRow, ...],
    confusion: NDArray[np.int64],
) -> Against:
    """Return what is known of a standard before any overall figure."""
    sampling = standard.sampling
    return Against(
        name=standard.name,
        kind=name,
        defined=standard.defined,
        cases=int(confusion.sum()),
        of=len(predictions),
        excluded=standard.excluded,
        undecided=_undecided(run, predictions, standard),
        caution=standard.caution,
        drawn=sampling.kind,
        note=sampling.note,
        sampling=sampling.sentence,
        sentences=(),
        rows=rows,
        estimates={},
        by_patient=ByPatient(),
        confusion=confusion,
        roc={},
        precision_recall={},
        reliability=(),
        indeterminate={},
        predictive=(),
    )


WITHIN_FOLDS = "AUROC, mean over folds"


def _with_folds(
    run: Run,
    estimates: Mapping[str, Estimate],
    truth: NDArray[np.int64],
    p: NDArray[np.float64],
    cases: Sequence[Prediction],
    fold_of: Mapping[str, int],
) -> tuple[dict[str, Estimate], tuple[str, ...]]:
    """Put the mean area within the folds of a cross-validation behind the pooled area, and say both in a sentence."""
    folds = np.array([fold_of.get(each.image_id, -1) for each in cases], dtype=np.int64)
    tested = folds >= 0
    if not tested.any():
        return dict(estimates), ()
    codes = [run.classes.index(run.positive)] if len(run.classes) == 2 else range(len(run.classes))
    mean, areas = areas_of_folds(
        truth[tested],
        {code: log_odds(p[tested], code) for code in codes},
        folds[tested],
        np.array([each.patient_id for each in cases])[tested],
    )
    found: dict[str, Estimate] = {}
    for name, estimate in estimates.items():
        found[name] = estimate
        if name == "AUROC":
            found[WITHIN_FOLDS] = mean
    if not areas:
        return found, (
            _("The mean over the folds of the area under the ROC curve {why}.").format(
                why=method_words(mean.method)
            ),
        )
    return found, (
        _(
            "Fold by fold the area under the ROC curve is {areas}: {value} on average (95% interval {interval}). The "
            "pooled area also compares images that different models scored."
        ).format(areas=_(", ").join(map(figure, areas)), value=figure(mean.value), interval=interval(mean)),
    )


def _named_only(estimates: Mapping[str, Estimate], cases: Sequence[Prediction]) -> dict[str, Estimate]:
    """Leave the number of patients out where the data do not name them all: images were counted then."""
    if patients_named(cases).all:
        return dict(estimates)
    return {name: replace(each, patients=None) for name, each in estimates.items()}


def _undecided(
    run: Run, predictions: Sequence[Prediction], standard: Reference
) -> dict[str, tuple[int, ...]]:
    """Count by predicted class the cases that a standard gives no class, by the reason."""
    counts = Counter(
        (standard.without[each.image_id], each.predicted)
        for each in predictions
        if each.image_id in standard.without
    )
    return {why: tuple(counts[why, name] for name in run.classes) for why in standard.excluded}


def _by_rule(
    standard: Reference, run: Run, predictions: Sequence[Prediction]
) -> dict[str, dict[str, Estimate]]:
    """Estimate the main figures with indeterminate readings excluded, positive and negative, where that differs."""
    if len({tuple(sorted(of.items())) for of in standard.by_rule.values()}) < 2 or len(run.classes) != 2:
        return {}
    found = {}
    for rule, answers in standard.by_rule.items():
        kept = [each for each in predictions if each.image_id in answers]
        present = np.array([answers[each.image_id] == run.positive for each in kept], dtype=bool)
        positive = np.array([each.predicted == run.positive for each in kept], dtype=bool)
        patients = np.array([each.patient_id for each in kept])
        found[rule] = _named_only(
            {
                "sensitivity": proportion(positive[present], patients[present]),
                "specificity": proportion(~positive[~present], patients[~present]),
                "accuracy": proportion(positive == present, patients),
            },
            kept,
        )
    return found


def _count(hits: int, of: int) -> Estimate:
    """Return a count where a share would be taken for a figure."""
    said = (
        _("{some} of {cases} read").format(some=number(hits), cases=counted(of, "case"))
        if of
        else _("no such case was read")
    )
    return replace(inestimable("", of), method=said)


def _counts(run: Run, confusion: NDArray[np.int64]) -> dict[str, Estimate]:
    """Count what `overall` would give as shares, by the same names."""
    found = {}
    if len(run.classes) == 2:
        yes = run.classes.index(run.positive)
        no = 1 - yes
        found = {
            "sensitivity": _count(int(confusion[yes, yes]), int(confusion[yes].sum())),
            "specificity": _count(int(confusion[no, no]), int(confusion[no].sum())),
            "positive predictive value": _count(int(confusion[yes, yes]), int(confusion[:, yes].sum())),
            "negative predictive value": _count(int(confusion[no, no]), int(confusion[:, no].sum())),
        }
    return {**found, "accuracy": _count(int(np.trace(confusion)), int(confusion.sum()))}


def _counted(row: ClassRow, confusion: NDArray[np.int64], place: int) -> ClassRow:
    """Return a class of the classification report as counts."""
    right, total = int(confusion[place, place]), int(confusion.sum())
    other, others = total - row.support - row.predicted + right, total - row.support
    nothing = inestimable(_("the cases read are not known to be a random sample"), int(confusion.sum()))
    return replace(
        row,
        precision=_count(right, row.predicted),
        recall=_count(right, row.support),
        specificity=_count(other, others),
        negative_predictive_value=_count(other, total - row.predicted),
        positive_likelihood_ratio=nothing,
        negative_likelihood_ratio=nothing,
        f1=nothing,
        auroc=nothing,
    )


def _weighted(run: Run, predictions: Sequence[Prediction], standard: Reference) -> dict[str, Estimate]:
    """Estimate the figures of all cases from those that were read, by how each was drawn."""
    answers = standard.answers
    verified = np.array([each.image_id in answers for each in predictions])
    certain = np.array([each.image_id in standard.sampling.certain for each in predictions])
    patients = np.array([each.patient_id for each in predictions])
    right = np.array([answers.get(each.image_id) == each.predicted for each in predictions])
    if len(run.classes) != 2:
        return {"accuracy": verified_accuracy(right, verified, certain, patients)}
    predicted = np.array([each.predicted == run.positive for each in predictions])
    present = np.array([answers.get(each.image_id) == run.positive for each in predictions])
    return verified_figures(predicted, present, verified, certain, patients)


def uncertainty_figures(predictions: Sequence[Prediction], answers: Mapping[str, str]) -> dict[str, Estimate]:
    """Return whether the model knows when it errs: entropy and nearness to another class tell wrong from right,
    conformal sets hold the answer.

    Args:
        predictions: Of one reference standard's cases.
        answers: Its class by image id.
    """
    patients = Clusters.by([each.patient_id for each in predictions], len(predictions)).of
    wrong = np.array([each.predicted != answers[each.image_id] for each in predictions], dtype=bool)
    figures: dict[str, Estimate] = {}
    doubts = {
        "AUROC of entropy for errors": [each.entropy for each in predictions],
        "AUROC of nearness to the edge for errors": [
            -each.margin for each in predictions if each.margin is not None
        ],
    }
    for name, values in doubts.items():
        if 0 < wrong.sum() < len(wrong) and len(values) == len(wrong) and np.ptp(values) > 0:
            figures[name] = auroc(wrong, np.array(values), patients)
    sets = [each for each in predictions if each.conformal_set]
    if sets and len(sets) == len(predictions):
        truth = np.array([answers[each.image_id] for each in predictions])
        held = np.array([answers[each.image_id] in each.conformal_set for each in predictions])
        for name in sorted(set(truth.tolist())):
            rows = truth == name
            figures[CONFORMAL.format(name)] = proportion(held[rows], patients[rows])
        figures["conformal sets of one class"] = proportion(
            [len(each.conformal_set) == 1 for each in predictions], patients
        )
    return figures
