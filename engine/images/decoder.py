"""One image in, whatever its format: 8-bit, upright, grey or colour, for the net and for the eye.

    decode          the one door: what a file is is read from its first bytes, then its format's module reads it
    load_image      for the net: (H, W, C) uint8, the whole image squeezed to a square
    film_file       for the viewer: a lossless PNG without metadata, made once
    kept_thumbnail  for the pages: a small JPEG, made once

What has more than 8 bits a pixel is scaled so that its 0.1 and 99.9 percentiles become black and white.
Transparency lies on black, as the border of a film does. Every failure is an `ImageError`: no image ever
stops a folder.
"""

from __future__ import annotations

import gzip
import logging
import warnings
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from engine.errors import ImageError
from engine.images.decoded import Decoded
from engine.images.depth import eight_bit_levels
from engine.images.files import LARGEST_FILE, read_bytes
from engine.images.formats.rasters import read_raster
from engine.images.formats.refusals import cut_short, not_read
from engine.images.formats.tiff import read_tiff
from engine.images.kinds import HEAD_BYTES, READ, FileKind, kind_of
from engine.images.remarks import remarks_on

VERSION = (
    2  # of the pixels: change it whenever `decode` gives other ones, so that none of the old ones are used
)
_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k"})
_PLAIN = frozenset({".bmp", ".dib", ".pbm", ".pgm", ".pnm", ".ppm", ".tga"})
_DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
# Names that promise an image: such a file is listed without being opened. Others are looked into.
IMAGE_SUFFIXES = (
    _JPEG | _PLAIN | _DICOM_SUFFIXES | {".gif", ".png", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif"}
)

# What is wrong with an image is said by an `ImageError` or a remark; these libraries would say it on the terminal.
for library in ("pydicom", "pylibjpeg", "openjpeg", "libjpeg", "tifffile", "imagecodecs", "PIL"):
    logging.getLogger(library).setLevel(logging.CRITICAL + 1)
warnings.filterwarnings(
    "ignore", module=r"(pydicom|pylibjpeg|openjpeg|libjpeg|tifffile|PIL|engine\.images)\b"
)


def decode(
    path: Path,
    *,
    data: bytes | None = None,
    at_least: int | None = None,
    grey: bool = False,
    deep: bool = False,
) -> Decoded:
    """Decode an image to the last byte, so that a file that was cut short is noticed.

    Args:
        path: The file.
        data: Its bytes, where they have been read already.
        at_least: A JPEG may be decoded at 1/2, 1/4 or 1/8, as long as both sides stay at least so long; None
            means full size.
        grey: Only grey levels are wanted, so a JPEG's colours need not be decoded. The result may still be
            RGB.
        deep: The levels in the depth of the file are wanted beside the eight bits.

    Raises:
        ImageError: Not an image, cut short, animated or multi-page, or above 250 megapixels (before
            decoding).
    """
    if data is None:
        data = read_bytes(path)
    name = path.name
    kind = kind_of(data[:HEAD_BYTES])
    if data[:2] == b"\x1f\x8b" and kind in READ:
        data = _unzipped(data, name)
    suffix = path.suffix.lower()
    if kind is FileKind.DICOM or (kind is FileKind.OTHER and suffix in _DICOM_SUFFIXES):
        from engine.images.formats.dicom import read_dicom  # here, because pydicom takes 20 MB and .3 s

        decoded = read_dicom(data, name, deep=deep)
    elif kind is FileKind.TIFF:
        decoded = read_tiff(data, name, deep=deep)
    elif kind in READ or (kind is FileKind.OTHER and suffix == ".tga"):
        decoded = read_raster(data, kind, name, at_least=at_least, grey=grey, deep=deep)
    else:
        raise not_read(name, kind)
    if deep and decoded.levels is None:
        decoded = replace(decoded, levels=eight_bit_levels(decoded.image))
    return replace(decoded, remarks=(*decoded.remarks, *remarks_on(decoded.image)))


def _unzipped(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as stream:
            inner = stream.read(LARGEST_FILE + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise cut_short(name) from error
    if len(inner) > LARGEST_FILE:
        raise ImageError(
            f"{name} unpacks to more than the 2 GiB that are read", "Export it at a lower resolution"
        )
    return inner
