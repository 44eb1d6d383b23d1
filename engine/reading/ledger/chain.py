"""One chain through all tables of evidence: every row has a number, and a hash of itself and of the row before.

The number runs through all chained tables, so that a row that is gone leaves a gap, wherever it stood. What is hashed
is frozen: a change of `seal` would make every chain written before it look tampered with.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Float, Insert, String, Table, insert, text

START = ""  # what the first row follows
PROGRAM = "program"  # the author of what no person wrote
# Built once: building a statement takes longer than carrying it out.
_HEAD = text("SELECT seq, hash FROM chain_head")
_HEAD_LOCKED = text("SELECT seq, hash FROM chain_head FOR UPDATE")
_SET_HEAD = text("UPDATE chain_head SET seq = :seq, hash = :hash")


def chained() -> tuple[Column[Any], ...]:
    """Return the columns that every chained table begins with."""
    return (
        Column("seq", BigInteger, primary_key=True),  # through all chained tables, from 1, without a gap
        Column("id", String, nullable=False),
        Column("at", String, nullable=False),  # ISO 8601 in UTC
        Column("author", String, nullable=False),  # a reader's id, or PROGRAM
        Column("previous", String, nullable=False),  # the hash of row seq - 1
        Column("hash", String, nullable=False),
    )


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of the chain, which stands for all rows before it.

    Attributes:
        seq: Its number; 0 where nothing was written yet.
        hash: Its hash.
    """

    seq: int
    hash: str


def canonical(value: object) -> str:
    """Return the one way in which a value is written as JSON: in the database, and where it is hashed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def digest(value: object) -> str:
    """Return the SHA-256 of a value as `canonical` writes it, such as a protocol's."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def seal(table: str, row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a row: its table, and every column but `hash` that holds something.

    A column that holds nothing is left out, so that a later version may add one.

    Args:
        table: Its name.
        row: Column → value as the database has it; what is stored as JSON as its text.
    """
    content = {name: _plain(value) for name, value in row.items() if value is not None and name != "hash"}
    return digest([table, content])


def _plain(value: object) -> object:
    """Return a value as both databases agree on it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value + 0.0  # SQLite keeps no sign of a zero
    return value.hex() if isinstance(value, bytes | memoryview) else value


def head_of(connection: Connection) -> Head:
    """Return the newest row of the chain."""
    return Head(*connection.execute(_HEAD).one())


def append(
    connection: Connection,
    table: Table,
    values: Sequence[Mapping[str, Any]],
    *,
    author: str,
    at: str | None = None,
    ids: Sequence[str] | None = None,
) -> list[int]:
    """Add rows at the end of the chain, inside a write transaction.

    Args:
        connection: Of that transaction.
        table: One that begins with `chained()`.
        values: Column → value, of every row alike.
        author: Who says so.
        at: When; None means now.
        ids: Their names; None makes new ones.

    Returns:
        The rows' numbers.
    """
    newest = _HEAD_LOCKED if connection.dialect.name == "postgresql" else _HEAD
    head = Head(*connection.execute(newest).one())
    moment = at or datetime.now(UTC).isoformat()
    rows = []
    for place, told in enumerate(values):
        row = {
            "seq": head.seq + 1,
            "id": ids[place] if ids else uuid.uuid4().hex,
            "at": moment,
            "author": author,
            "previous": head.hash,
            **{name: _typed(table, name, value) for name, value in told.items()},
        }
        as_stored = {name: _stored(table, name, value) for name, value in row.items()}
        row["hash"] = seal(table.name, as_stored)
        head = Head(row["seq"], row["hash"])
        rows.append(row)
    for start in range(0, len(rows), 2000):
        connection.execute(_adding(table), rows[start : start + 2000])
    set_head(connection, head)
    return [row["seq"] for row in rows]


@cache
def _adding(table: Table) -> Insert:
    return insert(table)


def set_head(connection: Connection, head: Head) -> None:
    """Write down which row is the newest."""
    connection.execute(_SET_HEAD, {"seq": head.seq, "hash": head.hash})


def _typed(table: Table, name: str, value: Any) -> Any:
    return float(value) if isinstance(table.c[name].type, Float) and value is not None else value


def _stored(table: Table, name: str, value: Any) -> Any:
    return canonical(value) if isinstance(table.c[name].type, JSON) and value is not None else value
