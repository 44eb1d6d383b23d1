"""Pictures of a page, decoded and encoded again: what a file says beside its pixels, as EXIF does, goes nowhere."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Sequence

from PIL import Image, ImageOps, UnidentifiedImageError

QUALITY = 88
LARGEST = 640
"""Pixels of the longer side on paper: 300 a printed inch where an image is two inches wide."""

OPACITY = 0.75
"""Of a heatmap over its film."""


def decoded(source: str) -> Image.Image | None:
    """Return the picture of a `data:` address, or None where it cannot be shown; clear where it is."""
    found = re.match(r"data:image/[\w.+-]+;base64,", source)
    if found is None:
        return None
    try:
        return read(base64.b64decode(source[found.end() :], validate=True))
    except binascii.Error:
        return None


def read(data: bytes, largest: int = LARGEST) -> Image.Image | None:
    """Return the picture of a file, no larger than that on its longer side, or None where it cannot be shown."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((largest, largest))
            return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None


def stacked(layers: Sequence[Image.Image], quality: int = QUALITY) -> bytes:
    """Return pictures laid over each other, the first below, as one JPEG that holds pixels alone."""
    ground = Image.new("RGB", layers[0].size, "white")
    for number, layer in enumerate(layers):
        over = layer if layer.size == ground.size else layer.resize(ground.size, Image.Resampling.BILINEAR)
        clear = over.getchannel("A") if over.mode == "RGBA" else None
        if number:
            clear = (clear or Image.new("L", ground.size, 255)).point(
                [round(value * OPACITY) for value in range(256)]
            )
        ground.paste(over, mask=clear)
    stream = io.BytesIO()
    ground.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def colour_bar(style: str) -> bytes | None:
    """Return the colour bar of a gradient of `rgb(r g b / a)` over black, as JPEG; None where there is none."""
    stops = re.findall(r"rgb\((\d+) (\d+) (\d+) / ([\d.]+)\)", style)
    if len(stops) < 2:
        return None
    bar = Image.new("RGB", (len(stops), 1))
    for at, (*colour, alpha) in enumerate(stops):
        red, green, blue = (round(int(part) * float(alpha)) for part in colour)
        bar.putpixel((at, 0), (red, green, blue))
    stream = io.BytesIO()
    bar.resize((512, 24), Image.Resampling.BILINEAR).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
