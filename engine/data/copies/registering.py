"""One image laid over another: how it was turned, zoomed, stretched and shifted, and how well the two then agree.

Gauss-Newton on images whose grey levels are normalised to their neighbourhood (inverse compositional alignment,
doi:10.1023/B:VISI.0000011205.11775.fd), from coarse to fine. What is flat (a black rim, a corner that a turn left
empty) says nothing and is masked. Whether they agree is asked of blocks, so that a rim cannot spoil the rest.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
"""float32 throughout: half the time, and finer than grey levels are."""

BLOCKS = 5  # a side
_TRACE = 1e-20  # of a weight of about 1
_CACHED = 1 << 15  # pixels; what is computed of more lies in no cache of a processor
_SEEN = 0.3  # of the blocks must lie in both images
_FLAT = 1  # grey levels between neighbours
_NOISE = 3.0  # grey levels below which contrast is not amplified
_LARGEST_STEP = 0.15  # of half the side, for one step
_FARTHEST = 0.45  # of half the side, in which shift and zoom may end

# What a change does to x and y in [-1, 1], from the centre: zoom, turn, stretch, shear, shift across, shift down.
_GENERATORS: Final = np.array(
    [
        [[1, 0, 0], [0, 1, 0]],
        [[0, -1, 0], [1, 0, 0]],
        [[1, 0, 0], [0, -1, 0]],
        [[0, 1, 0], [1, 0, 0]],
        [[0, 0, 1], [0, 0, 0]],
        [[0, 0, 0], [0, 0, 1]],
    ],
    dtype=np.float32,
)
_STIFF: Final = np.array([2e-3, 2e-3, 0.5, 0.5, 2e-3, 2e-3, 0, 0], dtype=np.float32)
_PLIABLE: Final = np.array([2e-3, 2e-3, 8e-3, 8e-3, 2e-3, 2e-3, 0, 0], dtype=np.float32)


class Level(NamedTuple):
    """Images at one size, made comparable.

    Attributes:
        pixels: (N, S, S), normalised to their neighbourhood, 0 where masked.
        seen: (N, S, S), 1 where the image says something.
    """

    pixels: Floats
    seen: Floats


def nowhere(images: int) -> Floats:
    """Return the change (N, 2, 3) that leaves images where they are."""
    return np.tile(np.eye(2, 3, dtype=np.float32), (images, 1, 1))


def register_coarsely(first: Floats, second: Floats) -> Floats:
    """Find how images were moved, from thumbnails.

    Args:
        first: (N, 32, 32) in [0, 255].
        second: The same.

    Returns:
        (N, 2, 3): where each point of the first lies in the second, both in [-1, 1] from the centre.
    """
    ones, others = smaller(first), smaller(second)
    blurred = level(ones, 5, 1.0), level(others, 5, 1.0)
    starts = [nowhere(len(first)), _best_shift(*blurred)]
    sharper = level(ones, 4, 0.6), level(others, 4, 0.6)
    ends = [refine(*sharper, refine(*blurred, start, 8, _STIFF), 5, _STIFF) for start in starts]
    agreeing = [np.abs(agreement(*sharper, moved, blocks=4)) for moved in ends]
    moved = np.where((agreeing[1] > agreeing[0])[:, None, None], ends[1], ends[0])
    return refine(level(first, 6, 0.7), level(second, 6, 0.7), moved, 5)


def smaller(images: NDArray[np.uint8] | Floats) -> Floats:
    """Return images at half their side."""
    N, side, _ = images.shape
    halved: Floats = images.reshape(N, side // 2, 2, side // 2, 2).mean((2, 4), dtype=np.float32)
    return halved


def level(images: NDArray[np.uint8] | Floats, spread: float, blur: float) -> Level:
    """Normalise images to their neighbourhood.

    Args:
        images: (N, S, S) in [0, 255].
        spread: Of the neighbourhood, in pixels.
        blur: Of what comes out, in pixels.
    """
    pixels: Floats = images.astype(np.float32)
    seen = _not_flat(pixels)
    around, soft = _gaussian(images.shape[1], spread), _gaussian(images.shape[1], blur)
    total = around @ seen @ around + 1e-3
    pixels = (pixels - (around @ (pixels * seen) @ around) / total) * seen
    pixels /= np.sqrt((around @ (pixels * pixels) @ around) / total) + _NOISE
    blurred: Floats = soft @ pixels @ soft / np.outer(soft.sum(0), soft.sum(0))
    return Level(blurred, seen)


def refine(first: Level, second: Level, moved: Floats, steps: int, stiffness: Floats = _PLIABLE) -> Floats:
    """Improve a registration.

    Args:
        first: What stays.
        second: What is laid over it; its contrast may be another one, or inverted.
        moved: (N, 2, 3) to begin with.
        steps: Of Gauss-Newton.
        stiffness: How much each of six changes, gain and offset is held back.
    """
    at_once = max(1, _CACHED // first.pixels[0].size)
    if len(first.pixels) > at_once:
        starts = range(0, len(first.pixels), at_once)
        shares = [slice(start, start + at_once) for start in starts]
        return np.concatenate(
            [
                refine(_some(first, share), _some(second, share), moved[share], steps, stiffness)
                for share in shares
            ]
        )
    N, side, _ = first.pixels.shape
    x, y = _places(side)
    slopes = np.stack(_slopes(first.pixels), 1)[:, None]  # (N, 1, 2, S, S)
    points = np.stack([x, y, np.ones_like(x)])
    moves = np.einsum("kij,jyx->kiyx", _GENERATORS, points)[None]  # (1, 6, 2, S, S)
    columns = np.concatenate(
        [(slopes * moves).sum(2), first.pixels[:, None], np.ones_like(first.pixels)[:, None]], 1
    ).reshape(N, 8, -1)
    last = np.tile(np.array([0, 0, 1], dtype=np.float32), (N, 1, 1))
    for _ in range(steps):
        pixels, seen = laid_over(second, moved)
        weighted = columns * (seen * first.seen).reshape(N, 1, -1)
        normal = weighted @ columns.transpose(0, 2, 1)
        scale = np.trace(normal, axis1=1, axis2=2)[:, None, None] / 8
        normal += np.eye(8, dtype=np.float32) * (scale * stiffness + 1e-4)
        found = np.linalg.solve(normal, weighted @ pixels.reshape(N, -1, 1))[:, :, 0]
        gain = np.where(found[:, 6] < 0, -1, 1) * np.maximum(np.abs(found[:, 6]), 0.2)
        amounts = (found[:, :6] / gain[:, None]).clip(-_LARGEST_STEP, _LARGEST_STEP)
        step = np.eye(2, 3, dtype=np.float32) - np.einsum("nk,kij->nij", amounts, _GENERATORS)
        moved = moved @ np.concatenate([step, last], 1)
        moved = np.clip(moved, np.eye(2, 3) - _FARTHEST, np.eye(2, 3) + _FARTHEST).astype(np.float32)
    return moved


def agreement(first: Level, second: Level, moved: Floats, *, blocks: int = BLOCKS) -> Floats:
    """Correlate registered images block by block.

    Returns:
        (N,) in [-1, 1]: the median over blocks that both show, below 0 where one is inverted; 0 where they share too
        few.
    """
    pixels, seen = laid_over(second, moved)
    ones, others, seen = (_blocks(image, blocks) for image in (first.pixels, pixels, seen * first.seen))
    number = seen.sum(2) + 1e-3
    ones = (ones - ((ones * seen).sum(2) / number)[..., None]) * seen
    others = (others - ((others * seen).sum(2) / number)[..., None]) * seen
    power = (ones**2).sum(2) * (others**2).sum(2) / number**2
    correlations = (ones * others).sum(2) / number / np.sqrt(power + 1e-4)
    shared = number > seen.shape[2] / 2
    enough = shared.sum(1) >= _SEEN * blocks**2
    correlations[~shared] = np.nan
    correlations[~enough] = 0
    median: Floats = np.nanmedian(correlations, axis=1)
    return median


def laid_over(image: Level, moved: Floats) -> tuple[Floats, Floats]:
    """Return (N, S, S) what an image shows at the points of another one, and 1 where it shows something."""
    N, side, _ = image.pixels.shape
    half = (side - 1) / 2
    x, y = _places(side)
    rows = moved[:, :, :, None, None]
    across = (rows[:, 0, 0] * x + rows[:, 0, 1] * y + rows[:, 0, 2]) * half + half
    down = (rows[:, 1, 0] * x + rows[:, 1, 1] * y + rows[:, 1, 2]) * half + half
    inside = (across >= 0) & (across <= side - 1) & (down >= 0) & (down <= side - 1)
    across, down = across.clip(0, side - 1.001), down.clip(0, side - 1.001)
    left, top = across.astype(np.int32), down.astype(np.int32)
    right, below = (across - left).astype(np.float32), (down - top).astype(np.float32)
    corner = top * side + left + (np.arange(N, dtype=np.int32) * side**2)[:, None, None]
    flat = image.pixels.ravel()
    upper = flat.take(corner) * (1 - right) + flat.take(corner + 1) * right
    lower = flat.take(corner + side) * (1 - right) + flat.take(corner + side + 1) * right
    return upper * (1 - below) + lower * below, inside * image.seen.ravel().take(corner)


# ------------------------------------------------------------------------------------------------------- its parts


def _some(images: Level, share: slice) -> Level:
    return Level(images.pixels[share], images.seen[share])


def _not_flat(pixels: Floats) -> Floats:
    """Return (N, S, S): 1 where a pixel differs from one of its neighbours."""
    _, rows, columns = pixels.shape
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    near = [padded[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    differ: Floats = np.maximum.reduce(near) - np.minimum.reduce(near)
    return (differ > _FLAT).astype(np.float32)


def without_traces(weights: NDArray[np.float64]) -> Floats:
    """Return weights as float32, nought where they are too small to change a sum.

    A processor multiplies with numbers below 1e-38 a hundred times as slowly as with others.
    """
    weights[weights < _TRACE] = 0
    single: Floats = np.asarray(weights, dtype=np.float32)
    return single


@cache
def _gaussian(side: int, spread: float) -> Floats:
    place = np.arange(side)
    return without_traces(np.exp(-((place[:, None] - place) ** 2) / (2 * spread**2)))


@cache
def _places(side: int) -> tuple[Floats, Floats]:
    """Return x and y of each pixel, from the centre, in half sides."""
    half = (side - 1) / 2
    place = ((np.arange(side) - half) / half).astype(np.float32)
    return np.tile(place, (side, 1)), np.tile(place[:, None], (1, side))


def _slopes(pixels: Floats) -> tuple[Floats, Floats]:
    half = (pixels.shape[1] - 1) / 2
    across, down = np.zeros_like(pixels), np.zeros_like(pixels)
    across[:, :, 1:-1] = (pixels[:, :, 2:] - pixels[:, :, :-2]) * (half / 2)
    down[:, 1:-1] = (pixels[:, 2:] - pixels[:, :-2]) * (half / 2)
    return across, down


def _best_shift(first: Level, second: Level) -> Floats:
    """Return the change (N, 2, 3) by the shift at which images correlate best, inverted or not."""
    from scipy import fft  # here, because it takes a tenth of a second

    side = first.pixels.shape[1]
    ones, others = (fft.rfft2(image.pixels, (2 * side, 2 * side)) for image in (first, second))
    correlation = np.abs(fft.irfft2(np.conj(ones) * others, (2 * side, 2 * side)))
    reach = side // 5
    near = np.roll(correlation, (reach, reach), (1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
    down, across = np.unravel_index(near.reshape(len(near), -1).argmax(1), near.shape[1:])
    moved = nowhere(len(near))
    half = (side - 1) / 2
    moved[:, 0, 2], moved[:, 1, 2] = (across - reach) / half, (down - reach) / half
    return moved


def _blocks(image: Floats, blocks: int) -> Floats:
    """Cut images (N, S, S) into (N, blocks², pixels)."""
    N, side, _ = image.shape
    edge = side // blocks
    cut = image[:, : edge * blocks, : edge * blocks].reshape(N, blocks, edge, blocks, edge)
    return cut.transpose(0, 1, 3, 2, 4).reshape(N, blocks**2, -1)
