"""Cases and readers that a study gets later, in many transactions: it has all of them, or none.

A row of the study says that an adding begins, and a row that names it that everything is there. What is assigned
between them is the study's only then: of an adding that was broken off, and of one that goes on, nobody sees anything.
Only the newest adding of a study goes on, so that what lies between the numbers of its rows is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, and_, bindparam, delete, or_, select, true

from engine.errors import ReviewError
from engine.language import _
from engine.reading.migrations.schema import ASSIGNMENTS, STUDIES, TASKS
from engine.reading.studies.planning.records import Study

ADDING = "adding"
_TAKE_AWAY = delete(TASKS).where(
    TASKS.c.study_id == bindparam("of"),
    TASKS.c.reader_id == bindparam("by"),
    TASKS.c.position == bindparam("at"),
)
DONE = "/done"
"""What follows the name of an adding in that of the row by which it ends."""


@dataclass(frozen=True, slots=True)
class Adding:
    """One that goes on.

    Attributes:
        study_id: Of the study.
        name: Of the row by which it began.
    """

    study_id: str
    name: str


def unfinished(rows: Sequence[Row[Any]]) -> tuple[tuple[int, int | None], ...]:
    """Return between which numbers lies what was assigned to a study and is not given, by the study's rows.

    The last pair's second number is None where it may still go on.
    """
    found: list[tuple[int, int | None]] = []
    name = ""
    for row in rows:
        if row.event == ADDING:
            if name:
                found[-1] = (found[-1][0], row.seq)
            found.append((row.seq, None))
            name = row.id
        elif name and row.id == name + DONE:
            found.pop()
            name = ""
    return tuple(found)


def is_given(study: Study, assignment: int) -> bool:
    """Return whether an assignment of a study, by its number, is one that readers have."""
    return not any(
        begun < assignment and (end is None or assignment < end) for begun, end in study.unfinished
    )


def given(study: Study, assignment: Column[Any]) -> ColumnElement[bool]:
    """Return the condition that `is_given`, on the column of the assignment's number."""
    return and_(
        true(),
        *(
            assignment < begun if end is None else or_(assignment < begun, assignment > end)
            for begun, end in study.unfinished
        ),
    )


def tasks_of(study: Study) -> ColumnElement[bool]:
    """Return the condition that a task is one of a study's."""
    return and_(TASKS.c.study_id == study.study_id, given(study, TASKS.c.assignment))


def assignments_of(study: Study) -> ColumnElement[bool]:
    """Return the condition that an assignment is one of a study's."""
    return and_(ASSIGNMENTS.c.study_id == study.study_id, given(study, ASSIGNMENTS.c.seq))


def broken_off(connection: Connection, study: Study) -> list[tuple[str, int]]:
    """Return the tasks that additions left which were broken off: reader and position."""
    left = and_(ASSIGNMENTS.c.study_id == study.study_id, ~given(study, ASSIGNMENTS.c.seq))
    if not study.unfinished:
        return []
    first = min(begun for begun, _ in study.unfinished)
    there = select(TASKS.c.reader_id, TASKS.c.position).join(
        ASSIGNMENTS,
        and_(
            TASKS.c.study_id == ASSIGNMENTS.c.study_id,
            TASKS.c.reader_id == ASSIGNMENTS.c.reader_id,
            TASKS.c.position == ASSIGNMENTS.c.position,
            TASKS.c.assignment == ASSIGNMENTS.c.seq,
        ),
    )
    return list(connection.execute(there.where(ASSIGNMENTS.c.seq > first, left)).tuples())


def take_away(connection: Connection, study_id: str, tasks: Sequence[tuple[str, int]]) -> None:
    """Delete what was worked out for an adding that was broken off; its rows in the chain stay."""
    told = [{"of": study_id, "by": reader_id, "at": position} for reader_id, position in tasks]
    connection.execute(_TAKE_AWAY, told)


def require(connection: Connection, adding: Adding) -> None:
    """Refuse to go on where somebody else has begun to add to the study since.

    Raises:
        ReviewError: They have.
    """
    newest = select(STUDIES.c.id).where(STUDIES.c.study_id == adding.study_id, STUDIES.c.event == ADDING)
    if connection.scalar(newest.order_by(STUDIES.c.seq.desc()).limit(1)) != adding.name:
        raise ReviewError(
            _("Somebody else has begun to add to this study, so that nothing of this was added"),
            _("Wait until that is done, look at what the study has now, and try again"),
        )
