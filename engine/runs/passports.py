"""How far a run's maps can be believed, in passport.json; what changed images do to it, in robustness.json."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from engine.errors import RunError
from engine.kept_files import JsonFile, read_json
from engine.language import N_
from engine.records import MAP_AS_SUPPLIED, Passport, Robustness
from engine.runs.heatmaps import load_map_settings
from engine.storage import versioned, write_atomic

PASSPORT_FILE = "passport.json"
ROBUSTNESS_FILE = "robustness.json"


def save_passport(folder: Path, passport: Passport) -> None:
    """Write a run's passport into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    _write(folder / PASSPORT_FILE, passport)


def load_passport(folder: Path) -> Passport | None:
    """Read a run's passport; None in a run of an earlier version.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return read_json(folder / PASSPORT_FILE, PASSPORT)
    except FileNotFoundError:
        return None


def passport_of(folder: Path, method: str) -> tuple[Passport | None, str]:
    """Return the passport that applies to a run's maps of a method; or None, and a sentence that says why none does.

    Args:
        folder: The run's.
        method: A key of `engine.saliency.SALIENCIES`.
    """
    if method == MAP_AS_SUPPLIED:
        return None, N_(
            "These maps were supplied with the predictions: how far they can be believed cannot be measured without "
            "the model that made them"
        )
    try:
        passport, settings = load_passport(folder), load_map_settings(folder)
    except RunError as error:
        return None, str(error).removesuffix(".")
    again = f"overread passport {folder.name}"
    if passport is None:
        return None, N_(
            "It has not been measured how far these heatmaps can be believed; whoever runs Overread can measure it: "
            "{again}"
        ).format(again=again)
    if passport.method != method:
        return None, N_(
            "The run's passport was made for heatmaps by {made}: it does not apply to those by {method}"
        ).format(made=passport.method, method=method)
    if passport.settings != settings:
        return None, N_(
            "The run's heatmaps have been made otherwise since its passport; whoever runs Overread can make it again: "
            "{again}"
        ).format(again=again)
    return passport, ""


PASSPORT = JsonFile(
    record=Passport,
    error=RunError,
    remedy="Have it made again",
    option="overread passport {folder}",
)


def save_robustness(folder: Path, robustness: Robustness) -> None:
    """Write it into a run's folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    _write(folder / ROBUSTNESS_FILE, robustness)


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
    record=Robustness,
    error=RunError,
    remedy="Have it measured again",
    option="overread robustness {folder}",
)


def _write(path: Path, measured: Passport | Robustness) -> None:
    facts = versioned(dataclasses.asdict(measured))
    write_atomic(path, json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
