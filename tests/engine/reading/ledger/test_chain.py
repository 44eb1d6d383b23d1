"""What is hashed of a row never changes: a chain written years ago must still be whole."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import BigInteger, String, event, insert, select, text

from engine.reading.database import Database, open_database
from engine.reading.ledger import chain
from engine.reading.ledger.chain import Head, Rows, add_many, append, append_all, head_of, seal
from engine.reading.migrations.schema import IMAGE_PLACES, REREADS, SESSIONS

Values = st.one_of(
    st.none(),
    st.text(),
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=8),
)


def agreed(value: object) -> object:
    """A value as it is the same in SQLite and PostgreSQL."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value + 0.0
    return value.hex() if isinstance(value, bytes) else value


@given(table=st.text(), row=st.dictionaries(st.text(), Values, max_size=8))
def test_the_hash_of_a_row_is_that_of_its_columns_in_order_as_json(
    table: str, row: dict[str, object]
) -> None:
    told = {name: agreed(value) for name, value in row.items() if value is not None and name != "hash"}
    text = json.dumps([table, told], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    assert seal(table, row) == hashlib.sha256(text.encode()).hexdigest()


def test_a_row_of_long_ago_has_the_hash_that_was_written_then() -> None:
    row = {
        "seq": 1,
        "id": "a",
        "at": "2026-01-01",
        "wrong": True,
        "share": -0.0,
        "film": "côté",
        "none": None,
    }
    assert seal("answers", row | {"hash": "x"}) == seal("answers", dict(reversed(row.items())))
    assert seal("answers", row) == "4860f0542579115f9fc43bd26de4aa8679878df8bb292c02b9cb475d9c5be550"


def test_every_row_of_evidence_has_its_number_its_moment_its_author_and_its_place_in_the_chain() -> None:
    columns = [(each.name, type(each.type), each.nullable, each.primary_key) for each in chain.chained()]
    assert columns == [
        ("seq", BigInteger, False, True),
        *((name, String, False, False) for name in ("id", "at", "author", "previous", "hash")),
    ]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "overread.db")
    yield opened
    opened.close()


def sat(number: int) -> dict[str, Any]:
    return {
        "session_id": f"sitting {number}", "study_id": "s", "reader_id": f"r{number % 2}",
        "event": ("begun", "ended")[number % 2],
    }  # fmt: skip


def drawn(number: int) -> dict[str, Any]:
    return {
        "study_id": "s", "run_id": "r", "image_id": f"{number:064x}", "drawn_as": "suspect", "suspicion": number % 3 / 2
    }  # fmt: skip


@given(st.data(), st.integers(1, 40))
def test_rows_that_are_told_as_columns_are_sealed_as_each_is_by_itself(
    data: st.DataObject, count: int
) -> None:
    kinds = [st.text(), st.integers(-(2**62), 2**62), st.booleans(), Values]
    columns: dict[str, Any] = {"seq": range(7, 7 + count), "author": ["ada"] * count}
    for name in ("alike", "image", "wrong"):
        kind = data.draw(st.sampled_from(kinds))
        few = [data.draw(kind), data.draw(kind), None]
        value = data.draw(st.sampled_from([kind, st.none() | kind, st.sampled_from(few), st.just(few[0])]))
        columns[name] = data.draw(st.lists(value, min_size=count, max_size=count))
    hashes = chain._sealed_all("answers", columns, "before")
    for place, (own, previous) in enumerate(zip(hashes, ["before", *hashes], strict=False)):
        row = {name: column[place] for name, column in columns.items()} | {"previous": previous}
        assert own == seal("answers", row)


def test_what_is_alike_in_all_rows_is_stored_in_each(database: Database) -> None:
    told = {"image_id": [f"{n:05d}" for n in range(1234)], "path": ["/all"] * 1234}
    with database.write() as connection:
        add_many(connection, insert(IMAGE_PLACES), told)
        add_many(connection, insert(IMAGE_PLACES), {"image_id": ["alone"], "path": ["/one"]})
        found = connection.execute(select(IMAGE_PLACES).order_by(IMAGE_PLACES.c.image_id)).all()
    assert [tuple(row) for row in found] == [*zip(*told.values(), strict=True), ("alone", "/one")]


@pytest.mark.parametrize(("together", "values"), [(500, 0), (7, 0), (7, 25), (1, 0)])
def test_rows_are_chained_in_their_order_however_many_one_statement_takes(
    database: Database, together: int, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "TOGETHER", together)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _cursor, sql, *_: asked.append(sql))
    with database.write() as connection:
        if values:  # as an old SQLite has it: two rows of ten columns
            opened: Any = connection.connection.driver_connection
            opened.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, values)
        first = append(connection, SESSIONS, [sat(number) for number in range(23)], author="ada")
        more = Rows(
            table=REREADS, values=[drawn(number) for number in range(5)], author="ben", at="2026-01-01"
        )
        told = Rows(table=SESSIONS, values=[sat(99)], author="cleo", ids=["its own"])
        head = append_all(connection, head_of(connection), more, told)
        assert first == list(range(1, 24)) and head == head_of(connection) and head.seq == 29
        kept = [
            (table.name, dict(row))
            for table in (SESSIONS, REREADS)
            for row in connection.execute(select(table)).mappings()
        ]
    if values:
        assert sum(one.startswith("INSERT INTO sessions") for one in asked) == 12 + 1
    before = Head(0, chain.START)
    for seq, (table, row) in enumerate(sorted(kept, key=lambda each: each[1]["seq"]), 1):
        assert row["seq"] == seq and row["previous"] == before.hash and row["hash"] == seal(table, row)
        said = sat(seq - 1) if seq <= 23 else drawn(seq - 24) if seq < 29 else sat(99)
        assert {name: row[name] for name in said} == said
        before = Head(seq, row["hash"])
    assert before == head
    told_by_id = {row["id"]: row for _, row in kept}
    assert len(told_by_id) == 29 and told_by_id["its own"]["author"] == "cleo"
    assert {(row["author"], row["at"]) for table, row in kept if table == "rereads"} == {
        ("ben", "2026-01-01")
    }


def test_rows_without_names_have_names_that_follow_one_another_and_the_moment_that_it_is(
    database: Database,
) -> None:
    before = datetime.now(UTC)
    with database.write() as connection:
        append(connection, SESSIONS, [sat(number) for number in range(3)], author="ada")
        append(connection, SESSIONS, [sat(3)], author="ada")
        rows = connection.execute(select(SESSIONS).order_by(SESSIONS.c.seq)).all()
    ids = [row.id for row in rows]
    assert {len(one) for one in ids} == {32} and len({*ids}) == 4
    assert [int(one[24:], 16) for one in ids] == [0, 1, 2, 0]
    assert {one[:24] for one in ids[:3]} == {ids[0][:24]} != {ids[3][:24]}
    moments = [datetime.fromisoformat(row.at) for row in rows]
    assert all(before <= one <= datetime.now(UTC) and one.utcoffset() is not None for one in moments)


def test_of_no_rows_nothing_is_written(database: Database) -> None:
    with database.write() as connection:
        assert append(connection, SESSIONS, [], author="ada") == []
        assert append(connection, SESSIONS, {"reader_id": []}, author="ada") == []
        add_many(connection, insert(IMAGE_PLACES), [])
        add_many(connection, insert(IMAGE_PLACES), {"image_id": [], "path": []})
        assert head_of(connection) == Head(0, "")
        add_many(
            connection,
            insert(IMAGE_PLACES),
            [{"image_id": "a", "path": "/x"}, {"path": "/y", "image_id": "b"}],
        )
        found = connection.execute(text("SELECT image_id, path FROM image_places ORDER BY image_id")).all()
    assert [tuple(row) for row in found] == [("a", "/x"), ("b", "/y")]
