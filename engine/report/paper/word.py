"""The text and the tables of a page for Word, for a manuscript: real tables, numbered by fields, no pictures.

Rows stay whole, headers come again on every page, words from the right to the left run that way. Equal pages give equal
bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from engine.language import _, number, speaking
from engine.report.paper.columns import Fitted, fitted, joined_rows, placed
from engine.report.paper.directions import CONTROLS, WORDS, mostly_right
from engine.report.paper.document import (
    Block,
    Document,
    Drawing,
    Film,
    Grid,
    Heading,
    Listing,
    Paragraph,
    Span,
    Spans,
    Table,
)
from engine.report.paper.pdf import ROOM
from engine.report.paper.reading import read_page
from engine.report.paper.word_marks import field, kept_whole, ruled, set_language, set_right

if TYPE_CHECKING:
    from docx.document import Document as WordFile

SLACK = 0.75
"""Points of a column beyond what its letters need: Word counts in other steps, and would break the last letter off."""

MARGIN = 18
"""Millimetres, as in the PDF."""

AFTER_BIDI = ("w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr")
"""What Word wants to come after an element, of what a file of ours holds."""

LEFT_TO_RIGHT = re.compile("\u2066([^\u2066-\u2069]*)\u2069|\u2068([^\u0590-\u08ff\u2066-\u2069]*)\u2069")
LATIN = re.compile(
    r"\u200e[^\u200e]*\u200e|[A-Za-z\u00c0-\u058f](?:[^\n\u0590-\u08ff]*[A-Za-z\u00c0-\u058f\d])?"
)
"""What runs to the right in a text to the left: between marks, and from a Latin letter to the last one or digit."""
MARK = "\u200e"
"""Makes the numbers beside it run to the right; unlike isolates, every program reads it."""


def word_of(page: str) -> bytes:
    """Return a filled page as a Word file (.docx).

    Args:
        page: As `engine.report.exports.html.fill_template` gives it.

    Raises:
        ReportError: It is no page of a report.
    """
    import docx

    document = read_page(page, pictures=False)
    with speaking(document.language):
        written = _Written(docx.Document(), document)
        written.all()
    stream = io.BytesIO()
    written.file.save(stream)
    return _dated(stream.getvalue(), document.made)


def _dated(data: bytes, made: datetime) -> bytes:
    """Return a zip whose members all bear one time: the report's own, not that of the clock."""
    stream = io.BytesIO()
    when = made.astimezone(UTC)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(
                zipfile.ZipInfo(name, when.timetuple()[:6]),
                old.read(name),
                compress_type=zipfile.ZIP_DEFLATED,
            )
    return stream.getvalue()


def _worded(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield what a manuscript takes: no pictures, no cards of single cases, and of grids what stands in them.

    How cards are to be looked at is small print above them: where they are is said in its place.
    """
    for block, following in pairwise((*blocks, None)):
        of_cards = isinstance(following, Grid) and following.framed
        if isinstance(block, Grid) and not block.framed:
            for item in block.items:
                yield from _worded(item)
        elif isinstance(block, Paragraph) and block.tone == "small" and of_cards:
            yield Paragraph(
                (Span(_("These cases stand with their images in the HTML and the PDF."), soft=True),)
            )
        elif block is not None and not isinstance(block, Film | Drawing | Grid):
            yield block


def _with_text(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks without the headings that nothing is left under."""
    kept: list[Block] = []
    lowest = 0  # the level of the next heading that is kept; 0 at the end
    text = False
    for block in reversed(blocks):
        if not isinstance(block, Heading):
            kept.append(block)
            text = True
        elif text or lowest > block.level:
            kept.append(block)
            lowest, text = block.level, False
    return kept[::-1]


def _tables(blocks: Iterable[Block]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Grid | Listing):
            for item in block.items:
                yield from _tables(item)


class _Written:
    """A Word file while it is written."""

    def __init__(self, file: WordFile, document: Document) -> None:
        self.file, self._document = file, document
        self._tables = 0
        texts = ("".join(each.text for each in table.caption) for table in _tables(document.blocks))
        self._before, after = _("Table {number}.").split("{number}")
        number = rf"{re.escape(self._before)}(?P<section>\d+\.)?(?P<number>\d+){re.escape(after)}\s*"
        self._number = re.compile(number)
        # by the page: what it leaves without a number has none
        self._numbered = any(map(self._number.match, texts))

    def all(self) -> None:
        """Write all of the document."""
        from docx.shared import Mm, Pt, RGBColor

        section = self.file.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        for side in ("left", "right", "top", "bottom"):
            setattr(section, f"{side}_margin", Mm(MARGIN))
        normal: Any = self.file.styles["Normal"]
        normal.font.name, normal.font.size = "Arial", Pt(9.5)
        caption: Any = self.file.styles["Caption"]
        # three lines of it in blue and bold would outshout the table; its number alone is bold
        caption.font.bold = caption.font.cs_bold = False
        caption.font.color.rgb = RGBColor(0, 0, 0)
        self._properties()
        kept = self.file.part.package.rels
        for name in [name for name, each in kept.items() if each.reltype.endswith("/thumbnail")]:
            del kept[name]  # of the empty file that every Word file begins as
        self._paragraph(self._document.headline, "Title")
        without = _(
            "The text and the tables of the report, for a manuscript. Its figures and images are in the HTML "
            "and the PDF."
        )
        self._paragraph((Span(without, soft=True),), "Normal")
        for block in _with_text(list(_worded(self._document.blocks))):
            self._block(block)

    def _properties(self) -> None:
        made, about = self._document.made.astimezone(UTC).replace(tzinfo=None), self.file.core_properties
        about.title, about.language = self._document.title[:255], self._document.language
        about.author = about.last_modified_by = "Overread"
        about.created = about.modified = made
        about.comments, about.revision = "", 1

    def _block(self, block: Block) -> None:
        match block:
            case Heading(spans, level):
                self._paragraph(spans, f"Heading {min(level, 9)}")
            case Paragraph(spans, _tone):
                self._paragraph(spans, "Normal")
            case Listing(items, ordered):
                for item in items:
                    style = "List Number" if ordered else "List Bullet"
                    for inner in _worded(item):
                        if isinstance(inner, Paragraph):
                            self._paragraph(inner.spans, style)
                            style = "List Continue"
                        else:
                            self._block(inner)
            case Table():
                for part in fitted(block, ROOM):
                    self._table(part)

    # -------------------------------------------------------------------------------------------- letters

    def _paragraph(self, spans: Spans, style: str) -> Any:
        paragraph = self.file.add_paragraph(style=style)
        self._letters(paragraph, spans)
        return paragraph

    def _letters(self, paragraph: Any, spans: Spans, size: float = 0.0) -> None:
        """Add letters; what runs from the right to the left is told so, since Word does not read isolates."""
        from docx.shared import Pt

        self._turned(paragraph, spans)
        turned = self._document.rtl
        other = LATIN if turned else WORDS  # what runs the other way than the document
        for span in spans:
            text = (
                LEFT_TO_RIGHT.sub(rf"{MARK}\1\2{MARK}", span.text) if turned else CONTROLS.sub("", span.text)
            )
            text = "".join(
                sign
                for sign in text
                if (sign >= " " or sign == "\n") and (sign == MARK or not CONTROLS.match(sign))
            )
            at = 0
            for found in other.finditer(text):
                self._run(paragraph, span, text[at : found.start()], size, right=turned)
                self._run(paragraph, span, found[0], size, right=not turned)
                at = found.end()
            self._run(paragraph, span, text[at:], size, right=turned)
        if size:
            paragraph.paragraph_format.space_after = Pt(0)

    def _turned(self, paragraph: Any, spans: Spans = ()) -> None:
        """Let a paragraph run from the right to the left where the document does, or most of its letters."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        about = paragraph._p.get_or_add_pPr()
        wanted = self._document.rtl or mostly_right("".join(each.text for each in spans))
        if wanted and about.find(qn("w:bidi")) is None:
            about.insert_element_before(OxmlElement("w:bidi"), *AFTER_BIDI)

    def _run(self, paragraph: Any, span: Span, text: str, size: float, *, right: bool = False) -> None:
        from docx.shared import Pt, RGBColor

        if not text:
            return
        run = paragraph.add_run(text)
        if span.strong:
            run.bold = True
        if span.soft:
            run.font.color.rgb = RGBColor(0x4B, 0x55, 0x63)
        if span.raised:
            run.font.superscript, run.font.subscript = span.raised > 0, span.raised < 0
        if size:
            run.font.size = Pt(size)
        if right:
            set_right(run, bold=span.strong, size=size)
        if span.language or self._document.rtl:
            set_language(run, span.language, self._document.language)

    # --------------------------------------------------------------------------------------------- tables

    def _caption(self, part: Fitted) -> None:
        """Write “Table 2.1.” with a field that Word counts, and the caption after it."""
        spans = part.table.caption
        found = self._number.match("".join(each.text for each in spans))
        if self._numbered and not found:
            if spans:
                self._paragraph(spans, "Caption")
            return
        section, count = (
            (found["section"] or "", found["number"]) if found else ("", number(self._tables + 1))
        )
        paragraph = self.file.add_paragraph(style="Caption")
        paragraph.paragraph_format.keep_with_next = True
        if part.part[0] == 1:
            self._tables += 1
            self._turned(paragraph)
            turned = True if self._document.rtl else None
            run = paragraph.add_run(self._before)
            run.bold, run.font.cs_bold, run.font.rtl = True, turned, turned
            if section:  # one number with the count, 12.4: from the right to the left it would be 4.12
                run = paragraph.add_run(f"\u200e{section}" if turned else section)
                run.bold, run.font.cs_bold = True, turned
            counter = f"_{int(section.rstrip('.'))}" if section else ""
            field(paragraph, f"SEQ Table{counter} \\* ARABIC", count)
            if section and turned:
                paragraph.add_run("\u200e")
            told = _after(spans, found.end() if found else 0)
            if told:
                paragraph.add_run(". ").font.rtl = turned
                self._letters(paragraph, told)
        else:
            self._turned(paragraph)
            said = _("Continued: part {at} of {parts}.")
            at, parts = (number(each) for each in part.part)
            self._letters(paragraph, (Span(said.format(at=at, parts=parts)),))

    def _table(self, part: Fitted) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt

        self._caption(part)
        rows = (*part.table.head, *part.table.body)
        table = self.file.add_table(len(rows), len(part.widths))
        table.autofit = False
        ruled(table, rtl=self._document.rtl)
        widths = [Pt(points + SLACK) for points in part.widths]
        for column, wide in zip(table.columns, widths, strict=True):
            column.width = wide
        cells = table._cells  # once: it is counted anew at each asking
        across = len(part.widths)
        for at, each in enumerate(cells):
            each.width = widths[at % across]
        merged = []
        # Heads and bodies are placed apart, as in the page: no cell reaches from one into the other.
        places = [
            *placed(part.table.head),
            *((down + len(part.table.head), beside, cell) for down, beside, cell in placed(part.table.body)),
        ]
        for down, beside, cell in places:
            one = cells[down * across + beside]
            paragraph = one.paragraphs[0]
            if cell.number:
                # In a paragraph from right to left Word takes “right” for its end, which is on the left.
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            self._letters(paragraph, cell.spans, part.size)
            last = min(down + cell.rows, len(rows)) - 1, min(beside + cell.columns, across) - 1
            if last != (down, beside):
                merged.append((one, cells[last[0] * across + last[1]]))
        for first, last_cell in merged:
            first.merge(last_cell)
        joined = joined_rows(part)
        for down, row in enumerate(table._tbl.tr_lst):
            kept_whole(row, head=down < len(part.table.head), joined=down in joined)
        self.file.add_paragraph().paragraph_format.space_after = Pt(2)


def _after(spans: Spans, letters: int) -> Spans:
    """Return spans without their first letters."""
    kept = []
    for span in spans:
        text = span.text[letters:] if letters < len(span.text) else ""
        letters = max(0, letters - len(span.text))
        if text:
            kept.append(Span(text, span.strong, False, span.raised))
    return tuple(kept)
