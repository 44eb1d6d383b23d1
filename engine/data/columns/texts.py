"""Columns of texts: one behind the other in one buffer, or a number each where few different ones repeat."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
_NONE = b"\xff"  # in no text as UTF-8
_HALVES = "surrogatepass"  # names of files on Linux need not be text, and come back as they were
_LARGEST = 2**32 - 1


class Texts:
    """Texts, any of which may be None, in one buffer.

    Args:
        text: The buffer, UTF-8.
        starts: (N,) where each begins.
        ends: (N,) where each ends.
    """

    __slots__ = ("ends", "starts", "text")

    def __init__(
        self, text: bytes | bytearray, starts: NDArray[np.integer], ends: NDArray[np.integer]
    ) -> None:
        self.text, self.starts, self.ends = text, starts, ends

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def nothing(cls, count: int) -> Texts:
        """Return so many that are None, which take no room."""
        zero, one = np.zeros(1, np.uint32), np.ones(1, np.uint32)
        return cls(_NONE, np.broadcast_to(zero, count), np.broadcast_to(one, count))

    def take(self, rows: NDArray[np.integer]) -> Texts:
        """Return some of them, in that order; the buffer is shared."""
        if self.text is _NONE:
            return Texts.nothing(len(rows))
        return Texts(self.text, self.starts[rows], self.ends[rows])

    def read(self, first: int, last: int) -> list[str | None]:
        """Return those from a row up to another."""
        if self.text is _NONE:
            return [None] * (last - first)
        text, starts, ends = self.text, self.starts[first:last].tolist(), self.ends[first:last].tolist()
        if not starts:
            return []
        low, high = min(starts), max(ends)
        if high - low <= 4096 + 64 * len(starts) and (whole := text[low:high]).isascii():
            plain = whole.decode("ascii")
            return [plain[start - low : end - low] for start, end in zip(starts, ends, strict=True)]
        cells = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        return [None if cell == _NONE else cell.decode("utf-8", _HALVES) for cell in cells]

    def present(self) -> NDArray[np.bool_]:
        """Return (N,) which are not None."""
        if self.text is _NONE:
            return np.zeros(len(self), bool)
        if not self.text:
            return np.ones(len(self), bool)
        buffer = np.frombuffer(self.text, np.uint8)
        here = self.ends > self.starts
        absent: NDArray[np.bool_] = here & (buffer[np.where(here, self.starts, 0)] == _NONE[0])
        return ~absent

    def without(self, rows: NDArray[np.int64]) -> Texts:
        """Return them with None at some rows."""
        text = bytearray(self.text) + _NONE
        starts, ends = np.array(self.starts, np.int64), np.array(self.ends, np.int64)
        starts[rows], ends[rows] = len(text) - 1, len(text)
        return Texts(text, starts, ends)


class TextsMade:
    """Texts while they are gathered."""

    __slots__ = ("_count", "_ends", "_text")

    def __init__(self) -> None:
        self._text, self._ends, self._count = bytearray(), array("I", [0]), 0

    def extend(self, texts: Sequence[str | None]) -> None:
        """Add some."""
        self._count += len(texts)
        if len(self._ends) == 1:
            if all(text is None for text in texts):
                return
            self._append([_NONE] * (self._count - len(texts)))
        self._append([_NONE if text is None else text.encode("utf-8", _HALVES) for text in texts])

    def done(self) -> Texts:
        """Return the column."""
        if len(self._ends) == 1:
            return Texts.nothing(self._count)
        bounds: NDArray[np.integer] = np.frombuffer(
            self._ends, np.uint32 if self._ends.typecode == "I" else np.uint64
        )
        return Texts(self._text, bounds[:-1], bounds[1:])

    def _append(self, cells: Sequence[bytes]) -> None:
        begins = len(self._text)
        self._text += b"".join(cells)
        if len(self._text) > _LARGEST and self._ends.typecode == "I":
            self._ends = array("Q", self._ends)
        ends = accumulate(map(len, cells), initial=begins)
        next(ends)
        self._ends.extend(ends)


class Coded(Generic[Value]):
    """Values of which few are different: a number each.

    Args:
        codes: (N,) places in `values`, in as few bytes as they take.
        values: The different ones.
    """

    __slots__ = ("codes", "values")

    def __init__(self, codes: NDArray[np.integer], values: Sequence[Value]) -> None:
        self.codes, self.values = codes, values

    def take(self, rows: NDArray[np.integer]) -> Coded[Value]:
        """Return some of them, in that order."""
        return Coded(self.codes[rows], self.values)

    def read(self, first: int, last: int) -> list[Value]:
        """Return those from a row up to another."""
        values = self.values
        return [values[code] for code in self.codes[first:last].tolist()]

    def there(self) -> set[Value]:
        """Return the different values that occur."""
        return {self.values[code] for code in np.unique(self.codes).tolist()}

    def rows_of(self, value: Value) -> NDArray[np.int64]:
        """Return the rows that hold a value."""
        if value not in self.values:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.codes == self.values.index(value))


class CodedMade(Generic[Value]):
    """Values of which few are different, while they are gathered."""

    __slots__ = ("_codes", "_known")

    def __init__(self) -> None:
        self._codes, self._known = array("B"), dict[Value, int]()

    def extend(self, values: Iterable[Value]) -> None:
        """Add some."""
        known = self._known
        codes = [known.setdefault(value, len(known)) for value in values]
        if len(known) > 1 << 8 * self._codes.itemsize:
            self._codes = array("H" if len(known) <= 1 << 16 else "I", self._codes)
        self._codes.extend(codes)

    def done(self) -> Coded[Value]:
        """Return the column."""
        return Coded(np.frombuffer(self._codes, f"u{self._codes.itemsize}"), tuple(self._known))
