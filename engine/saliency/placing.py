"""Maps laid where their cells lie, and where the cells of a trained net lie in truth.

`engine.models.follow_cells` computes the centres from how a net is built. What a trained net looks at need not be the
middle of what it could look at (EfficientNets converted from TensorFlow have learnt to undo their lopsided padding), so
squares are planted in films and the computed centres are used where the answer agrees with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from engine.models import Axis, Grid

SIDE = 56  # cells of a placed map
AGREES = 1 / 8  # of a cell: what planted squares may differ from what was computed
FOLLOWS = (
    0.3  # of a square's move: a map that follows it by less answers everywhere, and says nothing of places
)
FOLLOWS_CLOSELY = 0.7
PLANTED_AT = (
    0.3,
    0.5,
    0.7,
)  # of the film's height and width: symmetric, so that what the rim does cancels out
PLANTED_SIDE = 1 / 14  # of the film's side

Extent = tuple[int, int]
MapsOf = Callable[[Tensor], Mapping[Extent, Tensor]]
"""Images (B, C, H, W) in [0, 1] → maps (B, c, h, w) by (h, w)."""


def placing(cells: int, axis: Axis, size: int, side: int = SIDE) -> NDArray[np.float32]:
    """Return the matrix (side, cells) that lays an axis of cells over `size` pixels.

    Keys' cubic interpolation between the centres (doi:10.1109/TASSP.1981.1163711); beyond the outer ones their value
    goes on. Rows sum to 1.
    """
    at = ((np.arange(side) + 0.5) * size / side - axis.first) / axis.step
    below = np.floor(at).astype(int)
    matrix = np.zeros((side, cells), dtype=np.float32)
    for number in (below - 1, below, below + 1, below + 2):
        d = np.abs(at - number)
        near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        weight = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
        np.add.at(matrix, (np.arange(side), np.clip(number, 0, cells - 1)), weight.astype(np.float32))
    return matrix


def place(maps: Tensor, grid: Grid, size: Extent, side: int = SIDE) -> Tensor:
    """Lay maps (B, h, w) over their images: (B, side, side), whose cells tile the image.

    Args:
        maps: Of the net.
        grid: Where their cells lie.
        size: Height and width of the net's input in pixels.
        side: Cells of the placed map.
    """
    rows, columns = (
        torch.from_numpy(placing(cells, axis, pixels, side)).to(maps.device, maps.dtype)
        for cells, axis, pixels in zip(maps.shape[1:], grid, size, strict=True)
    )
    return rows @ maps @ columns.T


def within(heatmap: NDArray[np.float32], edges: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Cut a part out of a map whose cells tile a square: its cells, of about the same size, tile the part.

    Args:
        heatmap: (h, w).
        edges: Left, top, right and bottom of the part, as shares of the square.
    """
    left, top, right, bottom = edges
    axes = []
    for cells, begin, end in zip(heatmap.shape, (top, left), (bottom, right), strict=True):
        kept = max(1, round(cells * (end - begin)))
        axes.append((begin + (np.arange(kept) + 0.5) / kept * (end - begin)) * cells - 0.5)
    at = np.meshgrid(*axes, indexing="ij")
    made: NDArray[np.float32] = ndimage.map_coordinates(heatmap, at, order=1, mode="nearest")
    return made


@dataclass(frozen=True, kw_only=True)
class Placing:
    """How the cells of one map are placed, and what planted squares said.

    Attributes:
        grid: To be used.
        off: Pixels (down, right) by which squares were answered beside where the net's structure has its cells; NaN
            where they moved nothing.
        follows: Of a square's move, the share that the map's answer moved.
        basis: Why this grid: "agree", "silent", "measured" or "half way".
    """

    grid: Grid
    off: tuple[float, float]
    follows: float
    basis: str


def measured_grids(maps_of: MapsOf, images: Tensor, grids: Mapping[Extent, Grid]) -> dict[Extent, Placing]:
    """Plant squares in films, and place cells where a map answers them.

    Where the answers agree with the net's structure, that is used, as it is exact. Where they contradict it, they are
    used if they follow the squares closely; if not, nobody knows, and the middle between what the structure says and
    cells that tile the image is at most half as wrong as either.

    Args:
        maps_of: Of the trained net.
        images: (B, C, H, W) in [0, 1]: a few films.
        grids: As computed, by the map's extent.
    """
    size = (int(images.shape[2]), int(images.shape[3]))
    before = maps_of(images)
    middles: list[tuple[float, float]] = []
    answers: dict[Extent, list[Tensor]] = {extent: [] for extent in grids}
    for y in PLANTED_AT:
        planted = [
            _planted(images, y, x) for x in PLANTED_AT
        ]  # a row of squares goes through the net at once
        middles += [middle for _, middle in planted]
        after = maps_of(torch.cat([films for films, _ in planted]))
        for extent, grid in grids.items():
            for one in torch.split(after[extent], len(images)):
                change = (one.cpu().double() - before[extent].cpu().double()).square().sum(dim=1)
                answers[extent].append(_centroid(change, grid))
    squares = np.array(middles)[:, None, :]
    placings = {}
    for extent, grid in grids.items():
        answered = torch.stack(answers[extent]).numpy()  # (squares, films, 2)
        axes = [_off(answered[..., n], squares[..., n], grid[n], extent[n]) for n in range(2)]
        placings[extent] = _placing(
            grid, extent, size, (axes[0][0], axes[1][0]), min(each[1] for each in axes)
        )
    return placings


def _off(
    answered: NDArray[np.float64], squares: NDArray[np.float64], axis: Axis, cells: int
) -> tuple[float, float]:
    """Return how far beyond squares (P, 1) the answers (P, N) lie along one axis, and how far they follow them."""
    known = np.isfinite(answered)
    if not known.any():
        return float("nan"), 0.0
    at = np.broadcast_to(squares, answered.shape)
    follows = float(np.polyfit(at[known], answered[known], 1)[0])
    if follows < FOLLOWS:
        return float("nan"), follows
    # What answers a little everywhere draws all answers to the middle of the map. The median, since where a square
    # lies on an edge in the film, other places answer too.
    middle = float(axis.at(cells).mean())
    return float(np.median((middle + (answered - middle) / follows - at)[known])), follows


def _placing(grid: Grid, extent: Extent, size: Extent, off: tuple[float, float], follows: float) -> Placing:
    limits = [max(1.0, AGREES * pixels / cells) for pixels, cells in zip(size, extent, strict=True)]
    if not np.isfinite(off).all():
        return Placing(grid=grid, off=off, follows=follows, basis="silent")
    if all(abs(pixels) <= limit for pixels, limit in zip(off, limits, strict=True)):
        return Placing(grid=grid, off=off, follows=follows, basis="agree")
    if follows >= FOLLOWS_CLOSELY:
        moved = (grid[0].moved(-off[0]), grid[1].moved(-off[1]))
        return Placing(grid=moved, off=off, follows=follows, basis="measured")
    tiles = [Axis.tiling(cells, pixels) for cells, pixels in zip(extent, size, strict=True)]
    between = [
        Axis((axis.first + tile.first) / 2, (axis.step + tile.step) / 2)
        for axis, tile in zip(grid, tiles, strict=True)
    ]
    return Placing(grid=(between[0], between[1]), off=off, follows=follows, basis="half way")


def _planted(images: Tensor, y: float, x: float) -> tuple[Tensor, tuple[float, float]]:
    """Return films with a square that is white where they are dark and black where they are bright, and its middle."""
    height, width = images.shape[2:]
    tall, wide = max(1, round(height * PLANTED_SIDE)), max(1, round(width * PLANTED_SIDE))
    top, left = round(y * height - tall / 2), round(x * width - wide / 2)
    planted = images.clone()
    square = planted[:, :, top : top + tall, left : left + wide]
    square[:] = (square.mean(dim=(1, 2, 3), keepdim=True) < 0.5).to(square.dtype)
    return planted, (top + tall / 2, left + wide / 2)


def _centroid(change: Tensor, grid: Grid) -> Tensor:
    """Return the middle (B, 2) of maps (B, h, w) in pixels; NaN of a map without any change."""
    share = change / change.sum(dim=(1, 2), keepdim=True)
    rows, columns = (
        torch.from_numpy(axis.at(cells)) for axis, cells in zip(grid, change.shape[1:], strict=True)
    )
    return torch.stack([(share.sum(dim=2) * rows).sum(dim=1), (share.sum(dim=1) * columns).sum(dim=1)], dim=1)
