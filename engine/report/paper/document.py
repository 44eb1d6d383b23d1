"""A page as headings, paragraphs, lists, tables and pictures, whatever it will be set as."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """Letters of one look.

    Attributes:
        text: As it is read; a line break is `\\n`.
        strong: In bold.
        soft: In grey.
        raised: 1 above the line, -1 below it, 0 on it.
        link: `#anchor` of this document, or an address; empty for none.
        anchors: Names that this place has.
        language: Where it is another one than that of the document; empty where it is not.
    """

    text: str
    strong: bool = False
    soft: bool = False
    raised: int = 0
    link: str = ""
    anchors: tuple[str, ...] = ()
    language: str = ""


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the highest below the title."""

    spans: Spans
    level: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `tone` is empty, `caution` or `small`."""

    spans: Spans
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: each item is blocks of its own."""

    items: tuple[tuple[Block, ...], ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its letters, how far it reaches, and what it is.

    Attributes:
        spans: Its letters.
        columns: How many it spans.
        rows: How many it spans.
        head: Whether it heads a row or a column.
        number: Whether it is set to the end of its column and never broken.
    """

    spans: Spans
    columns: int = 1
    rows: int = 1
    head: bool = False
    number: bool = False


Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its `head` is repeated on every page."""

    caption: Spans
    head: tuple[Row, ...]
    body: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure: `<svg>` with its letters as letters; `width` in points."""

    svg: str
    alt: str
    width: float
    caption: Spans = ()


@dataclass(frozen=True, slots=True)
class Film:
    """A picture that was decoded and encoded again; `data` is a JPEG without anything beside its pixels."""

    data: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Things side by side, `columns` in a line; framed ones are cards."""

    items: tuple[tuple[Block, ...], ...]
    columns: int
    framed: bool = False


Block: TypeAlias = Heading | Paragraph | Listing | Table | Drawing | Film | Grid


@dataclass(frozen=True, slots=True)
class Document:
    """All of a page.

    Attributes:
        title: Of the file.
        headline: What stands at the top of the first page.
        made: When the report was made.
        language: Two letters, as HTML has them.
        rtl: Whether the whole is written from the right to the left.
        blocks: In the order of the page.
        anchors: Every name that a link may lead to.
    """

    title: str
    headline: Spans
    made: datetime
    language: str
    rtl: bool
    blocks: tuple[Block, ...]
    anchors: frozenset[str] = field(default_factory=frozenset)
