"""Samples as rows of a CSV file that people can read and programs can read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import islice
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from engine.data.columns.samples import NO_META, Samples, SamplesMade
from engine.errors import DataError
from engine.kept_files import parse_json, typed
from engine.records import PARTS, Part, Sample
from engine.spreadsheet import read_lines, write_csv

_FORMER_NAMES = {"part": "given_part", "side": "part"}  # in files written before schema version 2
_PIECE = 2048  # rows
COLUMNS = ("image_id", "path", "label", "patient_id", "given_part", "mask_path", "width", "height", "meta")


def to_csv(rows: Iterable[tuple[Sample, Mapping[str, str]]], extra: Sequence[str] = ()) -> Iterator[bytes]:
    """Write samples, one a row, piece after piece.

    Args:
        rows: A sample, and the values of the extra columns.
        extra: Names of columns before the sample's own.
    """
    written = ({**values, **_cells(sample)} for sample, values in rows)
    columns = (*extra, *COLUMNS)
    yield write_csv([], columns)
    while piece := [*islice(written, _PIECE)]:
        yield write_csv(piece, columns, headings=False)


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


def from_csv(data: bytes, table: Path) -> Iterator[tuple[Sample, dict[str, str]]]:
    """Yield what `to_csv` wrote, in this or an earlier version.

    Args:
        data: The file's bytes.
        table: What to call it in an error.

    Yields:
        Each sample, with the values of all other columns.

    Raises:
        DataError: A column or a value is missing or wrong.
    """
    try:
        for row, others in _rows(read_lines(BytesIO(data))):
            image_id, path, label, patient_id, part, mask_path, width, height, meta = row
            sample = Sample(
                image_id=image_id,
                path=Path(path),
                label=label,
                patient_id=patient_id,
                part=part,
                mask_path=Path(mask_path) if mask_path else None,
                width=width,
                height=height,
                meta=MappingProxyType(parse_json(meta)) if meta else NO_META,
            )
            yield sample, others
    except (KeyError, ValueError, csv.Error) as error:
        raise _damaged(table, error) from error


def samples_from_csv(stream: BinaryIO, table: Path) -> Samples:
    """Read the samples that `to_csv` wrote into columns, without making a record; raises as `from_csv`."""
    made = SamplesMade()
    try:
        for row, _ in _rows(read_lines(stream)):
            made.add_row(row)
    except (KeyError, ValueError, csv.Error) as error:
        raise _damaged(table, error) from error
    return made.done()


def _damaged(table: Path, error: Exception) -> DataError:
    return DataError(
        f"{table} is damaged or was changed by hand ({error})",
        "Index the images again, or restore the file from a copy",
    )


def _rows(lines: Iterator[Sequence[str]]) -> Iterator[tuple[tuple[Any, ...], dict[str, str]]]:
    """Yield what rows hold, as `SamplesMade.add_row` takes it; columns are looked up once, as rows are many.

    Raises:
        KeyError: A column is missing.
        ValueError: A value is wrong.
    """
    names = next(lines, [])
    if "given_part" not in names:
        names = [_FORMER_NAMES.get(name, name) for name in names]
    places = {name: place for place, name in enumerate(names)}
    others = [(name, place) for name, place in places.items() if name not in COLUMNS]
    own: Callable[[Sequence[str]], tuple[str, ...]] | None = None
    parts: dict[str, Part | None] = {"": None, **dict(zip(PARTS, PARTS, strict=True))}
    for number, cells in enumerate(lines, start=1):
        own = own or itemgetter(*(places[name] for name in COLUMNS))
        if len(cells) != len(names):
            raise ValueError(f"row {number}")
        image_id, path, label, patient_id, part, mask_path, width, height, meta = own(cells)
        if part not in parts or "\0" in image_id or "\0" in path or "\0" in mask_path:
            raise ValueError(f"row {number}")
        if meta:
            typed(dict[str, str], parse_json(meta))
        sizes = _pixels(width), _pixels(height)
        row = (
            image_id,
            path,
            label or None,
            patient_id,
            parts[part],
            mask_path or None,
            *sizes,
            meta or None,
        )
        yield row, {name: cells[place] for name, place in others}


@lru_cache(maxsize=1024)
def _pixels(cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) <= 9):
        raise ValueError("a size in pixels is none")
    return int(cell)
