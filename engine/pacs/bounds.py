"""What a server may take of our time and room, and what is said of one that does not give what it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import DataError

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What an answer may take.

    Attributes:
        bytes: Of one answer: an image of 250 megapixels in 16 bits fits.
        seconds: From asking to the last byte of an answer.
        silence: Seconds without a single byte.
    """

    bytes: int = 768 << 20
    seconds: float = 600.0
    silence: float = 30.0


class ServerTrouble(DataError):  # noqa: N818  the server's, not ours
    """A server did not give what it was asked for; the next question may be answered."""


class ServerLost(ServerTrouble):
    """A server is away or refuses us: it need not be asked again now."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Return what comes of some work, or raise `TimeoutError` and leave the work alone, in a thread of its own.

    Headers that drip hold a socket longer than any time-out of it.
    """
    came: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            came.append(work())
        except BaseException as error:  # noqa: BLE001  raised again by whoever waits
            failed.append(error)

    thread = threading.Thread(target=run, name="overread-waiting", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not came:
        raise TimeoutError
    return came[0]
