"""A decoded film as the array that a net takes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.images.decoder import decode
from engine.images.files import read_unchanged
from engine.records import Fit


def load_image(
    path: Path, *, size: int | None = None, channels: Literal[1, 3] = 3, fit: Fit = "squash"
) -> NDArray[np.uint8]:
    """Load an image for the net: the whole of it, never cropped.

    Args:
        path: Any raster format, or DICOM.
        size: Bring to size × size, antialiased bilinear (a large JPEG is decoded at a fraction, never below
            twice this size, first); None keeps its own size.
        channels: 1 for luminance (ITU-R 601), 3 for RGB; grey images are repeated.
        fit: As `Recipe.fit`.

    Returns:
        (H, W, channels) uint8.

    Raises:
        ImageError: See `decode`.
    """
    at_least = None if size is None else 2 * size
    image = decode(path, at_least=at_least, grey=channels == 1).image
    return to_array(image, size=size, channels=channels, fit=fit)


def load_unchanged(
    path: Path, image_id: str, *, size: int, channels: int, fit: Fit = "squash"
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Load an image for the net, as `load_image` and the cache do, if its file is still the one that was indexed.

    Returns:
        The image, and the width and height that it was brought to that size from.

    Raises:
        ImageError: See `decode` and `read_unchanged`.
    """
    data = read_unchanged(path, image_id)
    image = decode(path, data=data, at_least=2 * size, grey=channels == 1).image
    return to_array(image, size=size, channels=channels, fit=fit), image.size


def placed_in_square(width: int, height: int, side: int) -> tuple[int, int, int, int]:
    """Return where a letterboxed image lies in its square: left, top, right and bottom edge in pixels.

    Args:
        width: Of the image.
        height: Of the image.
        side: Of the square.
    """
    scale = side / max(width, height)
    across, down = (max(1, round(length * scale)) for length in (width, height))
    left, top = (side - across) // 2, (side - down) // 2
    return left, top, left + across, top + down


def to_array(
    image: Image.Image, *, size: int | None, channels: int, fit: Fit = "squash"
) -> NDArray[np.uint8]:
    """Bring a decoded image to size × size and give it (H, W, channels) uint8; see `load_image`."""
    if channels == 1 and image.mode != "L":
        image = image.convert("L")
    if size is not None and image.size != (size, size):
        if fit == "letterbox":
            left, top, right, bottom = placed_in_square(*image.size, size)
            square = Image.new(image.mode, (size, size))  # black
            square.paste(image.resize((right - left, bottom - top), Image.Resampling.BILINEAR), (left, top))
            image = square
        else:
            image = image.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, axis=2)
    return np.ascontiguousarray(pixels)
