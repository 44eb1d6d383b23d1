"""Tables as they are printed.

A table is T5.2: the second of section 5. A number in it is T5.2.7: its seventh, line by line. An id stands for one
cell: a figure with its interval, or a count.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.language import _, number
from engine.records import Estimate
from engine.report.formatting import figure, interval, rests_in, rests_on
from engine.report.named.of_methods import method_words

Where = Mapping[str, tuple[str, ...]]
"""JSON Pointer into a case of report.json → its values; a case is meant where all of them fit. Empty: all cases."""

SHARE = "share: the first number of the second"
"""Method of a share that stands in report.json as its two counts."""

SIGNS = "†‡§¶"
"""Of notes below a table, in the order that journals take; * is kept for small groups."""

NARROW = 5
"""A table of so many columns has none that is wide enough for sentences."""

LISTED = 12
"""Of more classes a table has no column each, but a line."""

OFTEN = 3
"""A reason that stands in so many cells is said once."""

SEED = re.compile(r"\bseed (\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """What a printed number rests on.

    Attributes:
        at: JSON Pointers (RFC 6901) into report.json, of the numbers in the order in which they are printed.
        cases: Which of its cases; None where it does not speak of these.
        n: How many images or patients; None of a plain count.
        method: Of the interval, or why there is none; of a count, what is counted.
        seed: Of what was drawn for it; None where nothing was.
        decimals: Of numbers that are no counts.
    """

    at: tuple[str, ...]
    cases: Where | None = None
    n: int | None = None
    method: str = ""
    seed: int | None = None
    decimals: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: As printed.
        beside: Printed below it, smaller: an interval, or what must stand beside the number.
        basis: Of the numbers in it; None where there is none.
        absent: Whether the text says why there is no figure.
    """

    text: str
    beside: str = ""
    basis: Basis | None = None
    absent: bool = False

    @property
    def printed(self) -> str:
        """All of it in one line."""
        return f"{self.text} ({self.beside})" if self.beside else self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a table: what it is of, and its cells."""

    head: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table.

    Attributes:
        number: "5.2".
        caption: As a sentence, without the number.
        columns: Headings, that of the lines' heads first.
        lines: In their order.
        words: Columns whose cells are words, by their place; all others hold numbers.
        notes: Printed below it, as sentences.
    """

    number: str
    caption: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    words: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """ "T5.2"."""
        return f"T{self.number}"

    @property
    def section(self) -> int:
        """5."""
        return int(self.number.partition(".")[0])

    def said(self) -> Iterator[tuple[str, Cell]]:
        """Yield the caption and the notes in which a number is, each with its id."""
        told = {"c": (self.caption, pointer("tables", self.id))}
        told |= {
            f"n{place}": (note, pointer("notes", self.id, place)) for place, note in enumerate(self.notes)
        }
        for name, (text, at) in told.items():
            if any(letter.isdigit() for letter in text):
                yield f"{self.id}.{name}", Cell(text=text, basis=Basis(at=(at,), method="in words"))

    def numbered(self) -> Iterator[tuple[Line, tuple[tuple[str, Cell], ...]]]:
        """Yield each line with its cells and their ids; the id of a cell without a number is empty."""
        count = 0
        for line in self.lines:
            cells = []
            for cell in line.cells:
                count += cell.basis is not None
                cells.append((f"{self.id}.{count}" if cell.basis else "", cell))
            yield line, tuple(cells)

    def numbers(self) -> Iterator[tuple[str, Line, str, Cell]]:
        """Yield id, line, heading of the column and cell of every number."""
        for line, cells in self.numbered():
            for title, (name, cell) in zip(self.columns[1:], cells, strict=True):
                if name:
                    yield name, line, title, cell


def pointer(*parts: str | int) -> str:
    """Return a JSON Pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def of_estimate(estimate: Estimate, at: str, cases: Where | None, *, note: str = "") -> Cell:
    """Return the cell of a figure, its interval below it; in words where there is no figure.

    Args:
        estimate: The figure.
        at: JSON Pointer to it.
        cases: It rests on.
        note: What must stand beside it.
    """
    seed = SEED.search(estimate.method)
    known, bounded = not math.isnan(estimate.value), not math.isnan(estimate.low + estimate.high)
    names = ("value", "low", "high") if bounded else ("value",) if known else ("method",)
    basis = Basis(
        at=tuple(f"{at}/{name}" for name in names),
        cases=cases,
        n=estimate.n,
        method=estimate.method,
        seed=int(seed[1]) if seed else None,
    )
    if not known:
        counted = re.match(r"\d", estimate.method)
        return Cell(text=method_words(estimate.method), basis=basis if counted else None, absent=not counted)
    bounds = interval(estimate) if bounded else ""
    return Cell(text=figure(estimate.value), beside=_("; ").join(filter(None, (bounds, note))), basis=basis)


def based_on(estimate: Estimate, at: str, cases: Where | None = None) -> Cell:
    """Return the cell of what a figure rests on: images and, where they are known, patients."""
    basis = Basis(
        at=tuple(f"{at}/{name}" for name in rests_in(estimate)), cases=cases, n=estimate.n, method="count"
    )
    return Cell(text=rests_on(estimate), basis=basis)


def with_rest(estimate: Estimate, at: str, cases: Where | None) -> Cell:
    """Return the cell of a figure, its interval and what it rests on below it."""
    made = of_estimate(estimate, at, cases)
    if made.basis is None or not made.beside:
        return made
    rest = based_on(estimate, at)
    basis = replace(made.basis, at=(*made.basis.at, *(rest.basis.at if rest.basis else ())))
    return Cell(text=made.text, beside=f"{made.beside}{_('; ')}{rest.text}", basis=basis)


def of_count(count: int, at: str, cases: Where, *, what: str = "") -> Cell:
    """Return the cell of a count."""
    return Cell(text=number(count), basis=Basis(at=(at,), cases=cases, method=what or "count"))


def words(text: str) -> Cell:
    """Return a cell without numbers."""
    return Cell(text=text)


def renumbered(section: int, tables: Sequence[Table], after: int = 0) -> tuple[Table, ...]:
    """Number the tables of a section, the first one after so many; reasons go below them where they fill them."""
    return tuple(
        replace(_with_reasons_below(one), number=f"{section}.{place}")
        for place, one in enumerate(tables, after + 1)
    )


def turned(table: Table, corner: str) -> Table:
    """Return a table with its lines as columns, for one of more columns than a page has room for; all are numbers.

    Args:
        table: Whose order of numbers changes with it.
        corner: Heading of the new lines' heads.
    """
    lines = tuple(
        Line(head=head, cells=tuple(line.cells[place] for line in table.lines))
        for place, head in enumerate(table.columns[1:])
    )
    return replace(table, columns=(corner, *(line.head for line in table.lines)), lines=lines)


def _with_reasons_below(table: Table) -> Table:
    """Return a table that says once below it why figures are missing, where its cells would be filled with that.

    So it is where columns are many, and narrow, or where one reason stands in many cells.
    """
    given = [cell.text for line in table.lines for cell in line.cells if cell.absent]
    narrow = len(table.columns) >= NARROW
    below = [reason for reason in dict.fromkeys(given) if narrow or given.count(reason) >= OFTEN]
    if not below:
        return table
    marks = {
        reason: SIGNS[place % len(SIGNS)] * (1 + place // len(SIGNS)) for place, reason in enumerate(below)
    }
    lines = [
        replace(
            line,
            cells=tuple(
                replace(cell, text=f"–{marks[cell.text]}") if cell.absent and cell.text in marks else cell
                for cell in line.cells
            ),
        )
        for line in table.lines
    ]
    said = _("; ").join(f"{mark} {reason}" for reason, mark in marks.items())
    return replace(table, lines=tuple(lines), notes=(f"{said}.", *table.notes))
