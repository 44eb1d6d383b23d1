"""Films for people: as pictures of eight bits, made once and kept, and in the depth of the file. Without metadata."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import WorkspaceError
from engine.images.decoder import VERSION, decode
from engine.images.depth import no_larger
from engine.images.files import read_unchanged
from engine.storage import write_atomic

MOST_LEVELS = 40_000_000  # pixels; a browser holds several films of three bytes a pixel


def image_png(path: Path, *, data: bytes | None = None, max_side: int = 1024) -> bytes:
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


def kept_image(
    cache_dir: Path, path: Path, image_id: str, max_side: int = 1024, *, unchanged: bool = False
) -> bytes:
    """Return the film of an image as a PNG, from the cache where it is there.

    Args:
        cache_dir: Of the workspace. Where it cannot be written to, on a full disk say, the film is made each time.
        path: The image.
        image_id: Its sha256, which names the film.
        max_side: See `image_png`.
        unchanged: Refuse a file whose sha256 is another by now; a nameless copy's id is none.

    Raises:
        ImageError: See `decode` and `read_unchanged`.
    """

    def draw() -> bytes:
        data = read_unchanged(path, image_id) if unchanged else None
        return image_png(path, data=data, max_side=max_side)

    return _kept(cache_dir / "films" / image_id[:2] / f"{image_id}-{max_side}-{VERSION}.png", draw)


def film_levels(path: Path, image_id: str, *, unchanged: bool = False) -> bytes:
    """Pack a film in the depth of its file for the viewer.

    Nothing of the header is in it but what a level means and how far pixels lie apart. `kept_film_levels` keeps it.

    Args:
        path: The image.
        image_id: See `image_file`.
        unchanged: See `image_file`.

    Returns:
        The length of the description, 4 bytes, least first; the description, JSON, whose fields are those of
        `Levels` without its arrays, and "width", "height", "bytes" of a level (1 or 2), "planes" (1, or 3 of a film
        of colours) and "entries" of the table; the table; and the levels, zlib. Of each row the first level and then
        the differences to the level before, modulo 256; or of two bytes, modulo 65,536 and as 2d, or −2d − 1 where d
        is negative (small numbers of either sign pack well), first all the lower bytes, then all the higher ones.

    Raises:
        ImageError: See `decode` and `read_unchanged`.
    """
    data = read_unchanged(path, image_id) if unchanged else None
    found = decode(path, data=data, deep=True).levels
    assert found is not None
    levels = no_larger(found, MOST_LEVELS)
    values = levels.values
    deep = values.ndim == 2 and len(levels.table) > 256
    told = {name: value for name, value in asdict(levels).items() if name not in ("values", "table")}
    told |= {"width": values.shape[1], "height": values.shape[0], "bytes": 2 if deep else 1}
    told |= {"planes": 1 if values.ndim == 2 else 3, "entries": len(levels.table)}
    described = json.dumps(told, ensure_ascii=False).encode()
    # Noise repeats itself by chance alone: looking for runs, not for repetitions, takes half the time and no more room.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    packed = packer.compress(_differences(values, deep=deep)) + packer.flush()
    return b"".join([struct.pack("<I", len(described)), described, levels.table.tobytes(), packed])


def _differences(values: NDArray[Any], *, deep: bool) -> bytes:
    planes = values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    before = np.zeros_like(planes)
    before[..., 1:] = planes[..., :-1]
    if not deep:
        return bytes((planes - before).astype(np.uint8).tobytes())
    signed = (planes - before).view(np.int16)
    folded = ((signed << 1) ^ (signed >> 15)).view(np.uint16)
    return b"".join([(folded & 255).astype(np.uint8).tobytes(), (folded >> 8).astype(np.uint8).tobytes()])


def kept_thumbnail(cache_dir: Path, path: Path, image_id: str, side: int = 160) -> bytes:
    """Return a small JPEG of an image, longer side `side`; as `kept_image`."""

    def draw() -> bytes:
        stream = BytesIO()
        _shrunk(path, side).save(stream, "JPEG", quality=85)
        return stream.getvalue()

    return _kept(cache_dir / "thumbnails" / image_id[:2] / f"{image_id}-{side}-{VERSION}.jpg", draw)


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


def _kept(file: Path, draw: Callable[[], bytes]) -> bytes:
    """Return what a file of the cache holds, or what is drawn, which it then holds if it can."""
    with suppress(OSError):
        if data := file.read_bytes():  # an empty one was cut short by a crash
            return data
    data = draw()
    with suppress(OSError, WorkspaceError):  # a full disk, a cache that may not be written to
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, data)
    return data
