"""A table that says what the images are: CSV, TSV or Parquet, in whatever encoding and with whatever column
names.

Everything is text: a patient "007" stays "007". Columns are recognised by the names people use; what is not
recognised is kept with the case.
"""

from __future__ import annotations

import codecs
import csv
import importlib
import importlib.util
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from engine.errors import DataError

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
TABLE_SUFFIXES = TEXT_SUFFIXES | {".parquet", ".pq"}
# Names as `_plain` leaves them; the first column that matches is taken.
COLUMNS: dict[str, tuple[str, ...]] = {
    "path": (
        "path",
        "filepath",
        "file",
        "filename",
        "image",
        "imagepath",
        "imagefile",
        "imageindex",
        "img",
        "dicom",
    ),
    "label": (
        "label",
        "class",
        "classname",
        "target",
        "diagnosis",
        "category",
        "finding",
        "findinglabels",
        "y",
    ),
    "patient_id": (
        "patientid",
        "patient",
        "patientkey",
        "subject",
        "subjectid",
        "participant",
        "participantid",
    ),
    "split": ("split", "part", "partition", "subset", "set"),
    "mask": ("mask", "maskpath", "maskfile", "segmentation"),
}
REQUIRED = ("path", "label")
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of a table, as text; empty where the table is.

    Attributes:
        number: In the file, the header being 1.
        path: As written.
        label: As written, without surrounding blanks.
        patient_id: Likewise.
        split: Likewise.
        mask: Likewise.
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
    """Tell by its suffix whether a file is a table that `read_table` reads."""
    return path.suffix.lower() in TABLE_SUFFIXES


def read_table(table: Path, *, columns: Mapping[str, str] | None = None) -> list[Row]:
    """Read a table.

    Args:
        table: CSV, TSV (any delimiter of comma, semicolon, tab and bar; any encoding) or Parquet.
        columns: Which column is meant, where the name does not say it: one of `COLUMNS` → the table's name
            for it, or an empty string to say that there is none.

    Returns:
        Its rows, empty ones left out.

    Raises:
        DataError: It cannot be read, has no rows, or lacks a column that is needed; the columns found are
            named.
    """
    if table.suffix.lower() in TEXT_SUFFIXES:
        header, lines = _read_text(table)
    else:
        header, lines = _read_parquet(table)
    chosen = _choose(header, columns or {}, table)
    rows = []
    for number, cells in lines:
        named = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        values = {field: named.get(column, "") for field, column in chosen.items()}
        if not values["path"]:
            continue
        meta = {name: cell for name, cell in named.items() if name and cell and name not in chosen.values()}
        rows.append(Row(number=number, meta=meta, **values))
    if not rows:
        raise DataError(f"{table.name} has no rows", "Choose a table with one row for each image")
    return rows


def read_headers(table: Path) -> list[str]:
    """Return the names of a table's columns, whether it has those that are needed or not.

    Raises:
        DataError: It cannot be read.
    """
    return (_read_text(table) if table.suffix.lower() in TEXT_SUFFIXES else _read_parquet(table))[0]


def read_columns(
    table: Path, *, columns: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return all columns of a table, and which of them is which of `COLUMNS`; see `read_table`.

    Raises:
        DataError: See `read_table`.
    """
    header = read_headers(table)
    return header, _choose(header, columns or {}, table)


def _choose(header: Sequence[str], columns: Mapping[str, str], table: Path) -> dict[str, str]:
    found = ", ".join(name for name in header if name) or "none"
    chosen = {}
    for field, known in COLUMNS.items():
        if field in columns:
            if columns[field] and columns[field] not in header:
                raise DataError(
                    f"{table.name} has no column named {columns[field]!r}; it has: {found}",
                    f"Choose one of these for {field}",
                )
            if columns[field]:
                chosen[field] = columns[field]
            continue
        by_plain = {_plain(name): name for name in reversed(header)}
        match = next((by_plain[name] for name in known if name in by_plain), None)
        if match is not None:
            chosen[field] = match
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise DataError(
            f"There is nothing called {', '.join(sorted(unknown))} to take from a table",
            f"Name columns for: {', '.join(COLUMNS)}",
        )
    missing = [field for field in REQUIRED if field not in chosen and columns.get(field) != ""]
    if missing or "path" not in chosen:
        raise DataError(
            f"{table.name} lacks the column {' and '.join(missing or ['path'])}; it has: {found}",
            "Rename its columns to path and label (and patient_id, split, mask), or say which is which",
        )
    return chosen


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _read_text(table: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise DataError(
            f"{table} cannot be opened ({error.strerror or error})",
            "Check that the file is there and that you may read it",
        ) from error
    text = decode_text(data, table)
    first_line = text.lstrip().split("\n", 1)[0]
    # The delimiter is the one that the header has most of: rows may hold any of them in free text.
    delimiter = max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        lines = [(reader.line_num, cells) for cells in reader if any(cells)]
    except csv.Error as error:
        raise DataError(
            f"{table.name} is not a table ({error} in line {reader.line_num})",
            "Save it again as CSV from the program it was made with",
        ) from error
    if not header:
        raise DataError(f"{table.name} is empty", "Choose a table with one row for each image")
    return header, iter(lines)


def decode_text(data: bytes, table: Path) -> str:
    """Turn bytes into text: by their byte-order mark, as UTF-8, or as what they most look like.

    Raises:
        DataError: They are not text in any encoding.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _decoded(data, encoding, table)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:  # ASCII in UTF-16 without a mark is valid UTF-8 with a NUL in every other place
        return text
    matches = charset_normalizer.from_bytes(data[:1_000_000])
    names = [match.encoding for match in matches]
    if not names:
        raise _no_encoding(table)
    # Windows wrote most tables of unknown encoding; its relatives decode the same bytes to rarer letters.
    return _decoded(data, "cp1252" if "cp1252" in names else names[0], table)


def _decoded(data: bytes, encoding: str, table: Path) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _no_encoding(table) from error


def _no_encoding(table: Path) -> DataError:
    return DataError(
        f"{table.name} is not text in any known encoding",
        'Save it as "CSV UTF-8" from the program it was made with',
    )


def _read_parquet(table: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    if importlib.util.find_spec("pyarrow") is None:
        raise DataError(
            f"{table.name} is a Parquet file, and pyarrow, which reads these, is not installed",
            "Install it with `pip install pyarrow`, or save the table as CSV",
        )
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        content = parquet.read_table(table)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(
            f"{table.name} cannot be read as Parquet ({str(error).splitlines()[0]})", "Save the table as CSV"
        ) from error
    names = [str(name) for name in content.column_names]
    columns = [
        ["" if value is None else str(value) for value in column.to_pylist()] for column in content.columns
    ]
    return names, ((number, list(cells)) for number, cells in enumerate(zip(*columns, strict=True), start=2))
