"""Migration 8: what readers read next is found by fewer indexes, which took longer to keep than all else. Frozen.

Where the tasks of a case are, its assignments tell, which are found by the case; and what has no answer is in no index
of answers. A study of 100,000 images for two readers has 400,000 tasks.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

STATEMENTS = (
    "DROP INDEX tasks_of_case",
    "DROP INDEX tasks_answered",
    "CREATE INDEX tasks_answered ON tasks (study_id, reader_id, arm, answer) WHERE answer IS NOT NULL",
)


def fewer_indexes(connection: Connection) -> None:
    """Drop the indexes, and make one again that holds less."""
    for statement in STATEMENTS:
        connection.execute(text(statement))
