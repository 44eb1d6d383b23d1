"""One chain through all tables of evidence: every row has a number, and a hash of itself and of the row before.

The number runs through all chained tables, so that a row that is gone leaves a gap, wherever it stood. What is hashed
is frozen: a change of `seal` would make every chain written before it look tampered with.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Dialect,
    Float,
    Insert,
    String,
    Table,
    insert,
    text,
)

START = ""  # what the first row follows
PROGRAM = "program"  # the author of what no person wrote
AT_ONCE = 5000
"""Rows of one statement, and of one transaction where there are very many: other readers' answers go in between."""
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


_quoted = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode


def canonical(value: object) -> str:
    """Return the one way in which a value is written as JSON: in the database, and where it is hashed."""
    return _encode(value)


def digest(value: object) -> str:
    """Return the SHA-256 of a value as `canonical` writes it, such as a protocol's."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def seal(table: str, row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a row: its table, and every column but `hash` that holds something.

    A column that holds nothing is left out, so that a later version may add one. It is the SHA-256 of what `canonical`
    writes of the table's name and the columns, put together here by hand: a study of very many images has millions.

    Args:
        table: Its name.
        row: Column → value as the database has it; what is stored as JSON as its text.
    """
    told = [
        name + (_quoted(value) if type(value) is str else _written(value))
        for own, name in _keys(tuple(row))
        if (value := row[own]) is not None
    ]
    return hashlib.sha256(f"[{_quoted(table)},{{{','.join(told)}}}]".encode()).hexdigest()


@lru_cache(maxsize=64)
def _keys(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the columns that are hashed, in their order, each with how it begins in the text."""
    return tuple((name, f"{_quoted(name)}:") for name in sorted(names) if name != "hash")


def _written(value: object) -> str:
    """Return a value as JSON, in the form on which both databases agree."""
    if isinstance(value, int):
        return str(int(value))  # a truth is a number
    if isinstance(value, float):
        value += 0.0  # SQLite keeps no sign of a zero
    return _encode(value.hex() if isinstance(value, bytes | memoryview) else value)


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
    stored = _kinds(table)
    rows = []
    own = secrets.token_hex(
        12
    )  # ids that follow one another are found a place in an index faster than random ones
    seq, newest_hash = head.seq, head.hash
    for place, told in enumerate(values):
        seq += 1
        row = {
            "seq": seq,
            "id": ids[place] if ids else f"{own}{place:08x}",
            "at": moment,
            "author": author,
            "previous": newest_hash,
            **told,
        }
        for name, as_stored in stored:
            if (value := row.get(name)) is not None:
                row[name] = as_stored(value)
        row["hash"] = newest_hash = seal(table.name, row)
        rows.append(row)
    add_many(connection, _adding(table), rows)
    set_head(connection, Head(seq, newest_hash))
    return [row["seq"] for row in rows]


def set_head(connection: Connection, head: Head) -> None:
    """Write down which row is the newest."""
    connection.execute(_SET_HEAD, {"seq": head.seq, "hash": head.hash})


def add_many(connection: Connection, adding: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that are as the database has them: what is JSON as its text.

    They go to the driver as they are. To have each value looked at once more takes as long as storing it.

    Args:
        connection: Inside a write transaction.
        adding: An INSERT, whatever it does where a row is there already.
        rows: Column → value, of every row alike.
    """
    if not rows:
        return
    statement, order = _statement(adding, tuple(rows[0]), connection.dialect)
    told = [tuple([row[name] for name in order]) for row in rows] if order else [dict(row) for row in rows]
    for start in range(0, len(told), AT_ONCE):
        connection.exec_driver_sql(statement, told[start : start + AT_ONCE])


@lru_cache(maxsize=64)
def _statement(adding: Insert, names: tuple[str, ...], dialect: Dialect) -> tuple[str, Sequence[str] | None]:
    """Return an INSERT as the driver takes it, and the order of its values; None where it takes them by name."""
    made = adding.compile(dialect=dialect, column_keys=list(names))
    return str(made), made.positiontup


@cache
def _adding(table: Table) -> Insert:
    return insert(table)


@cache
def _kinds(table: Table) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Return the columns whose values are stored otherwise than they are told, with what they become."""
    kinds: tuple[tuple[type, Callable[[Any], Any]], ...] = ((JSON, canonical), (Float, float))
    return tuple(
        (one.name, made) for one in table.columns for kind, made in kinds if isinstance(one.type, kind)
    )
