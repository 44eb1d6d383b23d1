"""What an archive pushes (C-STORE): whole files into a folder, which is indexed like any other.

Only what is called by the right name is let in, only whole files appear, and neither one object nor all together take
more of the disk than was said.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from engine.errors import DataError, WorkspaceError
from engine.pacs.callers import Callers
from engine.storage import bytes_said, storage_error, write_atomic

REFUSED_RESOURCES, CANNOT_UNDERSTAND, SUCCESS = 0xA700, 0xC000, 0x0000
KEPT_FREE = 1 << 30  # bytes of the disk that stay free
LARGEST = 1 << 30  # bytes of one object
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Who may push what, and where.

    Attributes:
        folder: Where files go.
        title: Our application entity title, by which we must be called.
        allowed: Titles of those that may call; empty for anyone.
        most: Bytes that the folder may hold.
        largest: Bytes that one object may have.
        kept_free: Bytes of the disk that stay free.
    """

    folder: Path
    title: str
    allowed: Sequence[str] = ()
    most: int = 20 << 30
    largest: int = LARGEST
    kept_free: int = KEPT_FREE


class Listening:
    """A door that is open.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, server: Any, callers: Callers) -> None:
        self.port = int(server.server_address[1])
        self._server, self._callers = server, callers

    def shutdown(self) -> None:
        """Listen no longer, and hang up on whoever is on the line: the program could not end before they do."""
        self._server.shutdown()
        self._callers.send_away()


def receive(
    door: Door, host: str, port: int, told: Callable[[str], None] = lambda sentence: None
) -> Listening:
    """Listen in a thread until `shutdown()` of what is returned.

    Args:
        door: Who may push what.
        host: An address of this computer.
        port: 0 for a free one; `port` of what is returned has it.
        told: Called with a sentence for each file, and for whatever was refused and why.

    Raises:
        DataError: The title is none, or nothing can listen there.
        WorkspaceError: The folder cannot be made.
    """
    for title in (door.title, *door.allowed):
        if not re.fullmatch(r"[ -\[\]-~]{1,16}", title) or not title.strip():
            raise DataError(f"“{title}” is no application entity title", "Take 1 to 16 letters and digits")
    try:
        door.folder.mkdir(parents=True, exist_ok=True)
        kept = _Kept(door, told)
    except OSError as error:
        raise storage_error(error, door.folder) from error
    entity = AE(ae_title=door.title)
    entity.maximum_associations = 1 << 20  # who counts is for `Callers` to say
    entity.network_timeout, entity.dimse_timeout, entity.acse_timeout = 60, 60, 30
    entity.require_called_aet = True
    entity.require_calling_aet = list(door.allowed)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), _syntaxes())
    entity.add_supported_context(Verification)
    callers = Callers(door.largest, told)

    def store(event: Any) -> int:
        callers.whole(event.assoc)
        return kept.take(str(event.request.AffectedSOPInstanceUID), event.encoded_dataset())

    def echo(event: Any) -> int:
        callers.whole(event.assoc)
        return SUCCESS

    handlers: list[Any] = [(evt.EVT_C_STORE, store), (evt.EVT_C_ECHO, echo), *callers.handlers()]
    try:
        return Listening(entity.start_server((host, port), block=False, evt_handlers=handlers), callers)
    except OSError as error:
        raise DataError(
            f"Nothing can listen at {host}:{port} ({error.strerror or error})", "Choose another --port"
        ) from error


class _Kept:
    """The folder's files, and what it may hold."""

    def __init__(self, door: Door, told: Callable[[str], None]) -> None:
        self._door, self._told = door, told
        self._lock = threading.Lock()  # two callers may push what is called alike
        self._held = sum(file.stat().st_size for file in door.folder.iterdir() if file.is_file())

    def take(self, name: str, data: bytes) -> int:
        """Keep an object whole, or refuse it; give the status that whoever pushed it is told.

        One that came before is not written again; one of its name with other content is kept beside it.
        """
        if _UID.fullmatch(name) is None or len(name) > 64:
            self._told("An object was refused: its name is no DICOM identifier")
            return CANNOT_UNDERSTAND
        try:
            with self._lock:
                self._told(self._write(name, data))
        except (OSError, WorkspaceError) as error:  # whoever pushed keeps it, and may push it again
            path = self._door.folder / f"{name}.dcm"
            why = storage_error(error, path) if isinstance(error, OSError) else error
            self._told(f"{name} was refused, and may be pushed again: {why}")
            return REFUSED_RESOURCES
        return SUCCESS

    def _write(self, name: str, data: bytes) -> str:
        path, came_otherwise = self._door.folder / f"{name}.dcm", ""
        here = _holds(path, data)
        if not here and path.exists():
            path = path.with_name(f"{name}.{hashlib.sha256(data).hexdigest()[:8]}.dcm")
            here = _holds(path, data)
            came_otherwise = ", which came with other content before: both are kept"
        if here:
            return f"{path.name}, here already"
        free = shutil.disk_usage(self._door.folder).free
        if self._held + len(data) > self._door.most:
            remedy = "Move files away, or let it hold more (--most)"
            raise WorkspaceError(f"The folder may hold {bytes_said(self._door.most)}", remedy)
        if free - len(data) < self._door.kept_free:
            least = bytes_said(self._door.kept_free)
            raise WorkspaceError(
                f"The disk has {bytes_said(free)} free, and {least} stay free", "Free some space"
            )
        write_atomic(path, data)
        self._held += len(data)
        return f"{path.name}, {len(data):,} bytes{came_otherwise}"


def _holds(path: Path, data: bytes) -> bool:
    return path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data


def _syntaxes() -> list[str]:
    from pydicom.uid import AllTransferSyntaxes

    return [*AllTransferSyntaxes]
