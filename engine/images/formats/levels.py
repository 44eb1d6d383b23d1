"""From the levels that a file holds, of any depth, to the 256 that a screen and a net take.

window         two levels become black and white, whatever the depth
natural_range  the two levels where the file names none
grey_film      a grey image of any depth: eight bits stay, everything else is stretched to what it uses
colour_film    a colour image of any depth: scaled by the depth in use, so that its hues stay
depth_step     what the two do, in words
on_black       transparency lies on black, as the border of a film does
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.images.decoded import Notes
from engine.images.depth import Measured, Window, deep_levels

STRETCHED = "stretched from the darkest to the brightest levels in use"


def depth_step(bits: int, *, colour: bool = False, floats: bool = False) -> list[str]:
    """Say what `grey_film` or `colour_film` does to levels of so many bits; nothing for eight and fewer."""
    if bits <= 8:
        return []
    how = "all colours by one scale" if colour else STRETCHED
    return [f"{bits}-bit floats" if floats else f"{bits} bits", how]


_DECLARED_IN_VAIN = 3  # bits that no colour uses: with so many the picture would be nearly black


def window(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] linearly onto [0, 255]; what lies outside is clipped, what is not finite is black.

    Args:
        values: Any shape.
        low: Becomes 0.
        high: Becomes 255; where it is not above `low`, everything is black.

    Returns:
        Same shape, uint8.
    """
    if not high > low:
        return np.zeros(values.shape, dtype=np.uint8)
    scaled: NDArray[Any] = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32)
    scaled -= low
    scaled *= 255.0 / (high - low)
    scaled = np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    film: NDArray[np.uint8] = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return film


def natural_range(values: NDArray[Any]) -> tuple[float, float]:
    """Return the 0.1 and 99.9 percentiles, so that a dead pixel or a lead marker does not darken the film.

    Where these are equal (a nearly empty image) it is the minimum and the maximum. At most a million evenly
    spaced values are looked at.
    """
    flat = values.ravel()
    flat = flat[:: max(1, flat.size // 1_000_000)]
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return 0.0, 0.0
    low, high = np.percentile(flat, (0.1, 99.9))
    if not high > low:
        low, high = flat.min(), flat.max()
    return float(low), float(high)


def grey_film(
    values: NDArray[Any], *, depth: int, inverted: bool = False, notes: Notes | None = None
) -> NDArray[np.uint8]:
    """Bring grey levels to eight bits.

    Args:
        values: (H, W), any real type.
        depth: Bits a level has in the file. Eight stay as they are, fewer are spread evenly; more, signed or
            floating-point levels are stretched to what the image uses, for no two scanners use the same part of
            them.
        inverted: Low levels are white.
        notes: Where deeper levels are noted, if they are wanted.

    Returns:
        (H, W) uint8.
    """
    if values.dtype == np.bool_:
        film = values.astype(np.uint8) * 255
    elif values.dtype.kind == "u" and depth <= 8:
        film = values.astype(np.uint8) if depth == 8 else window(values, 0, 2**depth - 1)
    else:
        low, high = natural_range(values)
        film = window(values, low, high)
        if notes is not None and notes.deep:
            notes.levels = deep_levels(
                Measured(stored=values),
                lambda levels: window(levels, low, high),
                Window(centre=(low + high) / 2, width=high - low),
                inverted=inverted,
            )
    return 255 - film if inverted else film


def colour_film(
    values: NDArray[Any], *, depth: int | None = None, notes: Notes | None = None
) -> NDArray[np.uint8]:
    """Bring colours to eight bits, all three by one scale so that hues stay.

    Args:
        values: (H, W, 3), any real type. Three equal planes are a grey image, and treated as one.
        depth: Bits a level has where the file says so; None means as many as the brightest needs. Where the file
            says far more than that, it is not believed: twelve bits are often kept in sixteen.
        notes: See `grey_film`.

    Returns:
        (H, W, 3) uint8.
    """
    if values.dtype == np.uint8 and (depth or 8) == 8:
        return values
    if (values == values[..., :1]).all():
        grey = grey_film(values[..., 0], depth=depth or 8 * values.dtype.itemsize, notes=notes)
        return np.repeat(grey[..., None], 3, axis=2)
    low, high = natural_range(values)
    if values.dtype.kind == "f":
        lowest, highest = np.nanmin(values), np.nanmax(values)
        return window(values, 0, 1) if lowest >= 0 and highest <= 1 else window(values, low, high)
    if values.min() < 0:
        return window(values, low, high)
    in_use = max(8, int(values.max()).bit_length())
    if depth is None or not 0 <= depth - in_use < _DECLARED_IN_VAIN:
        depth = in_use
    return window(values, 0, 2**depth - 1)


def on_black(colours: NDArray[np.uint8], opacity: NDArray[Any], *, opaque: float) -> NDArray[np.uint8]:
    """Lay an image on black.

    Args:
        colours: (H, W) or (H, W, 3).
        opacity: (H, W).
        opaque: The opacity of what is not transparent at all.
    """
    share = opacity.astype(np.float32) / opaque
    if colours.ndim == 3:
        share = share[..., None]
    film: NDArray[np.uint8] = (colours * share + 0.5).astype(np.uint8)
    return film
