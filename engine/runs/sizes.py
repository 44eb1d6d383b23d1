"""How many pixels the images of a run have: those of its split, and in sizes.json those that were predicted since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Interval

from engine.data import load_split, sizes_of
from engine.errors import RunError
from engine.kept_files import MIB, JsonFile, read_json
from engine.records import PARTS, Sample, Split
from engine.storage import versioned, write_atomic

SIZES_FILE = "sizes.json"
Pixels = Annotated[int, Interval(ge=1, le=10**9)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sizes:
    """Width and height by image id."""

    sizes: dict[str, tuple[Pixels, Pixels]]


SIZES = JsonFile(
    record=_Sizes,
    error=RunError,
    remedy="Delete {file} from the folder of run {folder}; small images predicted so far are no longer pointed out",
    largest=256 * MIB,
)


def save_sizes(folder: Path, samples: Iterable[Sample]) -> None:
    """Keep the sizes of images that a run predicted, beside those that are kept.

    Raises:
        RunError: What is kept is damaged.
        WorkspaceError: The folder cannot be written to.
    """
    kept = _Sizes(sizes={**_kept(folder), **sizes_of(samples)})
    write_atomic(folder / SIZES_FILE, json.dumps(versioned(asdict(kept))))


def sizes_of_run(folder: Path, split: Split | None = None) -> Mapping[str, tuple[int, int]]:
    """Return width and height by image id, of the images whose size is known.

    Args:
        folder: Of the run.
        split: Of the run; None reads it.

    Raises:
        DataError: split.csv cannot be read.
        RunError: sizes.json is damaged.
    """
    split = load_split(folder / "split.csv") if split is None else split
    return {**_kept(folder), **sizes_of(sample for part in PARTS for sample in split.part(part))}


def _kept(folder: Path) -> Mapping[str, tuple[int, int]]:
    try:
        return read_json(folder / SIZES_FILE, SIZES).sizes
    except FileNotFoundError:
        return {}
