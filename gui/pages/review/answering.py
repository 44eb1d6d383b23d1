"""While a case is read: going to another, deciding, revealing the label, leaving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.errors import AnsweredElsewhere, EngineError, ReviewError
from engine.language import _
from engine.reading import Given, Shown
from engine.records import Review
from engine.retelling import retold
from gui.pages.review.blinded import refuse_blinded
from gui.pages.review.maps import heatmap_of
from gui.pages.review.reading_session import Desk, Reading, StaleCaseError, review_of, text
from gui.pages.review.screen import Answer, count_again, next_screen, next_with, screen, verdict_words
from gui.pages.where_now import look_there
from gui.web import sentence


def show_case(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Hand out the next or the previous case, or one by its id."""
    reading, store = desk.reading(asked), desk.session.store
    place = (reading.run_id, reading.wanted, reading.reader)
    with reading.turn:
        match text(asked, "to"):
            case "next":
                return next_screen(desk, reading, text(asked, "shown"))
            case "previous":
                before = store.previous(*place, text(asked, "shown"), reading.part)
                reading.drawn = "sought" if before else reading.drawn
                return screen(desk, reading, before) if before else {"edge": _("This is the first case.")}
            case _:
                reading.drawn = "sought"
                return screen(desk, reading, store.case(reading.run_id, text(asked, "case")))


def decide(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Store a verdict on the case that was on the screen, then hand out the next.

    Raises:
        StaleCaseError: The verdict is on another case than the one handed out last.
        ReviewError: The window is read-only, or the verdict contradicts itself.
        StoreError: It cannot be stored; nothing was.
    """
    if desk.session.read_only:
        raise ReviewError(
            _("Guests can look at cases but cannot store verdicts"),
            _("Ask the owner to let you read as a reader"),
        )
    reading, store = desk.reading(asked), desk.session.store
    with reading.turn:
        shown, name = text(asked, "shown"), text(asked, "name") or None
        again = (
            name is not None and (shown, name) == reading.stored
        )  # whose acknowledgement was lost on its way
        if not again and (not shown or shown != reading.held):
            raise StaleCaseError(
                _("The verdict was for a different case from the one on the screen, so it was not stored"),
                _("Look at the case on the screen and decide again"),
            )
        review = review_of(reading, asked)
        given = Given(
            shown=text(asked, "predicted") or None,
            sitting=reading.sitting,
            last=reading.last,
            name=name,
        )
        first = not (again or reading.again)
        try:
            told = None if again else _stored_with_next(desk, reading, review, given)
            if told is None:
                store.add_review(review, given)
        except AnsweredElsewhere as error:
            raise StaleCaseError(error.problem, error.remedy) from error
        reading.stored = (shown, name) if name else None
        stored = _("Stored: {verdict} (case {case})").format(verdict=verdict_words(review), case=shown[:8])
        if told is not None:
            return {"stored": stored} | told
        try:
            if reading.kind.changes:  # the verdict may have taken the case out of the queue
                count_again(desk, reading)
            elif first:
                reading.read += 1
            return {"stored": stored} | next_screen(desk, reading, shown)
        except EngineError as error:  # the verdict is kept; saying that it failed would ask for a second one
            return {"stored": stored, "trouble": sentence(error)}


def _stored_with_next(desk: Desk, reading: Reading, review: Review, given: Given) -> Answer | None:
    """Store a verdict and what is shown next in one commit, and hand that out.

    Two commits are twice the wait, and nothing is lost by one. The next case is sent after it is written down, as ever;
    where the program is killed before, neither is there, and the page gives the verdict again by its name.

    Returns:
        None where nothing was stored: what comes next depends on the verdict, or cannot be shown.

    Raises:
        EngineError: The verdict cannot be stored.
    """
    before, begun = (reading.last, reading.drawn), False
    first = not reading.again

    def write(shown: Shown | None) -> None:
        nonlocal begun
        begun = True
        desk.session.store.add_review(review, replace(given, then=shown))
        reading.stored = (review.image_id, given.name) if given.name else None
        reading.read += first

    told = None
    try:
        here = desk.sittings.of(reading.page, reading.run_id, reading.reader)
        if here is not None and here == given.sitting and not reading.kind.changes:
            told = next_with(desk, reading, review.image_id, write)
    except AnsweredElsewhere:
        raise
    except Exception as error:
        # before the verdict, or of what is shown next alone perhaps: without that it is tried once more
        if begun and not isinstance(error, ReviewError):
            raise
    finally:
        if told is None:
            reading.last, reading.drawn = before
    return told


def reveal_label(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Tell the label that came with the data; it is not sent before somebody asks."""
    reading, shown = desk.reading(asked), text(asked, "shown")
    refuse_blinded(desk, reading)
    label = desk.session.store.case(reading.run_id, shown).label
    heat, _why = heatmap_of(desk.session, reading.run_id, shown)
    exposed = Shown(image_id=shown, map=heat.method if heat else None, label=True)
    desk.sittings.expose(reading.sitting, exposed)
    return {"shown": shown, "label": label}


def leave(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Write down that the page was left."""
    desk.sittings.end(desk.reading(asked).page)
    return {}


def remember(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Put the reader's bookmark on the case that is shown, so that a later session continues from it."""
    reading, shown = desk.reading(asked), text(asked, "shown")
    store = desk.session.store
    if not (desk.session.read_only or store.read_only) and shown == reading.held:
        store.bookmark(reading.run_id, reading.wanted, reading.reader, shown)
    return {}


def find_images(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Look for the run's images in the folder that the reader names, and keep where they are.

    Raises:
        EngineError: The window is read-only, or there is no such folder.
    """
    session, reading = desk.session, desk.reading(asked)
    done = look_there(session, reading.run_id, text(asked, "folder"))
    return {"said": " ".join(map(retold, done.sentences())), "found": done.found}
