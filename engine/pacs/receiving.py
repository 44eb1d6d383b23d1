"""What an archive pushes (C-STORE): whole files into a folder, which is indexed like any other.

Only what is called by the right name is let in, only whole files appear, and neither one object nor all together take
more of the disk than was said.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from engine.errors import DataError, WorkspaceError
from engine.storage import storage_error, write_atomic

REFUSED_RESOURCES, CANNOT_UNDERSTAND, SUCCESS = 0xA700, 0xC000, 0x0000
KEPT_FREE = 1 << 30  # bytes of the disk that stay free
LARGEST = 1 << 30  # bytes of one object
AT_ONCE = 4  # associations
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


def receive(
    door: Door, host: str, port: int, told: Callable[[str, int], None] = lambda name, size: None
) -> Any:
    """Listen in a thread until `shutdown()` of what is returned.

    Args:
        door: Who may push what.
        host: An address of this computer.
        port: 0 for a free one; `server_address` of what is returned has it.
        told: Called with each file's name and bytes.

    Raises:
        DataError: The title is none, or nothing can listen there.
        WorkspaceError: The folder cannot be made.
    """
    for title in (door.title, *door.allowed):
        if not re.fullmatch(r"[ -\[\]-~]{1,16}", title) or not title.strip():
            raise DataError(f"“{title}” is no application entity title", "Take 1 to 16 letters and digits")
    try:
        door.folder.mkdir(parents=True, exist_ok=True)
        held = [sum(file.stat().st_size for file in door.folder.iterdir() if file.is_file())]
    except OSError as error:
        raise storage_error(error, door.folder) from error
    entity = AE(ae_title=door.title)
    entity.maximum_associations = AT_ONCE
    entity.network_timeout, entity.dimse_timeout, entity.acse_timeout = 60, 60, 30
    entity.require_called_aet = True
    entity.require_calling_aet = list(door.allowed)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), _syntaxes())
    entity.add_supported_context(Verification)
    coming: dict[Any, int] = {}

    def count(event: Any) -> None:
        """Hang up on an object that does not end: its bytes are held in memory until it does."""
        coming[event.assoc] = coming.get(event.assoc, 0) + len(event.data)
        if coming[event.assoc] > door.largest:
            coming[event.assoc] = -(1 << 62)  # once
            event.assoc.dul.socket.close()  # an abort from here would upset the association's own thread

    def store(event: Any) -> int:
        coming.pop(event.assoc, None)
        name = str(event.request.AffectedSOPInstanceUID)
        if _UID.fullmatch(name) is None or len(name) > 64:
            return CANNOT_UNDERSTAND
        data = event.encoded_dataset()
        free = shutil.disk_usage(door.folder).free
        if held[0] + len(data) > door.most or free - len(data) < door.kept_free:
            return REFUSED_RESOURCES
        path = door.folder / f"{name}.dcm"
        before = path.stat().st_size if path.exists() else 0
        try:
            write_atomic(path, data)
        except (OSError, WorkspaceError):  # whoever pushed keeps it, and may push it again
            return REFUSED_RESOURCES
        held[0] += len(data) - before
        told(path.name, len(data))
        return SUCCESS

    handlers: list[Any] = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_DATA_RECV, count),
        (evt.EVT_CONN_CLOSE, lambda event: coming.pop(event.assoc, None)),
        (evt.EVT_C_ECHO, lambda event: SUCCESS),
    ]
    try:
        return entity.start_server((host, port), block=False, evt_handlers=handlers)
    except OSError as error:
        raise DataError(
            f"Nothing can listen at {host}:{port} ({error.strerror or error})", "Choose another --port"
        ) from error


def _syntaxes() -> list[str]:
    from pydicom.uid import AllTransferSyntaxes

    return [*AllTransferSyntaxes]
