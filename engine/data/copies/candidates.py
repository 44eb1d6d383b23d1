"""Which images could be copies of which, turned by some degrees, cropped or shifted: each one's nearest neighbours.

An image is described by the strength and direction of its edges on a coarse grid and by its spectrum, neither of which
changes with inversion. How much each of these numbers differs between images, and how little between an image and
copies of it, is learnt from the images at hand and changes made to some of them (linear discriminants).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.data.copies.kept import Thumbnails
from engine.data.copies.looks import MOVES, THUMBNAIL, Symmetry
from engine.data.copies.neighbours import ROWS, Best, Candidates, Kept, Vectors, pieces_of
from engine.data.copies.registering import Floats, Level, laid_over, without_traces

_OFTEN = (MOVES[0], Symmetry(left_right=True))
_EIGHT_DEGREES = (np.cos(np.pi / 22.5), np.sin(np.pi / 22.5))
NUDGES: Final = (
    None,
    np.array(
        [[_EIGHT_DEGREES[0], -_EIGHT_DEGREES[1], 0], [_EIGHT_DEGREES[1], _EIGHT_DEGREES[0], 0]], np.float32
    ),
    np.array([[1, 0, 0.15], [0, 1, 0.15]], np.float32),
    np.array([[1, 0, 0.15], [0, 1, -0.15]], np.float32),
    np.array([[0.87, 0, 0], [0, 0.87, 0]], np.float32),
)
"""Halfway to what copies are looked for: as it is, turned, shifted along both diagonals, zoomed. The opposite ways are
those of the other image of a pair. Only for images upright or mirrored, as copies mostly are."""
NEIGHBOURS = 3
"""Of each image; more where there are so few images that all of them are soon compared."""
_COMPARISONS = 800
_GRID = 8
_CHANNELS = 7
_WAVES = 12  # cycles a side
_LEARNT_FROM = 800  # images
_CHANGES = 8  # of each
_MEASURED_ON = 3000  # images, for the spread between images
_FEW = 20  # images, from which a mean says little
_DIMENSIONS = 128
_RIDGE = 0.02
_DESCRIBED = 128  # at a time: what a description goes through takes 200 KB an image


class Discriminants(NamedTuple):
    """What turns descriptions into vectors whose cosine tells copies: (x − mean) @ axes."""

    mean: Floats
    axes: Floats


def describe(thumbnails: NDArray[np.uint8] | Floats) -> Floats:
    """Describe thumbnails (N, 32, 32) in numbers (N, D) that hardly change when an image is moved a little."""
    pieces = [
        _described(thumbnails[start : start + _DESCRIBED]) for start in range(0, len(thumbnails), _DESCRIBED)
    ]
    return np.concatenate(pieces)


def _described(thumbnails: NDArray[np.uint8] | Floats) -> Floats:
    from scipy import fft  # here, because it takes a tenth of a second

    N, side, _ = thumbnails.shape
    pixels: Floats = thumbnails.astype(np.float32)
    near, far = _average(side, side, side / 8), _average(side, side, side / 6)
    pixels = pixels - near @ pixels @ near.T
    pixels /= np.sqrt(far @ (pixels * pixels) @ far.T) + 4
    across, down = np.zeros_like(pixels), np.zeros_like(pixels)
    across[:, :, 1:-1] = pixels[:, :, 2:] - pixels[:, :, :-2]
    down[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
    edge = np.sqrt(across**2 + down**2) + 1e-6
    double = ((across**2 - down**2) / edge, 2 * across * down / edge)  # cos and sin of twice the angle
    fourfold = ((double[0] ** 2 - double[1] ** 2) / edge, 2 * double[0] * double[1] / edge)
    channels = np.stack([edge, np.abs(pixels), pixels**2, double[0], double[1], fourfold[0], fourfold[1]], 1)
    pool = _average(_GRID, side, side / 16)
    window = np.hanning(side + 2)[1:-1].astype(np.float32)
    waves = np.log(np.abs(fft.rfft2(pixels * np.outer(window, window))) + 1)
    waves = fft.fftshift(waves, axes=1)[:, side // 2 - _WAVES : side // 2 + _WAVES + 1, : _WAVES + 1]
    return np.concatenate([(pool @ channels @ pool.T).reshape(N, -1), waves.reshape(N, -1)], 1)


def changed_description(symmetry: Symmetry) -> tuple[NDArray[np.int64], Floats]:
    """Return what mirroring and turning do to a description: which number comes to each place, and its sign."""
    number = _CHANNELS * _GRID**2
    grid = np.arange(number).reshape(_CHANNELS, _GRID, _GRID)
    signs = np.ones((_CHANNELS, _GRID, _GRID), np.float32)
    half = number + np.arange((2 * _WAVES + 1) * (_WAVES + 1)).reshape(2 * _WAVES + 1, _WAVES + 1)
    waves = np.concatenate([half[::-1, :0:-1], half], 1)  # |F(−u, −v)| = |F(u, v)|
    if symmetry.transposed:
        grid, waves = grid.transpose(0, 2, 1), waves.T
        signs[[3, 6]] *= -1  # θ becomes 90° − θ
    if symmetry.left_right:
        grid, waves = grid[:, :, ::-1], waves[:, ::-1]
        signs[[4, 6]] *= -1  # θ becomes −θ
    if symmetry.up_down:
        grid, waves = grid[:, ::-1], waves[::-1]
        signs[[4, 6]] *= -1
    kept = waves[:, _WAVES:]
    return (
        np.concatenate([grid.ravel(), kept.ravel()]),
        np.concatenate([signs.ravel(), np.ones(kept.size, np.float32)]),
    )


def learn(thumbnails: Thumbnails) -> Discriminants:
    """Learn in which directions images differ more from each other than from changed copies of themselves.

    Args:
        thumbnails: (N, 32, 32); drawn from in a way that depends on nothing but them and their order.
    """
    from scipy.linalg import eigh  # here, because it takes a tenth of a second

    rng = np.random.default_rng(0)
    some = thumbnails[rng.permutation(len(thumbnails))[:_MEASURED_ON]]
    plain = describe(some)
    few = len(plain) / (
        len(plain) + _FEW
    )  # from the mean of two images both are equally far, whatever they show
    mean, spread = few * plain.mean(0), plain.std(0) + 1e-6
    plain = (plain - mean) / spread
    within = np.zeros((plain.shape[1],) * 2)
    for _ in range(_CHANGES):
        copies = (describe(_changed(some[:_LEARNT_FROM], rng)) - mean) / spread - plain[:_LEARNT_FROM]
        within += copies.T @ copies / (len(copies) * _CHANGES)
    size = len(within)
    within += _RIDGE * np.trace(within) / size * np.eye(size)
    between = plain.T @ plain / len(plain)
    kept = min(_DIMENSIONS, size)
    _, axes = eigh(between, within, subset_by_index=(size - kept, size - 1))
    return Discriminants(mean, (axes / spread[:, None]).astype(np.float32))


def _changed(thumbnails: NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    """Return copies turned by up to 12°, zoomed by up to a fifth, shifted by up to a tenth, paler or with noise."""
    from scipy.ndimage import affine_transform

    copies = []
    for image in thumbnails.astype(np.float32):
        turn, zoom = np.deg2rad(rng.uniform(-12, 12)), np.exp(rng.uniform(-0.2, 0.2))
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / zoom
        centre = np.full(2, (THUMBNAIL - 1) / 2)
        offset = centre - matrix @ centre + rng.uniform(-0.1, 0.1, 2) * THUMBNAIL
        mode = "constant" if rng.random() < 0.5 else "nearest"
        copies.append(affine_transform(image, matrix, offset, order=1, mode=mode))
    paler = rng.uniform(0.6, 1.3, (len(copies), 1, 1))
    noise = rng.normal(0, 2, (len(copies), THUMBNAIL, THUMBNAIL))
    return (np.stack(copies) * paler + noise).clip(0, 255).astype(np.float32)


def vectors(
    thumbnails: Thumbnails,
    known: Discriminants,
    symmetry: Symmetry = MOVES[0],
    nudge: Floats | None = None,
) -> Vectors:
    """Return what images, nudged and then moved by a symmetry, are compared by: of length 1."""
    order, signs = changed_description(symmetry)
    axes = np.zeros_like(known.axes)
    np.add.at(axes, order, known.axes * signs[:, None])
    mean = known.mean @ known.axes
    found = Vectors(len(thumbnails), axes.shape[1])
    for start in range(0, len(thumbnails), ROWS):
        rows = slice(start, start + ROWS)
        images = thumbnails[rows] if nudge is None else _nudged(thumbnails[rows], nudge)
        seen = describe(images) @ axes - mean
        found.add(seen / (np.linalg.norm(seen, axis=1, keepdims=True) + 1e-9))
    return found


def nearest(
    thumbnails: Thumbnails, apart: NDArray[np.int64], tick: Callable[[], None] = lambda: None
) -> Candidates:
    """Return each image's nearest neighbours, the most alike first.

    Args:
        thumbnails: (N, 32, 32).
        apart: (N,) images with the same number are no pair.
        tick: Called now and then.
    """
    count = len(thumbnails)
    known = learn(thumbnails)
    plain = vectors(thumbnails, known)
    some = np.arange(0, min(count, _MEASURED_ON), max(1, min(count, _MEASURED_ON) // 500))
    sample = plain.take(some)
    whose = np.unique(apart, return_inverse=True)[1].astype(np.int32)  # half as long to compare
    pieces, groups = pieces_of(plain, max(_COMPARISONS // count, NEIGHBOURS))
    del plain
    kept = Kept(count, max(_COMPARISONS // count, NEIGHBOURS))
    for way, symmetry in enumerate(MOVES):
        best: dict[int, list[Best]] = {}
        for nudge in NUDGES if symmetry in _OFTEN else NUDGES[:1]:
            # One after the other: the vectors of all five nudges are five times as many as images.
            for first, moved in _comparable(vectors(thumbnails, known, symmetry, nudge), some, sample):
                if first not in best:
                    best[first] = [Best(rows, group) for rows, group in pieces(first, moved)]
                for one in best[first]:
                    tick()
                    one.offer(moved, first, groups, whose)
        for one in chain.from_iterable(best.values()):
            kept.add(one.rows, one.alike, groups.columns[one.group][one.places], way)
    return kept.candidates()


def _nudged(thumbnails: NDArray[np.uint8], nudge: Floats) -> Floats:
    moved = np.empty(thumbnails.shape, np.float32)
    for start in range(0, len(thumbnails), _DESCRIBED):
        pixels: Floats = thumbnails[start : start + _DESCRIBED].astype(np.float32)
        whole = Level(pixels, np.ones_like(pixels))
        moved[start : start + _DESCRIBED] = laid_over(whole, np.tile(nudge, (len(pixels), 1, 1)))[0]
    return moved


def _comparable(moved: Vectors, some: NDArray[np.int64], sample: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield vectors of moved images whose likeness to others is comparable from one symmetry to the next, in blocks.

    Images turned on their side are first of all on their side: all alike, and more like some upright images than
    like others. What they share is taken off, and what is left is measured by how much it varies.
    """
    shared = moved.total / len(moved) * (len(moved) / (len(moved) + _FEW))
    # without copies, and images with themselves:
    low, high = np.quantile((moved.take(some) - shared) @ sample.T, (0.16, 0.84))
    for first, block in moved.blocks():
        block -= shared
        block /= np.float32((high - low) / 2 + 1e-6)
        yield first, block


@cache
def _average(places: int, side: int, spread: float) -> Floats:
    """Return (places, side): weights of a Gaussian average at evenly spread places."""
    centres = (np.arange(places) + 0.5) * side / places - 0.5
    weights = np.exp(-((centres[:, None] - np.arange(side)) ** 2) / (2 * spread**2))
    return without_traces(weights / weights.sum(1, keepdims=True))
