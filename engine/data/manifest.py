"""Samples as rows of a CSV file that people can read and programs can read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import cast

from engine.errors import DataError
from engine.records import PARTS, Part, Sample

_FORMER_NAMES = {"part": "given_part", "side": "part"}  # in files written before schema version 2
COLUMNS = ("image_id", "path", "label", "patient_id", "given_part", "mask_path", "width", "height", "meta")


def to_csv(rows: Iterable[tuple[Sample, Mapping[str, str]]], extra: Sequence[str] = ()) -> bytes:
    """Write samples, one a row.

    Args:
        rows: A sample, and the values of the extra columns.
        extra: Names of columns before the sample's own.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*extra, *COLUMNS))
    for sample, values in rows:
        own = (
            sample.image_id,
            str(sample.path),
            sample.label or "",
            sample.patient_id,
            sample.part or "",
            str(sample.mask_path or ""),
            sample.width,
            sample.height,
            json.dumps(dict(sample.meta)) if sample.meta else "",
        )
        writer.writerow((*(values[name] for name in extra), *own))
    # File names on Linux need not be UTF-8; they must come back as they were.
    return stream.getvalue().encode("utf-8", "surrogateescape")


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
    reader = csv.DictReader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
    header = list(reader.fieldnames or ())
    if "given_part" not in header:
        reader.fieldnames = [_FORMER_NAMES.get(name, name) for name in header]
    rows = []
    try:
        for row in reader:
            if None in row or None in row.values() or (row["given_part"] and row["given_part"] not in PARTS):
                raise ValueError(f"line {reader.line_num}")
            sample = Sample(
                image_id=row["image_id"],
                path=Path(row["path"]),
                label=row["label"] or None,
                patient_id=row["patient_id"],
                part=cast(Part, row["given_part"]) if row["given_part"] else None,
                mask_path=Path(row["mask_path"]) if row["mask_path"] else None,
                width=int(row["width"]),
                height=int(row["height"]),
                meta=MappingProxyType(json.loads(row["meta"]) if row["meta"] else {}),
            )
            rows.append((sample, {name: value for name, value in row.items() if name not in COLUMNS}))
    except (KeyError, ValueError, csv.Error) as error:
        raise DataError(
            f"{table} is damaged or was changed by hand ({error})",
            "Index the images again, or restore the file from a copy",
        ) from error
    return rows
