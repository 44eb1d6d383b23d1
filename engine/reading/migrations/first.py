"""Migration 1: runs, cases, append-only reviews, who has read what. Frozen: write the next one instead."""

from __future__ import annotations

from sqlalchemy import Connection, text

TABLES = (
    "CREATE TABLE schema_version (version INTEGER PRIMARY KEY)",
    """CREATE TABLE runs (
        run_id VARCHAR(200) NOT NULL PRIMARY KEY,
        dataset_id VARCHAR(64) NOT NULL,
        dataset_name TEXT NOT NULL,
        recipe_name TEXT NOT NULL,
        classes JSON NOT NULL,
        positive TEXT NOT NULL,
        threshold DOUBLE PRECISION,
        created VARCHAR(40) NOT NULL)""",
    """CREATE TABLE cases (
        run_id VARCHAR(200) NOT NULL REFERENCES runs (run_id),
        image_id VARCHAR(64) NOT NULL,
        position BIGINT NOT NULL,
        path TEXT NOT NULL,
        label TEXT,
        patient_id TEXT NOT NULL,
        part VARCHAR(10),
        predicted TEXT NOT NULL,
        probabilities JSON NOT NULL,
        confidence DOUBLE PRECISION NOT NULL,
        entropy DOUBLE PRECISION NOT NULL,
        wrong BOOLEAN,
        uncertainty JSON,
        conformal JSON NOT NULL,
        PRIMARY KEY (run_id, image_id))""",
    """CREATE TABLE reviews (
        review_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        run_id VARCHAR(200) NOT NULL,
        image_id VARCHAR(64) NOT NULL,
        reader VARCHAR(200) NOT NULL,
        verdict VARCHAR(20) NOT NULL,
        label TEXT,
        comment TEXT NOT NULL,
        regions JSON NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        created VARCHAR(40) NOT NULL,
        predicted TEXT NOT NULL,
        confidence DOUBLE PRECISION NOT NULL,
        FOREIGN KEY (run_id, image_id) REFERENCES cases (run_id, image_id))""",
    # The newest review per reader and case: could be worked out, is kept so that "not yet read" is a seek.
    """CREATE TABLE readings (
        run_id VARCHAR(200) NOT NULL,
        reader VARCHAR(200) NOT NULL,
        position BIGINT NOT NULL,
        image_id VARCHAR(64) NOT NULL,
        part VARCHAR(10),
        verdict VARCHAR(20) NOT NULL,
        review_id INTEGER NOT NULL REFERENCES reviews (review_id),
        PRIMARY KEY (run_id, reader, position),
        FOREIGN KEY (run_id, image_id) REFERENCES cases (run_id, image_id))""",
    """CREATE TABLE bookmarks (
        run_id VARCHAR(200) NOT NULL,
        reader VARCHAR(200) NOT NULL,
        queue VARCHAR(40) NOT NULL,
        image_id VARCHAR(64) NOT NULL,
        PRIMARY KEY (run_id, reader, queue),
        FOREIGN KEY (run_id, image_id) REFERENCES cases (run_id, image_id))""",
)

INDEXES = (
    "CREATE UNIQUE INDEX cases_in_order ON cases (run_id, position)",
    "CREATE INDEX cases_of_part ON cases (run_id, part, position)",
    "CREATE INDEX cases_wrong ON cases (run_id, wrong, confidence, position)",
    "CREATE INDEX cases_wrong_of_part ON cases (run_id, part, wrong, confidence, position)",
    "CREATE INDEX cases_uncertain ON cases (run_id, entropy, position)",
    "CREATE INDEX cases_uncertain_of_part ON cases (run_id, part, entropy, position)",
    "CREATE INDEX reviews_of_case ON reviews (run_id, image_id, reader)",
    "CREATE INDEX readings_of_part ON readings (run_id, reader, part, position)",
    "CREATE INDEX readings_of_verdict ON readings (run_id, reader, verdict, position)",
)

REFUSAL = "reviews are append-only: a correction is a new review"

TRIGGERS = {
    "sqlite": tuple(
        f"CREATE TRIGGER reviews_no_{action.lower()} BEFORE {action} ON reviews "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for action in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION refuse_review_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
        "CREATE TRIGGER reviews_no_change BEFORE UPDATE OR DELETE ON reviews "
        "FOR EACH ROW EXECUTE FUNCTION refuse_review_change()",
        "CREATE TRIGGER reviews_no_truncate BEFORE TRUNCATE ON reviews "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_review_change()",
    ),
}


def first(connection: Connection) -> None:
    """Create every table, index and trigger of version 1 in an empty database."""
    dialect = connection.dialect.name
    for statement in TABLES:
        if dialect == "sqlite" and "CREATE TABLE readings" in statement:
            statement += " WITHOUT ROWID"  # the primary key is the order it is walked in
        if dialect == "postgresql":
            statement = statement.replace("INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "SERIAL PRIMARY KEY")
        connection.execute(text(statement))
    for statement in (*INDEXES, *TRIGGERS[dialect]):
        connection.execute(text(statement))
