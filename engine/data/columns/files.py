"""Files by their names alone, in columns: `Walked` is all that lies under a folder, `Images` some of it."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from engine.data.columns.sequence import CHUNK, ColumnSequence, counted, is_all
from engine.data.columns.texts import Texts, TextsMade


class WalkedFolder(NamedTuple):
    """A folder: its path, the names from the root down to it, and the number of the one it is in; -1 for the root."""

    path: Path
    names: tuple[str, ...]
    outer: int


class WalkedFile(NamedTuple):
    """A file: the number of its folder, its name and its path."""

    folder: int
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and the names of the folders between the folder that was named and it."""

    names: tuple[str, ...]
    path: Path


class Walked(ColumnSequence[WalkedFile]):
    """Files under a folder: of each the number of its folder and its name.

    Attributes:
        folders: In which they are.
        numbers: (N,) int32, each file's folder.
        names: Of the files.
    """

    __slots__ = ("folders", "names", "numbers")

    def __init__(self, folders: Sequence[WalkedFolder], numbers: NDArray[np.int32], names: Texts) -> None:
        self.folders, self.numbers, self.names = folders, numbers, names

    def __len__(self) -> int:
        return len(self.numbers)

    def _made(self, first: int, last: int) -> list[WalkedFile]:
        numbers, names = self.numbers[first:last].tolist(), cast("list[str]", self.names.read(first, last))
        return [
            WalkedFile(number, name, self.folders[number].path / name)
            for number, name in zip(numbers, names, strict=True)
        ]

    def named(self) -> Iterator[tuple[int, str]]:
        """Yield the number of each file's folder, and its name: no path is made."""
        for first in range(0, len(self), CHUNK):
            last = min(first + CHUNK, len(self))
            names = cast("list[str]", self.names.read(first, last))
            yield from zip(self.numbers[first:last].tolist(), names, strict=True)

    def take(self, rows: NDArray[np.integer]) -> Walked:
        """Return some of them, in that order."""
        if is_all(rows, len(self)):
            return self
        return Walked(self.folders, self.numbers[rows], self.names.take(rows))


class WalkedMade:
    """Files while they are gathered."""

    def __init__(self) -> None:
        self._numbers, self._names, self._waiting = array("i"), TextsMade(), list[str]()

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, name: str) -> None:
        """Add one by its folder and name."""
        self._numbers.append(number)
        self._waiting.append(name)
        if len(self._waiting) == CHUNK:
            self._flush()

    def done(self, folders: Sequence[WalkedFolder]) -> Walked:
        """Return the columns."""
        self._flush()
        return Walked(folders, np.frombuffer(self._numbers, np.int32), self._names.done())

    def _flush(self) -> None:
        self._names.extend(self._waiting)
        self._waiting.clear()


class Images(ColumnSequence[Found]):
    """Files that should hold an image.

    Attributes:
        files: These, in the order of their paths.
    """

    __slots__ = ("files",)

    def __init__(self, files: Walked) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def _made(self, first: int, last: int) -> list[Found]:
        folders = self.files.folders
        return [Found(folders[number].names, path) for number, _, path in self.files[first:last]]

    def by_folder(self) -> Counter[int]:
        """Count images by the number of their folder, in the order in which folders come first."""
        return Counter(counted(self.files.numbers))

    def by_names(self) -> Counter[tuple[str, ...]]:
        """Count images by the names of the folders on the way to them, in that order."""
        folders = self.files.folders
        return Counter({folders[number].names: images for number, images in self.by_folder().items()})

    def kept(self, here: NDArray[np.bool_]) -> Images:
        """Return those that are kept."""
        if here.all():
            return self
        return Images(self.files.take(np.flatnonzero(here)))

    def in_folders(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Return (N,) which are in some folders."""
        inside = np.zeros(len(self.files.folders), bool)
        inside[list(numbers)] = True
        here: NDArray[np.bool_] = inside[self.files.numbers]
        return here
