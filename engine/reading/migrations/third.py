"""Migration 3: readings as evidence. Readers, studies, sessions, exposures, answers and regions, in one chain. Frozen.

Reviews given before it become a study "assisted, unregistered" of their run, without a session: what was on the screen
of their readers, beside the prediction that the row names, is not known.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Connection, Row, text

from engine.reading.ledger.chain import canonical, digest, seal
from engine.reading.ledger.guards import POSTGRESQL_FUNCTION, enabled_always, guards

CHAINED = (
    "seq BIGINT NOT NULL PRIMARY KEY, id VARCHAR(64) NOT NULL UNIQUE, at VARCHAR(40) NOT NULL, "
    "author VARCHAR(64) NOT NULL, previous VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL, "
)
TABLES = {
    "readers": """reader_id VARCHAR(64) NOT NULL, name VARCHAR(200) NOT NULL, role VARCHAR(20) NOT NULL,
        profession TEXT, years DOUBLE PRECISION, same_as VARCHAR(64)""",
    "predictions": """run_id VARCHAR(200) NOT NULL, image_id VARCHAR(64) NOT NULL, patient_id TEXT NOT NULL,
        label TEXT, part VARCHAR(10), predicted TEXT NOT NULL, probabilities JSON NOT NULL,
        threshold DOUBLE PRECISION, confidence DOUBLE PRECISION NOT NULL, entropy DOUBLE PRECISION NOT NULL,
        margin DOUBLE PRECISION NOT NULL, uncertainty JSON, conformal JSON NOT NULL""",
    "studies": """study_id VARCHAR(64) NOT NULL, name TEXT NOT NULL, run_id VARCHAR(200),
        protocol JSON NOT NULL, protocol_hash VARCHAR(64) NOT NULL""",
    "sessions": """session_id VARCHAR(64) NOT NULL, study_id VARCHAR(64) NOT NULL, reader_id VARCHAR(64) NOT NULL,
        event VARCHAR(10) NOT NULL""",
    "exposures": """session_id VARCHAR(64) NOT NULL, reader_id VARCHAR(64) NOT NULL, image_id VARCHAR(64) NOT NULL,
        prediction BIGINT REFERENCES predictions (seq), map TEXT, label BOOLEAN NOT NULL,
        others BOOLEAN NOT NULL""",
    "answers": """study_id VARCHAR(64) NOT NULL, session_id VARCHAR(64), reader_id VARCHAR(64) NOT NULL,
        image_id VARCHAR(64) NOT NULL, arm VARCHAR(20) NOT NULL, finding TEXT NOT NULL,
        verdict VARCHAR(20) NOT NULL, label TEXT, comment TEXT NOT NULL, seconds DOUBLE PRECISION NOT NULL,
        queue VARCHAR(40) NOT NULL, drawn VARCHAR(10) NOT NULL, predicted TEXT, confidence DOUBLE PRECISION,
        supersedes BIGINT REFERENCES answers (seq)""",
    "regions": """answer BIGINT NOT NULL REFERENCES answers (seq), finding TEXT NOT NULL,
        shape VARCHAR(10) NOT NULL, place JSON NOT NULL""",
}
BESIDE = (
    "CREATE TABLE chain_head (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL, "
    "hash VARCHAR(64) NOT NULL)",
    "INSERT INTO chain_head VALUES (1, 0, '')",
    # Worked out from answers; kept so that "not yet read" is a seek.
    """CREATE TABLE last_answers (run_id VARCHAR(200) NOT NULL, reader_id VARCHAR(64) NOT NULL,
        position BIGINT NOT NULL, image_id VARCHAR(64) NOT NULL, part VARCHAR(10), verdict VARCHAR(20) NOT NULL,
        answer BIGINT NOT NULL REFERENCES answers (seq), PRIMARY KEY (run_id, reader_id, position),
        FOREIGN KEY (run_id, image_id) REFERENCES cases (run_id, image_id))""",
    """CREATE TABLE places (run_id VARCHAR(200) NOT NULL, reader_id VARCHAR(64) NOT NULL,
        queue VARCHAR(40) NOT NULL, image_id VARCHAR(64) NOT NULL, PRIMARY KEY (run_id, reader_id, queue),
        FOREIGN KEY (run_id, image_id) REFERENCES cases (run_id, image_id))""",
)
INDEXES = (
    "CREATE INDEX readers_by_id ON readers (reader_id, seq)",
    "CREATE INDEX predictions_of_case ON predictions (run_id, image_id, seq)",
    "CREATE INDEX studies_of_run ON studies (run_id, seq)",
    "CREATE INDEX sessions_by_id ON sessions (session_id, seq)",
    "CREATE INDEX labels_seen ON exposures (image_id, reader_id, seq) WHERE label",
    "CREATE INDEX answers_of_study ON answers (study_id, image_id, reader_id, seq)",
    "CREATE INDEX regions_of_answer ON regions (answer)",
    "CREATE INDEX last_answers_of_part ON last_answers (run_id, reader_id, part, position)",
    "CREATE INDEX last_answers_of_verdict ON last_answers (run_id, reader_id, verdict, position)",
    "CREATE INDEX last_answers_of_case ON last_answers (run_id, image_id)",
)
UNREGISTERED = {"design": "assisted", "registered": False, "shown": ["prediction", "map"]}


def third(connection: Connection) -> None:
    """Make the tables, carry over what was kept, and drop the tables that it came from."""
    dialect = connection.dialect.name
    for name, columns in TABLES.items():
        statement = f"CREATE TABLE {name} ({CHAINED}{columns})"
        if dialect == "sqlite":  # an INTEGER key is the row's own number there, and needs no index
            statement = statement.replace(
                "seq BIGINT NOT NULL PRIMARY KEY", "seq INTEGER NOT NULL PRIMARY KEY"
            )
        connection.execute(text(statement))
    for statement in (*BESIDE, *INDEXES):
        if dialect == "sqlite" and "CREATE TABLE last_answers" in statement:
            statement += " WITHOUT ROWID"  # the primary key is the order it is walked in
        connection.execute(text(statement))
    if dialect == "postgresql":
        connection.execute(text(POSTGRESQL_FUNCTION))
    for name in TABLES:
        for statement in (*guards(name, dialect).values(), *enabled_always(name, dialect)):
            connection.execute(text(statement))
    _Carried(connection).carry()
    for statement in ("DROP TABLE readings", "DROP TABLE bookmarks", "DROP TABLE reviews"):
        connection.execute(text(statement))
    if dialect == "postgresql":
        connection.execute(text("DROP FUNCTION refuse_review_change()"))


class _Carried:
    """What the tables of version 2 held, on its way into the chain."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seq, self._hash = 0, ""
        self._now = datetime.now(UTC).isoformat()
        self._readers: dict[str, str] = {}
        self._studies: dict[str, str] = {}

    def carry(self) -> None:
        """Add predictions, readers, studies, answers and regions, and work out what is kept beside them."""
        runs = {row.run_id: row for row in self._rows("SELECT run_id, threshold FROM runs ORDER BY run_id")}
        for run in runs.values():
            of_run = "SELECT * FROM cases WHERE run_id = :run ORDER BY position"
            for case in self._rows(of_run, "probabilities", "uncertainty", "conformal", run=run.run_id):
                self._add("predictions", _prediction(case, run.threshold))
        names = "SELECT reader, MIN(review_id) AS first FROM {} GROUP BY reader ORDER BY first"
        reviewers = [row.reader for row in self._rows(names.format("reviews"))]
        marked = [row.reader for row in self._rows("SELECT DISTINCT reader FROM bookmarks ORDER BY reader")]
        for name in dict.fromkeys([*reviewers, *marked]):
            self._readers[name] = uuid.uuid4().hex
            self._add("readers", {"reader_id": self._readers[name], "name": name, "role": "reader"})
        last: dict[tuple[str, str, str], int] = {}
        for review in self._rows("SELECT * FROM reviews ORDER BY review_id", "regions"):
            of_case = (review.run_id, review.image_id, review.reader)
            last[of_case] = self._review(review, last.get(of_case))
        self._beside(last)
        self._connection.execute(
            text("UPDATE chain_head SET seq = :seq, hash = :hash"), {"seq": self._seq, "hash": self._hash}
        )

    def _review(self, review: Row[Any], supersedes: int | None) -> int:
        if review.run_id not in self._studies:
            self._studies[review.run_id] = uuid.uuid4().hex
            study = {
                "study_id": self._studies[review.run_id],
                "name": "assisted, unregistered",
                "run_id": review.run_id,
                "protocol": canonical(UNREGISTERED),
                "protocol_hash": digest(UNREGISTERED),
            }
            self._add("studies", study)
        same = ("image_id", "verdict", "label", "comment", "queue", "drawn", "predicted")
        reader = self._readers[review.reader]
        answer = {name: getattr(review, name) for name in same} | {
            "study_id": self._studies[review.run_id],
            "reader_id": reader,
            "arm": "assisted",
            "finding": "class",
            "seconds": float(review.seconds),
            "confidence": float(review.confidence),
            "supersedes": supersedes,
        }
        number = self._add("answers", answer, author=reader, at=review.created)
        for region in review.regions:
            place = [float(region[side]) for side in ("x", "y", "width", "height")]
            told = {
                "answer": number,
                "finding": region.get("label", ""),
                "shape": "box",
                "place": canonical(place),
            }
            self._add("regions", told, author=reader, at=review.created)
        return number

    def _beside(self, last: Mapping[tuple[str, str, str], int]) -> None:
        """Carry over the newest answer of each reader and case, and where each reader stopped."""
        for row in self._rows("SELECT * FROM readings"):
            self._connection.execute(
                text(
                    "INSERT INTO last_answers VALUES (:run_id, :who, :position, :image_id, :part, :verdict, :answer)"
                ),
                dict(row._mapping)
                | {
                    "who": self._readers[row.reader],
                    "answer": last[row.run_id, row.image_id, row.reader],
                },
            )
        for row in self._rows("SELECT * FROM bookmarks"):
            self._connection.execute(
                text("INSERT INTO places VALUES (:run_id, :who, :queue, :image_id)"),
                dict(row._mapping) | {"who": self._readers[row.reader]},
            )

    def _rows(self, statement: str, *as_json: str, **values: object) -> list[Row[Any]]:
        told = text(statement)
        return list(self._connection.execute(told.columns(**dict.fromkeys(as_json, JSON)), values))

    def _add(
        self, table: str, told: Mapping[str, Any], *, author: str = "program", at: str | None = None
    ) -> int:
        self._seq += 1
        row = {
            "seq": self._seq,
            "id": uuid.uuid4().hex,
            "at": at or self._now,
            "author": author,
            "previous": self._hash,
            **told,
        }
        self._hash = row["hash"] = seal(table, row)
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        self._connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
        return self._seq


def _prediction(case: Row[Any], threshold: float | None) -> dict[str, Any]:
    same = ("run_id", "image_id", "patient_id", "label", "part", "predicted")
    return {
        **{name: getattr(case, name) for name in same},
        **{name: float(getattr(case, name)) for name in ("confidence", "entropy", "margin")},
        "threshold": None if threshold is None else float(threshold),
        **{name: canonical(getattr(case, name)) for name in ("probabilities", "conformal")},
        "uncertainty": None if case.uncertainty is None else canonical(case.uncertainty),
    }
