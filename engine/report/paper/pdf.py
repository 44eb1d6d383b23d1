"""A page as PDF, set by Typst: tagged for screen readers (PDF/UA-1), made to be kept (PDF/A-2a).

Equal pages give equal bytes. Whatever Typst has to say against a page (a letter without a glyph, a picture without
words) ends it: a file that claims a standard and breaks it would be worse than none. Typst reads nothing outside the
folder that it is given, and fetches nothing.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from engine.errors import ReportError
from engine.language import _, isolated, ngettext, number, speaking
from engine.report.paper.columns import Fitted, breakable, fitted
from engine.report.paper.document import (
    Block,
    Document,
    Drawing,
    Film,
    Grid,
    Heading,
    Listing,
    Paragraph,
    Row,
    Span,
    Spans,
    Table,
)
from engine.report.paper.glyphs import FAMILY, font_folder, number_of, printable
from engine.report.paper.reading import read_page
from engine.storage import machine_trouble, storage_error

ROOM = 174 / 25.4 * 72
"""Points between the margins of A4, as `page.typ` has them."""

LONGEST_ALT = 16_000
"""Letters of the words that stand for a picture: a string in a PDF holds 32,767 bytes, two a letter."""

LONGEST_KEPT = 400
"""Letters of a cell whose row is kept on one page."""


def pdf_of(page: str) -> bytes:
    """Return a filled page as PDF.

    Args:
        page: As `engine.report.exports.html.fill_template` gives it.

    Raises:
        ReportError: It cannot be set without a fault.
        WorkspaceError: The disk is full.
    """
    import typst

    text, missing = printable(page)
    document = read_page(text)
    with speaking(document.language):
        document = _with_note(document, missing)
        words = {"foot": _("Made by Overread. Research use: not a medical device."), "pages": numerals()}
    try:
        with tempfile.TemporaryDirectory(prefix="overread-pdf-") as root:
            folder = Path(root)
            setting = folder / "page.typ"
            setting.write_bytes(files("engine.report.paper").joinpath("page.typ").read_bytes())
            with speaking(document.language):
                told = _Told(document, folder).all() | words
            (folder / "document.json").write_text(json.dumps(told), encoding="utf-8")
            made, warnings = typst.compile_with_warnings(
                str(setting),
                root=root,
                font_paths=[str(font_folder())],
                ignore_system_fonts=True,
                pdf_standards=["a-2a", "ua-1"],
                timestamp=int(document.made.timestamp()),
            )
    except OSError as error:
        raise machine_trouble(error) or storage_error(error, Path(tempfile.gettempdir())) from error
    except typst.TypstError as error:
        raise _fault(str(error)) from error
    if warnings or not made:
        raise _fault("; ".join(str(each) for each in warnings))
    return bytes(made)


def _with_note(document: Document, missing: list[str]) -> Document:
    """Return a document that says what its font lacks, before its first heading."""
    if not missing:
        return document
    said = ngettext(
        "{count} character is not in the font of this file; a number stands instead, such as {number}. The "
        "HTML form of this report shows it.",
        "{count} characters are not in the font of this file; a number stands instead, such as {number}. The HTML form "
        "of this report shows them.",
        len(missing),
    ).format(count=number(len(missing)), number=isolated(number_of(missing[0])))
    note = Paragraph((Span(said),), "caution")
    blocks = document.blocks
    front = next((at for at, each in enumerate(blocks) if isinstance(each, Heading)), len(blocks))
    return dataclasses.replace(document, blocks=(*blocks[:front], note, *blocks[front:]))


def _fault(said: str) -> ReportError:
    return ReportError(
        f"The report cannot be set as PDF: {said}",
        "Take the HTML, which holds the same, and report this sentence",
    )


def numerals() -> str:
    """Return a pattern of Typst for the number of a page, in the digits of the language that is spoken."""
    return number(1)


def part_of(at: int, parts: int) -> str:
    """Say which part of a table it is."""
    return _("Part {at} of {parts}.").format(at=number(at), parts=number(parts))


def _alt(words: str) -> str:
    return words if len(words) <= LONGEST_ALT else f"{words[:LONGEST_ALT]}…"


class _Told:
    """A document as data for `page.typ`, its pictures as files beside it."""

    def __init__(self, document: Document, folder: Path) -> None:
        self._document, self._folder, self._films = document, folder, 0

    def all(self) -> dict[str, Any]:
        document = self._document
        return {
            "title": document.title,
            "headline": self._spans(document.headline),
            "language": document.language,
            "rtl": document.rtl,
            "font": FAMILY,
            "blocks": self._blocks(document.blocks),
        }

    def _blocks(self, blocks: Iterable[Block]) -> list[dict[str, Any]]:
        """Return blocks in order; small print below a table belongs to it, that below a heading to what follows."""
        told: list[dict[str, Any]] = []
        for block in blocks:
            small = isinstance(block, Paragraph) and block.tone == "small"
            if small and told and told[-1]["is"] == "table":
                told[-1]["notes"] += [one["spans"] for one in self._block(block)]
                continue
            led = not told or told[-1]["is"] == "heading" or told[-1].get("leads", False)
            told += [one | {"leads": led} if small else one for one in self._block(block)]
        return told

    def _block(self, block: Block) -> list[dict[str, Any]]:
        match block:
            case Heading(spans, level):
                return [{"is": "heading", "level": level, "spans": self._spans(spans)}]
            case Paragraph(spans, tone):
                return [{"is": "paragraph", "tone": tone, "spans": self._spans(spans)}]
            case Listing(items, ordered):
                return [{"is": "listing", "ordered": ordered, "items": self._items(items)}]
            case Table():
                return [self._table(part) for part in fitted(block, ROOM)]
            case Drawing(svg, alt, width, caption):
                told = {"svg": svg, "alt": _alt(alt), "width": width, "caption": self._spans(caption)}
                return [{"is": "drawing", **told}]
            case Film(data, alt):
                self._films += 1
                name = f"picture-{self._films}.jpg"
                (self._folder / name).write_bytes(data)
                return [{"is": "picture", "file": name, "alt": _alt(alt)}]
            case Grid(items, columns, framed):
                return [{"is": "grid", "columns": columns, "framed": framed, "items": self._items(items)}]

    def _items(self, items: tuple[tuple[Block, ...], ...]) -> list[list[dict[str, Any]]]:
        return [self._blocks(blocks) for blocks in items]

    def _table(self, part: Fitted) -> dict[str, Any]:
        table = part.table
        caption = (*table.caption, Span(f" ({part_of(*part.part)})")) if part.part[1] > 1 else table.caption
        return {
            "is": "table",
            "caption": self._spans(caption),
            "head": self._rows(table.head),
            "body": self._rows(table.body),
            "widths": part.widths,
            "size": part.size,
            "repeat": len(table.head) < 4,
            "notes": [],
        }

    def _rows(self, rows: tuple[Row, ...]) -> list[list[dict[str, Any]]]:
        return [self._row(row) for row in rows]

    def _row(self, row: Row) -> list[dict[str, Any]]:
        breakable = any(sum(len(each.text) for each in cell.spans) > LONGEST_KEPT for cell in row)
        return [
            dataclasses.asdict(cell) | {"spans": self._spans(cell.spans), "breakable": breakable}
            for cell in row
        ]

    def _spans(self, spans: Spans) -> list[dict[str, Any]]:
        known = self._document.anchors
        return [
            dataclasses.asdict(each)
            | {"text": breakable(each.text)}
            | {"link": each.link if not each.link.startswith("#") or each.link[1:] in known else ""}
            for each in spans
        ]
