"""The reading of a study: what the page asks for, and what it answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import AnsweredElsewhere, EngineError, ReviewError
from engine.language import _, isolated, number as write
from engine.reading import StudyAnswer
from engine.saliency import colour_tables
from gui.pages.review import StaleCaseError, may_write, reader_of, regions_of, text
from gui.pages.studies.files import name_outside
from gui.pages.studies.rounds import SETTLING, Case, Round, Rounds
from gui.pages.studies.screens import (
    Answer,
    beside,
    case_again,
    count_again,
    next_case,
    now,
    screen,
    words_of,
)
from gui.web import sentence

LONGEST_READING = 24 * 3600.0  # seconds
MOST_CASES = 10_000_000


# ------------------------------------------------------------------------------------------------- handlers


def open_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Sit down to read a study, or to settle it, where one stopped.

    Raises:
        ReviewError: There is no such study or reader, the reader is not in it, or nothing can be written down.
    """
    session = rounds.session
    if not may_write(session):
        raise ReviewError(_("Studies cannot be read in a window that is read-only"), _("Ask the owner"))
    study = session.store.studies.get(session.invited.study_id if session.invited else text(asked, "study"))
    reader = reader_of(session, text(asked, "reader"))
    settles = study.protocol.adjudicator == reader.reader_id
    if not settles and reader.reader_id not in study.protocol.readers:
        raise ReviewError(
            _("{reader} is not a reader of “{study}”").format(
                reader=isolated(reader.name), study=isolated(study.name)
            ),
            _("Choose one of its readers from the list"),
        )
    page = text(asked, "page") or secrets.token_urlsafe(16)
    sitting = rounds.sittings.of(page, "", reader.name, study_id=study.study_id)
    if sitting is None:
        raise ReviewError(
            _("Nothing can be written down in this workspace"), _("Open it where it may be changed")
        )
    one = Round(study=study, reader=reader, settles=settles, page=page, sitting=sitting)
    count_again(rounds, one)
    return {
        "reading": rounds.open(one),
        "study": study.name,
        "reader": reader.name,
        "colours": colour_tables() if "map" in study.protocol.shown else None,
    } | next_case(rounds, one)


def answer(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Store an answer to the case that was on the screen, then hand out what comes next.

    Raises:
        StaleCaseError: It is to another case than the one handed out last.
        ReviewError: The answer contradicts itself or the protocol.
        StoreError: It cannot be stored; nothing was.
    """
    one = rounds.of(asked)
    with one.turn:
        held, name = one.held, text(asked, "name")
        if name and name in one.stored:  # asked again, because the line broke before it was told
            return {"stored": one.stored[name]} | next_case(rounds, one)
        asked_for = (text(asked, "shown"), text(asked, "arm"))
        if held is None or (name_outside(rounds.session, held.image_id), held.arm) != asked_for:
            raise StaleCaseError(
                _("The answer was to a different case from the one on the screen, so it was not stored"),
                _("Look at the case on the screen and answer again"),
            )
        told = _answer_of(one, held, asked)
        try:
            rounds.session.store.studies.answer(told, one.sitting, name=name or None, last=held.last)
        except AnsweredElsewhere as error:
            raise StaleCaseError(error.problem, error.remedy) from error
        one.trail.append((held.image_id, held.arm, told.seconds))
        one.read += held.last is None
        words = _("Stored: {answer}").format(answer=words_of(told))
        one.stored[name] = words
        try:
            return {"stored": words} | next_case(rounds, one)
        except EngineError as error:  # the answer is kept; saying that it failed would ask for a second one
            return {"stored": words, "trouble": sentence(error)}


def undo(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Take the last answer back by a new row, and hand its case out again.

    Raises:
        ReviewError: There is none, or more than its arm shows has been seen since.
    """
    one = rounds.of(asked)
    with one.turn:
        name = text(asked, "name")
        if one.undone is not None and name == one.undone[0]:
            image_id, arm = one.undone[1:]  # asked again, because the line broke before it was told
        elif not one.trail:
            raise ReviewError(
                _("Nothing has been answered on this page yet"),
                _("Go to the case by its number to answer it again"),
            )
        else:
            image_id, arm = one.trail[-1][:2]
            rounds.session.store.studies.undo(one.sitting, image_id, arm, name=name or None)
            one.trail.pop()
            one.undone = (name, image_id, arm) if name else None
        count_again(rounds, one)
        return {"stored": _("Taken back; the answer before it is kept in the record")} | case_again(
            rounds, one, image_id, arm
        )


def go_to(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Hand out the case of a number, read or not.

    Raises:
        ReviewError: There is no such case.
    """
    one = rounds.of(asked)
    typed = text(asked, "number").strip()
    with one.turn:
        arm = one.held.arm if one.held else None
        if not (typed.isdecimal() and 0 < int(typed) <= MOST_CASES):
            raise ReviewError(
                _("“{typed}” is not the number of a case").format(typed=isolated(typed[:10])),
                _("Type the n of “n of N”"),
            )
        if one.settles:
            return case_again(rounds, one, _disputed(rounds, one, int(typed)), SETTLING)
        task = rounds.session.store.studies.numbered(
            one.study.study_id, one.reader.reader_id, int(typed), arm=arm, now=now()
        )
        return screen(rounds, one, task)


def _disputed(rounds: Rounds, one: Round, number: int) -> str:
    found = rounds.session.store.studies.disagreements(one.study.study_id)
    if number > len(found):
        raise ReviewError(
            _("There is no case number {number}").format(number=write(number)),
            _("Type 1 to {last}").format(last=write(len(found))),
        )
    return found[number - 1].image_id


def go_on(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Hand out the next case that is not yet read."""
    one = rounds.of(asked)
    with one.turn:
        return next_case(rounds, one)


def leave_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Write down that the page was left."""
    rounds.sittings.end(rounds.of(asked).page)
    return {}


HANDLERS: tuple[Callable[[Rounds, Mapping[str, Any]], Answer], ...] = (
    open_study,
    answer,
    undo,
    go_to,
    go_on,
    leave_study,
    beside,
)


def _answer_of(one: Round, held: Case, asked: Mapping[str, Any]) -> StudyAnswer:
    """Make an answer of what the page sent.

    Raises:
        ReviewError: It cannot be read as one.
    """
    try:
        sent = asked.get("certainty")
        return StudyAnswer(
            study_id=one.study.study_id,
            image_id=held.image_id,
            reader=one.reader.reader_id,
            arm=held.arm,
            verdict=text(asked, "verdict"),
            label=text(asked, "label") or None,
            certainty=None if sent is None else float(sent),
            seconds=min(float(asked.get("seconds") or 0.0), LONGEST_READING),
            comment=text(asked, "comment").strip(),
            regions=regions_of(asked),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReviewError(
            _("The page sent an answer that cannot be read"), _("Reload the page and answer again")
        ) from error
