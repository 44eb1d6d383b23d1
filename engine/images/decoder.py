"""One image in, whatever its format: 8-bit, upright, grey or colour, for the net and for the eye.

    decode          the one door: every raster format that Pillow reads, and DICOM
    load_image      for the net: (H, W, C) uint8, the whole image squeezed to a square
    film_file       for the viewer: a lossless PNG without metadata, made once
    thumbnail_file  for the pages: a small JPEG, made once

What has more than 8 bits a pixel is scaled so that its 0.1 and 99.9 percentiles become black and white.
Transparency lies on black, as the border of a film does. Every failure is an `ImageError`: no image ever
stops a folder.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.images.dicom import DICOM_SUFFIXES, MAX_PIXELS, is_dicom, natural_range, read_dicom, window
from engine.images.files import read_bytes
from engine.images.remarks import Remark

_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k"})
_PLAIN = frozenset({".bmp", ".dib", ".pbm", ".pgm", ".pnm", ".ppm", ".tga"})
RASTER_SUFFIXES = _JPEG | _PLAIN | {".gif", ".png", ".tif", ".tiff", ".webp"}
IMAGE_SUFFIXES = RASTER_SUFFIXES | DICOM_SUFFIXES

# Images above MAX_PIXELS are refused below with a sentence; Pillow's warning before it would only be noise.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

# What Pillow's readers raise for files that are cut short or malformed; anything else is our defect.
_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """An image for the eye, and what its file said of it.

    Attributes:
        image: Mode "L" or "RGB", upright; smaller than the original where `at_least` allowed it.
        width: Pixels across of the original, upright.
        height: Pixels down of the original, upright.
        patient_id: From DICOM; None otherwise.
        meta: The kept DICOM tags; empty otherwise.
        remarks: What is odd about it, for the person who will publish; empty for most.
    """

    image: Image.Image
    width: int
    height: int
    patient_id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


def decode(
    path: Path, *, data: bytes | None = None, at_least: int | None = None, grey: bool = False
) -> Decoded:
    """Decode an image to the last byte, so that a file that was cut short is noticed.

    Args:
        path: The file.
        data: Its bytes, where they have been read already.
        at_least: A JPEG may be decoded at 1/2, 1/4 or 1/8, as long as both sides stay at least so long; None
            means full size.
        grey: Only grey levels are wanted, so a JPEG's colours need not be decoded. The result may still be
            RGB.

    Raises:
        ImageError: Not an image, cut short, animated or multi-page, or above 250 megapixels (before
            decoding).
    """
    if data is None:
        data = read_bytes(path)
    if is_dicom(data) or path.suffix.lower() in DICOM_SUFFIXES:
        film = read_dicom(data, path.name)
        image = Image.fromarray(film.pixels)
        return Decoded(
            image=image, width=image.width, height=image.height, patient_id=film.patient_id, meta=film.meta
        )
    try:
        with Image.open(BytesIO(data)) as opened:
            return _decode_raster(opened, path, at_least, grey)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, "") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path.name} is not an image that can be read",
            "Save it as PNG, JPEG, TIFF or DICOM, or take it out of the folder",
        ) from error
    except _BROKEN as error:
        raise ImageError(
            f"{path.name} is damaged or was cut short ({_first_line(error)})",
            "Copy it again from where it came from",
        ) from error


def _decode_raster(opened: Image.Image, path: Path, at_least: int | None, grey: bool) -> Decoded:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise _too_large(path, f" ({width:,} × {height:,})")
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":  # an MPO is a photograph with previews behind it
        raise ImageError(
            f"{path.name} holds {frames} frames or pages, and one case is one image",
            "Save the one to be read as a file of its own",
        )
    if at_least is not None and opened.format in ("JPEG", "MPO"):
        opened.draft("L" if grey and opened.mode == "RGB" else None, (at_least, at_least))
    orientation = _orientation(opened)
    opened.load()
    image = _eight_bits(opened)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
        if orientation >= 5:
            width, height = height, width
    return Decoded(image=image, width=width, height=height)


def _orientation(opened: Image.Image) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except _BROKEN:  # a malformed EXIF block says nothing about the picture
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring any mode of Pillow's to "L" or "RGB", transparency on black."""
    if image.mode in ("L", "RGB"):
        return image.copy()  # free of the file and of its metadata
    if image.mode[0] in "IF":  # I;16 and its byte orders, I, F
        values = np.asarray(image, dtype=np.float32)
        return Image.fromarray(window(values, *natural_range(values)))
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
        grey = image.mode in ("LA", "La") or image.mode in ("1", "L")
        layered = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, layered).convert("L" if grey else "RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _too_large(path: Path, dimensions: str) -> ImageError:
    return ImageError(
        f"{path.name}{dimensions} has more than the 250 million pixels that are read",
        "Save it at a lower resolution",
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
