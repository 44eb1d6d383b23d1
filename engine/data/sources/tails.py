"""Things in folders, found by the last names of their paths in time that does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property


class Tails:
    """Things by each tail of their paths: `a.png`, `b/a.png`, `c/b/a.png`.

    Args:
        things: Numbers, and what each thing is called; one may be called several names.
        folders: By number, the names of the folders that a thing is in, from the top of the disk.
        above: How many of those are not under the root.
    """

    def __init__(self, things: list[tuple[int, str]], folders: list[tuple[str, ...]], above: int) -> None:
        self._things = things
        self._folders = folders
        self._above = above
        self._by_length: list[dict[str, list[int]]] = []

    def find(self, names: tuple[str, ...]) -> tuple[list[int], int]:
        """Return the numbers of what shares the longest tail with names, and how many names that is."""
        best: list[int] = []
        agreed = 0
        for length in range(1, len(names) + 1):
            found = self._by(length).get("/".join(names[-length:]))
            if found is None:
                break
            best, agreed = found, length
        return best, agreed

    def narrow(
        self, numbers: list[int], names: tuple[str, ...], agreed: int, beside: Sequence[str]
    ) -> list[int]:
        """Return those of the numbers found that lie in folders called as one of the words beside the path.

        Where several words name folders, the one that leaves the fewest goes first; a word that would leave none
        is passed over.
        """
        tail = names[len(names) - agreed : -1]
        keys = [(word, names[-1]) for word in dict.fromkeys(beside)]
        holding = {
            word: self._in_folder[word, name] for word, name in keys if (word, name) in self._in_folder
        }
        for word in sorted(holding, key=lambda word: len(holding[word])):
            fewer = min(numbers, holding[word], key=len)
            numbers = [number for number in fewer if self._lies_in(number, word, tail)] or numbers
        return numbers

    def _lies_in(self, number: int, word: str, tail: tuple[str, ...]) -> bool:
        folders = self._folders[number]
        return word in folders[self._above :] and folders[len(folders) - len(tail) :] == tail

    def _by(self, length: int) -> dict[str, list[int]]:
        while len(self._by_length) < length:
            count = len(self._by_length)
            tails: dict[str, list[int]] = {}
            for number, last in self._things:
                folders = self._folders[number]
                if count <= len(folders):
                    tails.setdefault("/".join((*folders[len(folders) - count :], last)), []).append(number)
            self._by_length.append(tails)
        return self._by_length[length - 1]

    @cached_property
    def _in_folder(self) -> dict[tuple[str, str], list[int]]:
        holding: dict[tuple[str, str], list[int]] = {}
        for number, last in self._things:
            for folder in self._folders[number][self._above :]:
                holding.setdefault((folder, last), []).append(number)
        return holding
