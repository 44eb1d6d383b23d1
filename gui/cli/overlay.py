"""A film with its heatmap laid over it, as one picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.images import film_png
from engine.saliency import heatmap_png


def overlay_png(film: Path, heatmap: NDArray[np.float32], *, max_side: int) -> bytes:
    """Lay a heatmap over its film.

    Args:
        film: The image's file.
        heatmap: (h, w) float32 in [0, 1]; it covers the whole film.
        max_side: Longer side of the picture at most, in pixels.

    Returns:
        An RGB PNG, free of metadata.

    Raises:
        ImageError: The film cannot be read.
    """
    with Image.open(BytesIO(film_png(film, max_side=max_side))) as opened:
        below = opened.convert("RGBA")
    with Image.open(BytesIO(heatmap_png(heatmap, size=max(below.size)))) as opened:
        above = opened.convert("RGBA").resize(below.size, Image.Resampling.BILINEAR)
    stream = BytesIO()
    Image.alpha_composite(below, above).convert("RGB").save(stream, "PNG")
    return stream.getvalue()
