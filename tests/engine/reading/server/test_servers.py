"""A database on a server: written as people write it, away in the middle of a reading, and never with its password."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from pathlib import Path

import pytest

from engine.errors import EngineError, ServerAway, StoreError
from engine.reading.answers import Given
from engine.reading.store import Store, open_store
from engine.workspace import open_workspace, remarks
from tests.engine.reading.test_store import RUN, agree, prediction
from tests.postgresql import PASSWORD, PostgreSQL, running
from tests.readers import with_readers


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_is_taken_as_people_write_it(postgresql: PostgreSQL, scheme: str) -> None:
    with open_store(postgresql.fresh().replace("postgresql", scheme)) as store:
        assert store.runs() == []
        assert store.name == f"postgresql+psycopg://ada:***@127.0.0.1:{postgresql.port}/postgres"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("mysql://ada:hunter2@host/name", "SQLite or PostgreSQL"),
        ("mssql+pyodbc://ada:hunter2@host/name", "SQLite or PostgreSQL"),
        ("postgresql://ada:hunter2@host", "names no database"),
        ("postgresql://ada:hunter2@host:port/name", "is not valid"),
        ("postgresql://ada:hunter2@127.0.0.1:9/x", "is not responding"),
        ("postgresql://ada:hunter2@no-such-host.invalid/x", "is not responding"),
        ("postgresql+nosuchdriver://ada:hunter2@host/name", "not installed"),
        ("://ada:hunter2@host/name", "is not valid"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_its_password(written: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        open_store(written)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_what_a_server_refuses_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with running(auth="scram-sha-256") as server:
        wrong = {
            server.url("postgres", password="wrong-one"): "does not let this user in",
            server.url("nowhere"): "has no database of that name",
            server.url("postgres").replace("ada:", "bo:"): "does not let this user in",
        }
        for written, words in wrong.items():
            with pytest.raises(StoreError, match=words) as caught:
                open_store(written)
            assert not isinstance(caught.value, ServerAway)  # asking again would not help
        server.do("CREATE ROLE guest LOGIN PASSWORD 'hunter2'")
        with open_store(server.url("postgres")) as store:
            with_readers(store)
        as_guest = server.url("postgres").replace("ada:", "guest:")
        with pytest.raises(StoreError, match="may not do that"):
            open_store(as_guest)
        server.do("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
        with open_store(as_guest) as looked_at, pytest.raises(StoreError, match="may not do that"):
            assert len(looked_at.people()) == 2
            with_readers(looked_at, "Mallory")
        server.do("ALTER ROLE ada SET default_transaction_read_only = on")
        with open_store(server.url("postgres")) as copy, pytest.raises(StoreError, match="may only be read"):
            with_readers(copy, "Cleo")
    assert PASSWORD not in caplog.text and "wrong-one" not in caplog.text


def test_an_answer_outlives_a_server_that_is_killed_and_started_again() -> None:
    with running(durable=True) as server, open_store(server.url("postgres")) as store:
        with_readers(store).add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number) for number in range(3)])
        store.add_review(agree(0), Given(name="first"))
        server.kill()
        began = time.monotonic()
        with pytest.raises(ServerAway, match="not responding"):
            store.add_review(agree(1), Given(name="second"))
        assert time.monotonic() - began < 30
        with pytest.raises(ServerAway):
            store.runs()
        back = threading.Thread(target=server.start)
        back.start()
        number = given_again_until_it_is_stored(store)
        back.join()
        assert store.add_review(agree(1), Given(name="second")) == number
        assert [one.image_id for one in store.reviews(RUN.run_id)] == [f"{n:064x}" for n in (0, 1)]
        assert store.audit().found == ()


def given_again_until_it_is_stored(store: Store) -> int:
    until = time.monotonic() + 60
    while True:
        try:
            return store.add_review(agree(1), Given(name="second"))
        except ServerAway:
            assert time.monotonic() < until


def test_two_computers_that_start_at_the_same_moment_make_one_database(postgresql: PostgreSQL) -> None:
    where, failed = postgresql.fresh(), []

    def begin() -> None:
        try:
            open_store(where).close()
        except EngineError as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_two_computers_read_in_one_database_and_one_chain(postgresql: PostgreSQL) -> None:
    where = postgresql.fresh()
    with open_store(where) as here, open_store(where) as there:
        with_readers(here).add_run(RUN)
        here.add_cases(RUN.run_id, [prediction(number) for number in range(40)])

        def read(store: object, reader: str) -> None:
            for number in range(40):
                store.add_review(agree(number, reader=reader), Given(name=f"{reader} {number}"))  # type: ignore[attr-defined]

        threads = [threading.Thread(target=read, args=each) for each in ((here, "Ada"), (there, "Ben"))]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert there.audit().found == ()  # sees one state, whatever is written meanwhile
        assert len(here.reviews(RUN.run_id)) == 80
        assert here.audit().found == there.audit().found == ()


def test_one_variable_says_where_a_workspace_keeps_its_readings(
    postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    open_store(open_workspace(tmp_path).database).close()
    assert (tmp_path / "overread.db").exists()
    monkeypatch.setenv("OVERREAD_DATABASE_URL", postgresql.fresh())
    workspace = open_workspace(tmp_path)
    assert workspace.database == os.environ["OVERREAD_DATABASE_URL"] and "hunter2" not in repr(workspace)
    assert any("are others, and not in use" in each for each in remarks(workspace))
    assert open_workspace(tmp_path / "copy", own_file=True).database == tmp_path / "copy" / "overread.db"
    monkeypatch.setenv("OVERREAD_DATABASE_URL", "overread.db")
    with pytest.raises(StoreError, match="is not the address of a database"):
        open_workspace(tmp_path)
    monkeypatch.setenv("OVERREAD_DATABASE_URL", "")
    assert open_workspace(tmp_path).database == tmp_path / "overread.db"
    assert "hunter2" not in caplog.text
