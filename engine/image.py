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

import hashlib
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from engine.dicom import DICOM_SUFFIXES, MAX_PIXELS, is_dicom, natural_range, read_dicom, window
from engine.errors import ImageError
from engine.workspace import storage_error, write_atomic

_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k"})
_PLAIN = frozenset({".bmp", ".dib", ".pbm", ".pgm", ".pnm", ".ppm", ".tga"})
RASTER_SUFFIXES = _JPEG | _PLAIN | {".gif", ".png", ".tif", ".tiff", ".webp"}
IMAGE_SUFFIXES = RASTER_SUFFIXES | DICOM_SUFFIXES
MAX_BYTES = 2 * 1024**3

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
    """

    image: Image.Image
    width: int
    height: int
    patient_id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


def read_bytes(path: Path) -> bytes:
    """Read a file that should hold an image.

    Raises:
        ImageError: It is missing, may not be read, is empty or larger than 2 GiB.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(
                f"{path.name} is {size / 1024**3:.1f} GiB, more than the 2 GiB that are read",
                "Export the image at a lower resolution",
            )
        data = path.read_bytes()
    except OSError as error:
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


def load_image(path: Path, *, size: int | None = None, channels: Literal[1, 3] = 3) -> NDArray[np.uint8]:
    """Load an image for the net: the whole of it, never cropped.

    Args:
        path: Any raster format, or DICOM.
        size: Squeeze to size × size, antialiased bilinear (a large JPEG is decoded at a fraction, never below
            twice this size, first); None keeps its own size.
        channels: 1 for luminance (ITU-R 601), 3 for RGB; grey images are repeated.

    Returns:
        (H, W, channels) uint8.

    Raises:
        ImageError: See `decode`.
    """
    at_least = None if size is None else 2 * size
    image = decode(path, at_least=at_least, grey=channels == 1).image
    return to_array(image, size=size, channels=channels)


def to_array(image: Image.Image, *, size: int | None, channels: int) -> NDArray[np.uint8]:
    """Squeeze a decoded image to size × size and give it (H, W, channels) uint8; see `load_image`."""
    if channels == 1 and image.mode != "L":
        image = image.convert("L")
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, axis=2)
    return np.ascontiguousarray(pixels)


def film_png(path: Path, *, data: bytes | None = None, max_side: int = 1024) -> bytes:
    """Encode an image for the viewer.

    Args:
        path: Any raster format, or DICOM.
        data: See `decode`.
        max_side: Longer side at most, in pixels; smaller images keep their size.

    Returns:
        A PNG, 8-bit grey where the image holds no colour, without any metadata.

    Raises:
        ImageError: See `decode`.
    """
    image = _shrunk(path, max_side, data)
    stream = BytesIO()
    # Level 1 is 5 times faster than 6 and some percent larger: the film crosses a loopback interface.
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def film_file(
    cache_dir: Path, path: Path, image_id: str, max_side: int = 1024, *, unchanged: bool = False
) -> Path:
    """Return the film of an image as a PNG file, made at the first call.

    Args:
        cache_dir: Of the workspace.
        path: The image.
        image_id: Its sha256, which names the film.
        max_side: See `film_png`.
        unchanged: Refuse a file whose sha256 is another by now; a nameless copy's id is none.

    Raises:
        ImageError: See `decode` and `read_unchanged`.
        WorkspaceError: The cache cannot be written to.
    """
    film = cache_dir / "films" / image_id[:2] / f"{image_id}-{max_side}.png"
    if not _there(film):
        data = read_unchanged(path, image_id) if unchanged else None
        _place(film, film_png(path, data=data, max_side=max_side))
    return film


def thumbnail_file(cache_dir: Path, path: Path, image_id: str, side: int = 160) -> Path:
    """Return a small JPEG of an image, longer side `side`, made at the first call; raises as `film_file`."""
    thumbnail = cache_dir / "thumbnails" / image_id[:2] / f"{image_id}-{side}.jpg"
    if not _there(thumbnail):
        stream = BytesIO()
        _shrunk(path, side).save(stream, "JPEG", quality=85)
        _place(thumbnail, stream.getvalue())
    return thumbnail


def _shrunk(path: Path, max_side: int, data: bytes | None = None) -> Image.Image:
    image = decode(path, data=data, at_least=max_side).image
    if max(image.size) > max_side:
        scale = max_side / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    if image.mode == "RGB":
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            image = red
    image.info.clear()
    return image


def _there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:  # whatever is wrong is said when the file is written
        return False


def _place(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path.parent) from error
    write_atomic(path, data)


def _too_large(path: Path, dimensions: str) -> ImageError:
    return ImageError(
        f"{path.name}{dimensions} has more than the 250 million pixels that are read",
        "Save it at a lower resolution",
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
