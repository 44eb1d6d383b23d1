"""When a link's time is over, whatever is done to a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


def clocks_of_this_computer() -> list[Callable[[], float]]:
    """Return clocks in seconds: the one on the wall, one that nobody can set, and one that runs on during sleep."""
    clocks: list[Callable[[], float]] = [time.time, time.monotonic]
    if hasattr(time, "CLOCK_BOOTTIME"):
        clocks.append(lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    return clocks


class Deadline:
    """The end of a time that begins now. It is over as soon as one clock says so.

    A wall clock that is set back would lengthen the time, and one that no setting reaches stands still while the
    computer sleeps: each closes what the other leaves open. A clock that is set forward ends the time early.

    Args:
        seconds: How long.
        clocks: For tests.
    """

    def __init__(self, seconds: float, clocks: Sequence[Callable[[], float]] | None = None) -> None:
        self._ends = [(clock, clock() + seconds) for clock in clocks or clocks_of_this_computer()]

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.left() <= 0

    def left(self) -> float:
        """Return the seconds until then, as the clock has it that comes there first."""
        return min(end - clock() for clock, end in self._ends)
