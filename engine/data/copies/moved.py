"""Copies that were cropped, shifted, zoomed or turned by some degrees: candidates, then one laid over the other.

Thumbnails decide which pairs are worth opening their files for; on 128 pixels copies agree block by block where
different films of different people do not (measured in docs/guide/data.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.data.copies.candidates import nearest
from engine.data.copies.changes import Change, change_of
from engine.data.copies.kept import Thumbnails
from engine.data.copies.looks import MOVES, Symmetry
from engine.data.copies.neighbours import Candidate
from engine.data.copies.registering import (
    Floats,
    Level,
    agreement,
    level,
    refine,
    register_coarsely,
    smaller,
)
from engine.errors import ImageError
from engine.images import decode, in_order
from engine.records import Sample

Progress = Callable[[int, int], None]

MIN_LIKELY = 0.9
"""Agreement of thumbnails from which files are opened."""
MIN_AGREEMENT = 0.95
"""Agreement at 128 pixels from which two images are one: no film passes for another (`benchmarks.copies`)."""
_SIDE = 128
_BATCH = 64  # pairs
_OPEN = 256  # images of 128 pixels that are kept


def find_moved(
    samples: Sequence[Sample],
    thumbnails: Thumbnails,
    apart: NDArray[np.int64],
    progress: Progress | None = None,
) -> Iterator[tuple[int, int, Change]]:
    """Yield pairs of images of which one is the other, moved.

    Args:
        samples: Their files are opened where thumbnails agree.
        thumbnails: Of each.
        apart: (N,) images with the same number are not compared.
        progress: Called with images done and images in all.
    """
    if len(np.unique(apart)) < 2:
        return
    from threadpoolctl import threadpool_limits  # here, because nothing else in indexing needs it

    with threadpool_limits(
        1
    ):  # threads of ours take a pair each: those of a matrix product would only wait for them
        yield from _find_moved(samples, thumbnails, apart, progress or (lambda done, total: None))


def _find_moved(
    samples: Sequence[Sample], thumbnails: Thumbnails, apart: NDArray[np.int64], told: Progress
) -> Iterator[tuple[int, int, Change]]:
    count = len(samples)
    told(0, count)
    candidates = nearest(thumbnails, apart, tick=lambda: told(0, count))
    opened = _Opened()

    def confirmed(batch: Sequence[Candidate]) -> list[tuple[int, int, Change]]:
        likely = _likely(batch, thumbnails)
        return _confirmed(likely, samples, opened) if likely else []

    workers, batches = min(16, os.cpu_count() or 1), candidates.batches(_BATCH)
    for done, found in enumerate(in_order(confirmed, batches, workers=workers, each=1), start=1):
        yield from found
        told(min(count, count * done * _BATCH // len(candidates)), count)


def _likely(batch: Sequence[Candidate], thumbnails: Thumbnails) -> list[tuple[int, int, Symmetry, Floats]]:
    """Return the candidates whose thumbnails agree, with how the one lies over the other."""
    ones = thumbnails[[one for one, _, _ in batch]]
    first = np.stack([symmetry.applied(one) for one, (_, _, symmetry) in zip(ones, batch, strict=True)])
    second = thumbnails[[other for _, other, _ in batch]]
    moved = register_coarsely(first.astype(np.float32), second.astype(np.float32))
    levels = level(first, 2, 0.5), level(second, 2, 0.5)
    moved = refine(*levels, moved, 3)
    agreeing = np.abs(agreement(*levels, moved))
    rows = np.flatnonzero(agreeing >= MIN_LIKELY).tolist()
    return [(*batch[row], moved[row]) for row in rows]


def _confirmed(
    likely: Sequence[tuple[int, int, Symmetry, Floats]],
    samples: Sequence[Sample],
    opened: _Opened,
) -> list[tuple[int, int, Change]]:
    """Return those of them that agree on more pixels than thumbnails have, with what was done."""
    both = [
        (pair, opened.pixels(samples[pair[0]].path), opened.pixels(samples[pair[1]].path)) for pair in likely
    ]
    whole = [(pair, one, other) for pair, one, other in both if one is not None and other is not None]
    if not whole:
        return []
    first = np.stack([pair[2].applied(one) for pair, one, _ in whole])
    second = np.stack([other for _, _, other in whole])
    moved = np.stack([pair[3] for pair, _, _ in whole])
    moved = refine(level(smaller(first), 6, 0.8), level(smaller(second), 6, 0.8), moved, 4)
    levels = (
        _stacked([opened.sharp(samples[pair[0]].path, pair[2]) for pair, _, _ in whole]),
        _stacked([opened.sharp(samples[pair[1]].path, MOVES[0]) for pair, _, _ in whole]),
    )
    moved = refine(*levels, moved, 3)
    found = []
    for row, agreeing in enumerate(agreement(*levels, moved).tolist()):
        if abs(agreeing) >= MIN_AGREEMENT:
            one, other, symmetry, _ = whole[row][0]
            change = change_of(symmetry, moved[row], agreeing < 0, samples[one], samples[other])
            found.append((one, other, change))
    return found


class _Opened:
    """Images at 128 pixels, and these made comparable, which takes as long as comparing them; those asked for last."""

    def __init__(self) -> None:
        self.pixels = lru_cache(maxsize=_OPEN)(_open)
        self.sharp = lru_cache(maxsize=_OPEN)(self._sharp)

    def _sharp(self, path: Path, symmetry: Symmetry) -> tuple[Floats, NDArray[np.bool_]]:
        pixels = self.pixels(path)
        assert pixels is not None  # who asks has seen it
        made = level(symmetry.applied(pixels)[None], 5, 0.8)
        return made.pixels[0], made.seen[0] > 0  # one byte a pixel


def _stacked(images: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> Level:
    pixels, seen = zip(*images, strict=True)
    return Level(np.stack(pixels), np.stack(seen).astype(np.float32))


def _open(path: Path) -> NDArray[np.uint8] | None:
    """Return an image's grey levels (128, 128); nothing where it cannot be read any more."""
    try:
        image = decode(path, at_least=_SIDE, grey=True).image
    except ImageError:
        return None
    return np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))
