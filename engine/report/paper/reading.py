"""A filled page, read back as a plain document.

Everything that a reader of the page sees is kept: an element that is not known here is read for what is in it. Style is
left out, and the line of links at the top, which the printed table of contents replaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from engine.errors import ReportError
from engine.report.paper.document import (
    Block,
    Cell,
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
from engine.report.paper.films import colour_bar, decoded, stacked

UNSEEN = {"head", "style", "script", "nav", "template", "-comment"}
INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "em", "i", "kbd", "label", "mark", "q", "s", "samp", "small",
    "span", "strong", "sub", "sup", "time", "u", "var", "wbr", "-text",
}  # fmt: skip
HEADINGS = {f"h{level + 1}": level for level in range(1, 6)}
SOFT = {"soft", "small", "why"}
GRIDS = {"gallery": 3, "charts": 2, "pictures": 2}
"""How many stand side by side in an element of a class."""

ISOLATED = {"ltr": "\u2066", "rtl": "\u2067", "auto": "\u2068"}
POINTS = {"pt": 1.0, "px": 0.75, "": 0.75, "in": 72.0}
TALLEST = 640.0
"""Points of a drawing's height: a page's, less a line for its caption."""

UNREADABLE = "This picture cannot be read."


@dataclass
class _Page:
    """What is known of a page while it is read."""

    colours: Mapping[str, str]
    pictures: bool = True
    rtl: bool = False
    anchors: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    level: int = 0

    def take(self) -> tuple[str, ...]:
        """Return the names that the next thing has."""
        names, self.waiting = tuple(self.waiting), []
        return names

    def note(self, node: LexborNode) -> None:
        """Keep the name of an element for what comes next; the first of a name holds it."""
        name = _said(node, "id")
        if name and name not in self.anchors:
            self.anchors.add(name)
            self.waiting.append(name)


def read_page(page: str, *, pictures: bool = True) -> Document:
    """Return what a page says.

    Args:
        page: As `engine.report.exports.html.fill_template` gives it, with the time at which the report was made.
        pictures: Whether films are wanted, which take most of the time.

    Raises:
        ReportError: It is no such page.
    """
    tree = LexborHTMLParser(page)
    made, root, body = tree.css_first('meta[name="created"]'), tree.root, tree.body
    if made is None or root is None or body is None:
        raise ReportError("This page is no report of Overread", "Write the report again")
    style = "".join(each.text() for each in tree.css("style"))
    rtl = _said(root, "dir") == "rtl"
    colours = dict(reversed(re.findall(r"(--[\w-]+):\s*([^;}]+)", style)))
    reader = _Page(colours=colours, pictures=pictures, rtl=rtl)
    title, top = tree.css_first("title"), body.css_first("h1")
    headline = _within(top, reader) if top is not None else ()
    if top is not None:
        top.decompose()
    blocks = tuple(_blocks(body, reader))
    return Document(
        title=_flat(title.text()) if title else "",
        headline=headline,
        made=datetime.fromisoformat(_said(made, "content")),
        language=_said(root, "lang") or "en",
        rtl=rtl,
        blocks=blocks,
        anchors=frozenset(reader.anchors.difference(reader.waiting)),
    )


def _said(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _unseen(node: LexborNode) -> bool:
    return _tag(node) in UNSEEN or "hidden" in node.attributes


def _classes(node: LexborNode) -> set[str]:
    return set(_said(node, "class").split())


def _tag(node: LexborNode) -> str:
    return node.tag or ""


def _flat(text: str) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text)


# ------------------------------------------------------------------------------------------------ letters


def _spans(node: LexborNode, page: _Page, look: Span, *, inside: bool = True) -> Iterator[Span]:
    """Yield the letters of an element, or of what is in it."""
    tag = _tag(node)
    if tag == "-text":
        whole, parent = node.text_content or "", node.parent
        kept = parent is not None and "written" in _classes(parent)  # what somebody typed, line by line
        for number, line in enumerate(whole.split("\n") if kept else [whole]):
            if number:
                yield replace(look, text="\n")
            text = _flat(line)
            if text:
                yield replace(look, text=text, anchors=page.take() if text.strip() else ())
        return
    if _unseen(node):
        return
    if tag in ("img", "svg"):  # within a line or a cell, where its words stand for it
        text = _said(node, "alt") or _said(node, "aria-label")
        yield replace(look, text=_flat(text))
        return
    if tag == "br":
        yield replace(look, text="\n")
        return
    page.note(node)
    classes = _classes(node)
    look = replace(
        look,
        strong=look.strong or tag in ("strong", "b"),
        soft=look.soft or bool(classes & SOFT),
        raised={"sup": 1, "sub": -1}.get(tag, look.raised),
        link=_said(node, "href") if tag == "a" else look.link,
        language=_said(node, "lang") or look.language,
    )
    isolated = ISOLATED.get(_said(node, "dir") or ("auto" if tag == "bdi" else ""), "")
    if isolated:
        yield replace(look, text=isolated)
    for child in node.iter(include_text=True):
        apart = _tag(child) not in INLINE and _tag(child) not in UNSEEN  # a line of its own
        if apart:
            yield replace(look, text="\n")
        yield from _spans(child, page, look)
        if apart:
            yield replace(look, text="\n")
    if isolated:
        yield replace(look, text="\u2069")


def _tidy(spans: Iterable[Span]) -> Spans:
    """Return spans as a browser sets them: one space between words, none at the ends of lines, equal looks joined."""
    tidy: list[Span] = []
    at_start = True
    for span in spans:
        text = span.text
        if text == "\n":
            while tidy and tidy[-1].text.endswith(" "):
                tidy[-1] = replace(tidy[-1], text=tidy[-1].text[:-1])
            if not any(each.text.strip(" \n") for each in tidy) or tidy[-1].text.endswith("\n"):
                continue
        elif at_start:
            text = text.lstrip(" ")
        if not text:
            continue
        at_start = text[-1] in " \n"
        if tidy and not span.anchors and replace(tidy[-1], text="", anchors=()) == replace(span, text=""):
            tidy[-1] = replace(tidy[-1], text=tidy[-1].text + text)
        else:
            tidy.append(replace(span, text=text))
    while tidy and not tidy[-1].text.rstrip(" \n"):
        tidy.pop()
    if tidy:
        tidy[-1] = replace(tidy[-1], text=tidy[-1].text.rstrip(" \n"))
    return tuple(tidy)


def _within(node: LexborNode, page: _Page, look: Span | None = None) -> Spans:
    return _tidy(_spans(node, page, look or Span("")))


# ------------------------------------------------------------------------------------------------- blocks


def _blocks(node: LexborNode, page: _Page) -> Iterator[Block]:
    """Yield what an element holds; letters between blocks are paragraphs."""
    loose: list[Span] = []
    for child in node.iter(include_text=True):
        tag = _tag(child)
        if _unseen(child):
            continue
        if tag == "img":
            yield from _film(child, page)
        elif tag in INLINE and not child.css_first("img, svg"):
            loose += _spans(child, page, Span("", soft=bool(_classes(node) & SOFT)))
        else:
            yield from _paragraph(loose, node)
            loose = []
            page.note(child)
            yield from _block(child, page)
    yield from _paragraph(loose, node)


def _paragraph(loose: list[Span], node: LexborNode) -> Iterator[Block]:
    spans = _tidy(loose)
    if spans:
        yield Paragraph(spans, _tone(node))


def _tone(node: LexborNode) -> str:
    classes = _classes(node)
    return "caution" if "caution" in classes else "small" if classes & SOFT else ""


def _block(node: LexborNode, page: _Page) -> Iterator[Block]:
    tag, classes = _tag(node), _classes(node)
    columns = next((number for name, number in GRIDS.items() if name in classes), 0)
    if tag in HEADINGS:
        spans = _within(node, page)
        if spans:
            page.level = min(HEADINGS[tag], page.level + 1)  # no level is left out, whatever the page does
            yield Heading(spans, page.level)
    elif tag == "table":
        yield _table(node, page)
    elif tag == "svg":
        yield _drawing(node, page, ())
    elif tag == "figure":
        yield from _figure(node, page)
    elif tag == "dl":
        yield _terms(node, page)
    elif columns:
        items = [tuple(_block(part, page)) for part in node.iter() if not _unseen(part)]
        yield Grid(tuple(each for each in items if each), columns, framed=tag in ("ul", "ol"))
    elif tag in ("ul", "ol"):
        items = [tuple(_blocks(item, page)) for item in node.iter() if _tag(item) == "li"]
        if any(items):
            yield Listing(tuple(each for each in items if each), ordered=tag == "ol")
    elif "scale" in classes:
        yield from _scale(node, page)
    elif tag == "pre":
        yield Paragraph((Span((node.text() or "").strip("\n").expandtabs(4)),))
    elif tag == "summary":
        yield from _paragraph(list(_spans(node, page, Span("", strong=True))), node)
    else:
        yield from _blocks(node, page)


def _terms(node: LexborNode, page: _Page) -> Block:
    """Return terms and what is said of each as lines: “Predicted: opacity”."""
    items: list[tuple[Block, ...]] = []
    term: Spans = ()
    for child in node.css("dt, dd"):
        spans = _within(child, page)
        if child.tag == "dt":
            term = (*(replace(each, soft=True) for each in spans), Span(": ", soft=True))
        elif spans:
            items.append((Paragraph((*term, *spans)),))
            term = ()
    return Grid(tuple(items), 1)


def _scale(node: LexborNode, page: _Page) -> Iterator[Block]:
    """Yield a heatmap's colour bar, its numbers and what they are of."""
    bar = node.css_first("i")
    data = colour_bar(_said(bar, "style")) if bar is not None else None
    if data is not None:
        yield Film(data, alt=_said(node, "aria-label"))
    ticks = node.css_first(".ticks")
    if ticks is not None:
        numbers = tuple((Paragraph(_within(each, page), "small"),) for each in ticks.css("span"))
        # A grid begins where the page's lines do, and the bar above it on the left.
        yield Grid(numbers[::-1] if page.rtl else numbers, len(numbers))
        ticks.decompose()
    yield from _paragraph(list(_spans(node, page, Span("", soft=True))), node)


# ----------------------------------------------------------------------------------------------- pictures


def _film(node: LexborNode, page: _Page) -> Iterator[Block]:
    """Yield a picture; one without words (`alt`) says nothing."""
    alt = _said(node, "alt")
    if not alt or not page.pictures:
        return
    picture = decoded(_said(node, "src"))
    if picture is None:
        yield Paragraph((Span(f"{alt}: {UNREADABLE}"),), "caution")
    else:
        yield Film(stacked([picture]), alt=alt)


def _figure(node: LexborNode, page: _Page) -> Iterator[Block]:
    drawings = node.css("svg")
    told = node.css_first("figcaption")
    caption = _within(told, page) if told is not None else ()
    if len(drawings) == 1 and not node.css_first("table, img"):
        yield _drawing(drawings[0], page, caption)
    else:
        yield from _blocks(node, page)


def _drawing(node: LexborNode, page: _Page, caption: Spans) -> Drawing:
    """Return a drawing, its colours as they are in the light, its letters as the font has them."""
    title = node.css_first("title")
    alt = _said(node, "aria-label") or (title.text() if title is not None else "")
    alt = _flat(alt).strip() or "".join(each.text for each in caption) or "Figure"

    def literal(found: re.Match[str]) -> str:
        return page.colours.get(found[1], (found[2] or "currentColor").lstrip(", "))

    svg = re.sub(r"var\((--[\w-]+)(,[^()]*)?\)", literal, node.html or "").replace("&nbsp;", "&#160;")
    if "xmlns=" not in svg[: svg.index(">")]:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    measured = re.match(r"([\d.]+)(pt|px|in|)$", _said(node, "width"))
    box = _said(node, "viewBox").split()
    points = (
        float(measured[1]) * POINTS[measured[2]]
        if measured
        else float(box[2]) * 0.75
        if len(box) == 4
        else 360.0
    )
    if len(box) == 4 and float(box[3]) > 0:  # a figure of many classes is as high as a page at most
        points = min(points, TALLEST * float(box[2]) / float(box[3]))
    return Drawing(svg, alt, points, caption)


# ------------------------------------------------------------------------------------------------- tables


def _table(node: LexborNode, page: _Page) -> Table:
    told = node.css_first("caption")
    caption = _within(told, page) if told is not None else ()
    head: list[Row] = []
    body: list[Row] = []
    for part in node.iter():
        tag = _tag(part)
        page.note(part)
        if tag == "tr":
            body.append(_row(part, page))
        elif tag in ("thead", "tbody", "tfoot"):
            rows = [_row(row, page) for row in part.iter() if _tag(row) == "tr"]
            (head if tag == "thead" else body).extend(rows)
    return Table(caption, tuple(head), tuple(row for row in body if row))


def _row(row: LexborNode, page: _Page) -> Row:
    page.note(row)
    return tuple(_cell(each, page) for each in row.iter() if _tag(each) in ("td", "th"))


def _cell(cell: LexborNode, page: _Page) -> Cell:
    head = _tag(cell) == "th"
    return Cell(
        spans=_within(cell, page, Span("", strong=head and _said(cell, "scope") != "row")),
        columns=max(1, int(_said(cell, "colspan") or 1)),
        rows=max(1, int(_said(cell, "rowspan") or 1)),
        head=head,
        number="n" in _classes(cell),
    )
