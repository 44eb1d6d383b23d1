"""Promises of the database: what was acknowledged is on the disk, and what belongs together stays together."""

from __future__ import annotations

import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

import engine.reading.store
from engine.errors import ServerAway, StoreError
from engine.reading.database import SENTENCES, SMALL_FILES, open_database, raise_in_words
from engine.reading.store import open_store


def test_a_verdict_is_on_the_disk_before_the_next_case_is_shown(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    try:
        with database.engine.connect() as connection:
            settings = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("synchronous", "journal_mode", "foreign_keys")
            }
    finally:
        database.close()
    assert settings == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}  # 2 is FULL


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
    assert str(caught.value) == f"{problem} (/no/such/place/overread.db). {remedy}."
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
