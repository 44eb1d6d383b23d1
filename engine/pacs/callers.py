"""Who stands at the receiver's door: who says nothing there keeps nobody out, and holds nothing for long.

pynetdicom counts every connection as an association, though it has said nothing, has been closed, or stopped in the
middle of a word, and waits for the rest without an end. Monitors and scans of a network leave such connections.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from pynetdicom import evt

from engine.storage import bytes_said

INSIDE = 4  # associations at once: each may hold one object in memory
OUTSIDE = 16  # connections that have not said who they are; one more, and the eldest is hung up on
PATIENCE = 60  # seconds for one message of the protocol, from its first byte to its last
LONGEST = 1 << 20  # bytes of one message: of an object 16 KiB, as we ask for; of who calls, all it can send
_DATA = b"\4"  # the type of a message that brings pieces of an object (P-DATA-TF)
_LOCAL_LIMIT = (2, 3, 2)  # rejected for now, by the provider, local limit exceeded (PS3.8, table 9-21)


class Callers:
    """Who waits outside, and who is inside; of one listening entity.

    Args:
        largest: Bytes that one object may have: they are in memory until it is whole.
        told: Called with a sentence about each one who was refused or cut off.
    """

    def __init__(self, largest: int, told: Callable[[str], None]) -> None:
        self._lock = threading.Lock()
        self._here: dict[
            Any, bool | None
        ] = {}  # who is on the line, as they came: let in, or nothing said yet
        self._coming: dict[Any, int] = {}  # bytes of what is not whole yet
        self._largest, self._told = largest, told
        self._ended = False

    def handlers(self) -> list[tuple[Any, Any]]:
        """Give what is to be called for the events of the protocol."""
        return [
            (evt.EVT_CONN_OPEN, lambda event: self._came(event.assoc)),
            (evt.EVT_REQUESTED, lambda event: self._asked(event.assoc)),
            (evt.EVT_DATA_RECV, lambda event: self._count(event.assoc, event.data)),
            (evt.EVT_CONN_CLOSE, lambda event: self._left(event.assoc)),
        ]

    def whole(self, caller: Any) -> None:
        """Note that what a caller sent is whole."""
        self._coming.pop(caller, None)

    def send_away(self) -> None:
        """Hang up on everybody, and on who is still to come: whoever is in the middle of an object keeps it."""
        with self._lock:
            self._ended = True
            everybody = list(self._here)
        for caller in everybody:
            hang_up(caller)
        for caller in everybody:
            if caller.is_alive():  # one that is about to start ends by itself
                caller.join(PATIENCE)

    def _came(self, caller: Any) -> None:
        line = caller.dul.socket
        line.recv = lambda number: _patient(line, number)
        with self._lock:
            self._here[caller] = None
            silent = [other for other, let_in in self._here.items() if let_in is None]
            too_long = [caller] if self._ended else silent[:-OUTSIDE]
        for eldest in too_long:
            hang_up(eldest)

    def _asked(self, caller: Any) -> None:
        why = _wrong_title(caller)  # such a one is sent away by pynetdicom
        with self._lock:
            inside = [other for other, let_in in self._here.items() if let_in and _is_inside(other)]
            full = len(inside) >= INSIDE
            self._here[caller] = not why and not full
        if why:
            self._told(f"{_who(caller)} was refused: {why}")
        elif full:
            self._told(f"{_who(caller)} was refused for now: {INSIDE} are connected already")
            caller.acse.send_reject(*_LOCAL_LIMIT)
            caller.kill()  # waits until it was heard

    def _count(self, caller: Any, message: bytes) -> None:
        if message[:1] != _DATA:
            return
        self._coming[caller] = self._coming.get(caller, 0) + len(message)
        if self._coming[caller] > self._largest:
            self._coming[caller] = -(1 << 62)  # said once
            self._told(f"{_who(caller)} was hung up on: an object has more than {bytes_said(self._largest)}")
            caller.dul.socket.close()  # this is its own thread

    def _left(self, caller: Any) -> None:
        if self._coming.pop(caller, 0) > 0:
            self._told(
                f"{_who(caller)} was cut off in an object: nothing of it is kept, and it may push it again"
            )
        with self._lock:
            silent = self._here.pop(caller, None) is None
        if silent:  # its thread waits for a first word that will not come: this ends that
            caller.dul.to_user_queue.put(None)


def _who(caller: Any) -> str:
    """Say who calls, as it calls itself."""
    title = caller.requestor.primitive.calling_ae_title.strip()
    return f"“{title}” at {caller.requestor.address}"


def _wrong_title(caller: Any) -> str:
    """Say why somebody cannot be let in by a title, ours or its own; nothing where it can."""
    called, title = caller.requestor.primitive.called_ae_title.strip(), caller.acceptor.ae_title.strip()
    if called != title:
        return f"it asked for “{called}”, and this is “{title}” (--aet)"
    allowed = [name.strip() for name in caller.ae.require_calling_aet]
    if allowed and caller.requestor.primitive.calling_ae_title.strip() not in allowed:
        return "it is not among those that may push (--allow)"
    return ""


def _is_inside(caller: Any) -> bool:
    """Tell whether it still holds a place: a caller that was refused may stay on the line."""
    return bool(caller.is_alive() and not (caller.is_rejected or caller.is_aborted or caller.is_released))


def hang_up(caller: Any) -> None:
    """End a connection from a thread that is not its own: an abort or a close would upset its own one."""
    line = caller.dul.socket.socket
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _patient(line: Any, number: int) -> bytearray:
    """Read so many bytes; fewer where the line was closed.

    Raises:
        OSError: They take longer than anybody has patience for, or are more than a message may have.
    """
    if number > LONGEST:
        raise OSError(f"a message of {number:,} bytes")
    read, end = bytearray(), time.monotonic() + PATIENCE
    while len(read) < number:
        line.socket.settimeout(max(end - time.monotonic(), 0.001))
        part = line.socket.recv(min(number - len(read), 1 << 16))
        if not part:
            break
        read += part
    return read
