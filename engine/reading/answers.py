"""Answers: how one is added, and the one place where they are read back as reviews. Reports and pages read here.

Which of a reader's answers on a case counts is said here as well: the one that was stored last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, func, or_, select

from engine.errors import AnsweredElsewhere
from engine.reading import row_mapping as rows
from engine.reading.beside.differences import settle_difference
from engine.reading.beside.taken_back import standing
from engine.reading.case_places import batches
from engine.reading.cases import find_run, no_case
from engine.reading.ledger.chain import Rows, append_all, digest, head_of, locked_head
from engine.reading.migrations.schema import (
    ANSWERS,
    CASES,
    EXPOSURES,
    LAST_ANSWERS,
    REGIONS,
    REREADS,
    RUNS,
    STUDIES,
)
from engine.reading.people import NEWEST, Acquainted, People
from engine.reading.sittings import Shown, Sitting, exposure_row, labels_seen, unregistered_study
from engine.reading.validation import checked
from engine.records import Region, Review

NOT_SAID: Literal[-1] = -1
# Built once: building a statement takes longer than carrying it out.
_OF_NAME = select(ANSWERS.c.seq).where(ANSWERS.c.id == bindparam("name"))
_BEFORE = select(LAST_ANSWERS.c.answer).where(
    LAST_ANSWERS.c.run_id == CASES.c.run_id,
    LAST_ANSWERS.c.reader_id == bindparam("reader_id"),
    LAST_ANSWERS.c.position == CASES.c.position,
)
# All that an answer needs to know, by one question: a server is waited for after each.
_ABOUT = (
    select(
        CASES,
        RUNS.c.classes,
        _OF_NAME.scalar_subquery().label("known"),
        _BEFORE.scalar_subquery().label("before"),
        NEWEST.scalar_subquery().label("newest"),
    )
    .join(RUNS, RUNS.c.run_id == CASES.c.run_id)
    .where(CASES.c.run_id == bindparam("run_id"), CASES.c.image_id == bindparam("image_id"))
    .with_for_update(of=CASES)  # SQLite has locked the whole database by then, and leaves these words out
)
_EXPOSED = select(EXPOSURES.c.seq).where(EXPOSURES.c.id == bindparam("name"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What comes with an answer beside what it says.

    Attributes:
        shown: The class that the screen said was predicted, if it said so.
        sitting: In which it was given; None where what was on the screen is not known.
        last: The number of the reader's answer on this case that the screen knew of; None where it knew of none.
        name: Made by whoever asks; an answer of this name is stored once, however often it is given.
        then: What the sitting shows next, written down together with the answer: both are stored, or neither.
    """

    shown: str | None = None
    sitting: Sitting | None = None
    last: int | None = NOT_SAID
    name: str | None = None
    then: Shown | None = None


def latest_reviews(reviews: Iterable[Review]) -> dict[str, dict[str, Review]]:
    """Return the last word of each reader on each case: image id → reader → review.

    Reviews are append-only, and a correction is a new one: of two by one reader on one case the one counts that was
    stored later, by its number in the log. The clock has no say, for it may be set back. Among reviews that were
    never stored the one that stands later counts.
    """
    last: dict[str, dict[str, Review]] = {}
    for review in sorted(reviews, key=lambda each: each.review_id or 0):
        last.setdefault(review.image_id, {})[review.reader] = review
    return last


def add_answer(connection: Connection, acquainted: Acquainted, review: Review, given: Given) -> int:
    """Add an answer, inside a write transaction, and return its number.

    Raises:
        ReviewError: The case or the reader is unknown, it contradicts itself or the screen, the reader has answered
            the case elsewhere since it was shown, or what is to be shown next may not be yet.
    """
    head = locked_head(connection)  # first: what is looked up from here on nobody else changes
    case, people = _about(connection, acquainted, review, given)
    if case.known is not None:
        _expose_once(connection, given)
        return int(case.known)
    review = checked(review, predicted=case.predicted, classes=tuple(case.classes), shown=given.shown)
    reader_id = people.required(review.reader)
    if given.last != NOT_SAID and case.before != given.last:
        raise AnsweredElsewhere(
            f"{people.name(reader_id)} has answered this case in another window since it was shown here, "
            "so this answer was not stored",
            "Look at the answer that is stored, and decide again if it is to be another one",
        )
    sitting = given.sitting
    if sitting is None:
        study_id = unregistered_study(connection, review.run_id)
        head = head_of(connection)  # behind that study, where it is new
    answer = rows.answer_row(review, case) | {
        "study_id": sitting.study_id if sitting else study_id,
        "session_id": sitting.session_id if sitting else None,
        "reader_id": reader_id,
        "supersedes": case.before,
    }
    number, ids = head.seq + 1, None if given.name is None else [given.name]
    several = [Rows(table=ANSWERS, values=[answer], author=reader_id, at=rows.moment_of(review), ids=ids)]
    if review.regions:
        drawn = [rows.region_row(region, number) for region in review.regions]
        several.append(Rows(table=REGIONS, values=drawn, author=reader_id, at=several[0].at))
    append_all(connection, head, *several, *_next_exposure(connection, given))
    of_case = ("run_id", "reader_id", "position")
    keep = rows.writing(connection.dialect.name, LAST_ANSWERS, of_case, ("verdict", "answer"))
    connection.execute(keep, rows.last_answer_row(review, case, reader_id, number))
    settle_difference(connection, review.run_id, review.image_id)
    return number


def _about(
    connection: Connection, acquainted: Acquainted, review: Review, given: Given
) -> tuple[Row[Any], People]:
    """Return a case's row with what an answer to it needs to know, and all readers."""
    newest, people = acquainted.lately(connection)
    of_case = {"run_id": review.run_id, "image_id": review.image_id, "name": given.name}
    case = connection.execute(_ABOUT, of_case | {"reader_id": people.find(review.reader)}).one_or_none()
    if case is not None and case.newest != newest:  # somebody came, or is somebody else's other name
        people = acquainted.as_of(connection, case.newest or "")
        case = connection.execute(_ABOUT, of_case | {"reader_id": people.find(review.reader)}).one_or_none()
    if case is None:
        find_run(connection, review.run_id)  # which may be what is not there
        raise no_case(review.run_id, review.image_id)
    return case, people


def _next_exposure(connection: Connection, given: Given) -> list[Rows]:
    """Return the row of what the sitting shows next."""
    if given.then is None or given.sitting is None:
        return []
    row, ids = exposure_row(connection, given.sitting, given.then), None
    if given.name is not None:
        ids = [digest([given.name, given.sitting.session_id, asdict(given.then)])]
    return [Rows(table=EXPOSURES, values=[row], author=given.sitting.reader_id, ids=ids)]


def _expose_once(connection: Connection, given: Given) -> None:
    """Write down what is shown next after an answer that is stored already, unless that came with it."""
    for told in _next_exposure(connection, given):
        if told.ids is None or connection.scalar(_EXPOSED, {"name": told.ids[0]}) is None:
            append_all(connection, head_of(connection), told)


def reviews_of(
    connection: Connection,
    people: People,
    run_id: str,
    *,
    reader: str | None = None,
    image_id: str | None = None,
    latest: bool = False,
    sitting: Sitting | None = None,
) -> list[Review]:
    """Return the answers to a run's cases in the order in which they were given: see `Store.reviews`."""
    told: dict[str, Any] = {"run_id": run_id, "image_id": image_id}
    if reader is not None:
        told["reader_ids"] = people.ids(people.find(reader))
    if sitting is not None:
        told["session_id"] = sitting.session_id
    found = _given(reader is not None, image_id is not None, sitting is not None, latest)
    answers = connection.execute(found, told).all()
    return _as_reviews(connection, people, run_id, answers, None if image_id is None else [image_id])


@cache
def _given(of_reader: bool, of_image: bool, of_sitting: bool, latest: bool) -> Select[Any]:
    """Return the statement for the answers to a run's cases: see `Store.reviews`."""
    run: BindParameter[str] = bindparam("run_id")
    of_run = select(STUDIES.c.study_id).where(STUDIES.c.run_id == run, STUDIES.c.event.is_(None))
    found = select(ANSWERS).where(ANSWERS.c.study_id.in_(of_run))
    if of_reader:
        found = found.where(ANSWERS.c.reader_id.in_(bindparam("reader_ids", expanding=True)))
    if of_image:
        found = found.where(ANSWERS.c.image_id == bindparam("image_id"))
    if of_sitting:
        found = found.where(ANSWERS.c.session_id == bindparam("session_id"))
    if latest:
        last = select(LAST_ANSWERS.c.answer).where(LAST_ANSWERS.c.run_id == run)
        if of_image:
            last = last.where(LAST_ANSWERS.c.image_id == bindparam("image_id"))
        found = found.where(ANSWERS.c.seq.in_(last))
    else:
        found = found.where(standing())
    return found.order_by(ANSWERS.c.seq)


def newest_answer(connection: Connection, run_ids: Sequence[str]) -> int:
    """Return the number of what was last answered of runs' cases or taken back, or in re-readings of labels; or 0."""
    reread = STUDIES.c.study_id.in_(select(REREADS.c.study_id).where(REREADS.c.run_id.in_(run_ids)))
    here = select(STUDIES.c.study_id).where(
        or_(reread, and_(STUDIES.c.run_id.in_(run_ids), STUDIES.c.event.is_(None)))
    )
    return int(connection.scalar(select(func.max(ANSWERS.c.seq)).where(ANSWERS.c.study_id.in_(here))) or 0)


def review_numbered(connection: Connection, people: People, run_id: str, number: int) -> Review:
    """Return one answer, whether it stands or not."""
    answers = connection.execute(select(ANSWERS).where(ANSWERS.c.seq == number)).all()
    return _as_reviews(connection, people, run_id, answers, [answers[0].image_id])[0]


def _as_reviews(
    connection: Connection,
    people: People,
    run_id: str,
    answers: Sequence[Row[Any]],
    images: list[str] | None,
) -> list[Review]:
    if not answers:
        return []
    seen: dict[tuple[str, str], int] = {}
    for (image, reader_id), seq in labels_seen(connection, images).items():
        person = (image, people.same[reader_id])
        seen[person] = min(seq, seen.get(person, seq))
    regions = regions_of(connection, answers)
    return [
        rows.review(
            answer,
            run_id=run_id,
            reader=people.name(answer.reader_id),
            regions=tuple(regions.get(answer.seq, ())),
            label_seen=_label_seen(answer, seen.get((answer.image_id, people.same[answer.reader_id]))),
        )
        for answer in answers
    ]


def _label_seen(answer: Row[Any], first: int | None) -> bool | None:
    """Return whether the label had been on the reader's screen; None where it is not known what was."""
    if first is not None and first < answer.seq:
        return True
    return None if answer.session_id is None else False


def regions_of(connection: Connection, answers: Sequence[Row[Any]]) -> dict[int, list[Region]]:
    """Return what was drawn for each answer, by its number."""
    drawn: dict[int, list[Region]] = {}
    for batch in batches([answer.seq for answer in answers], 2000):
        found = select(REGIONS).where(REGIONS.c.answer.in_(batch)).order_by(REGIONS.c.seq)
        for row in connection.execute(found):
            drawn.setdefault(row.answer, []).append(rows.region(row))
    return drawn
