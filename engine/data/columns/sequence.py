"""What all that is kept in columns has in common: a record is made when one is asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Record = TypeVar("Record", covariant=True)
CHUNK = 2048
"""Rows that are made at a time, where all are wanted."""
_FIRST = 16  # and where perhaps a few are
_COUNTED = 1 << 16  # codes that are sorted at a time, so that a million take no more room than these


class ColumnSequence(Sequence[Record]):
    """Records that are made of columns."""

    __slots__ = ()

    @abstractmethod
    def _made(self, first: int, last: int) -> list[Record]:
        """Return the records from a row up to another."""

    @overload
    def __getitem__(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Record, ...]: ...

    def __getitem__(self, place: int | slice) -> Record | tuple[Record, ...]:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            if step == 1:
                return tuple(self._made(first, max(first, last)))
            return tuple(self[row] for row in range(first, last, step))
        row = range(len(self))[place]
        return self._made(row, row + 1)[0]

    def __iter__(self) -> Iterator[Record]:
        first, size = 0, _FIRST
        while first < len(self):
            yield from self._made(first, min(first + size, len(self)))
            first, size = first + size, CHUNK


def counted(codes: NDArray[np.integer]) -> dict[int, int]:
    """Count rows by their code, in the order in which codes come first."""
    counts: dict[int, int] = {}
    for start in range(0, len(codes), _COUNTED):
        found, first, rows = np.unique(codes[start : start + _COUNTED], return_index=True, return_counts=True)
        order = np.argsort(first)
        for code, count in zip(found[order].tolist(), rows[order].tolist(), strict=True):
            counts[code] = counts.get(code, 0) + count
    return counts


def is_all(rows: NDArray[np.integer], count: int) -> bool:
    """Tell whether rows are all that there are, in their order: what is taken of them is the whole, and no copy."""
    return len(rows) == count and all(
        np.array_equal(rows[start : start + _COUNTED], np.arange(start, min(start + _COUNTED, count)))
        for start in range(0, count, _COUNTED)
    )
