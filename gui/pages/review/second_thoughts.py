"""Second thoughts: the last answer is taken back, a case is flagged for another look, and another case is gone to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import ReviewError
from engine.language import _, isolated, moment, ngettext, number
from engine.reading import search
from engine.records import Prediction
from gui.pages.review.blinded import refuse_blinded
from gui.pages.review.reading_session import Desk, Reading, StaleCaseError, text
from gui.pages.review.remarks import where_words
from gui.pages.review.screen import UNREAD, Answer, count_again, said_in, screen, verdict_words


def undo(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Take back the reader's newest answer to this run's cases, and hand out its case as it was handed out before.

    Raises:
        ReviewError: There is none, or the window is read-only.
    """
    _require_reader(desk)
    reading, store = desk.reading(asked), desk.session.store
    refuse_blinded(desk, reading)
    with reading.turn:
        here = desk.sittings.of(reading.page, reading.run_id, reading.reader)
        name = text(asked, "name") or None
        back = store.take_back(reading.run_id, reading.reader, here, name=name)
        count_again(desk, reading)
        told = screen(desk, reading, store.case(reading.run_id, back.image_id))
        # The queue drew the case when it was answered first; taking that back does not make it the reader's choice.
        reading.drawn, reading.handed_by = back.drawn or "sought", back.queue or reading.queue
        said = (
            _("Taken back: {verdict} of {when} (case {case})")
            if back.created
            else _("Taken back: {verdict} (case {case})")
        )
        when = moment(back.created.astimezone(), "%d %b %H:%M") if back.created else ""
        taken_back = said.format(verdict=verdict_words(back), when=when, case=back.image_id[:8])
        return {"taken_back": taken_back, "draft": said_in(back)} | told


def flag_case(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Flag the case on the screen, or take its flag away.

    Raises:
        StaleCaseError: Another case was handed out since.
        ReviewError: The window is read-only, or the comment cannot be stored.
    """
    _require_reader(desk)
    reading, shown = desk.reading(asked), text(asked, "shown")
    with reading.turn:
        if not shown or shown != reading.held:
            raise StaleCaseError(
                _("The flag was for a different case, so it was not kept"), _("Flag the case again")
            )
        flag = desk.session.store.flag(
            reading.run_id,
            shown,
            reading.reader,
            reading.sitting,
            flagged=bool(asked.get("flagged")),
            comment=text(asked, "comment").strip(),
        )
        if reading.kind.changes:
            count_again(desk, reading)
    return {"shown": shown, "flag": {"comment": flag.comment} if flag.flagged else None}


def go_to(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Go to the n-th case of the queue, or to the one case that fits some words; of several, say how many fit.

    Raises:
        ReviewError: No case fits, or nothing was typed.
    """
    reading, store = desk.reading(asked), desk.session.store
    refuse_blinded(desk, reading)  # how many cases fit tells of their predictions
    typed = text(asked, "typed").strip()
    with reading.turn:
        case = _numbered(desk, reading, int(typed)) if typed.isdecimal() and len(typed) < 9 else None
        if case is None:
            queue = store.searched(reading.run_id, typed)
            fit = store.count(reading.run_id, queue, reading.reader, reading.part)
            if not fit:
                raise _nothing_fits(desk, reading, typed)
            if fit > 1 or queue.tells_label:
                return {"search": typed, "fit": fit}
            case = store.first(reading.run_id, queue, reading.reader, reading.part)
        reading.drawn = "sought"
        return screen(desk, reading, case)


def _numbered(desk: Desk, reading: Reading, number: int) -> Prediction | None:
    """Return the n-th case as the screen counts; of "not yet read", those that were read count as the first."""
    queue, place = reading.wanted, number
    if reading.queue == UNREAD:
        queue, place = (UNREAD, number - reading.read) if number > reading.read else ("all", number)
    return desk.session.store.nth(reading.run_id, queue, reading.reader, place, reading.part)


def _nothing_fits(desk: Desk, reading: Reading, typed: str) -> ReviewError:
    everywhere = desk.session.store.count(reading.run_id, search(typed), reading.reader)
    where, typed = where_words(reading.part), isolated(typed)
    if everywhere:
        said = ngettext(
            "No case of {where} fits “{typed}”, but {count} case of other parts",
            "No case of {where} fits “{typed}”, but {count} cases of other parts",
            everywhere,
        )
        return ReviewError(
            said.format(where=where, typed=typed, count=number(everywhere)),
            _("Choose all parts and search again"),
        )
    return ReviewError(
        _("No case of {where} fits “{typed}”").format(where=where, typed=typed),
        _(
            "Type a part of an id, file name or patient, or words such as: predicted pneumonia, score > .8, view=PA"
        ),
    )


def _require_reader(desk: Desk) -> None:
    if desk.session.read_only:
        raise ReviewError(
            _("Guests can look at cases but cannot change anything"),
            _("Ask the owner to add you as a reader"),
        )
