"""One database, opened: connections with the right settings, and failures in words for people."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, NoSuchModuleError

from engine.errors import ServerAway, StoreError
from engine.kept_files import stored_json
from engine.language import N_
from engine.reading.database_file import (
    DatabaseFile,
    address_to_look_at,
    address_to_write_to,
    make_file,
    may_write,
)
from engine.reading.ledger.chain import canonical
from engine.reading.migrations import NEWEST, migrate, version_of
from engine.reading.server.addresses import address as address_of
from engine.reading.server.failures import AWAY, TRY_AGAIN, sentences_of

MIGRATING = 0x0F_E12EAD  # names the lock of a server under which tables are made
IDLE_SECONDS = 1.0  # after which a connection to a server is asked whether it is still there
LOG_PAGES = 4000  # 16 MB of the log, after which whoever commits waits until it is carried into the file
SMALL_FILES = 100_000  # bytes that SQLite needs beside a database to open it

# sqlite3's own name of the failure (its first two words) → what is wrong, and what to do.
SENTENCES: dict[str, tuple[str, str]] = {
    "SQLITE_BUSY": (
        N_("The database is locked by another program ({name})"),
        N_("Close other programs that use this workspace (or a backup that copies it) and try again"),
    ),
    "SQLITE_LOCKED": (
        N_("The database is locked by another program ({name})"),
        N_("Close other programs that use this workspace (or a backup that copies it) and try again"),
    ),
    "SQLITE_READONLY": (
        N_("The database cannot be written to: its file or folder is read-only ({name})"),
        N_("Allow writing to the workspace folder, or choose another workspace"),
    ),
    "SQLITE_CANTOPEN": (
        N_("The database cannot be opened or created ({name})"),
        N_("Check that the workspace folder exists and may be written to, or choose another workspace"),
    ),
    "SQLITE_FULL": (
        N_("The disk is full, so nothing more can be stored; what was stored before is kept ({name})"),
        N_("Free some space on the disk of the workspace and try again"),
    ),
    "SQLITE_NOTADB": (
        N_("The database file is damaged or is not a database ({name})"),
        N_(
            "Restore overread.db from a backup, or move it away to start a new one; run folders are not affected"
        ),
    ),
    "SQLITE_CORRUPT": (
        N_("The database file is damaged ({name})"),
        N_(
            "Restore overread.db from a backup, or move it away to start a new one; run folders are not affected"
        ),
    ),
    "SQLITE_IOERR": (
        N_("The disk failed while the database was being read or written ({name})"),
        N_("Check the disk or the network drive of the workspace and try again"),
    ),
}

ELSEWHERE = ("SQLITE_READONLY", "SQLITE_CANTOPEN")
"""Failures that another workspace would mend."""


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class State:
    """What one thread looks at for as long as it is in `Database.one_state`.

    Attributes:
        connection: In a transaction that sees one state.
        found: What was found in it, by what finds it.
    """

    connection: Connection
    found: dict[Any, Any] = field(default_factory=dict)


class Database:
    """A pool of connections, shared by threads; several processes may open the same file.

    Args:
        engine: Of SQLAlchemy.
        name: For messages: the file, or the URL without its password.
        looked_at: Whether it is a file that may only be read.
        copied_to: A folder to delete when it is closed.
    """

    def __init__(
        self, engine: Engine, name: str, *, looked_at: bool = False, copied_to: Path | None = None
    ) -> None:
        self.engine = engine
        self.name = name
        self.looked_at = looked_at
        self.file: DatabaseFile | None = None
        self._copied_to = copied_to
        self._local = threading.local()
        self._writing = engine.execution_options(begin="BEGIN IMMEDIATE")
        # SQLite shows one state to each transaction anyhow; a server does when it is asked to.
        self._reading = (
            engine
            if engine.dialect.name == "sqlite"
            else engine.execution_options(isolation_level="REPEATABLE READ")
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection inside a transaction that sees one state of the database."""
        state = self._state
        with self.speaking():
            if state is not None:
                yield state.connection
                return
            with self._reading.begin() as connection:
                yield connection

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Let all that is read inside, in this thread, see the state of this moment, in one transaction.

        What is written inside is written as ever, and is not seen until the end.
        """
        if self._state is not None:
            yield
            return
        with self.read() as connection:
            self._local.state = State(connection)
            try:
                yield
            finally:
                self._local.state = None

    def once(self, connection: Connection, find: Callable[..., Result], *asked: str) -> Result:
        """Return what is found in a database, looked for once inside `one_state` however often it is asked for."""
        state = self._state
        if state is None or connection is not state.connection:
            return find(connection, *asked)
        if (find, asked) not in state.found:
            state.found[find, asked] = find(connection, *asked)
        result: Result = state.found[find, asked]
        return result

    @property
    def _state(self) -> State | None:
        return getattr(self._local, "state", None)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection inside a write transaction: all of it is on the disk afterwards, or none.

        Raises:
            StoreError: Also when the file is not the one that was opened, as late as after the commit.
        """
        file = self.file
        with self.speaking(), file.turn if file else nullcontext():
            with self._writing.begin() as connection:
                known = connection.info
                if file:
                    file.check(known)
                yield connection
                if file:  # an error undoes the transaction now: given again, it is not stored twice
                    file.check(known)
            if file:
                file.check(known)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn the failures a person can mend into `StoreError`; let defects through as they are."""
        try:
            yield
        except DBAPIError as error:
            raise_in_words(error.orig, self.name)
            raise
        except sqlite3.Error as error:  # while a connection is being set up, before SQLAlchemy sees it
            raise_in_words(error, self.name)
            raise

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
        if self._copied_to is not None:
            shutil.rmtree(self._copied_to, ignore_errors=True)


def open_database(database: Path | str, *, busy_seconds: float = 5.0) -> Database:
    """Open a SQLite file (made when missing) or any database by URL, and bring it to the newest version.

    A file that may not be written to is opened to be looked at; whoever writes is told so.

    Raises:
        StoreError: It is locked, damaged, newer than this Overread, or the disk is full.
    """
    url = address(database)
    name = _without_secrets(url) if isinstance(database, str) else str(database)
    path = path_of(url)
    looked_at, copied_to = path is not None and path.exists() and not may_write(path), None
    if path is not None and looked_at:
        found_at, copied_to = address_to_look_at(path)
        url, path = make_url(found_at), None
    elif path is not None:
        url = make_url(address_to_write_to(path))
    try:
        engine = create_engine(
            url,
            pool_size=12,  # one that is opened for a moment costs a server more than what it is asked
            max_overflow=28,
            json_serializer=canonical,
            json_deserializer=stored_json,
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"The driver for {url.drivername} databases is not installed",
            "Have it installed, or leave the database URL out",
            option="python -m pip install 'overread[postgresql]'",
        ) from error
    opened = Database(engine, name, looked_at=looked_at, copied_to=copied_to)
    try:
        if url.get_backend_name() == "sqlite":
            listen(opened, busy_seconds)
        else:
            find_again(engine)
        if path is not None:
            make_file(path)
            with opened.speaking():
                switch_to_wal(engine, busy_seconds)
            opened.file = DatabaseFile(path)
        with opened.read() as connection:
            found = version_of(connection)
        if path is not None and 0 < found < NEWEST:
            with opened.speaking():
                keep_copy(path, found)
        if found != NEWEST:  # a reader of an up-to-date, read-only database needs no right to write
            with opened.write() as connection:
                if connection.dialect.name == "postgresql":  # two computers that start at the same moment
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
                migrate(connection)
    except BaseException:
        opened.close()
        raise
    return opened


def path_of(url: URL) -> Path | None:
    """Return the file of that name; None for a server, a database in memory or a file opened in a special way."""
    if url.get_backend_name() != "sqlite" or "uri" in url.query or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def address(database: Path | str) -> URL:
    """Return the URL of a path, or parse one."""
    if isinstance(database, str) and "://" in database:
        return address_of(database)
    return URL.create("sqlite", database=str(Path(database).absolute()))


def _without_secrets(url: URL) -> str:
    """Return an address for messages: without the password, and without options, which may hold another."""
    return url.set(query={}).render_as_string(hide_password=True)


def keep_copy(path: Path, version: int) -> None:
    """Keep the database as it is before it is brought to a newer version; a copy of before is left alone."""
    kept = path.with_name(f"{path.stem}-version-{version}{path.suffix}")
    if kept.exists():
        return
    half = kept.with_suffix(".part")
    half.unlink(missing_ok=True)
    make_file(half)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    half.replace(kept)


def listen(database: Database, busy_seconds: float) -> None:
    """Set every SQLite connection up: foreign keys, durability, patience, transactions begun when said."""

    @event.listens_for(database.engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, DDL included, never by the driver
        for pragma in (
            f"busy_timeout = {round(busy_seconds * 1000)}",
            "foreign_keys = ON",
            "recursive_triggers = ON",  # what INSERT OR REPLACE takes away is a row deleted, and refused as one
            "synchronous = FULL",  # a verdict is on the disk before the next case is shown
            "cache_size = -32000",
            f"wal_autocheckpoint = {LOG_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        if database.file is not None:
            database.file.connected(connection, record.info)

    @event.listens_for(database.engine, "begin")
    def begun(connection: Connection) -> None:
        # Who will write takes the lock at once: waiting works then, upgrading later would deadlock.
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def find_again(engine: Engine) -> None:
    """Ask a connection to a server that lay idle whether it is still one: the server may have been started again.

    Not each time it is used, as a pool would: that is three more questions for each that is asked.
    """

    @event.listens_for(engine, "checkin")
    def checked_in(connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checked_out(connection: Any, record: Any, proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) < IDLE_SECONDS:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool takes another, or opens one


def switch_to_wal(engine: Engine, busy_seconds: float) -> None:
    """Let readers go on while somebody writes; the mode stays with the file."""
    deadline = time.monotonic() + busy_seconds
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            # SQLite does not wait by itself here when two programs open a new file at the same moment.
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            connection.close()
    engine.dispose()  # those that write know their log from the beginning: see `DatabaseFile.connected`


def raise_in_words(error: BaseException | None, name: str) -> None:
    """Raise `StoreError` when the driver's error is one that a person can mend."""
    failure = getattr(error, "sqlite_errorname", "")
    if failure.startswith("SQLITE_IOERR") and _is_full(Path(name)):
        failure = "SQLITE_FULL"  # a disk without room for SQLite's own small files fails by another name
    problem, remedy = SENTENCES.get("_".join(failure.split("_")[:2]), ("", ""))
    if not problem and not failure:
        problem, remedy = said = sentences_of(error) or ("", "")
        if said in (AWAY, TRY_AGAIN):
            raise ServerAway(problem.format(name=name), remedy) from error
    if problem:
        option = "--workspace" if failure.startswith(ELSEWHERE) else ""
        raise StoreError(problem.format(name=name), remedy, option=option) from error


def _is_full(database: Path) -> bool:
    try:
        return shutil.disk_usage(database.parent).free < SMALL_FILES
    except OSError:
        return False
