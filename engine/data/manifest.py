"""Samples as rows of a CSV file that people can read and programs can read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType

from engine.errors import DataError
from engine.in_bulk import many_records
from engine.kept_files import parse_json, typed
from engine.records import PARTS, Part, Sample
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


@many_records
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
    try:
        names, lines = read_csv(data)
        if "given_part" not in names:
            names = [_FORMER_NAMES.get(name, name) for name in names]
        return _rows(names, lines)
    except (KeyError, ValueError, csv.Error) as error:
        raise DataError(
            f"{table} is damaged or was changed by hand ({error})",
            "Index the images again, or restore the file from a copy",
        ) from error


def _rows(names: Sequence[str], lines: Sequence[Sequence[str]]) -> list[tuple[Sample, dict[str, str]]]:
    """Return what rows hold; columns are looked up once, since a row is one of hundreds of thousands.

    Raises:
        KeyError: A column is missing.
        ValueError: A value is wrong.
    """
    places = {name: place for place, name in enumerate(names)}
    own = itemgetter(*(places[name] for name in COLUMNS)) if lines else tuple
    others = [(name, place) for name, place in places.items() if name not in COLUMNS]
    parts: dict[str, Part | None] = {"": None, **dict(zip(PARTS, PARTS, strict=True))}
    rows = []
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(names):
            raise ValueError(f"row {number}")
        image_id, path, label, patient_id, part, mask_path, width, height, meta = own(cells)
        if part not in parts or "\0" in image_id or "\0" in path or "\0" in mask_path:
            raise ValueError(f"row {number}")
        sample = Sample(
            image_id=image_id,
            path=Path(path),
            label=label or None,
            patient_id=patient_id,
            part=parts[part],
            mask_path=Path(mask_path) if mask_path else None,
            width=_pixels(width),
            height=_pixels(height),
            meta=MappingProxyType(typed(dict[str, str], parse_json(meta)) if meta else {}),
        )
        rows.append((sample, {name: cells[place] for name, place in others}))
    return rows


@lru_cache(maxsize=1024)
def _pixels(cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) <= 9):
        raise ValueError("a size in pixels is none")
    return int(cell)
