"""Migration 5: studies that have a protocol: images of no run, assignments, certainty, what is read next. Frozen.

Studies of before have no event: they are the unregistered, assisted readings of their runs, and stay so.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from engine.reading.ledger.guards import enabled_always, guards

CHAINED = (
    "seq {number} NOT NULL PRIMARY KEY, id VARCHAR(64) NOT NULL UNIQUE, at VARCHAR(40) NOT NULL, "
    "author VARCHAR(64) NOT NULL, previous VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL, "
)
TABLES = {
    "images": """image_id VARCHAR(64) NOT NULL, patient_id TEXT NOT NULL, label TEXT, part VARCHAR(10),
        examination TEXT, metadata JSON""",
    "assignments": """study_id VARCHAR(64) NOT NULL, reader_id VARCHAR(64) NOT NULL, image_id VARCHAR(64) NOT NULL,
        arm VARCHAR(20) NOT NULL, position BIGINT NOT NULL, prediction BIGINT REFERENCES predictions (seq),
        wrong BOOLEAN NOT NULL""",
}
COLUMNS = (
    "ALTER TABLE studies ADD COLUMN seed BIGINT",
    "ALTER TABLE studies ADD COLUMN event VARCHAR(20)",
    "ALTER TABLE studies ADD COLUMN reason TEXT",
    "ALTER TABLE exposures ADD COLUMN alike BOOLEAN",
    "ALTER TABLE answers ADD COLUMN certainty DOUBLE PRECISION",
)
BESIDE = (
    "CREATE TABLE image_places (image_id VARCHAR(64) NOT NULL PRIMARY KEY, path TEXT NOT NULL)",
    # Worked out from assignments and answers; kept so that a reader's next case is a seek.
    """CREATE TABLE tasks (study_id VARCHAR(64) NOT NULL, reader_id VARCHAR(64) NOT NULL, position BIGINT NOT NULL,
        image_id VARCHAR(64) NOT NULL, arm VARCHAR(20) NOT NULL,
        assignment BIGINT NOT NULL REFERENCES assignments (seq), answer BIGINT REFERENCES answers (seq),
        PRIMARY KEY (study_id, reader_id, position))""",
)
INDEXES = (
    "CREATE INDEX studies_by_id ON studies (study_id, seq)",
    "CREATE INDEX sessions_of_study ON sessions (study_id, seq)",
    "CREATE INDEX images_by_id ON images (image_id, seq)",
    "CREATE INDEX assignments_of_study ON assignments (study_id, image_id, seq)",
    "CREATE INDEX exposures_of_case ON exposures (image_id, reader_id, seq)",
    "CREATE INDEX tasks_unread ON tasks (study_id, reader_id, position) WHERE answer IS NULL",
    "CREATE INDEX tasks_of_arm ON tasks (study_id, reader_id, arm, position)",
    "CREATE INDEX tasks_answered ON tasks (study_id, reader_id, arm, answer)",
    "CREATE INDEX tasks_of_case ON tasks (study_id, image_id)",
)


def study_tables(connection: Connection) -> None:
    """Make the tables, and add the columns: what was written before holds nothing in them, and its hashes stay true."""
    dialect = connection.dialect.name
    for name, columns in TABLES.items():
        # an INTEGER key is the row's own number in SQLite, and needs no index
        chained = CHAINED.format(number="INTEGER" if dialect == "sqlite" else "BIGINT")
        connection.execute(text(f"CREATE TABLE {name} ({chained}{columns})"))
    for statement in (*COLUMNS, *BESIDE, *INDEXES):
        if dialect == "sqlite" and "CREATE TABLE tasks" in statement:
            statement += " WITHOUT ROWID"  # the primary key is the order it is walked in
        connection.execute(text(statement))
    for name in TABLES:
        for statement in (*guards(name, dialect).values(), *enabled_always(name, dialect)):
            connection.execute(text(statement))
