"""A backup of the database file while it is used, and bringing one back; a server has programs of its own for both."""

from __future__ import annotations

import itertools
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
        gone: How many rows after `head` there were, by what stood there or by the anchors, which are not in the backup.
        other: Whether what stood there, or is anchored, is no part of the backup although that has as many rows.
    """

    head: Head
    kept: Path | None
    gone: int
    other: bool = False


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
    unmet = bool(_audited(half, known).found)
    stood = _newest_row(file)
    other = unmet or bool(stood and _audited(half, stood).found)
    gone = max((anchor.seq for anchor in (*known, *stood)), default=0) - told.head.seq
    moment = _unused(file, anchors)
    kept = _set_aside(file, moment) if file.exists() else None
    for beside in ("-wal", "-shm"):
        file.with_name(f"{file.name}{beside}").unlink(missing_ok=True)
    half.replace(file)
    if unmet:
        anchors.replace(_before(anchors, moment))
    write_anchor(anchors, told.head, "a backup was brought back")
    return Restored(told.head, kept, max(0, gone), other and gone <= 0)


def _unused(file: Path, anchors: Path) -> str:
    """Return the moment by which what is kept is named; with a number where this second has something kept."""
    moment = named = time.strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(2):
        if not any(_before(one, named).exists() for one in (file, anchors)):
            break
        named = f"{moment}-{number}"
    return named


def _before(file: Path, moment: str) -> Path:
    return file.with_name(f"{file.stem}-before-{moment}{file.suffix}")


def _newest_row(file: Path) -> tuple[Anchor, ...]:
    """Return what a database says of its newest row, as an anchor; nothing where there is none, or it is damaged."""
    if not file.exists():
        return ()
    try:
        with closing(sqlite3.connect(address_to_write_to(file).removeprefix("sqlite:///"), uri=True)) as one:
            seq, digest = one.execute("SELECT seq, hash FROM chain_head").fetchone()
    except (sqlite3.Error, TypeError):
        return ()
    return (Anchor(seq, digest, "what stood there"),)


def _set_aside(file: Path, moment: str) -> Path:
    """Keep the database that stands there, with what its log holds, and return where."""
    kept = _before(file, moment)
    try:
        _copied(file, kept)  # whoever has it open learns that it is another file now
    except StoreError:
        # Damaged, as it may be where a backup is wanted, or there is no room for a second one: as its bytes are.
        for beside in ("-wal", ""):
            if (one := file.with_name(f"{file.name}{beside}")).exists():
                one.replace(kept.with_name(f"{kept.name}{beside}"))
    return kept


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
        anchors.replace(_before(anchors, _unused(anchors, anchors)))
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
