"""One chain through all tables of evidence: every row has a number, and a hash of itself and of the row before.

The number runs through all chained tables, so that a row that is gone leaves a gap, wherever it stood. What is hashed
is frozen: a change of `seal` would make every chain written before it look tampered with.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from operator import itemgetter
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
TOGETHER = 500
"""Rows of one statement of SQLite at most: with fewer it goes back and forth more often."""
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
    return _sealed(_quoted(table), _keys(tuple(row)), tuple(row.values()))


def _sealed(table: str, keys: Sequence[tuple[int, str]], row: Sequence[Any]) -> str:
    told = [
        name
        + (_quoted(value) if type(value) is str else str(value) if type(value) is int else _written(value))
        for place, name in keys
        if (value := row[place]) is not None
    ]
    return hashlib.sha256(f"[{table},{{{','.join(told)}}}]".encode()).hexdigest()


@lru_cache(maxsize=64)
def _keys(names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Return the places of the columns that are hashed, in their order, each with how it begins in the text."""
    return tuple((names.index(name), f"{_quoted(name)}:") for name in sorted(names) if name != "hash")


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
    if not values:
        return []
    newest = _HEAD_LOCKED if connection.dialect.name == "postgresql" else _HEAD
    head = Head(*connection.execute(newest).one())
    moment = at or datetime.now(UTC).isoformat()
    names = tuple(values[0])
    columns = ("seq", "id", "at", "author", "previous", *names)
    as_stored = dict(_kinds(table))
    kinds = [as_stored.get(name) for name in columns] if as_stored else []
    quoted, keys, told_of = _quoted(table.name), _keys(columns), _taking(names)
    rows = []
    # ids that follow one another are found a place in an index faster than random ones
    own = secrets.token_hex(12)
    seq, newest_hash = head.seq, head.hash
    for place, told in enumerate(values):
        seq += 1
        own_id = ids[place] if ids else f"{own}{place:08x}"
        row: tuple[Any, ...] = (seq, own_id, moment, author, newest_hash, *told_of(told))
        if kinds:
            row = tuple(
                [
                    made(value) if made and value is not None else value
                    for made, value in zip(kinds, row, strict=True)
                ]
            )
        newest_hash = _sealed(quoted, keys, row)
        rows.append((*row, newest_hash))
    _add(connection, _adding(table), (*columns, "hash"), rows)
    set_head(connection, Head(seq, newest_hash))
    return [*range(head.seq + 1, seq + 1)]


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
    if rows:
        names = tuple(rows[0])
        _add(connection, adding, names, [*map(_taking(names), rows)])


def _taking(names: Sequence[str] | Sequence[int]) -> Callable[[Any], Sequence[Any]]:
    """Return what takes the values at these names or places from a row, in their order."""
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)


def _add(
    connection: Connection, adding: Insert, names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows of values in the order of these names, many by one statement where the driver goes row by row."""
    statement, order = _statement(adding, names, connection.dialect)
    if order is None:  # psycopg sends many statements at once by itself
        told = [dict(zip(names, row, strict=True)) for row in rows]
        for start in range(0, len(told), AT_ONCE):
            connection.exec_driver_sql(statement, told[start : start + AT_ONCE])
        return
    take, group = _taking([*map(names.index, order)]), f"({', '.join('?' * len(order))})"
    most = min(TOGETHER, _most_values(connection) // len(order))
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        of_some = statement.replace(group, ", ".join([group] * len(some)), 1)
        connection.exec_driver_sql(of_some, tuple(chain.from_iterable(map(take, some))))


def _most_values(connection: Connection) -> int:
    """Return how many values a statement of SQLite may have: 999 in old ones."""
    opened: Any = connection.connection.driver_connection
    return int(opened.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))


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
