"""A film in the depth of its file, for a viewer whose reader sets window and level.

The film for the net and the first glance has eight bits, cut by one window. What lies outside that window is in the
file all the same; here it is kept, in levels that sixteen bits hold, beside what each means and how it is shown first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MOST = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A window of the file's own.

    Attributes:
        centre: In the file's units.
        width: In the file's units.
    """

    centre: float
    width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """A film's levels before any window.

    Attributes:
        values: (H, W) uint16; or (H, W, 3) uint8 of a film of colours.
        table: (N,) uint8: how each level is shown first, which is how the eight-bit film shows it. A window turns on
            from there.
        slope: A level stands for slope × level + intercept in the file's units.
        intercept: See `slope`.
        unit: Of those, such as "HU"; empty where the file names none.
        window: What comes nearest to `table`; its ends are black and white.
        exact: Whether a window's ends are centre ± width / 2 (LINEAR_EXACT of DICOM), or half a value lower and one
            value narrower (LINEAR).
        windows: Further ones of the file, the shown one among them.
        inverted: Low values are shown white.
        padding: The level of what is no part of the film; None where there is none.
        spacing: Millimetres between two pixels; None where they are not known.
        spacing_at: Where they were measured, such as "at the detector"; empty where that is the body.
        shrunk: How many pixels of the file one of these is across.
    """

    values: NDArray[Any]
    table: NDArray[np.uint8]
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    window: Window = Window(centre=127.5, width=255.0)
    exact: bool = True
    windows: tuple[Window, ...] = ()
    inverted: bool = False
    padding: int | None = None
    spacing: float | None = None
    spacing_at: str = ""
    shrunk: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The values of a film, each of which stands for slope × value + intercept.

    Attributes:
        stored: (H, W), any real type.
        slope: See above.
        intercept: See above.
    """

    stored: NDArray[Any]
    slope: float = 1.0
    intercept: float = 0.0


def eight_bit_levels(film: Image.Image) -> Levels:
    """Return the levels of a film, mode "L" or "RGB", that has no more than eight bits, or is shown as if it had."""
    values = np.asarray(film)
    if values.ndim == 3 and (values == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim == 2:
        values = values.astype(np.uint16)
    return Levels(values=values, table=np.arange(256, dtype=np.uint8))


def deep_levels(
    measured: Measured,
    show: Callable[[NDArray[Any]], NDArray[np.uint8]],
    window: Window,
    *,
    padded: NDArray[np.bool_] | None = None,
    inverted: bool = False,
) -> Levels:
    """Pack values of any kind into levels of sixteen bits: whole numbers stay what they are where they fit.

    Args:
        measured: The values.
        show: What the eight-bit film was made by: from the file's units to grey, before it was inverted.
        window: What comes nearest to it.
        padded: (H, W), where the film is padding; what is not finite is too.
        inverted: Whether low values are shown white.
    """
    stored, outside = measured.stored, padded
    if stored.dtype.kind == "f":
        odd = ~np.isfinite(stored)
        outside = odd if outside is None else outside | odd
    if outside is not None and not outside.any():
        outside = None
    inside = stored if outside is None else stored[~outside]
    low, high = (float(inside.min()), float(inside.max())) if inside.size else (0.0, 0.0)
    room = _MOST - (outside is not None)
    step = 1.0 if stored.dtype.kind in "iub" and high - low <= room else (high - low) / room or 1.0
    # Padding takes the level beyond the dark end, so that what is averaged over its border is no brighter than both.
    below = outside is not None and (measured.slope > 0) != inverted
    count = round((high - low) / step) + 1
    with np.errstate(invalid="ignore"):
        if step != 1.0:
            packed = np.rint((stored.astype(np.float64) - low) / step)
        else:  # wide enough for the difference
            packed = stored.astype(np.int32 if stored.dtype.itemsize < 4 else np.int64) - int(low)
        values = np.clip(packed, 0, count - 1).astype(np.uint16) + np.uint16(below)
    levels = np.arange(count, dtype=np.float64) * step + low
    table = show(levels * measured.slope + measured.intercept)
    table = 255 - table if inverted else table
    padding = None
    if outside is not None:
        padding = 0 if below else count
        values[outside] = padding
        table = np.insert(table, padding, 0)
    slope = measured.slope * step
    return Levels(
        values=values,
        table=table.astype(np.uint8),
        slope=slope,
        intercept=measured.slope * low + measured.intercept - (slope if below else 0.0),
        window=window,
        inverted=inverted,
        padding=padding,
    )


def turned_levels(levels: Levels, turn: Callable[[Image.Image], Image.Image]) -> Levels:
    """Turn a grey film by what its picture was turned by."""
    return replace(levels, values=np.asarray(turn(Image.fromarray(levels.values))))


def reshaped(levels: Levels, size: tuple[int, int]) -> Levels:
    """Resample a film to (width, height), as the eight-bit one was; padding stays padding."""
    if levels.values.ndim == 3 or levels.values.shape == size[::-1]:
        return levels
    smooth = Image.fromarray(levels.values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    values = np.clip(np.rint(np.asarray(smooth)), 0, len(levels.table) - 1).astype(np.uint16)
    if levels.padding is not None:
        outside = Image.fromarray(levels.values == levels.padding).resize(size, Image.Resampling.NEAREST)
        values[np.asarray(outside)] = levels.padding
    return replace(levels, values=values)


def no_larger(levels: Levels, most: int) -> Levels:
    """Return a film of at most so many pixels: means of squares of 2, 3, … pixels in place of a larger one's."""
    height, width = levels.values.shape[:2]
    times = 1
    while (height // times) * (width // times) > most:
        times += 1
    if times == 1:
        return levels
    down, across = height // times, width // times
    cut = levels.values[: down * times, : across * times]
    squares = cut.reshape(down, times, across, times, *cut.shape[2:])
    means = np.rint(squares.mean(axis=(1, 3), dtype=np.float32)).astype(levels.values.dtype)
    spacing = None if levels.spacing is None else levels.spacing * times
    return replace(levels, values=means, shrunk=times, spacing=spacing)
