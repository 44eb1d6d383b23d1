"""One HTML page that needs nothing else, with its numbers as CSV and JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.spreadsheet import write_csv
from engine.storage import storage_error, versioned, write_together


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """Where a page and its numbers were written."""

    html: Path
    csv: Path
    json: Path


def write_page(
    folder: Path, name: str, *, page: str, lines: Iterable[Mapping[str, Any]], document: Mapping[str, Any]
) -> WrittenPage:
    """Write NAME.html, NAME.csv and NAME.json: all of them, or nothing.

    Args:
        folder: Made if it is not there.
        name: Of the files, without their ending.
        page: The HTML.
        lines: Of the CSV: cell by heading.
        document: Every number, as JSON has it.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    written = WrittenPage(*(folder / f"{name}.{kind}" for kind in ("html", "csv", "json")))
    numbers = json.dumps(versioned(dict(document)), indent=1, ensure_ascii=False) + "\n"
    write_together([(written.html, page), (written.csv, write_csv(list(lines))), (written.json, numbers)])
    return written
