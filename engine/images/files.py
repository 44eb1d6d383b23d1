"""A user's file that should hold an image, opened: regular files only, no more than fits, and the same as before."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from engine.errors import ImageError
from engine.images.kinds import HEAD_BYTES, FileKind, kind_of
from engine.storage import open_regular, read_regular

LARGEST_FILE = 2 * 1024**3


def file_kind(path: Path) -> FileKind:
    """Tell what a file is by its first bytes; what cannot be opened is OTHER."""
    try:
        with open_regular(path) as stream:
            return kind_of(stream.read(HEAD_BYTES))
    except OSError:
        return FileKind.OTHER


def read_bytes(path: Path) -> bytes:
    """Read a file that should hold an image.

    Raises:
        ImageError: It is missing, may not be read, is no regular file, is empty or larger than 2 GiB.
    """
    try:
        data = read_regular(path, LARGEST_FILE)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ImageError(
                f"{path.name} has more than the 2 GiB that are read", "Export the image at a lower resolution"
            ) from error
        raise ImageError(
            f"{path.name} cannot be opened ({error.strerror or error})",
            "Check that the file is there and that you may read it",
        ) from error
    if not data:
        raise ImageError(f"{path.name} is empty (0 bytes)", "Copy it again from where it came from")
    return data


def read_unchanged(path: Path, image_id: str) -> bytes:
    """Read an image that was indexed before.

    Args:
        path: The file.
        image_id: sha256 of its bytes as they were then.

    Raises:
        ImageError: See `read_bytes`; or the file is another one by now, so that what is known of it (label,
            prediction, heatmap) is not true of it.
    """
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != image_id:
        raise ImageError(
            f"{path.name} has changed since it was indexed",
            "Put the file back as it was, or index the data again",
        )
    return data
