"""Who supplied a run's predictions, in supplied.json; a run that was trained here has no such file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from engine.errors import RunError
from engine.kept_files import JsonFile, read_json
from engine.records import Supplied
from engine.storage import versioned, write_atomic

SUPPLIED_FILE = "supplied.json"

SUPPLIED = JsonFile(
    record=Supplied,
    error=RunError,
    remedy="Restore {file} in the folder of run {folder} from a backup, or import the predictions again",
    option="overread import-predictions",
    fields=("Data", "Import another model's predictions of these images"),
)


def save_supplied(folder: Path, supplied: Supplied) -> None:
    """Write where a run's predictions came from into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    write_atomic(folder / SUPPLIED_FILE, supplied_to_json(supplied))


def supplied_to_json(supplied: Supplied) -> str:
    """Return what supplied.json holds."""
    return json.dumps(versioned(dataclasses.asdict(supplied)), indent=2, ensure_ascii=False) + "\n"


def load_supplied(folder: Path) -> Supplied | None:
    """Read where a run's predictions came from; None where they are those of a net that was trained here.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return read_json(folder / SUPPLIED_FILE, SUPPLIED)
    except FileNotFoundError:
        return None
