"""The figures of a bundle beside those that its numbers give: each drawn again, its words and its lines compared."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from engine.report.exports.bundle.beside import Place
from engine.report.exports.bundle.case_masks import UNREADABLE
from engine.report.exports.bundle.differences import by_place, words_of
from engine.report.exports.png import png_figures

NAMES = re.compile(r'(?:\bid="|url\(#|href="#)[^")]*')
"""Of pieces of a drawing: matplotlib makes them of coordinates, all of their digits."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
OURS = "that of its numbers"
NEAR = 0.25  # of a point, which nobody sees: libraries round in their own ways
BLOCK, FAR = 8, 64  # pixels of a side, and levels of grey by which what is seen differs


def figure_places(
    files: Mapping[str, bytes], drawn: Mapping[str, str], *, words: bool = True
) -> Iterator[Place]:
    """Yield the figures of a bundle, SVG and PNG, where they are not those that were drawn again.

    Args:
        files: Of the bundle; a figure that is missing is said among the files.
        drawn: Name without its ending → SVG.
        words: Whether the words of figures are wanted too.
    """
    for name, svg in drawn.items():
        if (there := files.get(f"{name}.svg")) is not None and there != svg.encode():
            said = there.decode("utf-8", "replace")
            if words:
                yield from by_place(f"{name}.svg", words_of(said), words_of(svg), after=True)
            if not alike(said, svg):
                yield f"{name}.svg", "the figure", "another one", OURS
    pictures = {name: svg for name, svg in drawn.items() if f"{name}.png" in files}
    for name, png in png_figures(pictures).items():
        if files[f"{name}.png"] != png and (seen := _seen(files[f"{name}.png"], png)):
            yield f"{name}.png", "the figure", seen, OURS


def alike(one: str, other: str) -> bool:
    """Return whether two drawings are the same but for the last digits of coordinates."""
    sides = [NAMES.sub("", each) for each in (one, other)]
    if NUMBER.split(sides[0]) != NUMBER.split(sides[1]):
        return False
    numbers = (map(float, NUMBER.findall(each)) for each in sides)
    return all(math.isclose(a, b, rel_tol=0, abs_tol=NEAR) for a, b in zip(*numbers, strict=True))


def _seen(there: bytes, made: bytes) -> str:
    """Say how a picture differs, for the eye, from the one that was drawn again; empty: it does not."""
    try:
        with Image.open(io.BytesIO(there), formats=("PNG",)) as one, Image.open(io.BytesIO(made)) as other:
            if one.size != other.size:  # asked before a pixel is unpacked
                return f"{one.width} × {one.height} pixels"
            sides = [np.asarray(each.convert("RGB").reduce(BLOCK), dtype=np.int16) for each in (one, other)]
    except UNREADABLE:
        return "what cannot be read as a picture"
    return "another one" if int(np.abs(sides[0] - sides[1]).max()) >= FAR else ""
