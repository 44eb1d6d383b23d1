"""A table as it is in its file: CSV and its kin, Excel, OpenDocument or Parquet; everything is text.

What a file is is read from its first bytes. A patient "007" stays "007"; what the columns mean is for
`engine.data.sources.columns`.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.data.sources.delimited import Line, has_no_header, read_delimited
from engine.data.sources.workbooks import read_parquet, read_workbook
from engine.errors import DataError
from engine.images import HEAD_BYTES, READ, REMEDIES, FileKind, kind_of
from engine.language import N_
from engine.storage import open_regular, read_regular

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
TABLE_SUFFIXES = TEXT_SUFFIXES | WORKBOOK_SUFFIXES | PARQUET_SUFFIXES
MOST_BYTES = 2 * 1024**3
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")

_MARKED_UP = re.compile(rb"\A(\xef\xbb\xbf)?\s*(<[!?a-z][^<]*>|MIME-Version:)", re.IGNORECASE)
"""How the tables begin that programs write as HTML, XML or a saved page, and call .xls."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as its file has it.

    Attributes:
        name: Of the file.
        header: Names of the columns, each once: the second of two columns "a" is "a (2)", one without a name
            "column 3"; those without name and content are left out.
        lines: Rows with their numbers in the file, as long as the header; none is empty.
        said: What the reader should know of how it was read, as sentences.
    """

    name: str
    header: tuple[str, ...]
    lines: Sequence[Line]
    said: tuple[str, ...] = ()

    def column(self, name: str) -> Sequence[str]:
        """Return the cells of a column."""
        return self._columns[name]

    @cached_property
    def _columns(self) -> Mapping[str, Sequence[str]]:
        return dict(zip(self.header, zip(*(cells for _, cells in self.lines), strict=True), strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one row says of an image, as text; empty where the table is.

    Attributes:
        number: In the file, the header being 1.
        path: As written.
        label: What the row says of the image, as one name.
        patient_id: As written.
        split: As written.
        mask: As written.
        meta: Every other column that is not empty.
    """

    number: int
    path: str
    label: str = ""
    patient_id: str = ""
    split: str = ""
    mask: str = ""
    meta: Mapping[str, str]


def is_table(path: Path) -> bool:
    """Tell whether a file is a table that `open_table` reads: by its suffix, or by its first line if it has none."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if not suffixes:
        return _begins_as_table(path)
    return suffixes[-1] in TABLE_SUFFIXES or (suffixes[-1] == ".gz" and suffixes[0] in TEXT_SUFFIXES)


def _begins_as_table(path: Path) -> bool:
    """Tell whether a file begins with a line of names parted by commas or the like: HAM10000_metadata."""
    try:
        with open_regular(path) as stream:
            line = stream.read(4096).decode("utf-8-sig").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        return False
    names = re.split(r"[,;\t]", line)
    return len(names) > 1 and all(re.fullmatch(r'"?[A-Za-z][\w ]*"?', name) for name in names)


def open_table(path: Path) -> Table:
    """Read a table.

    Args:
        path: CSV or TSV (any usual delimiter and encoding, also as .gz), Excel, OpenDocument or Parquet.

    Raises:
        DataError: It cannot be read or has no rows.
    """
    said: tuple[str, ...] = ()
    data = _read(path)
    kind = kind_of(data[:HEAD_BYTES])
    if kind is FileKind.WEB_PAGE or _MARKED_UP.match(data):
        raise DataError(
            f"{path.name} is a web page or XML, and no table",
            "Open it in Excel or LibreOffice and save it as .xlsx or CSV; or download it again, if a server sent "
            "a page in its place",
        )
    if kind in READ or kind in (FileKind.POINTER, FileKind.PDF):
        raise DataError(
            f"{path.name} is {kind}, and no table", REMEDIES.get(kind, N_("Choose the folder that it is in"))
        )
    if (
        data[:4] == b"PAR1" or path.suffix.lower() in PARQUET_SUFFIXES
    ):  # named so and none: the reader says it
        lines = read_parquet(path)
    elif data.startswith(_WORKBOOKS):
        lines, said = read_workbook(data, path.name)
    else:
        lines = read_delimited(data, path.name)
    if not lines:
        raise DataError(f"{path.name} is empty", "Choose a table with one row for each image")
    nameless = has_no_header(lines[0][1])
    names = [] if nameless else lines[0][1]
    rows = lines if nameless else lines[1:]
    if not rows:
        raise DataError(f"{path.name} has no rows", "Choose a table with one row for each image")
    width = max(len(cells) for _, cells in lines)
    padded = [(number, cells + [""] * (width - len(cells))) for number, cells in rows]
    kept = [
        place
        for place in range(width)
        if names[place : place + 1] > [""] or any(cells[place] for _, cells in padded)
    ]
    header = _names([(place, names[place] if place < len(names) else "") for place in kept])
    if len(kept) < width:
        padded = [(number, [cells[place] for place in kept]) for number, cells in padded]
    said_of_header = (
        N_("{name} has no header: its columns are named column 1, column 2 …").format(name=path.name)
        if nameless
        else ""
    )
    return Table(
        name=path.name, header=header, lines=padded, said=tuple(filter(None, (*said, said_of_header)))
    )


def read_headers(path: Path) -> list[str]:
    """Return the names of a table's columns, whether it has those that are needed or not.

    Raises:
        DataError: See `open_table`.
    """
    return list(open_table(path).header)


def _read(path: Path) -> bytes:
    try:
        data = read_regular(path, MOST_BYTES)
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as stream:
                data = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"{path.name} cannot be opened ({why})", "Check that the file is there and that you may read it"
        ) from error
    if len(data) > MOST_BYTES:
        raise DataError(
            f"{path.name} is larger than any table of images", "Choose a table with one row for each image"
        )
    return data


def _names(header: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for place, written in header:
        name = written or f"column {place + 1}"
        again = 2
        while name in names:
            name = f"{written} ({again})"
            again += 1
        names[name] = None
    return tuple(names)
