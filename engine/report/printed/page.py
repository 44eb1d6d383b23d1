"""What a page prints of each number: read back from its HTML, by the id of the number."""

from __future__ import annotations

from html.parser import HTMLParser

from engine.report.paper.directions import with_minus
from engine.report.printed.records import Cell


def on_the_page(cell: Cell) -> str:
    """Return what stands in a cell of the page, in one line."""
    return with_minus(" ".join(f"{cell.text} {cell.beside}".split()))


def numbers_on(page: str) -> dict[str, str]:
    """Return what a page prints of each number, by its id."""
    reader = _Numbers()
    reader.feed(page)
    reader.close()
    return {name: " ".join("".join(pieces).split()) for name, pieces in reader.found.items()}


class _Numbers(HTMLParser):
    """Elements with an id and `data-number`; what stands between their tags is what is printed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.now: list[str] | None = None
        self.tag, self.depth = "", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name = said.get("id")
        if self.now is not None:
            self.depth += tag == self.tag
            if tag == "br":
                self.now.append(" ")
        elif name and "data-number" in said:
            self.now, self.tag, self.depth = self.found.setdefault(name, []), tag, 1

    def handle_endtag(self, tag: str) -> None:
        if self.now is not None and tag == self.tag:
            self.depth -= 1
            if not self.depth:
                self.now = None

    def handle_data(self, data: str) -> None:
        if self.now is not None:
            self.now.append(data)
