"""A split as a CSV table beside the run that used it."""

from __future__ import annotations

import json
from pathlib import Path

from engine.data.manifest import from_csv, to_csv
from engine.data.saved import LARGEST_TABLE
from engine.errors import DataError
from engine.in_bulk import many_records
from engine.kept_files import parse_json, typed
from engine.records import PARTS, Sample, Split
from engine.storage import read_regular, write_atomic

_SPLIT_COLUMNS = ("part", "seed", "method", "classes")


def save_split(split: Split, path: Path) -> None:
    """Save a split as one CSV file: one row a case, with its part.

    Seed, method and the order of the classes stand in the first row alone.

    Raises:
        WorkspaceError: The file cannot be written.
    """
    about = {"seed": str(split.seed), "method": split.method, "classes": json.dumps(split.classes)}
    rows = [
        (sample, {"seed": "", "method": "", "classes": "", "part": part})
        for part in PARTS
        for sample in split.part(part)
    ]
    if rows:
        rows[0][1].update(about)
    write_atomic(path, to_csv(rows, extra=_SPLIT_COLUMNS))


@many_records
def load_split(path: Path) -> Split:
    """Read a split back.

    Raises:
        DataError: The file is not there, or not what `save_split` wrote.
    """
    try:
        about: dict[str, str] = {}
        parts: dict[str, list[Sample]] = {part: [] for part in PARTS}
        for sample, values in from_csv(read_regular(path, LARGEST_TABLE), path):
            parts[values["part"]].append(sample)
            about = about or (values if values["classes"] else {})
        return Split(
            train=tuple(parts["train"]),
            val=tuple(parts["val"]),
            test=tuple(parts["test"]),
            classes=typed(tuple[str, ...], parse_json(about["classes"])),
            seed=int(about["seed"]),
            method=about["method"],
        )
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"{path} is missing, damaged, or not a split",
            "Restore it from a copy, or split the data again",
        ) from error
