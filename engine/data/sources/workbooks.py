"""Tables that are not text: Excel and OpenDocument workbooks, Parquet.

A workbook is read in a process of its own: what reads it makes room for every cell between the first and the last, and
one stray cell far below the table would end the program, and with it the window of everybody who reads there.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DataError
from engine.kept_files import parse_json
from engine.storage import bound_memory

if TYPE_CHECKING:
    import python_calamine

    from engine.data.sources.delimited import Line

_MOST_BYTES = 2 * 1024**3  # of a workbook, unpacked
_MOST_MEMORY = 4 * 1024**3  # of the process that reads it
_MOST_SECONDS = 300
_MOST_LOOKED_THROUGH = 256 * 1024**2  # of a sheet, for formulas and hidden rows
_NO_VALUE = re.compile(
    rb'<c(?![^>]*\st="str")[^>]*>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)  # of a formula that comes to an empty text the cell says that it is a text
_HIDDEN = re.compile(
    rb'<(row)(?=\s)(?=[^>]*\shidden="(?:1|true)")[^>]*(?<!/)>|'
    rb'<(table:table-row)(?=[^>]*\stable:visibility="(?:collapse|filter)")[^>]*(?<!/)>'
)  # a row that somebody or a filter has hidden, in Office Open XML and in OpenDocument
_HOLDS = (b"<v>", b"<is>", b"office:value-type=")  # what a cell has that is not empty


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one sheet of a workbook holds.

    Attributes:
        name: Of the sheet.
        shown: Whether its tab can be seen.
        merged: Whether cells are merged over several rows; their value stands in each of these.
        lines: Those that are not empty.
    """

    name: str
    shown: bool
    merged: bool
    lines: Sequence[Line]


def read_workbook(data: bytes, name: str) -> tuple[list[Line], tuple[str, ...]]:
    """Read the sheet of a workbook that the images are in, or the first that is not empty; hidden ones come last.

    Args:
        data: The whole file: .xlsx, .xlsm, .xlsb, .xls or .ods.
        name: Of the file, for messages.

    Returns:
        The sheet's lines that are not empty; what to say of how it was read, as sentences.

    Raises:
        DataError: It is no workbook, or damaged, or protected by a password.
    """
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                if sum(info.file_size for info in packed.infolist()) > _MOST_BYTES:
                    raise DataError(f"{name} unpacks to far more than a table needs", "Save the table as CSV")
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _unreadable(name, "it is damaged") from error
    sheets, valueless, hidden = _read_apart(data, name)
    filled = sorted((each for each in sheets if len(each.lines) > 1), key=lambda each: not each.shown)
    if not filled:
        return [], ()
    chosen = next((each for each in filled if _names_images(each)), filled[0])
    others = [each.name for each in filled if each is not chosen]
    said = []
    if others:
        said.append(f"Of {name} the sheet {chosen.name} was read, and not {', '.join(others)}")
    if chosen.merged:
        said.append(f"Cells of {name} that are merged over several rows hold for each of these rows")
    if hidden:
        said.append(
            f"Hidden rows are read like all others, and {name} has {hidden:,}; delete those that are not meant, and "
            "save it again"
        )
    if valueless:
        said.append(
            f"Formulas in {name} ({valueless:,}) were saved without what they come to, so that their cells are empty; "
            "open it in Excel or LibreOffice and save it again"
        )
    return list(chosen.lines), tuple(said)


def _names_images(sheet: Sheet) -> bool:
    from engine.data.sources.delimited import (
        LOOKED_AT,
        names_image,
    )  # not at top: who reads apart needs none of it

    return any(names_image(cell) for _, cells in sheet.lines[:LOOKED_AT] for cell in cells)


def _unreadable(name: str, why: str) -> DataError:
    return DataError(
        f"{name} cannot be read as a workbook ({why})",
        "Open it in the program that it was made with, without a password, and save the table as CSV",
    )


def _read_apart(data: bytes, name: str) -> tuple[list[Sheet], int, int]:
    """Read a workbook in a process of its own; return its sheets, how many formulas have no value, and hidden rows."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__], input=data, capture_output=True, timeout=_MOST_SECONDS, check=True,
            cwd=Path(__file__).parents[3],
        )  # fmt: skip
        told = parse_json(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise DataError(
            f"{name} holds cells so far from its table that it cannot be read, or is damaged",
            "Delete the rows and columns behind the table, or save the table as CSV",
        ) from error
    if isinstance(told, str):
        raise _unreadable(name, told)
    sheets, valueless, hidden = told
    found = [
        Sheet(title, shown, merged, [(number, cells) for number, cells in lines])
        for title, shown, merged, lines in sheets
    ]
    return found, valueless, hidden


def _main() -> None:
    """Read a workbook from the standard input, and write what is in it to the standard output."""
    import python_calamine

    bound_memory(_MOST_MEMORY)
    data = sys.stdin.buffer.read()
    told: object
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(data))
        sheets = [
            (
                each.name,
                each.visible == python_calamine.SheetVisibleEnum.Visible,
                *_lines(workbook, each.name),
            )
            for each in workbook.sheets_metadata
            if each.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        told = (sheets, *_looked_through(data))
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        told = str(error).splitlines()[0].rstrip(".") if str(error) else "it is damaged"
    sys.stdout.buffer.write(json.dumps(told).encode())


def _lines(workbook: python_calamine.CalamineWorkbook, name: str) -> tuple[bool, list[Line]]:
    """Return whether cells of a sheet are merged over several rows, and its lines that are not empty."""
    sheet = workbook.get_sheet_by_name(name)
    top, left = sheet.start or (0, 0)
    rows = sheet.to_python()
    tall = False
    for (first, column), (last, _) in sheet.merged_cell_ranges or ():
        if first < top or column < left:
            continue
        merged = rows[first - top : last - top + 1]
        if len(merged) > 1 and column - left < len(merged[0]):  # beside what is filled they hold nothing
            tall = True
            for row in merged[1:]:
                row[column - left] = merged[0][column - left]
    lines = []
    for number, row in enumerate(rows, start=top + 1):
        cells = [cell_text(cell) for cell in row]
        if any(cells):
            lines.append((number, cells))
    return tall, lines


def _looked_through(data: bytes) -> tuple[int, int]:
    """Return how many formulas were saved without a value, as programs do, and how many rows with cells are hidden.

    Of Office Open XML and OpenDocument; 0 of others, whose files say it in other ways.
    """
    valueless = hidden = 0
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return valueless, hidden
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for each in packed.infolist():
            is_sheet = re.fullmatch(r"xl/worksheets/.*\.xml|content\.xml", each.filename)
            if not is_sheet or each.file_size > _MOST_LOOKED_THROUGH:
                continue
            sheet = packed.read(each)
            valueless += len(_NO_VALUE.findall(sheet))
            for row in _HIDDEN.finditer(sheet):
                end = sheet.find(b"</" + (row[1] or row[2]) + b">", row.end())
                hidden += any(sheet.find(mark, row.end(), end) >= 0 for mark in _HOLDS)
    return valueless, hidden


def cell_text(cell: object) -> str:
    """Write what a typed cell holds as a person would: 7, not 7.0."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell).strip()


def read_parquet(table: Path) -> list[Line]:
    """Read a Parquet file.

    Raises:
        DataError: It is none, or pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise DataError(
            f"{table.name} is a Parquet file, and pyarrow, which reads these, is not installed",
            "Have it installed, or save the table as CSV",
            option="python -m pip install pyarrow",
        )
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        schema = parquet.read_schema(table)
        kept = [field.name for field in schema if not _holds_bytes(pyarrow.types, field.type)]
        content = parquet.read_table(table, columns=kept)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(
            f"{table.name} cannot be read as Parquet ({str(error).splitlines()[0]})", "Save the table as CSV"
        ) from error
    columns = [map(cell_text, column.to_pylist()) for column in content.columns]
    rows = zip(*columns, strict=True)
    return [
        (1, [str(name) for name in content.column_names]),
        *((number, list(cells)) for number, cells in enumerate(rows, start=2)),
    ]


def _holds_bytes(types: Any, kind: Any) -> bool:
    """Tell whether a column holds images or the like, which may be as large as the disk."""
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_struct(kind))


if __name__ == "__main__":
    _main()
