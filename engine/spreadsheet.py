"""CSV files that people open in a spreadsheet and programs read back.

A cell holds whatever somebody typed: a comment, a class, a file's name. Where a spreadsheet would take it for a
formula, an apostrophe is put before it, and `read_csv` takes exactly those apostrophes away again. Which spreadsheet
reads the file is not known: where ";" separates columns, `x,"a;=1+1"` is two cells and the second a formula, so
the apostrophe goes wherever a cell may begin in any of them.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, BinaryIO

BYTE_ORDER_MARK = "\ufeff"  # without it Excel does not read UTF-8

# Characters that begin a formula (also as full-width and small forms, which East Asian input gives), that separate
# cells or rows somewhere, and that a spreadsheet passes over before it looks.
_FORMULA = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
_SEPARATOR = ";؛|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
_PASSED = (
    '"\x00-\x08\x0e-\x1b\x1f \x7f-\x84\x86-\xa0\xad\u061c\u1680\u180e'
    "\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff"
)
_BEFORE_FORMULA = f"(?=[{_PASSED}]*[{_FORMULA}])"
_BEFORE_BREAK = f"(?=[{_PASSED}]*[\t\n\r])"  # a cell that begins with a tab or a line's end
_GUARD = re.compile(f"(^|[{_SEPARATOR}])('*){_BEFORE_FORMULA}|^('*){_BEFORE_BREAK}")
_GUARDED = re.compile(f"(^|[{_SEPARATOR}])'('*){_BEFORE_FORMULA}|^'('*){_BEFORE_BREAK}")
_HALF_CHARACTER = re.compile(
    "[\ud800-\udc7f\udd00-\udfff]"
)  # not those that stand for the bytes of a file's name

csv.field_size_limit(2**31 - 1)  # a column that came with the data may hold anything


def write_csv(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = (), *, headings: bool = True
) -> bytes:
    """Write rows as CSV in UTF-8: numbers as numbers, and no cell that acts as a formula.

    Args:
        rows: Column → value each. A number that is none (NaN, infinite), None and what is not there are empty cells.
        columns: In order; empty means every column that a row has, in the order of their first appearance.
        headings: Whether the first line names the columns; without it the lines are to be added to a file.
    """
    rows = list(rows)
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if headings:
        text.write(BYTE_ORDER_MARK)
        writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    # Names of files on Linux need not be UTF-8, and come back as they were; half a character says nothing.
    return _HALF_CHARACTER.sub("\ufffd", text.getvalue()).encode("utf-8", "surrogateescape")


def read_csv(data: bytes) -> tuple[list[str], list[list[str]]]:
    """Read what `write_csv` wrote: the columns' names, and the cells of every row, as they were before.

    A row that was cut short has fewer cells than there are columns.

    Raises:
        csv.Error: It is no CSV.
    """
    text = data.decode("utf-8", "surrogateescape").removeprefix(BYTE_ORDER_MARK)
    lines = list(csv.reader(io.StringIO(text, newline="")))
    if "'" in text:
        lines = [[_GUARDED.sub(r"\1\2\3", cell) if "'" in cell else cell for cell in row] for row in lines]
    return (lines[0], lines[1:]) if lines else ([], [])


def read_lines(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield the columns' names and then the cells of each row, read as they are asked for; see `read_csv`."""
    text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
    try:
        for row in csv.reader(text):
            yield [_GUARDED.sub(r"\1\2\3", cell) if "'" in cell else cell for cell in row]
    finally:
        text.detach()  # whoever opened the file closes it


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | Integral):
        return value
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return _GUARD.sub(r"\1'\2\3", str(value))
