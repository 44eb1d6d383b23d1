"""A backup of the database file while it is used, and bringing one back; a server has programs of its own for both."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StoreError
from engine.reading.audit import Audit
from engine.reading.database import open_database
from engine.reading.database_file import address_to_look_at, address_to_write_to, may_write
from engine.reading.ledger.anchors import Anchor, read_anchors, write_anchor
from engine.reading.ledger.chain import Head
from engine.reading.server.carrying import carry
from engine.reading.store import open_store
from engine.storage import open_private, storage_error

ON_A_SERVER = (
    "The readings of this workspace are on a server, which has programs of its own for backups",
    "Use pg_dump --format=custom and pg_restore, then overread audit; the guide tells how (A department)",
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What bringing a backup back did.

    Attributes:
        head: The newest row of the chain now.
        kept: Where the database is that stood there before; None where there was none.
        gone: How many rows after `head` the anchors know of, which are not in the backup.
    """

    head: Head
    kept: Path | None
    gone: int


def back_up(database: Path | str, copy: Path, anchors: Path | None) -> Head:
    """Copy the database as it is at one moment, whoever writes to it meanwhile, and anchor what is in the copy.

    Args:
        database: The file.
        copy: Where the copy goes; nothing is there yet.
        anchors: The workspace's file of anchors; None where the workspace may only be looked at.

    Returns:
        The newest row in the copy.

    Raises:
        StoreError: It is on a server, there is something at the place of the copy, or the copy is not whole.
        WorkspaceError: Nothing can be written there.
    """
    file = _file(database)
    if not file.exists():
        raise StoreError(f"There is no database at {file}", "Check --workspace")
    if copy.exists():
        raise StoreError(
            f"There is something at {copy} already", "Give another name: a backup replaces nothing"
        )
    half = copy.with_name(f"{copy.name}.part")
    _copied(file, half)
    told = _audited(half, ())
    if told.found:
        half.unlink()
        raise StoreError(
            f"The copy is not whole: {told.found[0].sentence}", "Run overread audit, and keep older backups"
        )
    half.replace(copy)
    if anchors is not None:
        write_anchor(anchors, told.head, "a backup")
    return told.head


def bring_back(backup: Path, database: Path | str, anchors: Path) -> Restored:
    """Put a backup where the database is. What stood there is kept beside it, and so are anchors that it does not meet.

    A server gets it where its database is empty: that is how the readings of a file go on to one.

    Args:
        backup: A file that `back_up` wrote.
        database: The workspace's file, or the address of a server.
        anchors: The workspace's file of anchors.

    Raises:
        StoreError: The backup is no whole database of ours, or the server has readings already.
    """
    if not backup.is_file():
        raise StoreError(f"There is no backup at {backup}", "Give the file that overread backup wrote")
    if isinstance(database, str):
        return _onto_server(backup, database, anchors)
    file = database
    half = file.with_name(f"{file.name}.part")
    _copied(backup, half)
    told = _audited(half, ())
    if told.found:
        half.unlink()
        raise StoreError(f"The backup is not as it was written: {told.found[0].sentence}", "Use another one")
    known = read_anchors(anchors)
    gone = max((anchor.seq for anchor in known), default=0) - told.head.seq
    moment = time.strftime("%Y%m%d-%H%M%S")
    kept = None
    if file.exists():
        kept = file.with_name(f"{file.stem}-before-{moment}{file.suffix}")
        _copied(file, kept)  # with what its log holds; whoever has it open learns that it is another file now
    for beside in ("-wal", "-shm"):
        file.with_name(f"{file.name}{beside}").unlink(missing_ok=True)
    half.replace(file)
    if gone > 0:
        anchors.replace(anchors.with_name(f"{anchors.stem}-before-{moment}{anchors.suffix}"))
    write_anchor(anchors, told.head, "a backup was brought back")
    return Restored(told.head, kept, max(0, gone))


def _onto_server(backup: Path, server: str, anchors: Path) -> Restored:
    """Carry a backup to a server, and look whether all of it is there as it was written."""
    with tempfile.TemporaryDirectory(prefix="overread-restore-") as scratch:
        copy = Path(scratch) / "overread.db"
        _copied(backup, copy)
        told = _audited(copy, ())
        if told.found:
            raise StoreError(
                f"The backup is not as it was written: {told.found[0].sentence}", "Use another one"
            )
        with (
            closing(open_database(copy)) as source,
            closing(open_database(server)) as target,
            source.read() as before,
            target.write() as after,
        ):
            head = carry(before, after)
    with open_store(server) as store:
        arrived = store.audit()
    if arrived.found or arrived.head != head:
        raise StoreError(
            "The readings did not arrive on the server as they were", "Empty its database, and try again"
        )
    gone = max((anchor.seq for anchor in read_anchors(anchors)), default=0) - head.seq
    if gone > 0:
        moment = time.strftime("%Y%m%d-%H%M%S")
        anchors.replace(anchors.with_name(f"{anchors.stem}-before-{moment}{anchors.suffix}"))
    write_anchor(anchors, head, "readings were carried to a server")
    return Restored(head, None, max(0, gone))


def _file(database: Path | str) -> Path:
    if isinstance(database, str):
        raise StoreError(*ON_A_SERVER)
    return database


def _copied(source: Path, copy: Path) -> None:
    # A source beside which nothing may be written, in a workspace or on a medium that is read-only, is looked at.
    found_at, scratch = (
        (address_to_write_to(source), None) if may_write(source) else address_to_look_at(source)
    )
    address = found_at.removeprefix("sqlite:///")
    try:
        copy.unlink(missing_ok=True)
        os.close(open_private(copy, os.O_EXCL))  # what is wrong with its place is said before SQLite meets it
        with closing(sqlite3.connect(address, uri=True)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)
            other.execute("PRAGMA journal_mode = DELETE")
    except OSError as error:
        raise storage_error(error, copy) from error
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise StoreError(
            f"{source} cannot be copied to {copy}: {error}",
            "Check that it is a database, and that there is room",
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _audited(file: Path, anchors: Sequence[Anchor]) -> Audit:
    with open_store(file) as store:
        return store.audit(anchors)
