"""The same store on PostgreSQL: a real server, started for the test, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from engine.errors import ReviewError, StoreError
from engine.reading.store import QUEUES, open_store
from engine.records import Verdict
from tests.engine.reading.test_store import RUN, agree, prediction

PROGRAMS = next(
    (p.parent for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    found = shutil.which("initdb")
    programs = Path(found).parent if found else PROGRAMS
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
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


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    with pytest.raises(StoreError, match="is not responding") as caught:
        open_store("postgresql+psycopg://ada:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)
