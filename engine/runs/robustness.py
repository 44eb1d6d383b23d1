"""What became of a run's predictions on changed images, in robustness.json."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from engine.errors import RunError
from engine.kept_files import JsonFile, read_json
from engine.records import Robustness
from engine.storage import versioned, write_atomic

ROBUSTNESS_FILE = "robustness.json"


def save_robustness(folder: Path, robustness: Robustness) -> None:
    """Write it into a run's folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    facts = versioned(dataclasses.asdict(robustness))
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(folder / ROBUSTNESS_FILE, text)


def load_robustness(folder: Path) -> Robustness | None:
    """Read it; None where it has not been measured.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return read_json(folder / ROBUSTNESS_FILE, ROBUSTNESS)
    except FileNotFoundError:
        return None


ROBUSTNESS = JsonFile(
    record=Robustness, error=RunError, remedy="Measure it again: overread robustness {folder}"
)
