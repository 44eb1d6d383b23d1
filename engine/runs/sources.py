"""Where images from elsewhere came from that a run predicted for review, in sources.json: a name by image id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import RunError
from engine.kept_files import MIB, JsonFile, read_json
from engine.storage import versioned, write_atomic

SOURCES_FILE = "sources.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sources:
    """Name of the folder, table or file by image id."""

    sources: dict[str, str]


SOURCES = JsonFile(
    record=_Sources,
    error=RunError,
    remedy="Delete {file} from the folder of run {folder}; where its images from elsewhere came from is then not said",
    largest=256 * MIB,
)


def save_source(folder: Path, name: str, image_ids: Iterable[str]) -> None:
    """Keep where images came from that a run predicted, beside what is kept.

    Raises:
        RunError: What is kept is damaged.
        WorkspaceError: The folder cannot be written to.
    """
    kept = _Sources(sources={**load_sources(folder), **dict.fromkeys(image_ids, name)})
    write_atomic(folder / SOURCES_FILE, json.dumps(versioned(asdict(kept))))


def load_sources(folder: Path) -> Mapping[str, str]:
    """Read where they came from, by image id; empty where nothing is kept.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return read_json(folder / SOURCES_FILE, SOURCES).sources
    except FileNotFoundError:
        return {}
