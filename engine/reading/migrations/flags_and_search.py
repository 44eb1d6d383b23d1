"""A migration: flags; where readers differ; distances from the images of training; what is searched. Frozen.

What is said of cases stored before: their names, patients, classes and scores. Their distances and the columns of
their table lie in the folders of their runs, and are added when such a run is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, Connection, Row, text

from engine.reading.ledger.guards import enabled_always, guards

FLAGS = """CREATE TABLE flags (seq BIGINT NOT NULL PRIMARY KEY, id VARCHAR(64) NOT NULL UNIQUE,
    at VARCHAR(40) NOT NULL, author VARCHAR(64) NOT NULL, previous VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL,
    run_id VARCHAR(200) NOT NULL, session_id VARCHAR(64), reader_id VARCHAR(64) NOT NULL,
    image_id VARCHAR(64) NOT NULL, flagged BOOLEAN NOT NULL, comment TEXT NOT NULL)"""
BESIDE = (
    # Worked out from flags and answers; kept so that a queue of them is a seek.
    """CREATE TABLE flagged (run_id VARCHAR(200) NOT NULL, reader_id VARCHAR(64) NOT NULL, position BIGINT NOT NULL,
        image_id VARCHAR(64) NOT NULL, part VARCHAR(10), flag BIGINT NOT NULL REFERENCES flags (seq),
        PRIMARY KEY (run_id, reader_id, position))""",
    """CREATE TABLE differences (run_id VARCHAR(200) NOT NULL, position BIGINT NOT NULL,
        image_id VARCHAR(64) NOT NULL, part VARCHAR(10), PRIMARY KEY (run_id, position))""",
    # What a search looks through: narrow, so that going through all of a run takes milliseconds.
    """CREATE TABLE searched (run_id VARCHAR(200) NOT NULL, position BIGINT NOT NULL, image_id VARCHAR(64) NOT NULL,
        part VARCHAR(10), score DOUBLE PRECISION NOT NULL, confidence DOUBLE PRECISION NOT NULL, file TEXT NOT NULL,
        patient TEXT NOT NULL, predicted TEXT NOT NULL, label TEXT NOT NULL, meta TEXT NOT NULL,
        PRIMARY KEY (run_id, position))""",
)
STATEMENTS = (
    "ALTER TABLE cases ADD COLUMN distance DOUBLE PRECISION",
    "CREATE INDEX cases_by_distance ON cases (run_id, distance, position)",
    "CREATE INDEX cases_by_distance_of_part ON cases (run_id, part, distance, position)",
    "CREATE INDEX cases_by_entropy ON cases (run_id, entropy, position)",
    "CREATE INDEX cases_by_entropy_of_part ON cases (run_id, part, entropy, position)",
    "CREATE INDEX flags_of_case ON flags (run_id, image_id, reader_id, seq)",
    "CREATE INDEX flagged_of_part ON flagged (run_id, reader_id, part, position)",
    "CREATE INDEX flagged_of_case ON flagged (run_id, image_id)",
    "CREATE INDEX differences_of_part ON differences (run_id, part, position)",
    "CREATE INDEX differences_of_case ON differences (run_id, image_id)",
    "CREATE INDEX searched_incomplete ON searched (run_id) WHERE meta = ''",
    "CREATE INDEX searched_of_case ON searched (run_id, image_id)",
    "CREATE INDEX last_answers_newest ON last_answers (run_id, reader_id, answer)",
    "CREATE INDEX answers_taken_back ON answers (supersedes) WHERE verdict = 'taken back'",
)
DIFFER = """INSERT INTO differences SELECT l.run_id, l.position, MIN(l.image_id), MIN(l.part)
    FROM last_answers l JOIN answers a ON a.seq = l.answer GROUP BY l.run_id, l.position
    HAVING COUNT(DISTINCT COALESCE(a.label, a.verdict)) > 1"""


def flags_and_search(connection: Connection) -> None:
    """Make the tables, and fill what can be worked out from the database."""
    dialect = connection.dialect.name
    number = "seq INTEGER NOT NULL PRIMARY KEY" if dialect == "sqlite" else "seq BIGINT NOT NULL PRIMARY KEY"
    connection.execute(text(FLAGS.replace("seq BIGINT NOT NULL PRIMARY KEY", number)))
    for statement in BESIDE:
        # the primary key is the order it is walked in
        connection.execute(text(statement + (" WITHOUT ROWID" if dialect == "sqlite" else "")))
    for statement in (*STATEMENTS, *guards("flags", dialect).values(), *enabled_always("flags", dialect)):
        connection.execute(text(statement))
    connection.execute(text(DIFFER))
    for run in connection.execute(
        text("SELECT run_id, classes, positive FROM runs").columns(classes=JSON)
    ).all():
        told = list(_searched(connection, run))
        if told:
            names = list(told[0])
            values = ", ".join(f":{name}" for name in names)
            connection.execute(text(f"INSERT INTO searched ({', '.join(names)}) VALUES ({values})"), told)


def _searched(connection: Connection, run: Row[Any]) -> Iterator[dict[str, Any]]:
    cases = text("SELECT * FROM cases WHERE run_id = :run").columns(probabilities=JSON)
    place = run.classes.index(run.positive) if run.positive in run.classes else -1
    for case in connection.execute(cases, {"run": run.run_id}).all():
        yield {
            "run_id": run.run_id,
            "position": case.position,
            "image_id": case.image_id,
            "part": case.part,
            "score": case.probabilities[place] if place >= 0 else case.confidence,
            "confidence": case.confidence,
            "file": case.path.replace("\\", "/").rsplit("/", 1)[-1].casefold(),
            "patient": "" if case.patient_id == case.image_id else case.patient_id.casefold(),
            "predicted": case.predicted.casefold(),
            "label": (case.label or "").casefold(),
            "meta": "",
        }
