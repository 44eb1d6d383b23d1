"""Promises of the database: what was acknowledged is on the disk, and what belongs together stays together."""

from __future__ import annotations

import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

import engine.reading.store
from engine.errors import ServerAway, StoreError
from engine.reading import database as databases
from engine.reading.database import SENTENCES, SMALL_FILES, open_database, raise_in_words
from engine.reading.store import open_store
from tests.snapshots import hold_against


def test_a_verdict_is_on_the_disk_before_the_next_case_is_shown(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    try:
        with database.engine.connect() as connection:
            settings = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in (
                    *("synchronous", "journal_mode", "foreign_keys", "recursive_triggers", "cache_size"),
                    "wal_autocheckpoint",
                )
            }
    finally:
        database.close()
    assert settings == {
        "synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "recursive_triggers": 1,  # 2 is FULL
        "cache_size": -32_000, "wal_autocheckpoint": 4000,
    }  # fmt: skip


def test_forty_may_ask_at_the_same_moment_and_twelve_connections_are_kept(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    connections = [database.engine.connect() for _ in range(40)]
    for connection in connections:
        connection.close()
    pool: Any = database.engine.pool
    assert (pool.checkedin(), pool._max_overflow) == (12, 28)
    database.close()
    kept: Any = database.engine.pool
    assert kept.checkedin() == 0, "what is closed holds no file"


def failure(name: str) -> sqlite3.Error:
    """An error as sqlite3 raises it, of a name that cannot be brought about here at will."""
    error = sqlite3.OperationalError("as SQLite words it")
    error.sqlite_errorname = name  # type: ignore[misc]
    return error


@pytest.mark.parametrize("name", SENTENCES)
@pytest.mark.parametrize("more", ["", "_SNAPSHOT"])
def test_every_failure_a_person_can_mend_is_said_with_its_remedy_and_its_file(name: str, more: str) -> None:
    problem, remedy = SENTENCES[name]
    with pytest.raises(StoreError) as caught:
        raise_in_words(failure(name + more), "/no/such/place/overread.db")
    option = " (on the command line: --workspace)" if "choose another workspace" in remedy else ""
    assert str(caught.value) == f"{problem.format(name='/no/such/place/overread.db')}. {remedy}{option}."
    assert isinstance(caught.value.__cause__, sqlite3.Error)


@pytest.mark.parametrize(
    ("free", "full"), [(SMALL_FILES - 1, True), (SMALL_FILES, False), (SMALL_FILES + 1, False)]
)
def test_a_disk_that_fails_for_want_of_room_is_said_to_be_full(
    free: int, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage(10**9, 0, free) if path == tmp_path else None
    )
    with pytest.raises(StoreError, match="The disk is full" if full else "The disk failed"):
        raise_in_words(failure("SQLITE_IOERR_WRITE"), str(tmp_path / "overread.db"))
    with pytest.raises(StoreError, match="locked"):  # which no room on the disk would mend
        raise_in_words(failure("SQLITE_BUSY"), str(tmp_path / "overread.db"))


@pytest.mark.parametrize(
    "error", [None, failure("SQLITE_ERROR"), failure("SQLITE_CONSTRAINT_CHECK"), ValueError()]
)
def test_a_defect_is_let_through_as_it_is(error: Exception | None) -> None:
    raise_in_words(error, "overread.db")


def test_a_server_that_gives_no_name_to_its_failure_is_said_not_to_respond() -> None:
    with pytest.raises(StoreError, match=r"not responding \(postgresql://host/name\)"):
        raise_in_words(OperationalError("", {}, Exception()), "postgresql://host/name")


def test_the_time_a_connection_waits_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    for seconds, milliseconds in ((0.25, 250), (5.0, 5000)):
        database = open_database(tmp_path / "overread.db", busy_seconds=seconds)
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == milliseconds
        database.close()


def test_an_answer_with_a_name_is_given_again_while_the_server_is_away_and_no_longer_than_anybody_waits(
    database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def away_twice(connection: Connection) -> str:
        tries.append(0)
        if len(tries) <= 2 * RUNS_OF_A_WORK:
            raise ServerAway("The server does not answer", "Wait a moment")
        return "stored"

    with open_store(database) as store:
        assert store._append_once(away_twice) == "stored"
        monkeypatch.setattr(engine.reading.store, "PATIENCE", -1.0)
        tries.clear()
        with pytest.raises(ServerAway):
            store._append_once(away_twice)
        assert 0 < len(tries) <= RUNS_OF_A_WORK


RUNS_OF_A_WORK = 2
"""A work whose batch was refused is tried once more by itself."""


def test_the_tables_of_a_new_workspace_are_what_a_person_has_read(tmp_path: Path) -> None:
    """What may be empty, what is unique, by what is found, and what refuses to be changed, as SQLite has it."""
    path = tmp_path / "overread.db"
    open_store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        lines = [line.strip() for (statement,) in made for line in statement.splitlines() if line.strip()]
    hold_against(Path(__file__).parent / "snapshots" / "tables.txt", lines)


def test_a_connection_that_lay_idle_and_was_lost_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'overread.db'}")
    databases.find_again(engine)
    with engine.connect() as connection:
        lost = connection.connection.driver_connection
    assert lost is not None
    lost.close()  # as a server does that is started again
    with pytest.raises(DBAPIError), engine.connect() as connection:
        connection.execute(text("SELECT 1"))  # it lay idle for no time
    with engine.connect() as connection:
        lost = connection.connection.driver_connection
    assert lost is not None
    lost.close()
    monkeypatch.setattr(databases, "IDLE_SECONDS", -1.0)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
        assert connection.connection.driver_connection is not lost
    engine.dispose()


def test_a_copy_of_before_is_made_once_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "overread.db"
    open_store(path).close()
    left = tmp_path / "overread-version-3.part"  # by a program that was killed
    left.write_bytes(b"half of a copy")
    left.chmod(0o644)
    databases.keep_copy(path, 3)
    kept = tmp_path / "overread-version-3.db"
    with closing(sqlite3.connect(kept)) as copy:
        assert copy.execute("SELECT COUNT(*) FROM chain_head").fetchone() == (1,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(b"of before")
    databases.keep_copy(path, 3)
    assert kept.read_bytes() == b"of before" and not list(tmp_path.glob("*.part"))


def test_inside_one_state_what_was_found_is_found_once_and_in_no_other_connection(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    found: list[tuple[str, ...]] = []

    def find(connection: Connection, *asked: str) -> int:
        found.append(asked)
        return len(found)

    with database.one_state(), database.read() as connection:
        told = [database.once(connection, find, *asked) for asked in (("a",), ("b",), ("a",), (), ())]
        assert told == [1, 2, 1, 3, 3]
        with database.write() as other:
            assert [database.once(other, find, "a") for _ in range(2)] == [4, 5]
    with database.read() as connection:
        assert [database.once(connection, find, "a") for _ in range(2)] == [6, 7]
    with database.one_state(), database.read() as connection:
        assert database.once(connection, find, "a") == 8, "another state is looked at anew"
    database.close()
