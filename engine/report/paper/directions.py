"""Words that run from the right to the left, kept apart from the sentence that they stand in.

Without that a browser takes the numbers and brackets beside a Persian name as part of it, and shows them in another
order. The marks are Unicode's isolates (UAX 9), which hold in text and in attributes. And signs that only a page has.
"""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from engine.language import language, right_to_left

RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TURNING = re.compile("[\u202a-\u202e]")
"""What turns all that follows: a sentence of ours has none."""
ISOLATES = re.compile("[\u2066-\u2069]")
APART = re.compile("[\u2066-\u2068][^\u2066-\u2069]*\u2069")
_WORD = f"[{RIGHT}][{RIGHT}\u200c\u200d]*"
_JOINED = r"(?:[0-9_/.+&'’·]|-[0-9])[-0-9_/.+&'’·]*"
WORDS = re.compile(rf"{_WORD}(?:(?:[ \u00a0-]+|{_JOINED}){_WORD})*(?:[-_][0-9]+\b)?")
"""Such words, and what makes one name of them: blanks, or signs and digits without a blank, as in a_b_2."""
LEFT = re.compile("[A-Za-z\u00c0-\u058f]")
HYPHEN = re.compile(r"(?<![\w.,/)\]%\u2010-\u2015-])-(?=\.\d|\d+\.\d\d|\u221e)")
"""What stands for a minus before a figure, and joins nothing: not that of a date, an id or a DOI.

Figures begin with their point (a margin of .2) or have two decimals at least, as `engine.report.formatting.figure`
writes them; a class “grade -1” or “T ≤ -2.5” is a name, and is printed as it was written.
"""
MINUS = "\u2212"


def for_reading(value: Any) -> Any:
    """Return what is put into a page, `isolated`, its negative numbers with a minus sign: −.120.

    So HTML, PDF and Word print them; JSON, CSV and the terminal keep the hyphen that programs read.
    """
    return isolated(with_minus(value) if type(value) is str else value)


def with_minus(text: str) -> str:
    """Return a text whose negative numbers begin with a minus sign."""
    return HYPHEN.sub(MINUS, text) if "-" in text else text


def mostly_right(text: str) -> bool:
    """Return whether more letters of a text run from the right to the left than the other way."""
    return not text.isascii() and len(re.findall(f"[{RIGHT}]", text)) > len(LEFT.findall(text))


def isolated(value: Any) -> Any:
    """Return what is put into a page, its right-to-left words isolated: all of it where most of it is such.

    Marks that somebody typed are taken out, since one could end an isolation and turn what follows.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if right_to_left(language()):
        return _on_the_left(value)
    if value.isascii():
        return value
    value = CONTROLS.sub("", value)
    if mostly_right(value):
        return f"\u2068{value}\u2069"
    return WORDS.sub(lambda found: f"\u2068{found[0]}\u2069", value)


def apart(value: Any) -> Any:
    """Return what is put into a page of the window, as `isolated`; one that runs to the left has its names isolated."""
    return value if right_to_left(language()) else isolated(value)


def _on_the_left(value: str) -> str:
    """Return what is put into a page that runs to the left, our own isolates kept; what runs both ways is isolated.

    Words from Latin letters alone are left: they may be an id, and `engine.report.exports.marked` tells them.
    """
    value = TURNING.sub("", value)
    if not _closed(value):
        value = CONTROLS.sub("", value)
    own = APART.sub("", value)  # of a sentence of ours, whose names are isolated
    if not LEFT.search(own) or not WORDS.search(own) or mostly_right(own):
        return value
    return f"\u2066{value}\u2069"


def _closed(value: str) -> bool:
    """Return whether every isolate of a text is ended in it, and none is ended that was not begun."""
    depth = 0
    for sign in ISOLATES.findall(value):
        depth += -1 if sign == "\u2069" else 1
        if depth < 0:
            return False
    return depth == 0
