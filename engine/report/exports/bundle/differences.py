"""What is printed in a bundle beside what was found again: each place, what agrees, and what does not."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

from engine.report.exports.bundle.beside import Place
from engine.spreadsheet import read_csv

SUMS = "SHA256SUMS"
NEAR = 1e-9  # relative: the order in which patients are added up differs


@dataclass(frozen=True, slots=True)
class Difference:
    """A number, a word or a picture that is not what it is made from.

    Attributes:
        where: File and place in it, such as "report.json: against[0].estimates.AUROC.value".
        printed: What stands there.
        computed: What should stand there: what case table, report.json or page give.
    """

    where: str
    printed: Any
    computed: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What was found in a bundle.

    Attributes:
        about: What the bundle is of: "run 20261126-0715".
        run_id: Of the report; empty where it is of no run.
        images: Of the report, or cases of a study.
        files: With the digest that is written for them.
        changed: Files with another digest, files without one, and files that are missing or too many; sentences.
        agree: Numbers that were computed again and are the same, by file.
        differences: What is not the same.
        taken: Numbers of its JSON that the case table does not give, by section: they were not checked.
        by_digest: What nothing in it can be held against, in words: its digest alone tells whether it was changed.
        earlier: The version that wrote it, where that wrote less than this one does; empty otherwise. What it wrote is
            computed again; its page, whose words may be other ones, is held by its digest and its ids.
    """

    about: str
    run_id: str = ""
    images: int
    files: int
    changed: tuple[str, ...]
    agree: Mapping[str, int]
    differences: tuple[Difference, ...]
    taken: Mapping[str, int]
    earlier: str = ""
    by_digest: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not (self.changed or self.differences)


def digests(
    files: Mapping[str, bytes], needed: Iterable[str], others: Container[str] = ()
) -> tuple[tuple[str, ...], int]:
    """Hold the files against their digests, and against those that such a bundle has.

    Args:
        files: By name.
        needed: Files without which it is not whole.
        others: Files that it may have beside them.

    Returns:
        What is wrong, and how many digests there are.
    """
    needed = {*needed, SUMS}
    lines = files.get(SUMS, b"").decode("utf-8", "replace").splitlines()
    written = {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}
    said = [] if written else [f"{SUMS} is missing or empty"]
    for name, digest in written.items():
        if name not in files:
            said.append(f"{name} is missing")
        elif sha256(files[name]).hexdigest() != digest:
            said.append(f"{name} was changed after the bundle was written")
    said += [f"{name} is missing" for name in sorted(needed - files.keys() - written.keys() - {SUMS})]
    for name in files:
        if name not in written and name != SUMS:
            said.append(f"{name} was added after the bundle was written")
        elif name not in needed and name not in others:
            said.append(f"{name} was added: no bundle of this report holds it")
    return tuple(said), len(written)


def pairs(printed: Any, computed: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield place, printed and computed value of every leaf that either has."""
    if isinstance(printed, dict) and isinstance(computed, dict):
        for name in dict.fromkeys((*computed, *printed)):
            dot = f"{place}.{name}" if place else name
            yield from pairs(printed.get(name), computed.get(name), dot)
    elif isinstance(printed, list) and isinstance(computed, list):
        for number in range(max(len(printed), len(computed))):
            one, other = (side[number] if number < len(side) else None for side in (printed, computed))
            yield from pairs(one, other, f"{place}[{number}]")
    else:
        yield place, printed, computed


def hold(places: Iterable[Place], agree: Counter[str]) -> Iterator[Difference]:
    """Hold each leaf of what stands in a file against what was found again: count what agrees, yield what does not."""
    for file, place, printed, computed in places:
        for inner, one, other in pairs(printed, computed, place):
            number, said = _number(other), _number(one)
            if number is not None and said is not None:
                same = math.isclose(number, said, rel_tol=NEAR, abs_tol=NEAR)
                agree[file] += same
            else:
                same = one == other
            if not same:
                yield Difference(f"{file}: {inner}", one, other)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def numbers(value: Any) -> Iterator[float]:
    """Yield every number of a document."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def table_places(
    file: str, printed: bytes | None, computed: bytes, *, earlier: bool = False
) -> Iterator[Place]:
    """Yield each cell of a table that stands in a bundle beside the one that was found again.

    `earlier`: an earlier version wrote it, which may have had fewer columns. A table that is missing is said among the
    files.
    """
    if printed is None:
        return
    names, rows = read_csv(computed)
    try:
        headings, lines = read_csv(printed)
    except csv.Error:
        headings, lines = [], []
    known = [name for name in names if name in headings] if earlier else names
    yield file, "headings", headings, known
    places = [[of.index(name) if name in of else len(of) for name in known] for of in (headings, names)]
    for number in range(max(len(rows), len(lines))):
        sides = [side[number] if number < len(side) else [] for side in (lines, rows)]
        for column, name in enumerate(known):
            cells = [
                side[of[column]] if of[column] < len(side) else None
                for side, of in zip(sides, places, strict=True)
            ]
            yield file, f"line {number + 2}, {name}", cells[0], cells[1]


def by_place(
    file: str, printed: Sequence[str], computed: Sequence[str], *, after: bool = False
) -> Iterator[Place]:
    """Yield lines or words side by side, up to the first that is another where one side is longer."""
    before = ""
    for number, (one, other) in enumerate(zip_longest(printed, computed), 1):
        yield file, f"after “{before}”" if after else f"line {number}", one, other
        if one != other and len(printed) != len(computed):
            return
        before = other or ""


def words_of(page: str) -> list[str]:
    """Return the words of an HTML page or an SVG, one piece of text after the other."""
    reader = _Words()
    reader.feed(page)
    reader.close()
    return reader.found


class _Words(HTMLParser):
    """Collects text that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden and (text := " ".join(data.split())):
            self.found.append(text)
