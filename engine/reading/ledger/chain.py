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
from itertools import chain, count, repeat
from operator import is_, itemgetter
from types import NoneType
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

Columns = Mapping[str, Sequence[Any]]
"""Column → the values of all rows."""
Values = Sequence[Mapping[str, Any]] | Columns
"""Rows, or their columns."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows of one table to be added to the chain.

    Attributes:
        table: One that begins with `chained()`.
        values: Column → value, of every row alike; or column → the values of all rows.
        author: Who says so.
        at: When; None means now.
        ids: Their names; None makes new ones.
    """

    table: Table
    values: Values
    author: str
    at: str | None = None
    ids: Sequence[str] | None = None


def locked_head(connection: Connection) -> Head:
    """Return the newest row of the chain, and let nobody else add one until the write transaction ends."""
    newest = _HEAD_LOCKED if connection.dialect.name == "postgresql" else _HEAD
    return Head(*connection.execute(newest).one())


def append(
    connection: Connection,
    table: Table,
    values: Values,
    *,
    author: str,
    at: str | None = None,
    ids: Sequence[str] | None = None,
) -> list[int]:
    """Add rows of one table at the end of the chain, inside a write transaction: see `Rows`.

    Returns:
        The rows' numbers.
    """
    if not (columns := _columns(values)):
        return []
    first = locked_head(connection)
    newest = append_all(connection, first, Rows(table=table, values=columns, author=author, at=at, ids=ids))
    return [*range(first.seq + 1, newest.seq + 1)]


def append_all(connection: Connection, head: Head, *several: Rows) -> Head:
    """Add rows of several tables, one after the other, behind the `locked_head`; return the newest of them."""
    for rows in several:
        head = _append(connection, head, rows)
    set_head(connection, head)
    return head


def _append(connection: Connection, head: Head, rows: Rows) -> Head:
    values = _columns(rows.values)
    count = len(next(iter(values.values())))
    # ids that follow one another are found a place in an index faster than random ones
    own = secrets.token_hex(12)
    columns: dict[str, Sequence[Any]] = {
        "seq": range(head.seq + 1, head.seq + 1 + count),
        "id": rows.ids or [f"{own}{place:08x}" for place in range(count)],
        "at": [rows.at or datetime.now(UTC).isoformat()] * count,
        "author": [rows.author] * count,
        **values,
    }
    for name, made in _kinds(rows.table):
        if name in columns:
            columns[name] = [None if value is None else made(value) for value in columns[name]]
    hashes = _sealed_all(rows.table.name, columns, head.hash)
    columns |= {"previous": [head.hash, *hashes[:-1]], "hash": hashes}
    _add(connection, _adding(rows.table), columns)
    return Head(head.seq + count, hashes[-1])


def _columns(rows: Values) -> Columns:
    """Return rows of the same columns as their columns, and none of no rows: to go row by row takes longer."""
    if isinstance(rows, Mapping):
        return rows if any(map(len, rows.values())) else {}
    return {name: [*map(itemgetter(name), rows)] for name in rows[0]} if rows else {}


def _sealed_all(table: str, columns: Columns, newest: str) -> list[str]:
    """Return what `seal` gives of each of several rows that follow one another.

    Args:
        table: Its name.
        columns: All but `previous` and `hash`, as the database has them.
        newest: The hash of the row before the first.
    """
    names = sorted(columns)
    before = [_texts(name, columns[name]) for name in names if name < "previous"]
    behind = [_texts(name, columns[name]) for name in names if name > "previous"]
    begins, hashes = f"[{_quoted(table)},{{", []
    lefts, rights = (map("".join, zip(*texts, strict=True)) for texts in (before, behind))
    for left, right in zip(lefts, rights, strict=True):
        text = f'{begins}{left[1:]},"previous":"{newest}"{right}}}]'
        newest = hashlib.sha256(text.encode()).hexdigest()
        hashes.append(newest)
    return hashes


def _texts(name: str, values: Sequence[Any]) -> list[str]:
    """Return what stands of a column in the text that is hashed of each row: nothing where it holds nothing."""
    begins, kinds = f",{_quoted(name)}:", {*map(type, values)} - {NoneType}
    if len(kinds) <= 1 and kinds <= {str, int, bool}:
        different = {*values}
        if len(different) * 8 < len(values):  # each of a few is written once
            told = {one: "" if one is None else begins + _written(one) for one in different}
            return [*map(told.__getitem__, values)]
        if kinds == {str} and None not in different:
            return [begins + text for text in map(_quoted, values)]
        if kinds == {int}:
            return ["" if value is None else f"{begins}{value}" for value in values]
    return ["" if value is None else begins + _written(value) for value in values]


def set_head(connection: Connection, head: Head) -> None:
    """Write down which row is the newest."""
    connection.execute(_SET_HEAD, {"seq": head.seq, "hash": head.hash})


def add_many(connection: Connection, adding: Insert, rows: Values) -> None:
    """Insert rows that are as the database has them: what is JSON as its text.

    They go to the driver as they are. To have each value looked at once more takes as long as storing it.

    Args:
        connection: Inside a write transaction.
        adding: An INSERT, whatever it does where a row is there already.
        rows: Column → value, of every row alike; or column → the values of all rows.
    """
    if columns := _columns(rows):
        _add(connection, adding, columns)


def _add(connection: Connection, adding: Insert, columns: Columns) -> None:
    """Insert rows, told as their columns, many by one statement where the driver goes row by row."""
    names = tuple(columns)
    statement, order = _statement(adding, names, connection.dialect)
    in_order, count = [columns[name] for name in order or names], len(columns[names[0]])
    if order is None:  # psycopg sends many statements at once by itself
        for start in range(0, count, AT_ONCE):
            rows = zip(*(column[start : start + AT_ONCE] for column in in_order), strict=True)
            told = [dict(zip(names, row, strict=True)) for row in rows]
            connection.exec_driver_sql(statement, told if count > 1 else told[0])
        return
    alike = tuple(all(map(is_, column, repeat(column[0]))) for column in in_order)
    once = [column[0] for column, same in zip(in_order, alike, strict=True) if same]
    own = [column for column, same in zip(in_order, alike, strict=True) if not same]
    most = min(TOGETHER, _most_values(connection) // len(order))
    for start in range(0, count, most):
        some = [column[start : start + most] for column in own]
        of_some = _of_some(statement, alike, min(most, count - start))
        connection.exec_driver_sql(of_some, (*once, *chain.from_iterable(zip(*some, strict=True))))


@lru_cache(maxsize=64)
def _of_some(statement: str, alike: tuple[bool, ...], rows: int) -> str:
    """Return an INSERT of one row of SQLite's as one of several, in which what all rows hold alike is told once."""
    places = count(1)
    once = [f"?{next(places)}" if same else "" for same in alike]
    groups = (f"({', '.join(place or f'?{next(places)}' for place in once)})" for _ in range(rows))
    return statement.replace(f"({', '.join('?' * len(alike))})", ", ".join(groups), 1)


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
