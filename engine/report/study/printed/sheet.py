"""All that a study's report prints as numbers."""

from __future__ import annotations

import math

from engine.language import N_, _
from engine.report.printed.figures import Figure
from engine.report.printed.sentences import with_ids
from engine.report.printed.sheet import Sheet
from engine.report.study.printed.sentences import sentences_of
from engine.report.study.printed.tables import tables_of
from engine.report.study.records import StudyReport

READERS, LEARNING = "readers", "learning"
DIFFERENCES = "differences in {}"
POINTS = N_(
    "Each reader's sensitivity and specificity, from without the model to with it; the grey curve is the model alone "
    "on these cases."
)
FOREST = N_(
    "Differences of each reader (for cases like these) and of all readers (for readers and cases like these), with 95% "
    "intervals."
)
OVER_TIME = N_(
    "Right answers and time over the thirds of each reader's cases; vertical lines are 95% intervals."
)


def sheet_of(report: StudyReport) -> Sheet:
    """Return the tables, sentences and figures of a study's page."""
    forests = [
        DIFFERENCES.format(one.figure)
        for one in report.compared
        if one.analysis is not None and one.analysis.analyses[0].contrasts
    ]
    captions = ({READERS: POINTS} if points_of(report) else {}) | dict.fromkeys(forests, FOREST)
    told = {
        name: Figure(number=f"4.{place}", caption=_(caption), cells=())
        for place, (name, caption) in enumerate(captions.items(), 1)
    }
    if report.changed:
        told[LEARNING] = Figure(number="8.1", caption=_(OVER_TIME), cells=())
    return Sheet(tables=tables_of(report), said=with_ids(sentences_of(report)), figures=told)


def points_of(report: StudyReport) -> dict[str, dict[str, tuple[float, float]]]:
    """Return each reader's 1 − specificity and sensitivity by way of reading, where both are known."""
    points: dict[str, dict[str, tuple[float, float]]] = {}
    for line in report.lines:
        found = [line.figures[name].value for name in ("specificity", "sensitivity") if name in line.figures]
        if len(found) == 2 and all(map(math.isfinite, found)):
            points.setdefault(line.reader, {})[line.mode] = (1 - found[0], found[1])
    return points
