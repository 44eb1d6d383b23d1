"""The SQLite file behind a database: made for its owner alone, and the same file from opening to every commit.

SQLite goes on writing to a file that was deleted, renamed or replaced under it, and says that all is well. A verdict
must not be acknowledged then: whoever writes asks `DatabaseFile.check` before and after the commit.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.errors import StoreError
from engine.storage import open_private

Identity = tuple[int, int] | None  # device and inode; None where there is no file

_turns: dict[
    tuple[int, int], threading.RLock
] = {}  # of this process, by file: several stores may have one open


class DatabaseFile:
    """One SQLite file that is open for writing.

    Attributes:
        path: Of the database.
        turn: Held by the one thread of this process that writes. SQLite lets the others try again at random
            moments, and some of fifty never come through; here they wait in line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        found = identity(path)
        if found is None:
            raise self._gone()
        self._identity = found
        self.turn = _turns.setdefault(found, threading.RLock())

    def connected(self, connection: sqlite3.Connection, known: MutableMapping[Any, Any]) -> None:
        """Remember the files that a new connection writes to, and refuse it when they are not those opened first.

        Args:
            connection: Of sqlite3.
            known: What is remembered of the connection for as long as it is open.
        """
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # opens the write-ahead log
        known["log"] = identity(self._log)
        self.check(known)

    def check(self, known: MutableMapping[Any, Any]) -> None:
        """Make sure that what is written lies where the next opening of the workspace looks for it.

        Raises:
            StoreError: The database, or the log that holds its newest rows, was deleted, moved or replaced.
        """
        if identity(self.path) != self._identity or identity(self._log) != known["log"]:
            raise self._gone()

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    def _gone(self) -> StoreError:
        return StoreError(
            f"Nothing was stored, because {self.path} is no longer the file that was opened: it was deleted, moved or "
            "replaced, or its disk is gone",
            "Put the workspace back and give the answer again, or start Overread again",
        )


def identity(path: Path) -> Identity:
    """Return what tells a file from another one of the same name, whatever name it has later."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_file(path: Path) -> None:
    """Make an empty database file that its owner alone may read; SQLite gives its other files the same rights.

    A file that is there already is left as it is. One that cannot be made is SQLite's to complain of.
    """
    with suppress(OSError):
        os.close(open_private(path, os.O_EXCL))


def may_write(path: Path) -> bool:
    """Return whether a database may be written to; SQLite needs files beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def address_to_write_to(path: Path) -> str:
    """Return the URL of a database that is there: a new connection makes no empty one where it was deleted."""
    return f"sqlite:///file:{quote(str(path))}?mode=rw&uri=true"


def address_to_look_at(path: Path) -> tuple[str, Path | None]:
    """Return the URL of a database that may not be written to, and a folder to delete afterwards or None.

    SQLite reads what was not written to the end (a crash, a copy of a running workspace) only where it may
    write: such a database is looked at in a private copy.
    """
    log = path.with_name(f"{path.name}-wal")
    plain = f"file:{quote(str(path))}?mode=ro"
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(plain, uri=True)
        try:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            return f"sqlite:///{plain}&uri=true", None
        finally:
            connection.close()
    if not log.exists() or log.stat().st_size == 0:
        return f"sqlite:///{plain}&immutable=1&uri=true", None  # nobody can be writing: nothing is beside it
    folder = Path(tempfile.mkdtemp(prefix="overread-look-"))
    for source in (path, log):
        shutil.copyfile(source, folder / source.name)
    with sqlite3.connect(folder / path.name) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")  # what the log held is now in the file
    copy.close()
    return f"sqlite:///file:{quote(str(folder / path.name))}?mode=ro&uri=true", folder
