"""What is kept beside flags and answers when two names turn out to be one person's."""

from __future__ import annotations

from sqlalchemy import Connection, and_, select

from engine.reading.beside.differences import settle_difference
from engine.reading.beside.flags import settle_flag
from engine.reading.migrations.schema import DIFFERENCES, FLAGGED, LAST_ANSWERS
from engine.reading.people import People


def settle_joined(connection: Connection, people: People, person: str) -> None:
    """Work out again what joining may have changed: one person does not differ from themselves."""
    ids = list(people.ids(person))
    flagged = select(FLAGGED.c.run_id, FLAGGED.c.image_id).where(FLAGGED.c.reader_id.in_(ids)).distinct()
    for row in connection.execute(flagged).all():
        settle_flag(connection, row.run_id, ids, person, row.image_id)
    of_case = and_(
        LAST_ANSWERS.c.run_id == DIFFERENCES.c.run_id, LAST_ANSWERS.c.image_id == DIFFERENCES.c.image_id
    )
    differing = (
        select(DIFFERENCES.c.run_id, DIFFERENCES.c.image_id)
        .join(LAST_ANSWERS, of_case)
        .where(LAST_ANSWERS.c.reader_id == person)
    )
    for row in connection.execute(differing).all():
        settle_difference(connection, row.run_id, row.image_id)
