"""Text with one row a line: in any encoding, with any delimiter, under whatever a program wrote above the header."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from engine.data.sources.encodings import encoding_of
from engine.errors import DataError
from engine.images import IMAGE_SUFFIXES

Line = tuple[int, list[str]]
"""The number of a line in its file, and its cells."""

_DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 200
"""Lines, to tell the delimiter or which sheet is meant."""
csv.field_size_limit(
    16 * 1024 * 1024
)  # characters; a report may be long, a cell longer than this was never closed
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_delimited(data: bytes, name: str) -> list[Line]:
    """Read the lines of a text table, without what stands above its header: notes, a title, empty lines.

    Args:
        data: The whole file.
        name: Of the file, for messages.

    Returns:
        Lines that are not empty, the header first. Where a first line is no header but files and labels already,
        and a note above it has as many cells, the note is the header.

    Raises:
        DataError: It is not text, or a quotation mark in it is never closed.
    """
    text = decode_text(data, name)
    above, start, delimiter = _above(text)
    rest = text[start:]
    delimiter = delimiter or _delimiter_of(rest)
    first = text.count("\n", 0, start)
    lines = [(first + number, cells) for number, cells in _cells(rest, delimiter, name)]
    width = Counter(len(cells) for _, cells in lines[:LOOKED_AT]).most_common(1)
    while len(lines) > 1 and width[0][0] > 1 and sum(map(bool, lines[0][1])) == 1:
        del lines[0]  # a title
    if above and lines and has_no_header(lines[0][1]):
        note = next(_cells(above.lstrip("#%/ "), delimiter, name), (0, []))[1]
        if len(note) == len(lines[0][1]) > 1:
            lines.insert(0, (first, note))
    return lines


def has_no_header(cells: list[str]) -> bool:
    """Tell whether a first line names an image or a folder already, where a header would say what its columns are."""
    return any(names_image(cell) or re.search(r"\S[/\\]\S+[/\\]", cell) for cell in cells)


def names_image(cell: str) -> bool:
    """Tell whether a cell ends as the name of an image does."""
    return cell[cell.rfind(".") :].lower() in IMAGE_SUFFIXES


def _above(text: str) -> tuple[str, int, str]:
    """Return the last note above the table, where the table starts, and the delimiter, if a line says which it is."""
    note, delimiter, start = "", "", 0
    for line in re.finditer(r"[^\r\n]*(\r\n|\r|\n|\Z)", text):
        content = line[0].strip().strip('"')
        if said := re.fullmatch(r"sep=(\\t|.)", content, flags=re.IGNORECASE):
            delimiter = "\t" if said[1] == "\\t" else said[1]
        elif content.startswith("#"):
            note = content
        elif content.strip(",;|\t "):
            break
        start = line.end()
        if start == len(text):
            break
    return note, start, delimiter


def _delimiter_of(text: str) -> str:
    """Return the delimiter that gives the most lines the same number of cells, a blank where no other does."""
    lines = list(islice(io.StringIO(text, newline=""), LOOKED_AT))
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        widths: Counter[int] = Counter()
        with contextlib.suppress(csv.Error):  # it is met again, and said, when all is read
            widths.update(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if any(cells))
        for width, count in widths.most_common(1):
            if width > 1 and (count / widths.total(), width) > best_score:
                best, best_score = delimiter, (count / widths.total(), width)
    if best_score[1]:
        return best
    words = [line.split() for line in lines if line.strip()]
    lists_files = any(names_image(word) for each in words for word in each[:-1])
    ends_in_file = any(names_image(each[-1]) for each in words)  # then the blank is part of its name
    alike = len({len(each) for each in words}) == 1
    return " " if lists_files and alike and not ends_in_file else best


def _cells(text: str, delimiter: str, name: str) -> Iterator[Line]:
    """Yield the cells of each line that is not empty, without blanks around them."""
    if text.count('"') % 2:
        _check_quotes(text, delimiter, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise _unclosed(name, reader.line_num) from error


def _check_quotes(text: str, delimiter: str, name: str) -> None:
    """Refuse a quotation mark that swallows all lines after it.

    Raises:
        DataError: There is one.
    """
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    began = 1
    try:
        for _ in reader:
            began = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise _unclosed(name, began) from error


def _unclosed(name: str, line: int) -> DataError:
    return DataError(
        f"{name} has a quotation mark in line {line} or before that is never closed",
        "Close it, or save the table again as CSV from the program that it was made with",
    )


def decode_text(data: bytes, name: str) -> str:
    """Turn bytes into text: by their byte-order mark, as UTF-8, or as what they most look like.

    Raises:
        DataError: They are not text in any encoding.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:4096]:  # UTF-16 without a mark: ASCII has every other byte empty
        even, odd = data[:4096:2].count(0), data[1:4096:2].count(0)
        encoding = "utf-16-be" if even > odd else "utf-16-le"
    encoding = encoding or encoding_of(data)
    try:
        text = data.decode(encoding or "ascii")
    except UnicodeDecodeError as error:
        raise _no_text(name) from error
    if "\0" in text:
        raise _no_text(name)
    return text


def _no_text(name: str) -> DataError:
    return DataError(
        f"{name} is not text in any known encoding",
        'Save it as "CSV UTF-8" from the program it was made with',
    )
