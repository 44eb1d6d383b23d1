"""Every raster format but TIFF, to eight bits, upright, transparency on black.

Pillow reads them, with what it would do of its own accord taken from it: deep colour of a PNG or JPEG 2000 goes
through imagecodecs, because Pillow keeps the upper eight of sixteen bits, which leaves twelve-bit levels all but
black; a PNG's notes are left out before it is opened, because a long one stops it.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.images.decoded import Decoded, Notes, Remark
from engine.images.depth import turned_levels
from engine.images.formats.levels import colour_film, depth_step, grey_film, on_black
from engine.images.formats.refusals import BROKEN, check_pixels, cut_short, damaged, not_read, several
from engine.images.formats.streams import (
    ENDLESS,
    JpegFrame,
    cut_jpeg,
    cut_jpeg_2000,
    empty_end,
    jpeg_frame,
    lacks_end,
    mended,
    png_pixels,
)
from engine.images.kinds import FileKind
from engine.records import DataIssueKind

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None  # `check_pixels` comes first and says it in a sentence

TRANSPARENT = Remark(
    DataIssueKind.ODD_HEADER, "every pixel is marked as transparent; it is shown as if none were"
)
_FORMATS: dict[FileKind, tuple[str, ...]] = {
    FileKind.JPEG: ("JPEG",),
    FileKind.PNG: ("PNG",),
    FileKind.GIF: ("GIF",),
    FileKind.BMP: ("BMP", "DIB"),
    FileKind.WEBP: ("WEBP",),
    FileKind.JPEG_2000: ("JPEG2000",),
    FileKind.PNM: ("PPM",),
    FileKind.AVIF: ("AVIF",),
    FileKind.HEIC: ("HEIF",),
    FileKind.OTHER: ("TGA",),  # it has no signature, so it is tried where the name says so
}
_MADE_OF_ZEROS = (
    FileKind.WEBP,
    FileKind.AVIF,
    FileKind.HEIC,
    FileKind.JPEG_2000,
)  # decoders show what is not there
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
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)  # JPEG processes that Pillow does not read


def read_raster(
    data: bytes, kind: FileKind, name: str, *, at_least: int | None, grey: bool, deep: bool = False
) -> Decoded:
    """Read one image in a raster format other than TIFF; arguments and errors as of `decode`."""
    jpeg = jpeg_frame(data) if kind is FileKind.JPEG else None
    if jpeg is not None and (jpeg.bits != 8 or jpeg.marker in _LOSSLESS):
        return _read_deep_jpeg(data, jpeg, name, Notes(deep=deep))
    endless = lacks_end(data, kind)
    if endless:
        data = mended(data, kind, name)
    try:
        if kind is FileKind.PNG:
            data = png_pixels(data)
        opened = Image.open(BytesIO(data), formats=_FORMATS[kind])
    except UnidentifiedImageError as error:
        if kind is FileKind.OTHER:
            raise not_read(name, kind) from error
        raise damaged(name) from error
    except BROKEN as error:
        raise damaged(name) from error
    with opened:
        decoded = _read_opened(opened, data, kind, name, at_least, grey, Notes(deep=deep))
    return replace(decoded, remarks=(*decoded.remarks, ENDLESS)) if endless else decoded


def _read_opened(
    opened: Image.Image,
    data: bytes,
    kind: FileKind,
    name: str,
    at_least: int | None,
    grey: bool,
    notes: Notes,
) -> Decoded:
    width, height = opened.size
    check_pixels(name, width, height)
    try:
        frames = getattr(opened, "n_frames", 1)
        if frames > 1 and opened.format != "MPO":  # an MPO is a photograph with previews behind it
            raise several(name, frames)
        if _cut(data, kind):
            raise cut_short(name)
        orientation = orientation_of(opened)
        deep = _deep(data, kind)
        if deep is None:
            if at_least is not None and opened.format in ("JPEG", "MPO"):
                opened.draft("L" if grey and opened.mode == "RGB" else None, (at_least, at_least))
            opened.load()
            image, remarks = eight_bits(opened, notes)
        else:
            image, remarks = layered(deep, notes)
    except ImageError:
        raise
    except BROKEN as error:
        raise damaged(name) from error
    image = turned(image, orientation)
    if orientation >= 5:
        width, height = height, width
    steps = (*_steps(opened, deep, remarks), *turn_step(orientation))
    levels = notes.levels and turned_levels(notes.levels, lambda film: turned(film, orientation))
    return Decoded(image=image, width=width, height=height, remarks=remarks, steps=steps, levels=levels)


def _steps(opened: Image.Image, deep: NDArray[Any] | None, remarks: tuple[Remark, ...]) -> list[str]:
    """Say what `eight_bits` or `layered` did."""
    steps = []
    if deep is not None:
        steps += depth_step(8 * deep.dtype.itemsize, colour=deep.ndim == 3 and deep.shape[2] > 2)
    elif opened.mode[0] in "IF":
        steps += depth_step(16 if "16" in opened.mode else 32, floats=opened.mode[0] == "F")
    elif opened.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        steps.append(f"{opened.mode} shown as RGB")
    if TRANSPARENT not in remarks and (
        opened.has_transparency_data or (deep is not None and deep.ndim == 3 and deep.shape[2] in (2, 4))
    ):
        steps.append("transparency laid on black")
    return steps


def turn_step(orientation: int) -> list[str]:
    """Say what `turned` does."""
    return [f"turned upright (orientation {orientation} of the file)"] if orientation in _TURNS else []


def _read_deep_jpeg(data: bytes, frame: JpegFrame, name: str, notes: Notes) -> Decoded:
    """Read what Pillow does not: more than eight bits, and the lossless processes."""
    check_pixels(name, frame.width, frame.height)
    if cut_jpeg(data):
        raise cut_short(name)
    try:
        values = np.asarray(imagecodecs.jpeg_decode(data))
    except BROKEN as error:
        raise damaged(name) from error
    image, remarks = layered(values, notes)
    steps = tuple(depth_step(frame.bits, colour=values.ndim == 3))
    return Decoded(
        image=image,
        width=image.width,
        height=image.height,
        remarks=remarks,
        steps=steps,
        levels=notes.levels,
    )


def _cut(data: bytes, kind: FileKind) -> bool:
    return (kind is FileKind.JPEG_2000 and cut_jpeg_2000(data)) or (
        kind in _MADE_OF_ZEROS and empty_end(data)
    )


def orientation_of(opened: Image.Image) -> int:
    """Return how an image is to be turned, as EXIF numbers it: 1 to 8, 1 where nothing sensible is said."""
    try:
        orientation = int(opened.getexif().get(_ORIENTATION, 1))
    except BROKEN:  # a malformed EXIF block says nothing about the picture
        return 1
    return orientation if orientation in _TURNS else 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an image upright."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _deep(data: bytes, kind: FileKind) -> NDArray[Any] | None:
    """Decode what has more than eight bits in each of several samples; None for all else."""
    if kind is FileKind.PNG:
        depth, colour_type = data[24], data[25]
        if depth == 16 and colour_type in (2, 4, 6):
            return np.asarray(imagecodecs.png_decode(data))
    if kind is FileKind.JPEG_2000:
        size = data.find(
            b"\xff\x51"
        )  # Rsiz to Csiz, then the precision of each component (ITU-T T.800, A.5.1)
        samples = struct.unpack_from(">H", data, size + 38)[0]
        if samples > 1 and (data[size + 40] & 0x7F) + 1 > 8:
            return np.asarray(imagecodecs.jpeg2k_decode(data))
    return None


def layered(values: NDArray[Any], notes: Notes | None = None) -> tuple[Image.Image, tuple[Remark, ...]]:
    """Bring decoded samples of any depth to "L" or "RGB".

    Args:
        values: (H, W), or (H, W, S) with grey, grey and opacity, RGB, or RGB and opacity.
        notes: Where deeper levels are noted, if they are wanted and nothing is transparent.
    """
    depth = 8 * values.dtype.itemsize
    if values.ndim == 2 or values.shape[2] < 3:
        grey = values if values.ndim == 2 else values[..., 0]
        film = grey_film(grey, depth=depth, notes=notes)
    else:
        film = colour_film(values[..., :3], notes=notes)
    if values.ndim == 2 or values.shape[2] not in (2, 4):
        return Image.fromarray(film), ()
    opacity = values[..., -1]
    if not opacity.any():
        return Image.fromarray(film), (TRANSPARENT,)
    if notes is not None and (opacity != np.iinfo(values.dtype).max).any():
        notes.levels = None
    return Image.fromarray(on_black(film, opacity, opaque=np.iinfo(values.dtype).max)), ()


def eight_bits(image: Image.Image, notes: Notes | None = None) -> tuple[Image.Image, tuple[Remark, ...]]:
    """Bring any mode of Pillow's to "L" or "RGB", transparency on black; deeper levels are noted."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image.copy(), ()  # free of the file and of its metadata
    if image.mode[0] in "IF":  # I;16 and its byte orders, I, F
        return Image.fromarray(grey_film(np.asarray(image), depth=16, notes=notes)), ()
    if image.has_transparency_data:
        grey = image.mode in ("LA", "La", "1", "L")
        samples = np.asarray(image.convert("RGBA"))
        film, remarks = layered(samples)
        return film.convert("L") if grey else film, remarks
    return image.convert("L" if image.mode == "1" else "RGB"), ()
