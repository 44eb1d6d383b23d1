"""Who guesses passwords is slowed down, by the name that is tried and by the address that tries.

One address that tries one name has five tries in five minutes, one address twenty whatever the names, one name thirty
from wherever they come: somebody elsewhere who guesses does not keep its owner out at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

SECONDS = 300.0
TRIES_OF_NAME_AND_ADDRESS = 5
TRIES_OF_ADDRESS = 20
TRIES_OF_NAME = 30
MOST_KNOWN = 10_000


class Throttle:
    """Counts wrong tries.

    Args:
        clock: Seconds; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, name: str, address: str) -> int:
        """Return for how many seconds such a try is refused unseen; 0 when it may be made."""
        with self._lock:
            now = self._clock()
            return max(
                round(tries[-most] + SECONDS - now + 0.5) if len(tries) >= most else 0
                for key, most in _keys(name, address)
                for tries in [self._recent(key, now)]
            )

    def wrong(self, name: str, address: str) -> None:
        """Count a wrong try."""
        with self._lock:
            now = self._clock()
            for key, most in _keys(name, address):
                tries = self._recent(key, now)
                tries.append(now)
                while len(tries) > most:
                    tries.popleft()
                self._wrong.pop(key, None)
                self._wrong[key] = tries
            while len(self._wrong) > MOST_KNOWN:
                del self._wrong[next(iter(self._wrong))]

    def right(self, name: str, address: str) -> None:
        """Forget the wrong tries of who is in now, from this address."""
        with self._lock:
            self._wrong.pop((name.casefold(), address), None)

    def _recent(self, key: Hashable, now: float) -> deque[float]:
        tries = self._wrong.get(key, deque())
        while tries and now - tries[0] >= SECONDS:
            tries.popleft()
        return tries


def _keys(name: str, address: str) -> list[tuple[Hashable, int]]:
    name = name.casefold()
    return [
        ((name, address), TRIES_OF_NAME_AND_ADDRESS),
        (("address", address), TRIES_OF_ADDRESS),
        (("name", name), TRIES_OF_NAME),
    ]
