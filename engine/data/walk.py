"""The one walk through what lies under a folder: by names alone, each folder once, the same for images and tables.

Hidden files are not seen, nor is the housekeeping of operating systems, storage servers and programs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from os.path import samestat
from pathlib import Path

from engine.data.columns.files import Walked, WalkedFolder, WalkedMade
from engine.data.names import is_housekeeping
from engine.errors import DataError
from engine.storage import is_folder

MOST_FILES = 3_000_000


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
    files: Walked = field(init=False)
    nameless: list[Path] = field(default_factory=list)
    closed: list[tuple[Path, str]] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    housekeeping: Counter[str] = field(default_factory=Counter)


def walk(root: Path) -> Walk:
    """Walk through a folder; what may not be entered is noted and passed over.

    Raises:
        DataError: There are more than `MOST_FILES` files.
    """
    found, files = Walk(root=root), WalkedMade()
    seen = _above(root)  # a link may lead back up
    under_way = [_enter(found, root, (), -1, seen)]  # no recursion: folders may be nested a thousand deep
    while under_way:
        for number, name, inside in under_way[-1]:
            if inside:
                outer = found.folders[number]
                names = (*outer.names, name)
                under_way.append(_enter(found, outer.path / name, names, number, seen))
                break
            files.add(number, name)
        else:
            under_way.pop()
        if len(files) > MOST_FILES:
            raise DataError(
                f"There are more than {MOST_FILES:,} files under {root.name}",
                "Choose the folder that contains only the images",
            )
    found.files = files.done(found.folders)
    return found


def _above(root: Path) -> set[tuple[int, int]]:
    """Return the folders that hold this one: a link to one of them, as to the whole disk, is not followed either."""
    above: set[tuple[int, int]] = set()
    with suppress(OSError):  # what may not be looked at is at the top, if anywhere
        here = root.resolve().stat()
        for path in root.resolve().parents:
            status = path.stat()
            if not samestat(status, here):  # as where a folder is mounted within itself
                above.add((status.st_dev, status.st_ino))
    return above


def _enter(
    found: Walk, path: Path, names: tuple[str, ...], outer: int, seen: set[tuple[int, int]]
) -> Iterator[tuple[int, str, bool]]:
    """Yield the number of a folder with each name in it that counts, in their order, and whether it is a folder's."""
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            found.again.append(path)
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as scanned:
            names_in: list[str] = []
            inner: set[str] = set()  # an entry with its path takes four times the room of its name
            for entry in scanned:
                names_in.append(entry.name)
                if is_folder(entry):
                    inner.add(entry.name)
            names_in.sort()
    except OSError as error:
        found.closed.append((path, error.strerror or str(error)))
        names_in, inner = [], set()
    number = len(found.folders)
    found.folders.append(WalkedFolder(path, names, outer))
    for name in names_in:
        if is_housekeeping(name):
            if not name.startswith("._") and name != ".DS_Store":
                found.housekeeping[name] += 1
        elif not is_text(name):
            found.nameless.append(path / name)
        else:
            yield number, name, name in inner


def is_text(name: str) -> bool:
    """Tell whether a name can be written into tables and databases."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
