"""What a reader drew, as corners and as a mask."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.records import Region

_ROUND = 64  # corners of an ellipse


def corners(region: Region) -> Sequence[tuple[float, float]]:
    """Return the corners of a region, (x, y) in fractions of the image; an ellipse is a polygon of 64."""
    if region.points:
        return region.points
    if region.shape == "ellipse":
        turns = [2 * math.pi * number / _ROUND for number in range(_ROUND)]
        x, y = region.x + region.width / 2, region.y + region.height / 2
        return [
            (x + region.width / 2 * math.cos(turn), y + region.height / 2 * math.sin(turn)) for turn in turns
        ]
    right, bottom = region.x + region.width, region.y + region.height
    return [(region.x, region.y), (right, region.y), (right, bottom), (region.x, bottom)]


def region_mask(regions: Iterable[Region], width: int, height: int) -> NDArray[np.bool_]:
    """Return where any of several regions lies: (height, width) bool.

    A pixel belongs to a region that its centre lies in; where a line crosses itself, what it goes round is inside. A
    region too small for any centre has the pixel that it lies in. (Pillow's polygons are a pixel wider to each side.)
    """
    mask = np.zeros((height, width), dtype=np.bool_)
    for region in regions:
        inside = _inside(np.array(corners(region)) * (width, height), width, height)
        if not inside.any():
            middle = (region.x + region.width / 2) * width, (region.y + region.height / 2) * height
            inside[min(int(middle[1]), height - 1), min(int(middle[0]), width - 1)] = True
        mask |= inside
    return mask


def _inside(polygon: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """Return which pixels' centres a polygon (N, 2) goes round: in each row, edges are met from left to right."""
    rows = np.arange(height)[:, None] + 0.5
    x, y = polygon.T
    next_x, next_y = np.roll(polygon, -1, axis=0).T
    crossed = (y > rows) != (next_y > rows)
    row, edge = np.nonzero(crossed)
    along = (rows[row, 0] - y[edge]) / (next_y[edge] - y[edge])
    first = np.ceil(x[edge] + along * (next_x[edge] - x[edge]) - 0.5).clip(0, width).astype(np.int64)
    turns = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(turns, (row, first), np.where(next_y[edge] > y[edge], 1, -1))
    return np.asarray(np.cumsum(turns[:, :-1], axis=1) != 0)
