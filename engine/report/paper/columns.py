"""Tables that fit on paper: letters as large as the page allows, columns as wide as they need, and no column cut off.

A table that does not fit even in small letters is set as several, each with its first column again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from engine.report.paper.document import Cell, Row, Span, Table
from engine.report.paper.glyphs import width

SIZES = (9.0, 8.0, 7.0, 6.5)
"""Of letters, in points: the first in which a table fits is taken."""

GAP = 8.0
"""Points beside the letters of a cell, both sides together."""

LONGEST_WORD = 22
"""Letters; a longer one (a hash, a path) may be broken after so many, so that it makes no column wide."""

LONGEST_NUMBER = 20
"""Letters: a number with its interval is not broken; a sentence in a column of numbers is."""


FEW_LINES = 22
"""A table of so many lines or fewer, which is less than half a page, is kept on one page."""

FIRST_ROWS = 3
"""Of a longer table: so many stand together under its head."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A table, or a part of one, as it is set.

    Attributes:
        table: With its columns.
        widths: Of each column, in points.
        size: Of its letters, in points.
        part: The number of this part, from 1, and how many there are.
    """

    table: Table
    widths: tuple[float, ...]
    size: float
    part: tuple[int, int] = (1, 1)


def fitted(table: Table, room: float) -> list[Fitted]:
    """Return a table in as many parts as it takes.

    Args:
        table: Of any width.
        room: Of the page, in points.
    """
    least, most = _needs(table)
    if not least:
        return []
    for size in SIZES:
        if sum(least) * size + GAP * len(least) <= room:
            return [Fitted(table, _shared(least, most, size, room), size)]
    size = SIZES[-1]
    chosen = list(_parts([one * size + GAP for one in least], room))
    parts = []
    for number, columns in enumerate(chosen, 1):
        widths = _shared([least[at] for at in columns], [most[at] for at in columns], size, room)
        parts.append(Fitted(_of_columns(table, columns), widths, size, (number, len(chosen))))
    return parts


def joined_rows(part: Fitted) -> set[int]:
    """Return the rows, from 0 with those of the head, that stay on the page of the row below them.

    All of a table of few lines; of a longer one its head with the first rows, the last two rows, and the heading of a
    group of rows with what stands under it. A row that reaches down into others stays with them by itself.
    """
    head, body = part.table.head, part.table.body
    last = len(head) + len(body) - 1
    lines = sum(_lines(row, part) for row in (*head, *body))
    if lines <= FEW_LINES:
        return set(range(last))
    kept = set(range(min(len(head) + FIRST_ROWS - 1, last))) | {last - 1}
    groups = (at for at, row in enumerate(body, len(head)) if len(row) == 1 and len(part.widths) > 1)
    return (kept | set(groups)) - {last}


def _lines(row: Row, part: Fitted) -> int:
    """Return about how many lines a row takes; that its cells may begin further on hardly changes it."""
    most = 1
    for at, cell in enumerate(row):
        room = sum(part.widths[at : at + cell.columns]) or part.widths[-1]
        lines = _text(cell).split("\n")
        most = max(most, sum(max(1, ceil(width(line) * part.size / room)) for line in lines))
    return most


def placed(rows: Sequence[Row]) -> Iterator[tuple[int, int, Cell]]:
    """Yield row, column and cell of every cell, as those that reach over several move the others."""
    taken: set[tuple[int, int]] = set()
    for down, row in enumerate(rows):
        across = 0
        for cell in row:
            while (down, across) in taken:
                across += 1
            yield down, across, cell
            if cell.rows > 1:
                taken |= {
                    (down + more, across + beside)
                    for more in range(1, cell.rows)
                    for beside in range(cell.columns)
                }
            across += cell.columns


def _needs(table: Table) -> tuple[list[float], list[float]]:
    """Return the least and the most width of each column, in parts of the letters' size."""
    cells = [*placed(table.head), *placed(table.body)]
    columns = max((across + cell.columns for _, across, cell in cells), default=0)
    least, most = [0.0] * columns, [0.0] * columns
    spanning: list[tuple[int, Cell]] = []
    for _, across, cell in cells:
        if cell.columns > 1:
            spanning.append((across, cell))
            continue
        narrow, wide = _of_cell(cell)
        least[across], most[across] = max(least[across], narrow), max(most[across], wide)
    for across, cell in spanning:
        reached = range(across, min(across + cell.columns, columns))
        lacking = _of_cell(cell)[0] - sum(least[at] for at in reached)
        if lacking > 0:
            for at in reached:
                least[at] += lacking / len(reached)
    return least, [max(pair) for pair in zip(least, most, strict=True)]


def _of_cell(cell: Cell) -> tuple[float, float]:
    """Return the widths of a cell's widest word and widest line; a number's line is one word."""
    lines: list[list[Span]] = [[]]
    for span in cell.spans:
        first, *more = span.text.split("\n")
        lines[-1].append(replace(span, text=first))
        lines += [[replace(span, text=text)] for text in more]
    wide = max(sum(width(each.text, strong=each.strong) for each in line) for line in lines)
    if cell.number and not cell.head and max(len(line) for line in _text(cell).split("\n")) <= LONGEST_NUMBER:
        return wide, wide
    words = [(word[:LONGEST_WORD], each.strong) for each in cell.spans for word in each.text.split()]
    return max((width(word, strong=strong) for word, strong in words), default=0.0), wide


def breakable(text: str) -> str:
    """Return a text with unseen places at which a word that is too long for a column may be broken."""
    if len(text) <= LONGEST_WORD:
        return text
    return re.sub(rf"\S{{{LONGEST_WORD}}}(?=\S)", "\\g<0>\u200b", text)


def _text(cell: Cell) -> str:
    return "".join(each.text for each in cell.spans)


def _shared(least: Sequence[float], most: Sequence[float], size: float, room: float) -> tuple[float, ...]:
    """Return the widths of columns, shared out as a browser does: what is left goes to those that ask for more."""
    narrow = [one * size + GAP for one in least]
    asked = [(high - low) * size for low, high in zip(least, most, strict=True)]
    left = max(room - sum(narrow), 0.0)
    share = min(1.0, left / sum(asked)) if sum(asked) else 0.0
    return tuple(round(one + share * more + 0.05, 2) for one, more in zip(narrow, asked, strict=True))


def _parts(widths: Sequence[float], room: float) -> Iterator[list[int]]:
    """Yield the columns of each part: the first, and as many others as there is room for."""
    columns: list[int] = [0]
    for at in range(1, len(widths)):
        if len(columns) > 1 and sum(widths[each] for each in columns) + widths[at] > room:
            yield columns
            columns = [0]
        columns.append(at)
    yield columns


def _of_columns(table: Table, columns: Sequence[int]) -> Table:
    chosen = set(columns)

    def kept(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        made: list[list[Cell]] = [[] for _ in rows]
        for down, across, cell in placed(rows):
            reach = len(chosen.intersection(range(across, across + cell.columns)))
            if reach:
                made[down].append(replace(cell, columns=reach))
        return tuple(map(tuple, made))

    return replace(table, head=kept(table.head), body=kept(table.body))
