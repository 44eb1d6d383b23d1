"""Cells and tables of a study's report, each number with its place in study.json."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.language import N_, _, number
from engine.report.formatting import figure
from engine.report.printed.records import Basis, Cell, Line, Table, Where, pointer, words


def table_of(
    caption: str,
    columns: Sequence[str],
    lines: Sequence[Line],
    *,
    in_words: tuple[int, ...] = (),
    notes: tuple[str, ...] = (),
) -> Table:
    """Return a table that has no number yet."""
    return Table(
        number="", caption=caption, columns=tuple(columns), lines=tuple(lines), words=in_words, notes=notes
    )


def upper(text: str) -> str:
    """Return a text with a capital."""
    return text[:1].upper() + text[1:]


def minus_words(first: str, second: str) -> str:
    """Say which way of reading is taken from which."""
    return _("{first} minus {second}").format(first=_(first), second=_(second))


WAYS = (N_("blind"), N_("assisted"), N_("concurrent"), N_("annotation"))
"""Ways of reading, as they are kept."""


def words_at(text: str, *at: str | int, told: str | None = None) -> Cell:
    """Return a cell of words that the document has, with an id where a number is in it; `told`: as it is printed."""
    printed = text if told is None else told
    if not any(letter.isdigit() for letter in text):
        return words(printed)
    return Cell(text=printed, basis=Basis(at=(pointer(*at),), method="in words"))


def count_at(count: int, at: str, cases: Where | None = None, what: str = "answers") -> Cell:
    """Return the cell of a count that the document has at a place."""
    return Cell(text=number(count), basis=Basis(at=(at,), cases=cases, method=f"count of {what}"))


def number_at(value: float, at: str, method: str, decimals: int = 3, cases: Where | None = None) -> Cell:
    """Return the cell of a number that the document has at a place; a dash where there is none."""
    if not math.isfinite(value):
        return words(figure(value))
    return Cell(
        text=figure(value, decimals), basis=Basis(at=(at,), method=method, decimals=decimals, cases=cases)
    )
