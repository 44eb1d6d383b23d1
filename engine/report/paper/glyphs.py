"""The font of the printed report: which letters it has, and how wide they are.

DejaVu Sans comes with matplotlib: Latin, Greek, Cyrillic, Arabic with Persian, Hebrew, mathematics; no Chinese,
Japanese, Korean or Indian scripts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from fontTools.ttLib import TTFont

FAMILY = "DejaVu Sans"
ISOLATES = frozenset("\u2066\u2067\u2068\u2069")  # shape the line and are never drawn; no font has them
BLANK = frozenset("\n\r\t") | ISOLATES


def font_folder() -> Path:
    """Return the folder of the fonts."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


@lru_cache
def _widths(*, strong: bool) -> dict[int, float]:
    """Return the width of each letter, in parts of the letters' size."""
    with TTFont(font_folder() / f"DejaVuSans{'-Bold' if strong else ''}.ttf", lazy=True) as font:
        of_glyph, unit = font["hmtx"].metrics, font["head"].unitsPerEm
        return {code: of_glyph[name][0] / unit for code, name in font.getBestCmap().items()}


def width(text: str, *, strong: bool = False) -> float:
    """Return how wide a text is on one line, in parts of the letters' size."""
    known = _widths(strong=strong)
    return sum(known.get(ord(letter), 0.0) for letter in text)


def printable(page: str) -> tuple[str, list[str]]:
    """Return a text with the number of each letter that the font lacks in its place, and these letters.

    “肺” stands as “[U+80BA]”: neither dropped nor an empty box.
    """
    known = _widths(strong=False).keys() & _widths(strong=True).keys()
    unusual = set(re.findall(r"[^ -~\n\r\t]", page)) - BLANK
    missing = sorted(letter for letter in unusual if ord(letter) not in known)
    for letter in missing:
        page = page.replace(letter, number_of(letter))
    return page, missing


def number_of(letter: str) -> str:
    """Return what stands for a letter that the font lacks."""
    return f"[U+{ord(letter):04X}]"
