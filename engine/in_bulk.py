"""Many records made at once, without a search for garbage between them."""

from __future__ import annotations

import gc
import threading
from contextlib import ContextDecorator
from typing import Self


class Uncollected(ContextDecorator):
    """Puts off the search for garbage while many records are made, which are none: `with many_records:`, or above a
    function.

    Python looks for garbage whenever a few hundred more objects are there, every now and then among all of them; where
    a hundred thousand records are read that is a third of the time, and it finds nothing. It may be nested and used in
    several threads at once: the search goes on when the last of them has ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside, self._was_on = 0, True

    def __enter__(self) -> Self:
        """Put it off."""
        with self._lock:
            if not self._inside:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1
        return self

    def __exit__(self, *error: object) -> None:
        """Let it go on, if nobody else makes records."""
        with self._lock:
            self._inside -= 1
            if not self._inside and self._was_on:
                gc.enable()


many_records = Uncollected()
