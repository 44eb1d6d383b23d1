"""Why an image is not read: one plain sentence each, the same whatever the format. A library's own words stay out."""

from __future__ import annotations

import struct
import zlib

from engine.errors import ImageError
from engine.images.kinds import REMEDIES, FileKind

MAX_PIXELS = 250_000_000

# What the libraries that read images raise for files that are cut short or malformed. Only calls into them stand
# inside `except BROKEN`: anything else is our defect.
BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def damaged(name: str) -> ImageError:
    """The bytes are not as a file of its kind is built, or some are missing."""
    return ImageError(f"{name} is damaged or was cut short", "Copy it again from where it came from")


def cut_short(name: str) -> ImageError:
    """The end is missing, for certain."""
    return ImageError(
        f"{name} was cut short: the lower part is missing", "Copy it again from where it came from"
    )


def several(name: str, count: int, what: str = "frames or pages") -> ImageError:
    """More than one image, and nothing says which is meant."""
    return ImageError(
        f"{name} holds {count:,} {what}, and one case is one image",
        "Save the one to be read as a separate file",
    )


def not_read(name: str, kind: FileKind) -> ImageError:
    """A kind that holds no image, or one that is not read here."""
    if kind in REMEDIES:
        return ImageError(f"{name} is {kind}, which is not read", REMEDIES[kind])
    return ImageError(
        f"{name} is not an image that can be read",
        "Save it as PNG, JPEG, TIFF or DICOM, or take it out of the folder",
    )


def not_read_so(name: str, what: str) -> ImageError:
    """A kind that is read, in a variety that is not; `what` completes "x.tif is …"."""
    return ImageError(
        f"{name} is {what}, which is not read", "Save it as PNG, or as TIFF without compression"
    )


def check_pixels(name: str, width: int, height: int) -> None:
    """Refuse an image before its pixels are decoded.

    Raises:
        ImageError: It has no pixels, or more than 250 million.
    """
    if width < 1 or height < 1:
        raise ImageError(
            f"{name} has no pixels ({width} × {height})", "Save it again from where it came from"
        )
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} ({width:,} × {height:,}) has more than the 250 million pixels that are read",
            "Save it at a lower resolution",
        )
