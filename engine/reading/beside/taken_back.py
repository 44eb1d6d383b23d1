"""An answer is taken back by a new row, after which the reader's answer before it stands again, or none does.

Nothing is removed. What stands is what was not taken back, and of that the last: here, and nowhere else, is that said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, select

from engine.errors import ReviewError
from engine.reading.beside.differences import settle_difference
from engine.reading.ledger.chain import append
from engine.reading.migrations.schema import ANSWERS, LAST_ANSWERS, STUDIES
from engine.reading.people import People
from engine.reading.row_mapping import TAKEN_BACK
from engine.reading.sittings import Sitting, unregistered_study

TOLD = ("image_id", "arm", "finding", "queue", "drawn", "predicted", "confidence")


def standing() -> ColumnElement[bool]:
    """Return the condition on answers that they were not taken back."""
    back = select(ANSWERS.c.supersedes).where(ANSWERS.c.verdict == TAKEN_BACK)
    return and_(ANSWERS.c.verdict != TAKEN_BACK, ANSWERS.c.seq.not_in(back))


def standing_of(answers: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Return those answers that were not taken back, in their order."""
    told = list(answers)
    back = {row.supersedes for row in told if row.verdict == TAKEN_BACK}
    return [row for row in told if row.verdict != TAKEN_BACK and row.seq not in back]


def answers_of_case(run_id: str, reader_ids: Iterable[str], image_id: str) -> Select[Any]:
    """Select all that one person answered on a case of a run, in order."""
    of_run = select(STUDIES.c.study_id).where(STUDIES.c.run_id == run_id, STUDIES.c.event.is_(None))
    found = select(ANSWERS).where(
        ANSWERS.c.study_id.in_(of_run),
        ANSWERS.c.image_id == image_id,
        ANSWERS.c.reader_id.in_(list(reader_ids)),
    )
    return found.order_by(ANSWERS.c.seq)


def take_back(
    connection: Connection,
    people: People,
    run_id: str,
    reader: str,
    sitting: Sitting | None,
    name: str | None,
) -> int:
    """Take back a reader's newest answer to a run's cases, inside a write transaction.

    Args:
        connection: Of that transaction.
        people: The readers.
        run_id: Of the run.
        reader: By name.
        sitting: In which it is taken back; None where that is not known.
        name: Made by whoever asks; what has this name is done once, however often it is asked for.

    Returns:
        The number of the answer that was taken back.

    Raises:
        ReviewError: There is none, or no such reader.
    """
    if name is not None:
        known = connection.scalar(select(ANSWERS.c.supersedes).where(ANSWERS.c.id == name))
        if known is not None:
            return int(known)
    reader_id = people.required(reader)
    study_id = unregistered_study(connection, run_id)  # what a protocol has locked is not taken back here
    newest = (
        select(ANSWERS, LAST_ANSWERS.c.position)
        .join(LAST_ANSWERS, LAST_ANSWERS.c.answer == ANSWERS.c.seq)
        .where(
            LAST_ANSWERS.c.run_id == run_id,
            LAST_ANSWERS.c.reader_id == reader_id,
            ANSWERS.c.study_id == study_id,
        )
        .order_by(LAST_ANSWERS.c.answer.desc())
        .limit(1)
    )
    answer = connection.execute(newest).one_or_none()
    if answer is None:
        raise ReviewError(
            f"{people.name(reader_id)} has no answer to cases of this run that could be taken back",
            "Answer a case first",
        )
    told = {column: getattr(answer, column) for column in TOLD} | {
        "study_id": study_id,
        "session_id": sitting.session_id if sitting else None,
        "reader_id": reader_id,
        "verdict": TAKEN_BACK,
        "label": None,
        "comment": "",
        "seconds": 0.0,
        "supersedes": answer.seq,
    }
    append(connection, ANSWERS, [told], author=reader_id, ids=None if name is None else [name])
    _settle(connection, people, run_id, reader_id, answer)
    return int(answer.seq)


def _settle(connection: Connection, people: People, run_id: str, reader_id: str, answer: Row[Any]) -> None:
    """Let the answer before the one that was taken back be the reader's last, or none."""
    stack = standing_of(
        connection.execute(answers_of_case(run_id, people.ids(reader_id), answer.image_id)).all()
    )
    here = (
        LAST_ANSWERS.c.run_id == run_id,
        LAST_ANSWERS.c.reader_id == reader_id,
        LAST_ANSWERS.c.position == answer.position,
    )
    if stack:
        last = {"verdict": stack[-1].verdict, "answer": stack[-1].seq}
        connection.execute(LAST_ANSWERS.update().where(*here).values(**last))
    else:
        connection.execute(delete(LAST_ANSWERS).where(*here))
    settle_difference(connection, run_id, answer.image_id)
