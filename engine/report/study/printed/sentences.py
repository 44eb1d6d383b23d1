"""The sentences of a study's report in which numbers stand."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.language import _
from engine.report.named.names import share_words
from engine.report.printed.records import Basis, pointer
from engine.report.printed.sentences import IN_WORDS, Sentence, as_kept, of_checklists
from engine.report.study.building import IN_WORDS as READING
from engine.report.study.records import Changed, Compared, StudyReport
from engine.report.study.told.deviations import deviations_of
from engine.report.study.told.in_words import certified
from engine.retelling import retold_closely

LIMITATIONS, CHECKLISTS = 10, 11
FIXED = "/facts/Protocol fixed"
NOTHING = 0.0005
"""A change of time that prints as none."""


def sentences_of(report: StudyReport) -> Iterator[Sentence]:
    """Yield every sentence in the order of the page; its name is the JSON Pointer to it, or to the first part of it."""
    yield from _heading(report)
    for place, told in enumerate(deviations_of(report.evidence)):
        yield as_kept(1, told, "deviations", place)
    for place, text in enumerate(report.flow):
        yield _again(2, text, "flow", place)
    for place, one in enumerate(report.excluded):
        yield as_kept(2, certified(one), "certificate", place)
    for place, each in enumerate(report.compared):
        yield from _over_readers(place, each)
    if report.planned is not None:
        yield _again(4, report.planned.sentence, "planned", "sentence")
        yield _again(4, report.planned.source, "planned", "source")
    yield _again(5, report.advice_note, "advice_note")
    for place, text in enumerate(faster(report)):
        yield as_kept(8, text, "changed_in_words", place)
    for place, text in enumerate(report.limitations):
        yield _again(LIMITATIONS, text, "limitations", place)
    yield from of_checklists(CHECKLISTS, report.checklists)


def _heading(report: StudyReport) -> Iterator[Sentence]:
    yield as_kept(1, line_words(report.line), "line")
    yield _again(1, report.banner, "banner")
    if report.primary is not None:
        yield as_kept(1, report.readings.protocol.primary_words, "primary", "words")
        yield _again(1, report.primary.sentence, "primary", "sentence")
    else:
        yield _again(1, report.facts["Primary endpoint"], "facts", "Primary endpoint")
    yield _again(1, report.facts["Protocol fixed"], "facts", "Protocol fixed")
    if report.unfinished:
        at = tuple(pointer("unfinished", place) for place in range(len(report.unfinished)))
        basis = Basis(at=at, method=IN_WORDS)
        yield Sentence(
            section=1,
            name="/unfinished",
            text=_("; ").join(map(retold_closely, report.unfinished)),
            basis=basis,
        )


def _over_readers(place: int, one: Compared) -> Iterator[Sentence]:
    if one.analysis is None:
        yield _again(4, one.why, "compared", place, "why")
    else:
        for row, note in enumerate(one.analysis.notes):
            yield _again(4, note, "compared", place, "analysis", "notes", row)
    for row, note in enumerate(one.left_out):
        yield _again(4, note, "compared", place, "left_out", row)
    for row, each in enumerate(one.margins):
        yield _again(4, each.sentence, "compared", place, "margins", row, "sentence")
    yield _again(4, one.seen, "compared", place, "seen")


def faster(report: StudyReport) -> tuple[str, ...]:
    """Say for each way of reading how the time of a reading changed; of no change nothing."""
    return tuple(map(_faster, (one for one in report.changed if abs(one.learning.faster.value) >= NOTHING)))


def _faster(one: Changed) -> str:
    change = one.learning.faster
    bounds = ""
    if math.isfinite(change.low):
        bounds = _(" (95% interval of the change {low} to {high})").format(
            low=share_words(change.low), high=share_words(change.high)
        )
    told = (
        _("Reading {way} took {share} less time in the last third than in the first{bounds}.")
        if change.value < 0
        else _("Reading {way} took {share} more time in the last third than in the first{bounds}.")
    )
    return told.format(way=_(READING[one.mode]), share=share_words(abs(change.value)), bounds=bounds)


def _again(section: int, text: str, *at: str | int) -> Sentence:
    """Return a sentence that study.json has in English, in the language that is spoken."""
    return as_kept(section, retold_closely(text) if text else text, *at)


def line_words(line: str) -> str:
    """Say again how a study was read: “blind then assisted, fully crossed, 2 readers × 60 cases”."""
    return _(", ").join(" × ".join(map(retold_closely, part.split(" × "))) for part in line.split(", "))
