"""What is said of a study: in the list, and in full."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime
from typing import Any

from engine import labels, report, statistics  # loads scipy.stats, when agreement is asked for
from engine.language import _, counted, isolated, moment, ngettext, number, short_number, unitless
from engine.reading import DESIGNS, Arm, Progress, Reader, Study
from engine.retelling import retold
from gui.pages.review import may_write
from gui.pages.studies.choices import administers, design_titles
from gui.pages.studies.form import summary_of
from gui.web import AppSession

Answer = dict[str, Any]
MOST_LISTED = 60
"""Cases of a closed study whose wrong advice is listed one by one."""


def states() -> dict[str, str]:
    """Return the states of a study, in words."""
    return {
        "draft": _("not begun"),
        "locked": _("protocol locked"),
        "open": _("being read"),
        "closed": _("closed"),
    }


def _arm(arm: Arm) -> str:
    return {
        "blind": _("blind"),
        "assisted": _("assisted"),
        "annotation": _("annotation"),
        "adjudication": _("adjudication"),
    }[arm]


def _share(read: int, of: int) -> str:
    return _("{number} of {total}").format(number=number(read), total=number(of))


def _opens(opens: datetime, told: str) -> str:
    here = opens.astimezone()
    return told.format(day=moment(here, "%d %B %Y"), time=moment(here, "%H:%M"))


def card(session: AppSession, study: Study, reader: Reader) -> Answer:
    """Return what the list says of a study."""
    protocol = study.protocol
    own = [each for each in session.store.studies.progress(study.study_id) if each.reader == reader.reader_id]
    return {
        "id": study.study_id,
        "name": study.name,
        "state": states()[study.state],
        "words": f"{design_titles()[protocol.design]} · {counted(protocol.drawn.n, 'case')} · "
        f"{counted(len(protocol.readers), 'reader')}",
        "place": _own_place(session, study, reader, own),
        "read": to_read(session, study, reader),
    }


def _own_place(session: AppSession, study: Study, reader: Reader, own: list[Progress]) -> str:
    if study.protocol.adjudicator == reader.reader_id:
        found = session.store.studies.disagreements(study.study_id)
        settled = sum(each.settled is not None for each in found)
        told = _("You settle what the readers do not agree on: {settled} of {total} settled.")
        return told.format(settled=short_number(settled), total=short_number(len(found)))
    if not own:
        return _("{name} is not a reader of this study.").format(name=isolated(reader.name))
    read = _(", ").join(f"{_share(each.read, each.of)} {_arm(each.arm)}" for each in own)
    told = _("You have read {shares}.").format(shares=read)
    opens = session.store.studies.waits_until(study.study_id, reader.reader_id)
    if opens is None:
        return told
    return " ".join([told, _opens(opens, _("The assisted cases open on {day} at {time}."))])


def to_read(session: AppSession, study: Study, reader: Reader) -> str:
    """Return the words on the button that begins or continues, empty where there is nothing to do."""
    if study.state == "closed" or not may_write(session):
        return ""
    if study.protocol.adjudicator == reader.reader_id:
        return _("Settle") if session.store.studies.next(study.study_id, reader.reader_id) else ""
    if reader.reader_id not in study.protocol.readers:
        return ""
    if session.store.studies.next(study.study_id, reader.reader_id) is None:
        return ""
    return _("Continue reading") if any(_read_by(session, study, reader)) else _("Begin reading")


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
            _arm(each.arm),
            _share(each.read, each.of),
            "–"
            if each.median_seconds is None
            else _("{seconds} s").format(seconds=number(each.median_seconds, 1)),
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
            told = ngettext(
                "Your assisted cases open {days} day after your last blind one.",
                "Your assisted cases open {days} days after your last blind one.",
                1 if days == 1 else 2,  # half a day is no day either
            )
            remark = told.format(days=short_number(days))
        elif opens is not None:
            remark = _opens(opens, _("Your assisted cases open on {day} at {time}."))
    head = [_("Reader"), _("Arm"), _("Read"), _("Median time")]
    return {"title": _("Progress"), "table": [head, *rows], "names": [0], "remark": remark}


def _agreement(session: AppSession, study: Study, progress: list[Progress]) -> list[Answer]:
    """Return how far the readers agree, once all have read all: nobody's answers are told, and nobody is led."""
    arm = DESIGNS[study.protocol.design].consensus
    mine = [each for each in progress if each.arm == arm]
    if study.state != "closed" and any(each.read < each.of for each in mine):
        return [
            {
                "title": _("Agreement"),
                "lines": [],
                "remark": _(
                    "How far the readers agree is told once all have read all cases, or the study is closed."
                ),
            }
        ]
    studies = session.store.studies
    labels = studies.consensus(study.study_id)
    found = studies.disagreements(study.study_id)
    settled = sum(each.settled is not None for each in found)
    counts = Counter(label for label in labels.values() if label is not None)
    agreed = _("Consensus on {agreed} of {total} cases.")
    lines = [agreed.format(agreed=number(sum(counts.values())), total=number(len(labels)))]
    if counts:
        each = (f"{isolated(label)}: {number(count)}" for label, count in sorted(counts.items()))
        lines.append(_("; ").join(each) + ".")
    if found:
        told = _("The readers did not agree on {count}; {settled} of these settled.")
        lines.append(told.format(count=number(len(found)), settled=number(settled)))
    lines += _alpha(session, study, arm)
    return [{"title": _("Agreement"), "lines": lines}]


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
        _("{value} (95% {low} to {high})").format(
            value=report.figure(alpha.value, 2),
            low=report.figure(alpha.low, 2),
            high=report.figure(alpha.high, 2),
        )
        if math.isfinite(alpha.value)
        else _("not defined")
    )
    return [_("Krippendorff's alpha of the {arm} answers: {alpha}.").format(arm=_arm(arm), alpha=told)]


def _protocol(session: AppSession, study: Study) -> Answer:
    lines = summary_of(
        session, study.protocol, to_reader=not administers(session) and study.state != "closed"
    )
    if study.protocol.primary:
        lines.append(_("Primary endpoint: {endpoint}.").format(endpoint=study.protocol.primary_words))
    elif study.protocol.endpoint:
        endpoint, margin = isolated(study.protocol.endpoint), study.protocol.margin
        lines.append(
            _("Primary endpoint: {endpoint}.").format(endpoint=endpoint)
            if margin is None
            else _("Primary endpoint: {endpoint} (margin {margin}).").format(
                endpoint=endpoint, margin=unitless(margin)
            )
        )
    fixed = (
        _("Fixed on {moment}.").format(moment=moment(study.fixed.astimezone(), "%d %B %Y, %H:%M"))
        if study.fixed
        else _("Fixed when the first reading begins, or when it is locked.")
    )
    hashed = _("Hash: {hash}").format(hash=isolated(study.protocol_hash))
    return {"title": _("Protocol"), "lines": lines, "remark": f"{fixed} {hashed}"}


def _deviations(session: AppSession, study: Study) -> list[Answer]:
    """Return what departed from the protocol, in the words of the report."""
    names = {each.reader_id: each.name for each in session.store.people()}
    lines = [
        f"{moment(each.at.astimezone(), '%d %B %Y, %H:%M')}: {report.changed_words(each, study.protocol, names)}"
        for each in study.deviations
    ]
    lines += report.clock_words(session.store.studies.set_back(study.study_id))
    return [{"title": _("Deviations from the protocol"), "lines": lines}] if lines else []


def _read_again(session: AppSession, study: Study, progress: list[Progress]) -> list[Answer]:
    """Return, to whoever makes studies, how many doubted labels were changed and how many of their control."""
    unread = any(each.read < each.of for each in progress)
    if not administers(session) or unread or not session.store.labels.drawn_as(study.study_id):
        return []
    found = labels.result_of_rereading(session.workspace, session.store, study)
    return [{"title": _("Labels read again"), "lines": [*map(retold, found.sentences)]}]


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
        [
            each.image_id[:8],
            each.shown,
            each.predicted,
            each.label or _("none"),
            each.answered or _("no answer"),
        ]
        for each in cases[:MOST_LISTED]
    ]
    return [
        {
            "title": _("Wrong advice that {reader} was shown").format(reader=isolated(reader.name)),
            "table": [
                [_("Case"), _("Shown"), _("Predicted in truth"), _("Label in data"), _("Your answer")],
                *rows,
            ],
            "names": [0, 1, 2, 3, 4],
            "remark": ngettext(
                "On {count} case another class than the predicted one was shown on purpose, as the "
                "protocol says; your answer with it was the same class on {followed} of them.",
                "On {count} cases another class than the predicted one was shown on purpose, as the "
                "protocol says; your answer with it was the same class on {followed} of them.",
                len(cases),
            ).format(count=number(len(cases)), followed=number(followed)),
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
