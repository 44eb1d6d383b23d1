"""What nothing in a bundle can be held against but its digest: whoever changes that as well is not found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.report.exports.bundle.beside import Place
from engine.report.exports.bundle.differences import by_place
from engine.report.exports.schema.earlier import README, writers
from engine.report.held.paper import set_otherwise

LEFT_OUT = re.compile(r"(?:\n[\d,]+ \w+ that named [\w ]+ (?:was|were) left out\.\n)?")


def readme_places(files: Mapping[str, bytes], says: str, **filled: str) -> Iterator[Place]:
    """Yield where README.txt does not say what it says in every bundle of its kind.

    Args:
        files: Of the bundle.
        says: In which who wrote it and what was left out are still to be put.
        filled: What else is put into it.
    """
    again = says.format(writers=writers(), **{"left_out": "", **filled})
    said = files.get(README, b"").decode("utf-8", "replace")
    if README in files and not LEFT_OUT.fullmatch(said.removeprefix(again)):
        yield from by_place(README, said.splitlines(), again.splitlines())


def by_digest(files: Mapping[str, bytes], page: str, *, exactly: bool, page_again: bool) -> tuple[str, ...]:
    """Return what is held by its digest alone.

    Args:
        files: Of the bundle.
        page: Its name.
        exactly: Whether figures, PDF and Word file were made again.
        page_again: Whether all words of the page were.
    """
    said = [] if page_again else [f"the images in {page} and its words that are in no other file"]
    if not exactly:
        drawn = "its figures, PDF and Word file"
        said.append(f"{drawn}, since another version of Overread, matplotlib or python-docx wrote them")
    elif set_otherwise(files, page):
        said.append("the PDF, since another version of Typst set it")
    return tuple(said)
