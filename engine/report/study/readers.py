"""Each reader, how far they agree with each other, and whether they changed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from engine.records import Estimate
from engine.report.study.gathered import INDETERMINATE, Numbers, Readings
from engine.report.study.records import Agreed, Changed, ReaderLine
from engine.statistics import (
    alpha_of_answers,
    auroc,
    cohen_kappa,
    inestimable,
    krippendorff_alpha,
    learning_over,
    proportion,
)

FAST = 1.0  # seconds


def reader_names(readings: Readings) -> dict[str, str]:
    """Return reader id → R1, R2, … in the order of the protocol."""
    return {reader: f"R{number}" for number, reader in enumerate(readings.protocol.readers, 1)}


def reader_lines(readings: Readings) -> tuple[ReaderLine, ...]:
    """Return one line for each reader and way of reading, those without the model first."""
    names = reader_names(readings)
    return tuple(
        _line(readings, names[reader], place, mode)
        for place, reader in enumerate(readings.readers)
        for mode in reversed(readings.modes)
        if readings.answers[mode].get(reader)
    )


def _line(readings: Readings, name: str, place: int, mode: str) -> ReaderLine:
    rule = readings.protocol.indeterminate
    row = readings.table(mode)[place]
    given = [answer for answer in row if answer is not None]
    seconds = np.array([answer.seconds for answer in given if answer.seconds > 0])
    labels = readings.labels
    sure: dict[bool, list[float]] = {True: [], False: []}
    for answer, label in zip(row, labels, strict=True):
        if (
            answer is not None
            and answer.label is not None
            and label is not None
            and answer.certainty is not None
        ):
            sure[answer.label == label].append(answer.certainty)
    return ReaderLine(
        reader=name,
        mode=mode,
        answers=len(given),
        indeterminate=sum(answer.verdict in INDETERMINATE for answer in given),
        figures=_figures(
            readings,
            readings.named(mode, rule)[place],
            readings.calls(mode, rule)[place],
            readings.ratings(mode, rule)[place],
        ),
        seconds=tuple(np.quantile(seconds, (0.5, 0.25, 0.75)).tolist()) if len(seconds) else (np.nan,) * 3,
        fast=int((seconds < FAST).sum()),
        sure_right=float(np.mean(sure[True])) if sure[True] else np.nan,
        sure_wrong=float(np.mean(sure[False])) if sure[False] else np.nan,
    )


def _figures(
    readings: Readings, named: list[str | None], calls: Numbers, ratings: Numbers
) -> Mapping[str, Estimate]:
    labels, patients, positive = readings.labels, readings.patients, readings.protocol.positive
    known = np.array([label is not None for label in labels])
    present = np.array([label == positive for label in labels])
    answered = known & np.isfinite(calls)

    def share(hits: Numbers, rows: np.ndarray[tuple[int], np.dtype[np.bool_]], what: str) -> Estimate:
        return proportion(hits[rows], patients[rows]) if rows.any() else inestimable(what, 0)

    right = np.array([name == label for name, label in zip(named, labels, strict=True)], dtype=np.float64)
    told = known & np.array([name is not None for name in named])
    found = {"accuracy": share(right, told, "no case with a label was given a class")}
    if positive:
        none = f"no case labelled {positive} was read"
        found |= {
            "sensitivity": share(calls, answered & present, none),
            "specificity": share(1 - calls, answered & ~present, "no case labelled otherwise was read"),
        }
        rated = known & np.isfinite(ratings)
        if readings.protocol.certainty and rated.any():
            found["AUC"] = auroc(present[rated], ratings[rated], patients[rated])
    return found


def agreement(readings: Readings) -> tuple[Agreed, ...]:
    """Return how far readers agree in each way of reading: alpha of all, kappa of every two."""
    if len(readings.readers) < 2:
        return ()
    found, names = [], reader_names(readings)
    codes = {name: code for code, name in enumerate(readings.protocol.classes)}
    for mode in reversed(readings.modes):
        answers = np.array(
            [[np.nan if name is None else codes[name] for name in row] for row in readings.named(mode)]
        )
        counts = np.stack([(answers == code).sum(axis=0) for code in codes.values()], axis=1)
        patients = readings.patients
        found.append(
            Agreed(mode=mode, name="Krippendorff's alpha", estimate=krippendorff_alpha(counts, patients))
        )
        for one, other in combinations(range(len(readings.readers)), 2):
            both = np.isfinite(answers[one]) & np.isfinite(answers[other])
            first, second = names[readings.readers[one]], names[readings.readers[other]]
            kappa = cohen_kappa(answers[one, both], answers[other, both], patients[both])
            found.append(Agreed(mode=mode, name=f"kappa of {first} and {second}", estimate=kappa))
        if readings.protocol.certainty and readings.protocol.positive:
            ordered = alpha_of_answers(
                readings.ratings(mode), level="ordinal", groups=patients, seed=readings.protocol.seed % 2**32
            )
            found.append(Agreed(mode=mode, name="Krippendorff's alpha of ratings, ordinal", estimate=ordered))
    return tuple(found)


def changed(readings: Readings) -> tuple[Changed, ...]:
    """Tell, for each way of reading, how right answers and time changed over each reader's cases."""
    found = []
    for mode in reversed(readings.modes):
        right, seconds, order, who, patients = [], [], [], [], []
        for reader, row, named in zip(
            readings.readers, readings.table(mode), readings.named(mode), strict=True
        ):
            for case, answer, name in zip(readings.cases, row, named, strict=True):
                if answer is not None and name is not None and case.label is not None:
                    right.append(name == case.label)
                    seconds.append(answer.seconds)
                    order.append(answer.seq or 0)
                    who.append(reader)
                    patients.append(case.patient)
        if right:
            found.append(Changed(mode=mode, learning=learning_over(right, seconds, order, who, patients)))
    return tuple(found)
