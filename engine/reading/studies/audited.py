"""What readers read next, worked out again from what was assigned and answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from engine.reading.migrations.schema import ANSWERS, ASSIGNMENTS, STUDIES, TASKS
from engine.reading.people import People
from engine.reading.studies.answering import stacked
from engine.reading.studies.planning import registry
from engine.reading.studies.planning.adding import is_given


def tasks_not_in_chain(connection: Connection, people: People) -> Iterator[str]:
    """Yield a sentence for each row of the tasks that differs from the chain, in studies that are made.

    What was assigned of a study that is being made or added to, or where that was broken off, is read by nobody.
    """
    made = select(STUDIES.c.study_id)
    studies = {study.study_id: study for study in registry.every(connection)}
    given: dict[tuple[str, str, str, str], list[Any]] = {}
    columns = (ANSWERS.c.study_id, ANSWERS.c.image_id, ANSWERS.c.reader_id, ANSWERS.c.arm)
    found = select(*columns, ANSWERS.c.seq, ANSWERS.c.verdict, ANSWERS.c.supersedes).order_by(ANSWERS.c.seq)
    for row in connection.execute(found):
        given.setdefault((row.study_id, row.image_id, people.same[row.reader_id], row.arm), []).append(row)
    wanted = {}
    for row in connection.execute(select(ASSIGNMENTS).where(ASSIGNMENTS.c.study_id.in_(made))):
        if not is_given(studies[row.study_id], row.seq):
            continue
        standing = stacked(given.get((row.study_id, row.image_id, people.same[row.reader_id], row.arm), ()))
        answer = standing[-1].seq if standing else None
        wanted[row.study_id, row.reader_id, row.position] = (row.image_id, row.arm, row.seq, answer)
    for row in connection.execute(select(TASKS).where(TASKS.c.study_id.in_(made))):
        if not is_given(studies[row.study_id], row.assignment):
            continue
        told = (row.image_id, row.arm, row.assignment, row.answer)
        if wanted.pop((row.study_id, row.reader_id, row.position), None) != told:
            yield f"What is to be read of case {row.image_id[:12]} ({row.arm}) is not as it was assigned and answered"
    for image_id, arm, *_ in wanted.values():
        yield f"The case {image_id[:12]} was assigned ({arm}) but is not among those to be read"
