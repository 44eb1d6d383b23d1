"""Samples as rows of a CSV file that people can read and programs can read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.errors import DataError
from engine.kept_files import parse_json, typed
from engine.records import PARTS, Sample
from engine.spreadsheet import read_csv, write_csv

_FORMER_NAMES = {"part": "given_part", "side": "part"}  # in files written before schema version 2
COLUMNS = ("image_id", "path", "label", "patient_id", "given_part", "mask_path", "width", "height", "meta")


def to_csv(rows: Iterable[tuple[Sample, Mapping[str, str]]], extra: Sequence[str] = ()) -> bytes:
    """Write samples, one a row.

    Args:
        rows: A sample, and the values of the extra columns.
        extra: Names of columns before the sample's own.
    """
    return write_csv(({**values, **_cells(sample)} for sample, values in rows), (*extra, *COLUMNS))


def _cells(sample: Sample) -> dict[str, str | int | None]:
    return {
        "image_id": sample.image_id,
        "path": str(sample.path),
        "label": sample.label,
        "patient_id": sample.patient_id,
        "given_part": sample.part,
        "mask_path": str(sample.mask_path) if sample.mask_path else None,
        "width": sample.width,
        "height": sample.height,
        "meta": json.dumps(dict(sample.meta)) if sample.meta else None,
    }


def from_csv(data: bytes, table: Path) -> list[tuple[Sample, dict[str, str]]]:
    """Read what `to_csv` wrote, in this or an earlier version.

    Args:
        data: The file's bytes.
        table: What to call it in an error.

    Returns:
        Each sample, with the values of all other columns.

    Raises:
        DataError: A column or a value is missing or wrong.
    """
    rows = []
    try:
        names, lines = read_csv(data)
        if "given_part" not in names:
            names = [_FORMER_NAMES.get(name, name) for name in names]
        for number, cells in enumerate(lines, start=1):
            row = dict(zip(names, cells, strict=False))
            if len(cells) != len(names) or (row["given_part"] and row["given_part"] not in PARTS):
                raise ValueError(f"row {number}")
            sample = Sample(
                image_id=row["image_id"],
                path=Path(row["path"]),
                label=row["label"] or None,
                patient_id=row["patient_id"],
                part=next((part for part in PARTS if part == row["given_part"]), None),
                mask_path=Path(row["mask_path"]) if row["mask_path"] else None,
                width=_pixels(row["width"]),
                height=_pixels(row["height"]),
                meta=MappingProxyType(typed(dict[str, str], parse_json(row["meta"])) if row["meta"] else {}),
            )
            if "\0" in row["image_id"] + row["path"] + row["mask_path"]:
                raise ValueError(f"row {number}")
            rows.append((sample, {name: value for name, value in row.items() if name not in COLUMNS}))
    except (KeyError, ValueError, csv.Error) as error:
        raise DataError(
            f"{table} is damaged or was changed by hand ({error})",
            "Index the images again, or restore the file from a copy",
        ) from error
    return rows


def _pixels(cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) <= 9):
        raise ValueError("a size in pixels is none")
    return int(cell)
