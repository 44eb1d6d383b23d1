"""TIFF, by tifffile: the one page that is a film, its levels as they are written, turned once.

Pillow turns a TIFF by itself when it is loaded and then says another size than its pixels have, reads no 16-bit
colour, no 16- or 64-bit floats, no other byte order of some depths, and forgets WhiteIsZero above eight bits.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from engine.errors import ImageError
from engine.images.decoded import Decoded, Notes, Remark
from engine.images.depth import turned_levels
from engine.images.formats.levels import colour_film, depth_step, grey_film, on_black, window
from engine.images.formats.rasters import TRANSPARENT, eight_bits, turn_step, turned
from engine.images.formats.refusals import BROKEN, check_pixels, cut_short, damaged, not_read_so, several
from engine.images.formats.streams import cut_jpeg

_NEW_SUBFILE, _OLD_SUBFILE, _ORIENTATION, _DNG_VERSION = 254, 255, 274, 50706
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_LAB = (8, 9, 10)
_CAMERA = (32803, 34892)  # colour filter array, linear raw
_JPEGS = (6, 7, 33007, 34892)  # compressions whose decoders give RGB
_OPACITY = (1, 2)  # of ExtraSamples: already multiplied in, not yet


def read_tiff(data: bytes, name: str, *, deep: bool = False) -> Decoded:
    """Read the one full-size page of a TIFF; errors and `deep` as of `decode`."""
    try:
        with tifffile.TiffFile(BytesIO(data)) as opened:
            number = _film_page(opened, name)
            page = opened.pages[number]
            assert isinstance(page, tifffile.TiffPage)
            return _read_page(page, number, data, name, Notes(deep=deep))
    except ImageError:
        raise
    except BROKEN as error:
        raise damaged(name) from error


def _film_page(opened: tifffile.TiffFile, name: str) -> int:
    """Return the number of the only page that is neither a preview nor a mask."""
    full = []
    for number, page in enumerate(opened.pages):
        kind = _tag(page, _NEW_SUBFILE, 0)
        if not kind & (_REDUCED | _MASK) and _tag(page, _OLD_SUBFILE, 1) != 2:
            full.append(number)
    if len(full) == 1:
        planes = _planes_of_imagej(opened)
        if planes > 1:
            raise several(name, planes)
        return full[0]
    if full:
        raise several(name, len(full))
    if _camera_raw(opened.pages[0]):
        raise not_read_so(name, "a camera's raw file")
    return 0  # all are said to be previews: the first is the best there is


def _planes_of_imagej(opened: tifffile.TiffFile) -> int:
    """ImageJ writes one page and says in its description how many lie behind it."""
    metadata = opened.imagej_metadata if opened.is_imagej else None
    return int((metadata or {}).get("images", 1))


def _tag(page: Any, code: int, default: int) -> int:
    """Return a tag's number; `default` where it is missing or none."""
    tag = page.tags.get(code)
    value = default if tag is None else tag.value
    value = value[0] if isinstance(value, tuple) and value else value
    return int(value) if isinstance(value, int | float) else default


def _camera_raw(page: Any) -> bool:
    return page.tags.get(_DNG_VERSION) is not None or page.photometric in _CAMERA


def _read_page(page: tifffile.TiffPage, number: int, data: bytes, name: str, notes: Notes) -> Decoded:
    if _camera_raw(page):
        raise not_read_so(name, "a camera's raw file")
    if page.imagedepth > 1:
        raise several(name, page.imagedepth)
    check_pixels(name, page.imagewidth, page.imagelength)
    _check_whole(page, data, name)
    try:
        values = page.asarray()
    except BROKEN:  # fax compressions, old JPEG, subsampled colour: what libtiff reads and tifffile does not
        image, remarks = _by_libtiff(data, number, notes)
        steps: list[str] = []
    else:
        image, remarks = _film(values, page, name, notes)
        steps = _steps(page, floats=values.dtype.kind == "f")
    orientation = _tag(page, _ORIENTATION, 1)
    image = turned(image, orientation)
    steps += turn_step(orientation)
    levels = notes.levels and turned_levels(notes.levels, lambda film: turned(film, orientation))
    return Decoded(
        image=image,
        width=image.width,
        height=image.height,
        remarks=remarks,
        steps=tuple(steps),
        levels=levels,
    )


def _steps(page: tifffile.TiffPage, *, floats: bool) -> list[str]:
    """Say what `_film` did."""
    photometric = int(page.photometric)
    if photometric == _PALETTE:
        return ["colour palette of the file"]
    if photometric == _SEPARATED:
        return ["CMYK shown as RGB"]
    grey = photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    steps = depth_step(page.bitspersample, colour=not grey, floats=floats)
    if photometric == _WHITE_IS_ZERO:
        steps.append("inverted (WhiteIsZero)")
    if any(int(each) == 2 for each in page.extrasamples):
        steps.append("transparency laid on black")
    return steps


def _check_whole(page: tifffile.TiffPage, data: bytes, name: str) -> None:
    """Refuse a page whose strips or tiles reach beyond the file, or whose JPEG strips lack their end."""
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if offset + count > len(data):
            raise cut_short(name)
        if (
            page.compression == tifffile.COMPRESSION.JPEG
            and count
            and cut_jpeg(data[offset : offset + count])
        ):
            raise cut_short(name)
    bits = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample
    subsampled = page.photometric == _YCBCR
    plain = page.compression == tifffile.COMPRESSION.NONE and not subsampled
    if plain and sum(page.databytecounts) < bits // 8:
        raise cut_short(name)


def _by_libtiff(data: bytes, number: int, notes: Notes) -> tuple[Image.Image, tuple[Remark, ...]]:
    opened = TiffImageFile(BytesIO(data))
    opened.seek(number)
    opened.tag_v2.pop(_ORIENTATION, None)  # so that it is not turned here
    opened.load()
    return eight_bits(opened, notes)


def _film(
    values: NDArray[Any], page: tifffile.TiffPage, name: str, notes: Notes
) -> tuple[Image.Image, tuple[Remark, ...]]:
    if page.photometric in _LAB:
        raise not_read_so(name, "in CIELAB colours")
    if values.dtype.kind == "c":
        raise not_read_so(name, "an image of complex numbers")
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    samples = 1 if values.ndim == 2 else values.shape[2]
    wanted = {_RGB: 3, _YCBCR: 3, _SEPARATED: 4}.get(int(page.photometric), 1)
    if values.ndim not in (2, 3) or samples < wanted:
        raise not_read_so(name, f"a TIFF of {samples} samples a pixel")
    extra = [int(each) for each in page.extrasamples]
    if samples > wanted and (samples > wanted + 1 or not extra):
        raise several(name, samples, "channels")
    image = _colours(values[..., :wanted] if values.ndim == 3 else values, page, notes)
    if samples == wanted or extra[0] not in _OPACITY:
        return Image.fromarray(image), ()
    opacity = values[..., wanted]
    if not opacity.any():
        return Image.fromarray(image), (TRANSPARENT,)
    if extra[0] == 1:  # already multiplied in: it lies on black as it is
        return Image.fromarray(image), ()
    opaque = 1.0 if opacity.dtype.kind == "f" else float(np.iinfo(opacity.dtype).max)
    if (opacity != opaque).any():
        notes.levels = None
    return Image.fromarray(on_black(image, opacity, opaque=opaque)), ()


def _colours(values: NDArray[Any], page: tifffile.TiffPage, notes: Notes) -> NDArray[np.uint8]:
    """Bring samples to eight bits by what their photometric interpretation says; (H, W) or (H, W, 3) uint8."""
    photometric = int(page.photometric)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if photometric == _PALETTE and page.colormap is not None:
        palette = page.colormap.T  # (levels, 3); sixteen bits, of which some writers use eight
        return colour_film(palette[values]) if palette.max() < 256 else window(palette[values], 0, 65535)
    if photometric == _SEPARATED or (photometric == _YCBCR and page.compression not in _JPEGS):
        eight = values if values.dtype == np.uint8 else window(values, 0, np.iinfo(values.dtype).max)
        mode = "CMYK" if photometric == _SEPARATED else "YCbCr"
        return np.asarray(Image.frombytes(mode, eight.shape[1::-1], eight.tobytes()).convert("RGB"))
    if values.ndim == 3:
        return colour_film(values, notes=notes)
    white_is_zero = photometric == _WHITE_IS_ZERO
    return grey_film(values, depth=page.bitspersample, inverted=white_is_zero, notes=notes)
