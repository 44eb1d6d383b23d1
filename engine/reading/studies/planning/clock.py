"""Where the clock of the computer was set back while people read: rows keep their order, and their dates do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, union_all

from engine.reading.migrations.schema import EXPOSURES, SESSIONS

DATED = (SESSIONS, EXPOSURES)
"""Tables whose rows are dated at the moment they are written: an answer may come from elsewhere with its own date."""
MOST_APART = 300.0
"""Seconds by which the clocks of computers that share a database may differ."""


@dataclass(frozen=True, slots=True)
class SetBack:
    """A row that bears an earlier time than the one before it, by more than computers that share a database differ.

    Attributes:
        row: Its number.
        seconds: By how much.
    """

    row: int
    seconds: float


class Clock:
    """The clock as dated rows tell it, one after the other."""

    def __init__(self) -> None:
        self.set_back: list[SetBack] = []
        self._last: datetime | None = None

    def look(self, seq: int, told: str) -> None:
        """Look at the next dated row: its number, and its date as it is stored."""
        at = datetime.fromisoformat(told)
        back = (self._last - at).total_seconds() if self._last else 0.0
        if back > MOST_APART:
            self.set_back.append(SetBack(seq, back))
        self._last = at


def set_back_between(
    connection: Connection, begun: tuple[int, str], ended: int | None
) -> tuple[SetBack, ...]:
    """Return where the clock was set back after a row of the chain.

    Args:
        connection: Inside a transaction that sees one state.
        begun: The number and the date of that row.
        ended: The number of the row after which nobody looks any more; None where there is none.
    """
    clock = Clock()
    clock.look(*begun)
    later = [select(table.c.seq, table.c.at).where(table.c.seq > begun[0]) for table in DATED]
    if ended is not None:
        later = [each.where(table.c.seq < ended) for each, table in zip(later, DATED, strict=True)]
    for seq, at in connection.execute(union_all(*later).order_by("seq")):
        clock.look(seq, at)
    return tuple(clock.set_back)
