"""A page in another language than English: what stayed English is marked.

Texts that somebody typed or that are made in English alone (what was done, for a manuscript; the items of checklists)
stand on such a page as they are. Each is put into an element with `lang="en"`, so that a screen reader changes its
voice, and `dir="ltr"`, so that its numbers and brackets keep their order beside words from the right to the left.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from engine.language import ENGLISH, language, right_to_left
from engine.report.paper.directions import APART, CONTROLS, LEFT, RIGHT

PIECES = re.compile(r"(<[^<>]*>)")
TAG = re.compile(r"</?([a-zA-Z][\w-]*)")
ALONE = frozenset({"br", "hr", "img", "input", "meta", "wbr", "link", "!doctype"})
UNTOUCHED = frozenset({"head", "style", "script", "code", "svg", "pre"})
"""Elements in which nothing is changed: names, and drawings, whose letters are set by the drawing."""
BETWEEN = " \n\t·:;,–"
"""What stands between two texts and is of neither."""
LETTER = re.compile(f"[{RIGHT}]")


def english_marked(page: str) -> str:
    """Return a page with its English marked; a page that is in English as it is."""
    if language() == ENGLISH:
        return page
    return "".join(_pieces(page))


def _pieces(page: str) -> Iterator[str]:
    within: list[tuple[str, bool, bool]] = []  # name, whether nothing is changed in it, whether it is marked
    for piece in PIECES.split(page):
        if not piece.startswith("<"):
            untouched, marked = within[-1][1:] if within else (True, False)
            yield piece if untouched else _said(piece, marked=marked)
            continue
        yield piece
        name = found[1].lower() if (found := TAG.match(piece)) else "!doctype"
        if name in ALONE or piece.endswith("/>"):
            continue
        if piece.startswith("</"):
            while within and within.pop()[0] != name:
                pass
        else:
            before = within[-1] if within else ("", False, False)
            apart = ' lang="' in piece and name != "html"
            within.append((name, before[1] or name in UNTOUCHED, before[2] or apart or name == "bdi"))


def _said(text: str, *, marked: bool) -> str:
    """Return letters between two tags, in an element of their own where they are English."""
    inner = text.strip(BETWEEN)
    before, after = text.split(inner, 1) if inner else ("", "")
    bare = CONTROLS.sub("", html.unescape(inner))
    if not LEFT.search(bare) or (
        right_to_left(language()) and LETTER.search(APART.sub("", html.unescape(inner)))
    ):
        return text
    return text if marked else f'{before}<span lang="{ENGLISH}" dir="ltr">{inner}</span>{after}'
