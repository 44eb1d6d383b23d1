"""A real PostgreSQL server, started for the tests where its programs are installed; it can be killed and restarted."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine

USER, PASSWORD = "ada", "hunter2"


def programs() -> Path | None:
    """Return the folder of initdb; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return there[0].parent if there else Path(found).resolve().parent if found else None


class PostgreSQL:
    """A server on a port of this computer, in a folder of its own.

    Args:
        folder: Empty; the server's account is made its owner.
        durable: Whether it waits for the disk, as a server does that is used.
        auth: How it lets users in: "trust" asks for no password.
    """

    def __init__(self, folder: Path, *, durable: bool = False, auth: str = "trust") -> None:
        where = programs()
        assert where is not None
        self._programs = where
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            shutil.chown(folder, self._user)
        self._folder, self._data = folder, folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if self._user:
            shutil.chown(secret, self._user)
        of_user = ["-A", auth, "-U", USER, "--pwfile", str(secret)]
        made = [str(where / "initdb"), "-D", str(self._data), *of_user, "--no-sync"]
        done = subprocess.run([*made, "--locale=C", "-E", "UTF8"], user=self._user, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode()[-300:])
        fsync = "on" if durable else "off"
        self._options = f"-p {self.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync={fsync}"
        self._numbers = count()

    def start(self) -> None:
        """Start it; after it was killed the first try may find what it left behind."""
        command = [
            str(self._programs / "pg_ctl"),
            "-D",
            str(self._data),
            "-w",
            "-l",
            str(self._folder / "log"),
        ]
        for attempt in range(5):
            done = subprocess.run(
                [*command, "-o", self._options, "start"], user=self._user, stdout=-3, stderr=-3
            )
            if done.returncode == 0:
                return
            time.sleep(0.5 * (attempt + 1))
        raise RuntimeError((self._folder / "log").read_text()[-600:])

    def kill(self) -> None:
        """Kill it as a loss of power would: all of its processes, without a word."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        of_server = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
        for each in [pid, *map(int, of_server.stdout.split())]:
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once."""
        command = [str(self._programs / "pg_ctl"), "-D", str(self._data), "-w", "-m", "immediate", "stop"]
        subprocess.run(command, user=self._user, stdout=-3, stderr=-3)

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's own programs, such as pg_dump, and return what it printed."""
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def url(self, database: str, *, password: str = PASSWORD) -> str:
        """Return a database's address, as people write it."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Make an empty schema, which is a database of its own to whoever opens it, and return its address."""
        name = f"t{next(self._numbers)}"
        self.do(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def do(self, statement: str) -> None:
        """Carry out what is no part of a transaction, such as CREATE DATABASE."""
        admin = self.url("postgres").replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def running(*, durable: bool = False, auth: str = "trust") -> Iterator[PostgreSQL]:
    """Give a server, and remove it in the end; the test is skipped where there is none."""
    if programs() is None:
        if os.environ.get("OVERREAD_REQUIRE_POSTGRESQL"):
            pytest.fail("PostgreSQL's initdb is neither on the PATH nor in /usr/lib/postgresql")
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
    try:
        server = PostgreSQL(folder, durable=durable, auth=auth)
    except RuntimeError as error:
        shutil.rmtree(folder)
        pytest.skip(f"initdb cannot run here: {error}")
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
