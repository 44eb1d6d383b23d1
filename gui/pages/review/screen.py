"""What the page is told: the case to draw and how far the reader is, or that a queue has no further case."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from engine.language import ENGLISH, _, isolated, language, listed, moment, number
from engine.reading import Shown
from engine.records import Prediction, Review, Verdict, edge_of
from engine.report import apart, probability
from gui.pages.review.beside import may_beside
from gui.pages.review.blinded import read_blind_first
from gui.pages.review.hand.finding import queues_for, tells
from gui.pages.review.hand.summary import summary_of
from gui.pages.review.maps import addresses, heatmap_of, legend_of, words_of
from gui.pages.review.reading_session import ASKED, Desk, Reading
from gui.pages.review.remarks import passes, passport_remark, remarks_on, why_none, why_predicted
from gui.web import markup

Answer = dict[str, Any]  # what a handler returns
Write = Callable[[Shown | None], object]  # see `Sittings.expose`
UNREAD = "not yet read"
AHEAD = 3
"""How many cases a page fetches before they are asked for."""


def next_screen(desk: Desk, reading: Reading, shown: str) -> Answer:
    """Hand out the case after the one that was shown."""
    reading.drawn = reading.in_turn
    place = (reading.run_id, reading.wanted, reading.reader, shown or None, reading.part)
    with desk.session.store.one_state():
        found = desk.session.store.following(*place, k=1 + AHEAD)
        return screen(desk, reading, found[0] if found else None, after=shown, coming=found[1:])


def next_with(desk: Desk, reading: Reading, shown: str, write: Write) -> Answer | None:
    """Hand out the case after the one that was shown, once `write` has written down that it is.

    Returns:
        None where no case follows, or which one does is known only when the answer is stored; nothing was written then.
    """
    reading.drawn = reading.in_turn
    place = (reading.run_id, reading.wanted, reading.reader, shown, reading.part)
    with desk.session.store.one_state():
        found = desk.session.store.following(*place, k=1 + AHEAD, around=False)
        if not found or read_blind_first(desk, reading):
            return None
        hand_out = _made_ready(desk, reading, found[0], after=shown, coming=found[1:])
    return hand_out(write)  # in no transaction: whoever writes may wait for a server that is started again


def screen(
    desk: Desk,
    reading: Reading,
    case: Prediction | None,
    *,
    after: str = "",
    coming: Sequence[Prediction] | None = None,
) -> Answer:
    """Hand out a case: what the page draws, how far the reader is, and what to fetch ahead.

    Args:
        desk: Where it is read.
        reading: By whom.
        case: It; None at the end.
        after: The case before it.
        coming: The cases after it, where they are known.
    """
    if case is None:
        return _end(desk, reading)
    if blinded := read_blind_first(desk, reading):
        return _end(desk, reading) | {"message": blinded, "others": []}
    return _made_ready(desk, reading, case, after=after, coming=coming)(None)


def _made_ready(
    desk: Desk,
    reading: Reading,
    case: Prediction,
    *,
    after: str,
    coming: Sequence[Prediction] | None,
) -> Callable[[Write | None], Answer]:
    """Return what hands out a case: all that is read comes before it is written down that the case is shown."""
    session = desk.session
    described = _describe(desk, reading, case)
    reading.sitting = desk.sittings.of(reading.page, reading.run_id, reading.reader)
    at = _number(desk, reading, case, after)
    if coming is None:
        coming = session.store.upcoming(
            reading.run_id, reading.wanted, reading.reader, case.image_id, reading.part, k=AHEAD
        )
    upcoming = [addresses(session, reading.run_id, one.image_id) for one in coming]
    told = reading.kind
    exposed = Shown(
        image_id=case.image_id, map=described["map"], label=told.tells_label, others=told.tells_others
    )

    def hand_out(write: Write | None) -> Answer:
        desk.sittings.expose(reading.sitting, exposed, write=write)
        reading.held, reading.handed_by = case.image_id, reading.queue
        every = reading.total if reading.queue == UNREAD else reading.count
        place = _("{at} of {every}").format(at=_plain(at), every=_plain(every))
        if reading.queue == UNREAD and reading.again:
            place = _("read before · {read} of {all} read").format(
                read=_plain(reading.read), all=_plain(reading.total)
            )
        return {
            "case": described,
            "place": place,
            "read": reading.read,
            "total": reading.total,
            "upcoming": upcoming,
        }

    return hand_out


def _end(desk: Desk, reading: Reading) -> Answer:
    """Say that the queue has no further case, and which queues have."""
    count_again(desk, reading)
    reading.held = None
    others = [
        queue
        for queue in queues_for(desk.session, reading.reader)
        if queue != reading.queue
        and desk.session.store.count(reading.run_id, queue, reading.reader, reading.part)
    ]
    done = reading.queue == UNREAD and reading.total
    return {
        "case": None,
        "message": why_none(reading, done=bool(done)),
        "summary": None if desk.session.read_only else summary_of(desk, reading),
        "others": others,
        "place": _("{read} of {all} read").format(read=_plain(reading.read), all=_plain(reading.total)),
        "read": reading.read,
        "total": reading.total,
        "upcoming": [],
    }


def count_again(desk: Desk, reading: Reading) -> None:
    """Count in the database how far the reader is."""
    store = desk.session.store
    reading.read, reading.total = store.progress(reading.run_id, reading.reader, reading.part)
    reading.count = store.count(reading.run_id, reading.wanted, reading.reader, reading.part)
    reading.numbers.clear()


def _number(desk: Desk, reading: Reading, case: Prediction, after: str) -> int:
    """Return n of "n of N"; of "not yet read", those that were read count as the first."""
    number = reading.numbers.get(case.image_id) or (after in reading.numbers and reading.numbers[after] + 1)
    if not number or number > reading.total:
        number = desk.session.store.place(
            reading.run_id, reading.wanted, reading.reader, case.image_id, reading.part
        )
        number += reading.read if reading.queue == UNREAD else 0
    reading.numbers[case.image_id] = number
    return number


def _describe(desk: Desk, reading: Reading, case: Prediction) -> Answer:
    session, run = desk.session, reading.run
    heat, trouble = heatmap_of(session, reading.run_id, case.image_id)
    part = f" · {markup.part_title(case.part)}" if case.part else ""
    # the id stands for the patient where the data names none
    patient = (
        " · " + _("patient {name}").format(name=apart(isolated(case.patient_id)))
        if case.patient_id != case.image_id
        else ""
    )
    dropout = case.uncertainty
    two = len(run.classes) == 2 and math.isfinite(run.threshold)
    edge = edge_of(case, run.classes, run.positive) if two else None
    return {
        "id": case.image_id,
        "name": f"{apart(isolated(case.path.name))}{patient}{part}",
        "classes": list(run.classes),
        "probabilities": list(case.probabilities),
        "predicted": case.predicted,
        "positive": run.positive,
        "threshold": edge,
        "operating": why_predicted(run.classes, case) or ""
        if edge is None
        else _("Operating point (mark): {finding} predicted at a probability of {edge} or above").format(
            finding=isolated(run.positive), edge=probability(edge)
        ),
        "validated": reading.validated if two else "",
        "entropy": case.entropy,
        "most_entropy": math.log(max(2, len(run.classes))),
        "distance": None
        if case.margin is None
        else (
            _("{distance} in log-odds from the operating point")
            if two
            else _("{distance} in log-odds from the next class")
        ).format(distance=number(case.margin, 2)),
        "dropout": passes(dropout) if dropout else None,
        "conformal": apart(listed(case.conformal_set)) or None,
        "map": heat.method if heat else None,
        "method": words_of(heat) if heat else trouble,
        "remark": remarks_on(session.workspace.runs / reading.run_id, case),
        "legend": legend_of(heat) if heat else None,
        "before": _before(desk, reading, case),
        "flag": _flag(desk, reading, case),
        "tells": tells(reading.kind),
        "beside": may_beside(session),
        **passport_remark(
            session.workspace.runs / reading.run_id, heat.method if heat else None, guest=session.read_only
        ),
    } | addresses(session, reading.run_id, case.image_id)


def _flag(desk: Desk, reading: Reading, case: Prediction) -> Answer | None:
    """Return the comment of this reader's flag on the case; None where it is not flagged."""
    if desk.session.read_only:
        return None
    flag = desk.session.store.flag_of(reading.run_id, case.image_id, reading.reader)
    return {"comment": flag.comment} if flag is not None and flag.flagged else None


def _before(desk: Desk, reading: Reading, case: Prediction) -> Answer | None:
    """Return this reader's newest verdict on the case."""
    reading.last = None
    if desk.session.read_only:
        return None
    found = desk.session.store.reviews(
        reading.run_id, reader=reading.reader, image_id=case.image_id, latest=True
    )
    if not found:
        return None
    review = found[-1]
    reading.last = review.review_id
    when = f"{_(', ')}{moment(review.created.astimezone(), '%d %b %Y %H:%M')}" if review.created else ""
    said = _("Your previous verdict: {verdict}{when}").format(verdict=verdict_words(review), when=when)
    return {"sentence": said} | said_in(review)


def verdict_words(review: Review) -> str:
    """Say what an answer was."""
    if review.verdict is Verdict.OVERRULE:
        return _("overrule to {name}").format(name=isolated(review.label or ""))
    return {
        Verdict.AGREE: _("agree"),
        Verdict.UNSURE: _("unsure"),
        Verdict.NOT_DIAGNOSTIC: _("not diagnostic"),
    }[review.verdict]


def _plain(count: int) -> str:
    """Write a count without a mark for thousands, in the digits of the language."""
    return str(count) if language() == ENGLISH else number(count)


def said_in(review: Review) -> Answer:
    """Return what the controls of the screen held when an answer was given."""
    return {
        "answers": {name: getattr(review, name) for name in ASKED},
        "regions": [asdict(region) for region in review.regions],
    }
