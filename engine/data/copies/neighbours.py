"""Which images are nearest to which, by their vectors: compared group by group, of each comparison the best is kept.

Of many images vectors lie in files, since they take half a kilobyte each; a block of them is in memory at a time.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.data.copies.looks import MOVES, Symmetry
from engine.data.copies.registering import Floats

ROWS = 1024  # at a time
_BLOCK = 16 * ROWS  # vectors that are read at a time
_EXACT = 20_000  # images; of more, only those of like cells are compared
_CELL = 1_000  # images
_PROBED = 6  # cells
_NOT_COMPARED = -1e9
_UNDONE: Final = np.array([MOVES.index(move.undone()) for move in MOVES], np.int8)

Candidate = tuple[int, int, Symmetry]
"""First, second, and what to do to the first so that it is like the second."""


class Candidates:
    """Candidates in their order, made when they are asked for: there are three times as many as images.

    Args:
        columns: (3, N): first, second, place among `MOVES`.
    """

    def __init__(self, columns: NDArray[np.int32]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    def batches(self, size: int) -> Iterator[list[Candidate]]:
        """Yield them, so many at a time."""
        for start in range(0, len(self), size):
            some = self._columns[:, start : start + size].T.tolist()
            yield [(first, second, MOVES[way]) for first, second, way in some]


class Vectors:
    """Vectors (N, dimensions) of images: added some at a time, read when they are asked for.

    Those of many images lie in a file; where nothing can be written they stay in memory.

    Args:
        images: How many there will be.
        dimensions: Of each.

    Attributes:
        dimensions: Of each.
        total: (dimensions,) the sum of those that were added.
    """

    def __init__(self, images: int, dimensions: int) -> None:
        self.dimensions, self.total = dimensions, np.zeros(dimensions, np.float32)
        self._images, self._bytes = images, self.total.nbytes  # of one
        self._file: io.FileIO | io.BytesIO = io.BytesIO()
        if images > _EXACT:
            with suppress(OSError):
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  it is needed to the end

    def __len__(self) -> int:
        return self._images

    def add(self, vectors: Floats) -> None:
        """Add the next ones."""
        end, written = self._file.seek(0, os.SEEK_END), 0
        with suppress(OSError):
            written = self._file.write(vectors.data)
        if written < vectors.nbytes:  # the disk is full
            self._file.seek(0)
            self._file = io.BytesIO(self._file.read(end) + vectors.tobytes())
        self.total = np.vstack([self.total, vectors]).sum(0)

    def read(self, first: int, last: int) -> Floats:
        """Return those of a stretch of rows, which are the caller's to change."""
        found = np.empty((last - first, self.dimensions), np.float32)
        self._fill(found, first)
        return found

    def take(self, rows: NDArray[np.int64]) -> Floats:
        """Return those of some rows."""
        found = np.empty((len(rows), self.dimensions), np.float32)
        for place, row in enumerate(rows.tolist()):
            self._fill(found[place], row)
        return found

    def _fill(self, found: Floats, row: int) -> None:
        self._file.seek(row * self._bytes)
        if self._file.readinto(found.data) < found.nbytes:
            raise OSError("The temporary file of the search for copies was cut short")

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Yield all of them, many at a time, after the row of the first."""
        for first in range(0, len(self), _BLOCK):
            yield first, self.read(first, min(first + _BLOCK, len(self)))


class Groups:
    """Images as they are, in the groups that moved ones are compared with.

    Args:
        plain: Of all images.
        columns: The images of each group.
    """

    def __init__(self, plain: Vectors, columns: Sequence[NDArray[np.int64]]) -> None:
        self.columns = columns
        self._starts = np.cumsum([0, *map(len, columns)]).tolist()
        self._vectors = Vectors(len(plain), plain.dimensions)
        for group in columns:
            self._vectors.add(plain.take(group))

    def vectors(self, number: int) -> Floats:
        """Return those of a group."""
        return self._vectors.read(*self._starts[number : number + 2])


class Best:
    """Of each of some images the most alike of a group, after any nudge.

    Args:
        rows: (R,) the images.
        group: Its number.
    """

    def __init__(self, rows: NDArray[np.integer], group: int) -> None:
        self.rows, self.group = rows, group
        self.alike = np.full(len(rows), -np.inf, np.float32)
        self.places = np.zeros(len(rows), np.int32)

    def offer(self, moved: Floats, first: int, groups: Groups, whose: NDArray[np.int32]) -> None:
        """Compare the images after a nudge, a block of them whose first is told, with the group's as they are."""
        alike = moved[self.rows - first] @ groups.vectors(self.group).T
        same = whose[self.rows, None] == whose[groups.columns[self.group]]
        np.copyto(alike, _NOT_COMPARED, where=same)
        places = alike.argmax(1)
        found = alike[np.arange(len(places)), places]
        better = (found > self.alike) | ((found == self.alike) & (places < self.places))
        self.alike[better], self.places[better] = found[better], places[better]


class Kept:
    """The best neighbours so far of each of N images, and after which of `MOVES`."""

    def __init__(self, images: int, neighbours: int) -> None:
        self.alike = np.full((images, neighbours), _NOT_COMPARED, np.float32)
        self.other = np.full((images, neighbours), -1, np.int32)
        self.way = np.zeros((images, neighbours), np.int8)

    def add(self, rows: NDArray[np.integer], alike: Floats, other: NDArray[np.int64], way: int) -> None:
        """Offer one neighbour to each of some images."""
        worst = self.alike[rows].argmin(1)
        better = alike > self.alike[rows, worst]
        place = rows[better], worst[better]
        self.alike[place], self.other[place], self.way[place] = alike[better], other[better], way

    def candidates(self) -> Candidates:
        """Return them as pairs, each once, the most alike first."""
        rows, places = np.nonzero(self.alike > _NOT_COMPARED)
        alike, other, way = self.alike[rows, places], self.other[rows, places], self.way[rows, places]
        rows = rows.astype(np.int32)  # half as large, as all that is made of them
        # What is done to the one is undone to the other.
        columns = np.stack(
            [np.minimum(rows, other), np.maximum(rows, other), np.where(other < rows, _UNDONE[way], way)]
        )
        del rows, places, other, way
        keys = (columns[0].astype(np.int64) * len(self.alike) + columns[1]) * len(MOVES) + columns[2]
        _, seen, same = np.unique(keys, return_index=True, return_inverse=True)
        del keys
        most = np.full(len(seen), _NOT_COMPARED, np.float32)
        np.maximum.at(most, same, alike)
        columns = columns[:, seen]
        return Candidates(columns[:, np.lexsort((seen, columns[1], columns[0], -most))])


Pieces = Callable[[int, Floats], Iterator[tuple[NDArray[np.integer], int]]]


def pieces_of(plain: Vectors, neighbours: int) -> tuple[Pieces, Groups]:
    """Return what tells which moved images of a block are compared with which group, and the groups.

    Of each such comparison only the best counts. Up to 20,000 images all are compared with all, in groups of about a
    thousand among which neighbours by name (often copies of one image) lie apart. Of more, each is compared with those
    in the cells nearest to it.
    """
    if len(plain) <= _EXACT:
        number = min(max(2 * neighbours, len(plain) // _CELL), len(plain))
        images = np.arange(len(plain))

        def of_all(first: int, moved: Floats) -> Iterator[tuple[NDArray[np.integer], int]]:
            rows = images[first : first + len(moved)]
            for start in range(0, len(rows), ROWS):
                yield from ((rows[start : start + ROWS], group) for group in range(number))

        return of_all, Groups(plain, [images[group::number] for group in range(number)])
    centres = _centres(plain)
    own = np.concatenate([_cells(block, centres, 1)[:, 0] for _, block in plain.blocks()])
    groups = Groups(plain, [np.flatnonzero(own == cell) for cell in range(len(centres))])

    def of_cells(first: int, moved: Floats) -> Iterator[tuple[NDArray[np.integer], int]]:
        probed = _cells(moved, centres, min(_PROBED, len(centres)))
        for cell, columns in enumerate(groups.columns):
            rows = (first + np.flatnonzero((probed == cell).any(1))).astype(np.int32)
            if columns.size:
                yield from ((rows[start : start + ROWS], cell) for start in range(0, len(rows), ROWS))

    return of_cells, groups


def _centres(plain: Vectors) -> Floats:
    """Return the centres of cells of about a thousand images each (spherical k-means)."""
    rng = np.random.default_rng(0)
    centres = plain.take(rng.choice(len(plain), len(plain) // _CELL, replace=False))
    for _ in range(4):
        sums = np.zeros_like(centres)
        for _, block in plain.blocks():
            np.add.at(sums, _cells(block, centres, 1)[:, 0], block)
        centres = sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)
    return centres


def _cells(vectors: Floats, centres: Floats, number: int) -> NDArray[np.int32]:
    """Return the cells (N, number) nearest to each vector."""
    cells = np.empty((len(vectors), number), np.int32)
    for start in range(0, len(vectors), ROWS):
        away = -(vectors[start : start + ROWS] @ centres.T)
        cells[start : start + ROWS] = np.argpartition(away, number - 1, axis=1)[:, :number]
    return cells
