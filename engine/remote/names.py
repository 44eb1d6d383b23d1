"""What the names of a store's files say: whether they are fetched, and whether they can be files here."""

from __future__ import annotations

import os
from pathlib import PurePosixPath, PureWindowsPath

from engine.data import ARCHIVE_SUFFIXES, TABLE_SUFFIXES
from engine.images import IMAGE_SUFFIXES


def is_wanted(name: str) -> bool:
    """Return whether a file may be an image or a table, by its name."""
    lower = name.lower()
    suffix = PurePosixPath(lower).suffix
    bare = not suffix or not any(
        sign.isalpha() for sign in suffix
    )  # DICOM files are often named by a UID alone
    if lower.endswith(tuple(ARCHIVE_SUFFIXES)):
        return False  # one is read where an address names it
    return bare or suffix in (".gz", *IMAGE_SUFFIXES, *TABLE_SUFFIXES)


def is_safe(path: str) -> bool:
    """Return whether a file can have this path here, inside the folder that is fetched into."""
    parts = path.split("/")
    if "" in parts or ".." in parts or "." in parts or "\\" in path or not path.isprintable():
        return False
    if any(len(part.encode("utf-8", "replace")) > 240 for part in parts):
        return False
    if os.name != "nt":
        return True
    return not any(PureWindowsPath(part).is_reserved() or set(part) & set('<>:"|?*') for part in parts)
