"""The rows of a table, and what does not fit: counted and named in a sentence for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import DataError
from engine.records import Sample

SHOWN = 5  # rows that a sentence names
INCOMPLETE = "Leave out rows and images that do not fit, and count them in the report"
"""The field of the page that asks what `--incomplete` asks."""
_LEFT_OUT = "Correct the file, or leave them out: the report then counts them"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, how it names its image, and which one that is, if one alone."""

    line: int
    cell: str
    image: Sample | None


NAMED = "{named}"
"""Where a sentence names the first of what it counts; a report leaves them unnamed, since files may be called by
patients."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence without full stop, with `NAMED` where it names files or rows."""

    sentence: str
    names: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """The sentence with the first names."""
        return self.sentence.replace(NAMED, f" ({some(self.names)})")

    @property
    def nameless(self) -> str:
        """The sentence without names."""
        return self.sentence.replace(NAMED, "")


class Troubles:
    """What does not fit, as sentences; those that a person may let pass become remarks where they do."""

    def __init__(self, *, incomplete: bool) -> None:
        self._incomplete = incomplete
        self._refused: list[Remark] = []
        self._wait = True
        self.passed: list[Remark] = []

    def of_rows(self, rows: Sequence[Row], one: str, several: str, *, may_pass: bool) -> None:
        """Keep what is true of some rows, in a sentence for one and one for several; nothing where there are none.

        Both have "{n}" for how many, and `NAMED` for which.
        """
        if rows:
            says = (one if len(rows) == 1 else several).replace("{n}", f"{len(rows):,}")
            names = tuple(f"line {row.line}: {row.cell[:80] or 'empty'}" for row in rows)
            self.add(Remark(says, names), may_pass=may_pass)

    def add(self, trouble: Remark, *, may_pass: bool) -> None:
        """Keep a trouble."""
        if may_pass and self._incomplete:
            self.passed.append(Remark(f"Left out: {trouble.sentence}", trouble.names))
            return
        self._refused.append(trouble)
        self._wait = self._wait and may_pass

    def refuse(self) -> None:
        """Raise what was refused.

        Raises:
            DataError: Something was.
        """
        if self._refused:
            refused = ". ".join(one.whole for one in self._refused)
            if not self._wait:
                raise DataError(refused, "Correct the file, and import it again")
            raise DataError(refused, _LEFT_OUT, option="--incomplete", fields=(INCOMPLETE,))


def some(names: Sequence[str]) -> str:
    """Name the first of several."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
