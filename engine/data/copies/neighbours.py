"""Which images are nearest to which, by their vectors: compared group by group, of each comparison the best is kept.

Of many images only the vectors that are compared with all others are in memory; these lie in a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from engine.data.copies.looks import MOVES, Symmetry
from engine.data.copies.registering import Floats

ROWS = 1024  # at a time
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


class Groups:
    """Images as they are, in the groups that moved ones are compared with.

    Of many images the vectors lie in a file, group by group.

    Args:
        plain: (N, dimensions).
        columns: The images of each group.
    """

    def __init__(self, plain: Floats, columns: Sequence[NDArray[np.int64]]) -> None:
        self.columns, self._plain = columns, plain
        self._starts = np.cumsum([0, *map(len, columns)]) * plain[:1].nbytes
        self._file: IO[bytes] | None = None
        if len(plain) > _EXACT:
            with suppress(OSError):  # where nothing can be written they stay in memory
                file = tempfile.TemporaryFile()  # noqa: SIM115  it is needed to the end
                for group in columns:
                    file.write(plain[group].tobytes())
                file.flush()
                self._file, self._plain = file, plain[:0].copy()  # a view would hold them all

    def vectors(self, number: int) -> Floats:
        """Return those of a group."""
        if self._file is None:
            return self._plain[self.columns[number]]
        self._file.seek(self._starts[number])
        read = self._file.read(self._starts[number + 1] - self._starts[number])
        return np.frombuffer(read, np.float32).reshape(-1, self._plain.shape[1])


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

    def offer(self, moved: Floats, groups: Groups, whose: NDArray[np.int32]) -> None:
        """Compare the images after a nudge with the group's as they are."""
        alike = moved[self.rows] @ groups.vectors(self.group).T
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
        other, way = self.other[rows, places].astype(np.int64), self.way[rows, places]
        # What is done to the one is undone to the other.
        way = np.where(other < rows, _UNDONE[way], way)
        pairs = np.stack([np.minimum(rows, other), np.maximum(rows, other)])
        keys = (pairs[0] * len(self.alike) + pairs[1]) * len(MOVES) + way
        _, seen, same = np.unique(keys, return_index=True, return_inverse=True)
        alike = np.full(len(seen), _NOT_COMPARED, np.float32)
        np.maximum.at(alike, same, self.alike[rows, places])
        first, second = pairs[:, seen]
        order = np.lexsort((seen, second, first, -alike))
        return Candidates(np.stack([first, second, way[seen]], dtype=np.int32)[:, order])


Pieces = Callable[[Floats], Iterator[tuple[NDArray[np.integer], int]]]


def pieces_of(plain: Floats, neighbours: int) -> tuple[Pieces, Groups]:
    """Return what tells which moved images are compared with which group, and the groups.

    Of each such comparison only the best counts. Up to 20,000 images all are compared with all, in groups of about a
    thousand among which neighbours by name (often copies of one image) lie apart. Of more, each is compared with those
    in the cells nearest to it.
    """
    images = np.arange(len(plain))
    if len(images) <= _EXACT:
        number = min(max(2 * neighbours, len(images) // _CELL), len(images))
        whole = [
            (images[start : start + ROWS], group)
            for start in range(0, len(images), ROWS)
            for group in range(number)
        ]
        return lambda moved: iter(whole), Groups(plain, [images[group::number] for group in range(number)])
    centres = _centres(plain)
    own = _cells(plain, centres, 1)[:, 0]
    groups = Groups(plain, [np.flatnonzero(own == cell) for cell in range(len(centres))])

    def of_cells(moved: Floats) -> Iterator[tuple[NDArray[np.integer], int]]:
        probed = _cells(moved, centres, min(_PROBED, len(centres)))
        for cell, columns in enumerate(groups.columns):
            rows = np.flatnonzero((probed == cell).any(1)).astype(np.int32)
            if columns.size:
                yield from ((rows[start : start + ROWS], cell) for start in range(0, len(rows), ROWS))

    return of_cells, groups


def _centres(plain: Floats) -> Floats:
    """Return the centres of cells of about a thousand images each (spherical k-means)."""
    rng = np.random.default_rng(0)
    centres = plain[rng.choice(len(plain), len(plain) // _CELL, replace=False)]
    for _ in range(4):
        sums = np.zeros_like(centres)
        np.add.at(sums, _cells(plain, centres, 1)[:, 0], plain)
        centres = sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)
    return centres


def _cells(vectors: Floats, centres: Floats, number: int) -> NDArray[np.int32]:
    """Return the cells (N, number) nearest to each vector."""
    cells = np.empty((len(vectors), number), np.int32)
    for start in range(0, len(vectors), ROWS):
        away = -(vectors[start : start + ROWS] @ centres.T)
        cells[start : start + ROWS] = np.argpartition(away, number - 1, axis=1)[:, :number]
    return cells
