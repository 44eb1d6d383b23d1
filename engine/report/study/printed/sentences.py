"""The sentences of a study's report in which numbers stand."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.report.printed.records import Basis, pointer
from engine.report.printed.sentences import IN_WORDS, Sentence, as_kept, of_checklists
from engine.report.study.building import IN_WORDS as READING
from engine.report.study.records import Changed, Compared, StudyReport

LIMITATIONS, CHECKLISTS = 10, 11
FIXED = "/facts/Protocol fixed"
NOTHING = 0.0005
"""A change of time that prints as none."""


def sentences_of(report: StudyReport) -> Iterator[Sentence]:
    """Yield every sentence in the order of the page; its name is the JSON Pointer to it, or to the first part of it."""
    yield from _heading(report)
    for section, name in ((1, "deviations"), (2, "flow"), (2, "certificate")):
        for place, text in enumerate(getattr(report, name)):
            yield as_kept(section, text, name, place)
    for place, one in enumerate(report.compared):
        yield from _over_readers(place, one)
    if report.planned is not None:
        yield as_kept(4, report.planned.sentence, "planned", "sentence")
        yield as_kept(4, report.planned.source, "planned", "source")
    yield as_kept(5, report.advice_note, "advice_note")
    for place, text in enumerate(faster(report)):
        yield as_kept(8, text, "changed_in_words", place)
    for place, text in enumerate(report.limitations):
        yield as_kept(LIMITATIONS, text, "limitations", place)
    yield from of_checklists(CHECKLISTS, report.checklists)


def _heading(report: StudyReport) -> Iterator[Sentence]:
    yield as_kept(1, report.line, "line")
    yield as_kept(1, report.banner, "banner")
    if report.primary is not None:
        yield as_kept(1, report.primary.words, "primary", "words")
        yield as_kept(1, report.primary.sentence, "primary", "sentence")
    else:
        yield as_kept(1, report.facts["Primary endpoint"], "facts", "Primary endpoint")
    yield as_kept(1, report.facts["Protocol fixed"], "facts", "Protocol fixed")
    if report.unfinished:
        at = tuple(pointer("unfinished", place) for place in range(len(report.unfinished)))
        basis = Basis(at=at, method=IN_WORDS)
        yield Sentence(section=1, name="/unfinished", text="; ".join(report.unfinished), basis=basis)


def _over_readers(place: int, one: Compared) -> Iterator[Sentence]:
    if one.analysis is None:
        yield as_kept(4, one.why, "compared", place, "why")
    else:
        for row, note in enumerate(one.analysis.notes):
            yield as_kept(4, note, "compared", place, "analysis", "notes", row)
    for row, note in enumerate(one.left_out):
        yield as_kept(4, note, "compared", place, "left_out", row)
    for row, each in enumerate(one.margins):
        yield as_kept(4, each.sentence, "compared", place, "margins", row, "sentence")
    yield as_kept(4, one.seen, "compared", place, "seen")


def faster(report: StudyReport) -> tuple[str, ...]:
    """Say for each way of reading how the time of a reading changed; of no change nothing."""
    return tuple(map(_faster, (one for one in report.changed if abs(one.learning.faster.value) >= NOTHING)))


def _faster(one: Changed) -> str:
    change = one.learning.faster
    bounds = ""
    if math.isfinite(change.low):
        bounds = f" (95% interval of the change {change.low:.1%} to {change.high:.1%})"
    return (
        f"Reading {READING[one.mode]} took {abs(change.value):.1%} {'less' if change.value < 0 else 'more'} time in "
        f"the last third than in the first{bounds}."
    )
