"""Figures over all readers: what the model changes, what it helped and harmed, and what the model does alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.errors import ReportError
from engine.language import N_, _
from engine.reading import DESIGNS, Protocol
from engine.records import Prediction
from engine.report.formatting import figure as shown
from engine.report.study.gathered import RULES, Numbers, Readings
from engine.report.study.readers import reader_names
from engine.report.study.records import Compared, Model, Power
from engine.statistics import (
    AdviceEffect,
    Mrmc,
    Planned,
    Roc,
    advice_effects,
    auroc,
    log_odds,
    mrmc_analysis,
    non_inferiority,
    proportion,
    roc_curve,
    smallest_difference,
    smallest_seen,
)

BEYOND = N_("No difference is larger than 1, so that such a study sees none with that power.")


def compared(readings: Readings, rule: str) -> tuple[Compared, ...]:
    """Compare ways of reading over all readers, what is indeterminate by a rule."""
    if not readings.protocol.positive or not readings.modes:
        return ()
    wanted = ["AUC"] if readings.protocol.certainty else []
    return tuple(_compared(readings, figure, rule) for figure in [*wanted, "sensitivity", "specificity"])


def three_ways(readings: Readings) -> tuple[Compared, ...]:
    """Compare with what is indeterminate excluded, positive and negative, where there is anything so."""
    binary = len(readings.protocol.classes) == 2
    rules = RULES if binary else RULES[:2]
    return tuple(one for rule in rules for one in compared(readings, rule))


def _compared(readings: Readings, figure: str, rule: str) -> Compared:
    take = readings.ratings if figure == "AUC" else readings.calls
    known = np.array([label is not None for label in readings.labels])
    truth = np.array([label == readings.protocol.positive for label in readings.labels])
    ratings = np.stack([take(mode, rule) for mode in readings.modes])[:, :, known]
    names, left_out = reader_names(readings), []
    kept = []
    for place, reader in enumerate(readings.readers):
        if lacking := _lacking(figure, truth[known], ratings[:, place], readings.modes):
            left_out.append(f"{names[reader]} is left out: {lacking}")
        else:
            kept.append(place)
    analysis, why = None, "no reader has read enough"
    if kept:
        try:
            analysis = mrmc_analysis(
                truth[known],
                ratings[:, kept],
                readings.modes,
                [names[readings.readers[place]] for place in kept],
                figure=figure,
                groups=readings.patients[known],
            )
            why = ""
        except ReportError as error:
            why = error.problem
    margin = readings.protocol.margin
    return Compared(
        figure=figure,
        rule=rule,
        analysis=analysis,
        why=why,
        left_out=tuple(left_out),
        margins=tuple(non_inferiority(each, margin) for each in analysis.analyses[0].contrasts)
        if analysis and margin and figure in _of_margin(readings)
        else (),
        seen=_seen(analysis),
    )


def _of_margin(readings: Readings) -> list[str]:
    """Return the figures that the margin is for: the endpoint's, or else the first that there is."""
    if readings.protocol.primary:
        return [readings.protocol.primary.figure]
    words = readings.protocol.endpoint.casefold()
    named = [name for name in ("AUC", "sensitivity", "specificity") if name.casefold() in words]
    return named or ["AUC" if readings.protocol.certainty else "sensitivity"]


def _lacking(figure: str, truth: Numbers, ratings: Numbers, modes: Sequence[str]) -> str:
    """Say what a reader has read too little of for a figure; empty where it is enough."""
    kinds = {"sensitivity": (True,), "specificity": (False,)}.get(figure, (True, False))
    for row, mode in zip(ratings, modes, strict=True):
        for kind in kinds:
            if (np.isfinite(row) & (truth == kind)).sum() < 2:
                return f"fewer than two cases {'with' if kind else 'without'} the finding were read ({mode})."
    return ""


def _seen(analysis: Mrmc | None) -> str:
    """Say which difference the study would see by the variances that it has shown."""
    if analysis is None or len(analysis.modalities) != 2:
        return ""
    readers = len(analysis.readers)
    to = "readers and cases" if readers > 1 else "cases"
    found = _smallest(analysis, to)
    if not np.isfinite(found):
        return ""
    who = "for readers and cases like these" if readers > 1 else "for this reader"
    return (
        f"By the variances seen, the smallest difference in {analysis.figure} that such a study sees with a power of "
        f".8 is {shown(found)}, {who}.{f' {BEYOND}' if found > 1 else ''}"
    )


def planned_words(protocol: Protocol, cases: int, positives: int | None) -> str:
    """Say the smallest difference between its arms that a study would see, or why none can be planned.

    Args:
        protocol: Of the study, or of one that is being made.
        cases: How many there are.
        positives: How many of them have the finding; None where not every case has a label.

    Returns:
        A sentence; nothing of a study of one arm, which holds nothing against another.
    """
    if len(DESIGNS[protocol.design].arms) < 2:
        return ""
    unknown = _("What difference the study would see cannot be said: {why}.")
    if not protocol.positive:
        return unknown.format(why=_("no class is named as the finding"))
    if positives is None:
        return unknown.format(why=_("not every case has a label"))
    if not 0 < positives < cases:
        return unknown.format(why=_("it needs cases with the finding, and others without"))
    if not protocol.readers:
        return unknown.format(why=_("no reader is chosen"))
    negatives = cases - positives
    return smallest_difference(
        len(protocol.readers), positives, negatives, figure=protocol.planned_figure
    ).sentence


def plan(readings: Readings) -> Planned | None:
    """Return the smallest difference that a study with these readers and cases was planned to see."""
    protocol = readings.protocol
    labels = [label for label in readings.labels if label is not None]
    positives = sum(label == protocol.positive for label in labels)
    negatives = len(labels) - positives
    if not protocol.positive or not positives or not negatives or "assisted" not in readings.modes:
        return None
    return smallest_difference(len(protocol.readers), positives, negatives, figure=protocol.planned_figure)


def power(planned: Planned | None, found: Sequence[Compared]) -> Power | None:
    """Put what a study was planned to see beside what it sees by the variances that it has shown."""
    if planned is None:
        return None
    analysis = next((one.analysis for one in found if one.figure == planned.figure), None)
    return Power(
        figure=planned.figure,
        readers=planned.readers,
        positives=planned.positives,
        negatives=planned.negatives,
        planned=planned.difference,
        planned_these=planned.these_readers,
        achieved=_smallest(analysis, "readers and cases"),
        achieved_these=_smallest(analysis, "cases"),
    )


def _smallest(analysis: Mrmc | None, to: str) -> float:
    """Return the smallest difference that the variances seen let such a study see; NaN where that cannot be said."""
    if analysis is None or len(analysis.modalities) != 2:
        return float("nan")
    try:
        return float(smallest_seen(len(analysis.readers), analysis.components, to=to))
    except (ReportError, ValueError, ZeroDivisionError):
        return float("nan")


def model_curve(readings: Readings, predictions: Mapping[str, Prediction]) -> Roc | None:
    """Return the model's own ROC curve on the cases of the study that have a label."""
    positive = readings.protocol.positive
    kept = [case for case in readings.cases if case.label is not None and case.image_id in predictions]
    if not positive or not kept:
        return None
    code = readings.protocol.classes.index(positive)
    scores = log_odds([predictions[case.image_id].probabilities for case in kept], code)
    return roc_curve([case.label == positive for case in kept], scores)


def advice(readings: Readings) -> tuple[AdviceEffect, ...]:
    """Tell what right and wrong advice did, on cases that have a label and whose reader saw a predicted class."""
    if "assisted" not in readings.modes:
        return ()
    with_blind = "blind" in readings.modes
    rows = []
    named = {mode: readings.named(mode) for mode in readings.modes}
    for place, (reader, row) in enumerate(zip(readings.readers, readings.table("assisted"), strict=True)):
        for number, (case, answer) in enumerate(zip(readings.cases, row, strict=True)):
            after = named["assisted"][place][number]
            before = named["blind"][place][number] if with_blind else ""
            if answer is not None and answer.predicted and None not in (after, before, case.label):
                rows.append((case.label, answer.predicted, before, after, reader, case.patient))
    if not rows:
        return ()
    truth, said, first, second, who, patients = (list(column) for column in zip(*rows, strict=True))
    return advice_effects(truth, said, first if with_blind else None, second, who, patients)


def model(
    readings: Readings, predictions: Mapping[str, Prediction], consensus: Mapping[str, str | None]
) -> tuple[Model, ...]:
    """Hold the model's own predictions against the labels and against the readers' consensus."""
    protocol = readings.protocol
    if not predictions or not protocol.positive:
        return ()
    blinded = "consensus of readers without the model"
    standards: dict[str, Mapping[str, str | None]] = {
        "labels that came with the data": {case.image_id: case.label for case in readings.cases},
        blinded if "blind" in readings.modes else "consensus of readers with the model": consensus,
    }
    found = []
    code = protocol.classes.index(protocol.positive)
    for name, standard in standards.items():
        kept = [
            case for case in readings.cases if standard.get(case.image_id) and case.image_id in predictions
        ]
        if not kept:
            continue
        told = [predictions[case.image_id] for case in kept]
        present = np.array([standard[case.image_id] == protocol.positive for case in kept])
        calls = np.array([each.predicted == protocol.positive for each in told])
        patients = np.array([case.patient for case in kept])
        figures = {
            "sensitivity": proportion(calls[present], patients[present]),
            "specificity": proportion(~calls[~present], patients[~present]),
            "AUC": auroc(present, log_odds([each.probabilities for each in told], code), patients),
        }
        found.append(Model(standard=name, cases=len(kept), figures=figures))
    return tuple(found)
