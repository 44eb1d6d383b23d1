"""What is said of a study: in the list, and in full."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine import labels, statistics  # loads scipy.stats, when agreement is asked for
from engine.reading import DESIGNS, Arm, Progress, Reader, Study
from gui.pages.review import may_write
from gui.pages.studies.choices import DESIGN_TITLES, administers
from gui.pages.studies.form import summary_of
from gui.web import AppSession

Answer = dict[str, Any]
STATES: Mapping[str, str] = {
    "draft": "not begun",
    "locked": "protocol locked",
    "open": "being read",
    "closed": "closed",
}
MOST_LISTED = 60
"""Cases of a closed study whose wrong advice is listed one by one."""


def card(session: AppSession, study: Study, reader: Reader) -> Answer:
    """Return what the list says of a study."""
    protocol = study.protocol
    cases, readers = protocol.drawn.n, len(protocol.readers)
    own = [each for each in session.store.studies.progress(study.study_id) if each.reader == reader.reader_id]
    return {
        "id": study.study_id,
        "name": study.name,
        "state": STATES[study.state],
        "words": f"{DESIGN_TITLES[protocol.design]} · {cases:,} case{'s' * (cases != 1)} · "
        f"{readers} reader{'s' * (readers != 1)}",
        "place": _own_place(session, study, reader, own),
        "read": to_read(session, study, reader),
    }


def _own_place(session: AppSession, study: Study, reader: Reader, own: list[Progress]) -> str:
    if study.protocol.adjudicator == reader.reader_id:
        found = session.store.studies.disagreements(study.study_id)
        settled = sum(each.settled is not None for each in found)
        return f"You settle what the readers do not agree on: {settled} of {len(found)} settled."
    if not own:
        return f"{reader.name} is not a reader of this study."
    told = "You have read " + ", ".join(f"{each.read:,} of {each.of:,} {each.arm}" for each in own) + "."
    opens = session.store.studies.waits_until(study.study_id, reader.reader_id)
    return (
        told
        if opens is None
        else f"{told} The assisted cases open on {opens.astimezone():%d %B %Y at %H:%M}."
    )


def to_read(session: AppSession, study: Study, reader: Reader) -> str:
    """Return the words on the button that begins or continues, empty where there is nothing to do."""
    if study.state == "closed" or not may_write(session):
        return ""
    if study.protocol.adjudicator == reader.reader_id:
        return "Settle" if session.store.studies.next(study.study_id, reader.reader_id) else ""
    if reader.reader_id not in study.protocol.readers:
        return ""
    if session.store.studies.next(study.study_id, reader.reader_id) is None:
        return ""
    return "Continue reading" if any(_read_by(session, study, reader)) else "Begin reading"


def _read_by(session: AppSession, study: Study, reader: Reader) -> list[int]:
    return [
        each.read
        for each in session.store.studies.progress(study.study_id)
        if each.reader == reader.reader_id
    ]


def may_be_reported(session: AppSession, study: Study) -> bool:
    """Return whether the pages may show a study's report: who still reads must not learn from it what others said."""
    return study.state == "closed" or all(
        each.read >= each.of for each in session.store.studies.progress(study.study_id)
    )


def _progress(session: AppSession, study: Study, progress: list[Progress], reader: Reader) -> Answer:
    rows = [
        [
            each.name,
            each.arm,
            f"{each.read:,} of {each.of:,}",
            "–" if each.median_seconds is None else f"{each.median_seconds:.1f} s",
        ]
        for each in progress
    ]
    remark = ""
    if study.protocol.design == "wash-out" and reader.reader_id in study.protocol.readers:
        opens = session.store.studies.waits_until(study.study_id, reader.reader_id)
        blind_left = any(
            one.reader == reader.reader_id and one.arm == "blind" and one.read < one.of for one in progress
        )
        if blind_left:
            days = study.protocol.wash_out_days
            remark = f"Your assisted cases open {days:g} days after your last blind one."
        elif opens is not None:
            remark = f"Your assisted cases open on {opens.astimezone():%d %B %Y at %H:%M}."
    return {"title": "Progress", "table": [["Reader", "Arm", "Read", "Median time"], *rows], "remark": remark}


def _agreement(session: AppSession, study: Study, progress: list[Progress]) -> list[Answer]:
    """Return how far the readers agree, once all have read all: nobody's answers are told, and nobody is led."""
    arm = DESIGNS[study.protocol.design].consensus
    mine = [each for each in progress if each.arm == arm]
    if study.state != "closed" and any(each.read < each.of for each in mine):
        return [
            {
                "title": "Agreement",
                "lines": [],
                "remark": "How far the readers agree is told once all have read all cases, or the study is closed.",
            }
        ]
    studies = session.store.studies
    labels = studies.consensus(study.study_id)
    found = studies.disagreements(study.study_id)
    settled = sum(each.settled is not None for each in found)
    counts = Counter(label for label in labels.values() if label is not None)
    lines = [f"Consensus on {sum(counts.values()):,} of {len(labels):,} cases."]
    if counts:
        lines.append("; ".join(f"{label}: {count:,}" for label, count in sorted(counts.items())) + ".")
    if found:
        lines.append(f"The readers did not agree on {len(found):,}; {settled:,} of these settled.")
    lines += _alpha(session, study, arm)
    return [{"title": "Agreement", "lines": lines}]


def _alpha(session: AppSession, study: Study, arm: Arm) -> list[str]:
    """Return Krippendorff's alpha of what the readers said, unsure and not diagnostic left out."""
    classes = study.protocol.classes
    counts: dict[str, list[int]] = {}
    for each in session.store.studies.answers(study.study_id, arm=arm):
        if each.label is not None:
            counts.setdefault(each.image_id, [0] * len(classes))[classes.index(each.label)] += 1
    if len(study.protocol.readers) < 2 or not counts:
        return []
    alpha = statistics.krippendorff_alpha(list(counts.values()))
    told = (
        f"{alpha.value:.2f} (95% {alpha.low:.2f} to {alpha.high:.2f})"
        if math.isfinite(alpha.value)
        else "not defined"
    )
    return [f"Krippendorff's alpha of the {arm} answers: {told}."]


def _protocol(session: AppSession, study: Study) -> Answer:
    lines = summary_of(
        session, study.protocol, to_reader=not administers(session) and study.state != "closed"
    )
    if study.protocol.primary:
        lines.append(f"Primary endpoint: {study.protocol.primary_words}.")
    elif study.protocol.endpoint:
        margin = "" if study.protocol.margin is None else f" (margin {study.protocol.margin:g})"
        lines.append(f"Primary endpoint: {study.protocol.endpoint}{margin}.")
    when = f"{study.fixed.astimezone():%d %B %Y, %H:%M}" if study.fixed else ""
    fixed = f"Fixed on {when}." if when else "Fixed when the first reading begins, or when it is locked."
    return {"title": "Protocol", "lines": lines, "remark": f"{fixed} Hash: {study.protocol_hash}"}


def _deviations(session: AppSession, study: Study) -> list[Answer]:
    lines = [
        f"{each.at.astimezone():%d %B %Y, %H:%M}: "
        + (f"{', '.join(each.changed)} changed. Reason: {each.reason}" if each.changed else each.reason)
        for each in study.deviations
    ]
    return [{"title": "Deviations from the protocol", "lines": lines}] if lines else []


def _read_again(session: AppSession, study: Study, progress: list[Progress]) -> list[Answer]:
    """Return, to whoever makes studies, how many doubted labels were changed and how many of their control."""
    unread = any(each.read < each.of for each in progress)
    if not administers(session) or unread or not session.store.labels.drawn_as(study.study_id):
        return []
    found = labels.result_of_rereading(session.workspace, session.store, study)
    return [{"title": "Labels read again", "lines": list(found.sentences)}]


def _disclosed(session: AppSession, study: Study, reader: Reader) -> list[Answer]:
    """Return, after the end, which advice was wrong on purpose and what this reader answered."""
    if (
        study.state != "closed"
        or not study.protocol.wrong_advice
        or reader.reader_id not in study.protocol.readers
    ):
        return []
    cases = session.store.studies.disclosure(study.study_id, reader.reader_id)
    followed = sum(each.answered == each.shown for each in cases)
    rows = [
        [each.image_id[:8], each.shown, each.predicted, each.label or "none", each.answered or "no answer"]
        for each in cases[:MOST_LISTED]
    ]
    return [
        {
            "title": f"Wrong advice that {reader.name} was shown",
            "table": [["Case", "Shown", "Predicted in truth", "Label in data", "Your answer"], *rows],
            "remark": f"On {len(cases):,} cases another class than the predicted one was shown on purpose, as the "
            f"protocol says; your answer with it was the same class on {followed:,} of them.",
        }
    ]


def sections(session: AppSession, study: Study, reader: Reader) -> list[Answer]:
    """Return all that is said of a study, part by part: a title with a table, lines or a remark."""
    progress = session.store.studies.progress(study.study_id)
    return [
        _progress(session, study, progress, reader),
        *_agreement(session, study, progress),
        _protocol(session, study),
        *_deviations(session, study),
        *_read_again(session, study, progress),
        *_disclosed(session, study, reader),
    ]
