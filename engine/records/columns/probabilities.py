"""The probabilities of many cases in one block of numbers, of which each record holds its row.

Fifty probabilities are 1.6 KB as numbers of Python and 400 bytes in a block; and what wants the (N, C) of all cases
has them there already.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import total_ordering
from typing import TYPE_CHECKING, Protocol, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray


class ProbabilityBlock:
    """Where the probabilities of many cases lie, row by row; what was put there does not change."""

    __slots__ = ("_matrix", "_numbers", "_width")

    def __init__(self) -> None:
        self._numbers, self._width = array("d"), 0
        self._matrix: NDArray[np.float64] | None = None

    def add(self, probabilities: Sequence[float]) -> Sequence[float]:
        """Keep the probabilities of a case and return them as its record holds them, equal to a tuple of them.

        A row of another length than the first is a tuple, and so is what comes after the rows were asked for as one
        matrix.
        """
        width = self._width or len(probabilities)
        if len(probabilities) != width or not width or self._matrix is not None:
            return tuple(probabilities)
        self._width, first = width, len(self._numbers)
        self._numbers.extend(array("d", probabilities))
        return ProbabilityRow(self, first)

    @property
    def width(self) -> int:
        """How many numbers a row has; 0 before the first."""
        return self._width

    @property
    def numbers(self) -> array[float]:
        """All rows, one after the other."""
        return self._numbers

    def matrix(self) -> NDArray[np.float64]:
        """Return all rows, (N, C): the block itself, which cannot be written to."""
        import numpy as np  # a page that asks for one case goes without

        if self._matrix is None:
            matrix = np.frombuffer(self._numbers, dtype=np.float64).reshape(-1, self._width)
            matrix.flags.writeable = False
            self._matrix = matrix
        return self._matrix


@total_ordering
class ProbabilityRow(Sequence[float]):
    """The probabilities of one case in a block: behaves as a tuple of them, and is equal to it."""

    __slots__ = ("block", "first")

    def __init__(self, block: ProbabilityBlock, first: int) -> None:
        self.block, self.first = block, first

    def _all(self) -> array[float]:
        return self.block.numbers[self.first : self.first + self.block.width]

    def __len__(self) -> int:
        return self.block.width

    @overload
    def __getitem__(self, place: int) -> float: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[float, ...]: ...

    def __getitem__(self, place: int | slice) -> float | tuple[float, ...]:
        if isinstance(place, slice):
            return tuple(self._all()[place])
        width = self.block.width
        if not -width <= place < width:
            raise IndexError(place)
        return self.block.numbers[self.first + place % width]

    def __iter__(self) -> Iterator[float]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, tuple | ProbabilityRow) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return tuple(self) < tuple(other) if isinstance(other, tuple | ProbabilityRow) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[type[tuple[float, ...]], tuple[tuple[float, ...]]]:
        return tuple, (tuple(self),)  # alone, not with all others of its block

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[np.float64]:
        """Return (C,), so that NumPy does not ask for number after number."""
        import numpy as np

        return np.array(self._all(), dtype=dtype)


class _Case(Protocol):
    @property
    def probabilities(self) -> Sequence[float]: ...


def probabilities_of(cases: Sequence[_Case], classes: int) -> NDArray[np.float64]:
    """Return the probabilities of cases, (N, C) float64, not to be written to: perhaps it is where they are kept.

    Args:
        cases: Predictions, or what else has `probabilities`.
        classes: C, for where there is no case.

    Raises:
        ValueError: They do not all have as many.
    """
    import numpy as np

    rows = [each.probabilities for each in cases]
    block = rows[0].block if rows and isinstance(rows[0], ProbabilityRow) else None
    if block is None or not all(isinstance(row, ProbabilityRow) and row.block is block for row in rows):
        return np.array(rows, dtype=np.float64).reshape(-1, classes)
    at = np.fromiter((row.first for row in rows), dtype=np.int64, count=len(rows)) // block.width  # type: ignore[attr-defined]
    whole = block.matrix()
    if (np.diff(at) == 1).all():
        return whole[at[0] : at[-1] + 1]
    return whole[at]
