"""Tables that are not text: Excel and OpenDocument workbooks, Parquet."""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import io
import zipfile
from pathlib import Path
from typing import Any

import python_calamine

from engine.data.sources.delimited import Line
from engine.errors import DataError

_MOST_BYTES = 2 * 1024**3  # of a workbook, unpacked


def read_workbook(data: bytes, name: str) -> tuple[list[Line], str]:
    """Read the first sheet of a workbook that is not empty.

    Args:
        data: The whole file: .xlsx, .xlsm, .xlsb, .xls or .ods.
        name: Of the file, for messages.

    Returns:
        The sheet's lines that are not empty; what to say of other sheets, or nothing.

    Raises:
        DataError: It is no workbook, or damaged, or protected by a password.
    """
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                if sum(info.file_size for info in packed.infolist()) > _MOST_BYTES:
                    raise DataError(f"{name} unpacks to far more than a table needs", "Save the table as CSV")
        workbook = python_calamine.load_workbook(io.BytesIO(data))
        sheets = {sheet: _lines(workbook.get_sheet_by_name(sheet)) for sheet in workbook.sheet_names}
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        why = str(error).splitlines()[0].rstrip(".") if str(error) else "it is damaged"
        raise DataError(
            f"{name} cannot be read as a workbook ({why})",
            "Open it in the program that it was made with, without a password, and save the table as CSV",
        ) from error
    filled = {sheet: lines for sheet, lines in sheets.items() if len(lines) > 1}
    if not filled:
        return [], ""
    chosen, *others = filled
    said = f"Of {name} the sheet {chosen} was read, and not {', '.join(others)}" if others else ""
    return filled[chosen], said


def _lines(sheet: python_calamine.CalamineSheet) -> list[Line]:
    lines = []
    top = sheet.start[0] if sheet.start else 0
    for number, row in enumerate(sheet.to_python(), start=top + 1):
        cells = [cell_text(cell) for cell in row]
        if any(cells):
            lines.append((number, cells))
    return lines


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
            "Install it with `pip install pyarrow`, or save the table as CSV",
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
