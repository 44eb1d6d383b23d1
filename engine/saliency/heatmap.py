"""A heatmap as it is laid over its film: brought to the film's size, coloured, encoded.

Torch is not needed for it, so that a window which only shows opens quickly.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def upsample(heatmap: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """Bring a map (h, w) to (height, width) float32 in [0, 1]: bicubic, cell centres kept in place.

    The map's cells tile the image, so that a cell's centre stays at the same fraction of the image.
    """
    h, w = heatmap.shape
    # Mirrored at the rim: left to itself, bicubic interpolation would carry a peak in an outer cell over the rim.
    padded = np.pad(heatmap, 2, mode="reflect" if min(h, w) > 2 else "edge")
    small = Image.fromarray(np.ascontiguousarray(padded, dtype=np.float32))
    box = (2, 2, w + 2, h + 2)
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.float32)
    return np.clip(large, 0, 1)


def _colours() -> NDArray[np.uint8]:
    """Return 256 colours RGBA: lightness rises all the way, so that they can be told apart without seeing hue."""
    at = [0.0, 0.14, 0.28, 0.42, 0.56, 0.70, 0.84, 1.0]
    red = [8, 48, 98, 150, 203, 238, 252, 254]
    green = [6, 14, 22, 40, 66, 112, 176, 248]
    blue = [30, 92, 112, 102, 72, 34, 26, 150]
    heat = np.linspace(0, 1, 256)
    # Nothing is laid over the film where there is no evidence; where there is most, a little film still shows.
    alpha = 225 * np.clip(heat * 1.25, 0, 1) ** 0.9
    columns = [np.interp(heat, at, channel) for channel in (red, green, blue)]
    return np.round(np.stack([*columns, alpha], axis=1)).astype(np.uint8)


COLOURS = _colours()


def heatmap_png(heatmap: NDArray[np.floating], size: int = 256) -> bytes:
    """Encode a map for laying over its film.

    Args:
        heatmap: (h, w) in [0, 1]; it covers the whole film.
        size: Height and width of the picture in pixels; the viewer stretches it over the film.

    Returns:
        An RGBA PNG: colour and opacity both follow the heat.
    """
    levels = np.round(upsample(np.nan_to_num(heatmap), size, size) * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(COLOURS[levels]).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
