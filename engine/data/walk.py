"""The one walk through what lies under a folder: by names alone, each folder once, the same for images and tables.

Hidden files are not seen, nor is the housekeeping of operating systems, storage servers and programs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.data.names import is_housekeeping
from engine.errors import DataError
from engine.storage import is_folder

MOST_FILES = 3_000_000


class WalkedFolder(NamedTuple):
    """A folder: its path, the names from the root down to it, and the number of the one it is in; -1 for the root."""

    path: Path
    names: tuple[str, ...]
    outer: int


class WalkedFile(NamedTuple):
    """A file: the number of its folder, its name and its path."""

    folder: int
    name: str
    path: Path


@dataclass(kw_only=True)
class Walk:
    """What lies under a folder.

    Attributes:
        root: The folder.
        folders: All folders, the root first, each before those in it.
        files: All files, depth first in the order of their names.
        nameless: Files and folders whose names are not text; on Linux a name may be any bytes.
        closed: Folders that may not be read, and why.
        again: Links to folders that were met before.
        housekeeping: What was passed over, by name.
    """

    root: Path
    folders: list[WalkedFolder] = field(default_factory=list)
    files: list[WalkedFile] = field(default_factory=list)
    nameless: list[Path] = field(default_factory=list)
    closed: list[tuple[Path, str]] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    housekeeping: Counter[str] = field(default_factory=Counter)


def walk(root: Path) -> Walk:
    """Walk through a folder; what may not be entered is noted and passed over.

    Raises:
        DataError: There are more than `MOST_FILES` files.
    """
    found = Walk(root=root)
    seen: set[tuple[int, int]] = set()  # a link may lead back up
    under_way = [_enter(found, root, (), -1, seen)]  # no recursion: folders may be nested a thousand deep
    while under_way:
        for number, entry in under_way[-1]:
            if is_folder(entry):
                outer = found.folders[number]
                names = (*outer.names, entry.name)
                under_way.append(_enter(found, outer.path / entry.name, names, number, seen))
                break
            found.files.append(WalkedFile(number, entry.name, found.folders[number].path / entry.name))
        else:
            under_way.pop()
        if len(found.files) > MOST_FILES:
            raise DataError(
                f"There are more than {MOST_FILES:,} files under {root.name}",
                "Choose the folder that contains only the images",
            )
    return found


def _enter(
    found: Walk, path: Path, names: tuple[str, ...], outer: int, seen: set[tuple[int, int]]
) -> Iterator[tuple[int, os.DirEntry[str]]]:
    """Yield the number of a folder with each entry in it that counts, in the order of their names."""
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            found.again.append(path)
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        found.closed.append((path, error.strerror or str(error)))
        entries = []
    number = len(found.folders)
    found.folders.append(WalkedFolder(path, names, outer))
    for entry in entries:
        if is_housekeeping(entry.name):
            if not entry.name.startswith("._") and entry.name != ".DS_Store":
                found.housekeeping[entry.name] += 1
        elif not is_text(entry.name):
            found.nameless.append(path / entry.name)
        else:
            yield number, entry


def is_text(name: str) -> bool:
    """Tell whether a name can be written into tables and databases."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
