"""A migration: versions of labels, the test cases that are re-read with a control, and suspicion. Frozen."""

from __future__ import annotations

from sqlalchemy import Connection, text

from engine.reading.ledger.guards import enabled_always, guards

CHAINED = (
    "seq BIGINT NOT NULL PRIMARY KEY, id VARCHAR(64) NOT NULL UNIQUE, at VARCHAR(40) NOT NULL, "
    "author VARCHAR(64) NOT NULL, previous VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL, "
)
TABLES = {
    "label_versions": """dataset_id VARCHAR(64) NOT NULL, number INTEGER NOT NULL,
        parent BIGINT REFERENCES label_versions (seq), source VARCHAR(40) NOT NULL, made_from VARCHAR(200) NOT NULL,
        rule VARCHAR(20) NOT NULL, readers JSON NOT NULL, changed INTEGER NOT NULL, kept JSON NOT NULL,
        locked JSON NOT NULL, labels_sha256 VARCHAR(64) NOT NULL, UNIQUE (dataset_id, number)""",
    "labels": """version BIGINT NOT NULL REFERENCES label_versions (seq), image_id VARCHAR(64) NOT NULL, label TEXT,
        answers JSON NOT NULL, reason TEXT NOT NULL""",
    "rereads": """study_id VARCHAR(64) NOT NULL, run_id VARCHAR(200) NOT NULL, image_id VARCHAR(64) NOT NULL,
        drawn_as VARCHAR(10) NOT NULL, suspicion DOUBLE PRECISION NOT NULL""",
}
BESIDE = (
    "CREATE INDEX labels_of_version ON labels (version, image_id)",
    "CREATE INDEX rereads_of_study ON rereads (study_id, image_id)",
    # How likely a case's label is wrong; worked out from what is trained, and no evidence.
    "ALTER TABLE cases ADD COLUMN suspicion DOUBLE PRECISION",
    "CREATE INDEX cases_by_suspicion ON cases (run_id, suspicion, position)",
    "CREATE INDEX cases_of_part_by_suspicion ON cases (run_id, part, suspicion, position)",
)


def label_tables(connection: Connection) -> None:
    """Make the tables and the column."""
    dialect = connection.dialect.name
    for name, columns in TABLES.items():
        statement = f"CREATE TABLE {name} ({CHAINED}{columns})"
        if dialect == "sqlite":  # an INTEGER key is the row's own number there, and needs no index
            statement = statement.replace(
                "seq BIGINT NOT NULL PRIMARY KEY", "seq INTEGER NOT NULL PRIMARY KEY"
            )
        connection.execute(text(statement))
        for statement in (*guards(name, dialect).values(), *enabled_always(name, dialect)):
            connection.execute(text(statement))
    for statement in BESIDE:
        connection.execute(text(statement))
