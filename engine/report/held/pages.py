"""A page of a bundle beside the one that its data give: its words, and all else but the coordinates of its figures."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from engine.report.exports.bundle.beside import Place
from engine.report.exports.bundle.differences import by_place, words_of
from engine.report.held.drawings import OURS, alike

MARK = re.compile(r' id="[^"]*" data-number="data-number"')
"""By which a page finds the numbers of a figure again: the figure's own file is without."""
DRAWING = re.compile(r"<svg\b.*?(?:</svg>|\Z)", re.DOTALL)


def page_places(name: str, there: bytes, made: str, *, exactly: bool) -> Iterator[Place]:
    """Yield the words of a page beside those that were made again, and whether its form is theirs.

    Args:
        name: Of the page.
        there: What stands in the bundle.
        made: From its data.
        exactly: Whether the form is asked: a picture or a style that hides a number are no words.
    """
    said = there.decode("utf-8", "replace")
    yield from by_place(name, words_of(said), words_of(made), after=True)
    if not exactly or said == made:
        return
    if DRAWING.sub("<svg>", said) != DRAWING.sub("<svg>", made):
        yield name, "what is no word (pictures, style)", "another one", "that of its data"
    for number, (one, other) in enumerate(zip(DRAWING.findall(said), DRAWING.findall(made), strict=False), 1):
        if not alike(one, other):
            yield name, f"figure {number}", "another one", OURS


def drawings_on(files: Mapping[str, bytes], page: str, again: Collection[str]) -> Iterator[Place]:
    """Yield the figures of a bundle that its page does not show, and those of the page that are no figure of it.

    Args:
        files: Of the bundle; what is missing is said among the files.
        page: Name of the page.
        again: The figures as they were drawn again.
    """
    if page not in files:
        return
    shown = MARK.sub("", files[page].decode("utf-8", "replace"))
    drawn = {name: data.decode("utf-8", "replace") for name, data in files.items() if name.endswith(".svg")}
    for name, svg in drawn.items():
        if svg not in shown:
            yield name, "the figure", "another one", f"that of {page}"
    for svg in {*DRAWING.findall(shown)} - {each.strip() for each in (*drawn.values(), *again)}:
        yield page, f"the figure “{' '.join(words_of(svg)[:3])} …”", "one that is in no file", "none"
