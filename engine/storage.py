"""Files on disk: written whole or not at all, with room for them, and an operating system's refusal in words."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from engine.errors import WorkspaceError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


Item = TypeVar("Item")


def storage_error(error: OSError, path: Path) -> WorkspaceError:
    """Say what an operating-system error about `path` means to the person at the screen."""
    if error.errno in DISK_FULL:
        return WorkspaceError(
            f"The disk that holds {path} is full",
            "Free some space (`overread doctor` shows how much the cache takes) and try again; "
            "nothing that was saved before is lost",
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return WorkspaceError(
            f"{path} cannot be written to",
            "Give your user the right to write there, or choose another folder (--workspace for the workspace)",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return WorkspaceError(
            f"{path} is not a folder",
            "Move that file away, or choose another folder (--workspace for the workspace)",
        )
    if error.errno == errno.EISDIR:
        return WorkspaceError(f"{path} is a folder, not a file", "Choose another name for the file")
    if error.errno == errno.ENAMETOOLONG:
        return WorkspaceError(f"{path.name[:40]}… is longer than a name may be", "Choose a shorter name")
    if error.errno == errno.ENOENT:
        return WorkspaceError(f"The folder of {path} is not there", "Make it, or choose another folder")
    return WorkspaceError(
        f"{path} cannot be used ({error.strerror or error})",
        "Check the disk, or choose another folder (--workspace for the workspace)",
    )


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a file so that a reader sees the old one or the new one, whole, even if the machine loses power.

    Args:
        path: The file; its folder must exist.
        data: Bytes, or text that is written as UTF-8.

    Raises:
        WorkspaceError: The disk is full, or the folder cannot be written to.
    """
    raw = data.encode() if isinstance(data, str) else data
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise storage_error(error, path) from error


def check_room(what_needs: str, needed: int, folder: Path, remedy: str) -> None:
    """Refuse what will not fit on a disk before any of it is written.

    Args:
        what_needs: The sentence's beginning, e.g. "The decoded images need".
        needed: Bytes.
        folder: Where they would lie.
        remedy: What to do.

    Raises:
        WorkspaceError: They do not fit.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WorkspaceError(
            f"{what_needs} {_size(needed)}, and the disk that holds {folder} has {_size(free)} free", remedy
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def make_room(
    entries: Iterable[tuple[float, int, Item]], max_bytes: int, remove: Callable[[Item], bool]
) -> int:
    """Remove what was not used for longest, until the rest fits.

    Args:
        entries: When each was last used, its bytes, and what `remove` is told.
        max_bytes: What may stay.
        remove: Removes one and returns whether it is gone: what is in use may stay.

    Returns:
        Bytes freed.
    """
    oldest_first = sorted(entries, key=lambda entry: entry[0])
    excess = sum(size for _, size, _ in oldest_first) - max_bytes
    freed = 0
    for _, size, item in oldest_first:
        if freed >= excess:
            break
        if remove(item):
            freed += size
    return freed
