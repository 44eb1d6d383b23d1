"""The same store on PostgreSQL: a real server, started for the test, where its programs are installed."""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from engine.errors import ReviewError, StoreError
from engine.reading.migrations import MIGRATIONS
from engine.reading.migrations.schema import METADATA
from engine.reading.store import QUEUES, open_store
from engine.records import Review, Verdict
from tests.engine.reading.test_migrations import filled_by_the_first_version
from tests.engine.reading.test_store import RUN, agree, prediction

PROGRAMS = next(
    (p.parent for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = shutil.which("initdb")
    programs = Path(found).parent if found else PROGRAMS
    if programs is None:
        if os.environ.get("OVERREAD_REQUIRE_POSTGRESQL"):
            pytest.fail("PostgreSQL's initdb is neither on the PATH nor in /usr/lib/postgresql")
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    started = subprocess.run(
        [programs / "initdb", "-D", data, "-A", "trust", "-U", "ada", "--no-sync"],
        user=user,
        capture_output=True,
    )
    if started.returncode:
        pytest.skip(f"initdb cannot run here: {started.stderr.decode()[-200:]}")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [programs / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], user=user, check=True, stdout=-3)
    yield f"postgresql+psycopg://ada:hunter2@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], user=user, check=True, stdout=-3)
    shutil.rmtree(folder)


def test_the_store_works_on_postgresql_too(server: str) -> None:
    with open_store(server) as store, open_store(server) as other:
        store.add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number, p=0.5 + number / 100) for number in range(20)])
        for queue in QUEUES:
            expected = 0 if queue in ("unsure", "overruled") else 20
            walked = store.upcoming(RUN.run_id, queue, "Ada", None, "test", k=100)
            assert len(walked) == store.count(RUN.run_id, queue, "Ada", "test") == expected
            if walked:
                assert store.next(RUN.run_id, queue, "Ada", walked[4].image_id) == walked[5]
                assert store.place(RUN.run_id, queue, "Ada", walked[4].image_id) == 5
        store.add_review(agree(3, comment="ﮎ"))
        store.add_review(agree(3, verdict=Verdict.OVERRULE, label="normal"))
        assert [review.label for review in other.reviews(RUN.run_id, latest=True)] == ["normal"]
        assert other.progress(RUN.run_id, "Ada") == (1, 20)
        assert store.add_cases(RUN.run_id, [prediction(3, p=0.99), prediction(4, p=0.99)]) == 1
        assert [store.case(RUN.run_id, f"{n:064x}").probabilities[1] for n in (3, 4)] == [0.53, 0.99]
        store.bookmark(RUN.run_id, "all", "Ada", f"{7:064x}")
        assert other.resume(RUN.run_id, "all", "Ada") == store.case(RUN.run_id, f"{7:064x}")
        with pytest.raises(ReviewError):
            store.add_review(agree(99))
        for change in ("UPDATE reviews SET comment = ''", "DELETE FROM reviews", "TRUNCATE reviews CASCADE"):
            with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
                connection.exec_driver_sql(change)
        assert len(store.reviews(RUN.run_id)) == 2


def test_a_database_of_the_first_version_is_brought_to_the_newest(server: str) -> None:
    """In a schema of its own, made and filled as the first version did; opening it runs every later migration."""
    with psycopg_connection(server) as connection:
        connection.exec_driver_sql("CREATE SCHEMA old")
    old = f"{server}?options=-csearch_path%3Dold"
    filled_by_the_first_version(old)
    with open_store(old) as store:
        (kept,) = store.reviews("two")
        assert (kept.reader, kept.label, kept.queue, kept.drawn) == ("Ada", "opacity", "", "")
        far, near = (store.case("two", image) for image in ("far", "near"))
        # .5 and .25 beside an operating point of .2, in log-odds
        assert far.margin == pytest.approx(math.log(1 / 0.25))
        assert near.margin == pytest.approx(math.log((0.25 / 0.75) / 0.25))
        assert store.case("three", "one").margin == pytest.approx(math.log(2))
        assert store.next("two", "most uncertain", "Bo", None) == near
        store.add_review(agree_on("two", "near"))
        assert [one.image_id for one in store.reviews("two")] == ["far", "near"]
        assert store.progress("two", "Ada") == (1, 2)
        for change in ("UPDATE reviews SET comment = ''", "DELETE FROM reviews"):
            with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
                connection.exec_driver_sql(change)
    with psycopg_connection(old) as connection:
        assert connection.execute(
            text("SELECT version FROM schema_version ORDER BY version")
        ).scalars().all() == [*MIGRATIONS]
        made = {name: inspect(connection).get_columns(name) for name in METADATA.tables}
        for name, table in METADATA.tables.items():
            assert {column["name"]: column["nullable"] for column in made[name]} == {
                column.name: bool(column.nullable) for column in table.columns
            }


@contextmanager
def psycopg_connection(address: str) -> Iterator[Connection]:
    engine = create_engine(address)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def agree_on(run_id: str, image_id: str) -> Review:
    return Review(run_id=run_id, image_id=image_id, reader="Ada", verdict=Verdict.AGREE, label="opacity")


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    with pytest.raises(StoreError, match="is not responding") as caught:
        open_store("postgresql+psycopg://ada:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)
