"""A list of folders to choose from, where no window of the system's own can be opened.

Only what lies under the home folder or the working directory is listed, links followed before that is looked at, and
only what this user may read. Hidden files are left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.data import is_archive, is_table
from engine.errors import DataError
from engine.language import _, isolated

MOST_ENTRIES = 1_000


def roots() -> list[Path]:
    """Return the folders to begin from; the top of the disk, where a launcher may have started us, is none."""
    found = []
    for place in (Path.home, Path.cwd):
        try:
            root = place().resolve()
        except (OSError, RuntimeError):  # no home, or the working directory was deleted
            continue
        if root != Path(root.anchor) and root not in found:
            found.append(root)
    return found


def list_entries(written: str | None) -> dict[str, Any]:
    """Return what can be chosen in a folder.

    Args:
        written: The folder; empty for where to begin.

    Returns:
        `here`, the folder; `up`, the one around it, or None at the top; `folders`, and `files`, the tables and
        archives: each a name and a path; `more`, how many were left out because there are too many.

    Raises:
        DataError: It does not lie under a folder that may be listed, or cannot be read.
    """
    if not written:
        starts = [{"name": str(root), "path": str(root)} for root in roots()]
        return {"here": "", "up": None, "folders": starts, "files": [], "more": 0}
    folder = _inside(Path(written))
    if folder is None or not folder.is_dir():
        raise DataError(
            _("This folder cannot be listed"), _("Type its path instead, if it is the one you mean")
        )
    try:
        folders, files = _entries(folder)
    except OSError as error:
        raise DataError(
            _("{folder} cannot be read ({why})").format(
                folder=isolated(folder.name), why=isolated(str(error.strerror or error))
            ),
            _("Give your user the right to read it"),
        ) from error
    return {
        "here": str(folder),
        "up": "" if folder in roots() else str(folder.parent),
        "folders": _named(folders[:MOST_ENTRIES]),
        "files": _named(files[:MOST_ENTRIES]),
        "more": max(0, len(folders) - MOST_ENTRIES) + max(0, len(files) - MOST_ENTRIES),
    }


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders, and the tables and archives, that may be listed, by name."""
    folders: list[Path] = []
    files: list[Path] = []
    with os.scandir(folder) as scanned:
        for entry in scanned:
            path = Path(entry.path)
            chosen = folders if entry.is_dir() else files if is_table(path) or is_archive(path) else None
            if chosen is None or entry.name.startswith(".") or _inside(path) is None:
                continue
            if os.access(path, os.R_OK | os.X_OK if chosen is folders else os.R_OK):
                chosen.append(path)
    folders.sort(key=_by_name)
    files.sort(key=_by_name)
    return folders, files


def _inside(path: Path) -> Path | None:
    """Return where a path leads, or None where that is not under a folder that may be listed."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there, a circle of links, a NUL in it
        return None
    return real if any(real.is_relative_to(root) for root in roots()) else None


def _by_name(path: Path) -> str:
    return path.name.casefold()


def _named(paths: list[Path]) -> list[dict[str, str]]:
    return [{"name": path.name, "path": str(path)} for path in paths]
