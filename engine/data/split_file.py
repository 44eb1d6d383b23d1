"""A split as a CSV table beside the run that used it."""

from __future__ import annotations

import json
from pathlib import Path

from engine.data.manifest import from_csv, to_csv
from engine.data.saved import LARGEST_TABLE
from engine.errors import DataError
from engine.kept_files import parse_json, typed
from engine.records import PARTS, Split
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


def load_split(path: Path) -> Split:
    """Read a split back.

    Raises:
        DataError: The file is not there, or not what `save_split` wrote.
    """
    try:
        rows = from_csv(read_regular(path, LARGEST_TABLE), path)
        about = next(values for _, values in rows if values["classes"])
        parts = {part: tuple(sample for sample, values in rows if values["part"] == part) for part in PARTS}
        if sum(map(len, parts.values())) != len(rows):
            raise ValueError("a part is none of train, val and test")
        return Split(
            train=parts["train"],
            val=parts["val"],
            test=parts["test"],
            classes=typed(tuple[str, ...], parse_json(about["classes"])),
            seed=int(about["seed"]),
            method=about["method"],
        )
    except (OSError, KeyError, ValueError, StopIteration) as error:
        raise DataError(
            f"{path} is missing, damaged, or not a split",
            "Restore it from a copy, or split the data again",
        ) from error
