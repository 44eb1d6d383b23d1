"""Pictures of a page, decoded and encoded again: what a file says beside its pixels, as EXIF does, goes nowhere."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Sequence

from PIL import Image, ImageOps, UnidentifiedImageError

QUALITY = 88
LARGEST = 1024
"""Pixels of the longer side on paper: 300 a printed inch at the width of three inches and more."""

OPACITY = 0.75
"""Of a heatmap over its film, as the page's style has it."""


def decoded(source: str) -> Image.Image | None:
    """Return the picture of a `data:` address as RGB with its transparency, or None where it cannot be shown."""
    found = re.match(r"data:image/[\w.+-]+;base64,", source)
    if found is None:
        return None
    try:
        data = base64.b64decode(source[found.end() :], validate=True)
        with Image.open(io.BytesIO(data)) as opened:
            return ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, binascii.Error, UnidentifiedImageError, Image.DecompressionBombError):
        return None


def stacked(layers: Sequence[Image.Image]) -> bytes:
    """Return pictures laid over each other, the first below, as one JPEG that holds pixels alone."""
    below = layers[0]
    below.thumbnail((LARGEST, LARGEST))
    for layer in layers[1:]:
        over = layer.resize(below.size, Image.Resampling.BILINEAR)
        over.putalpha(over.getchannel("A").point(lambda value: round(value * OPACITY)))
        below = Image.alpha_composite(below, over)
    ground = Image.new("RGB", below.size, "white")
    ground.paste(below, mask=below.getchannel("A"))
    stream = io.BytesIO()
    ground.save(stream, "JPEG", quality=QUALITY)
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
