"""What the pixels of an image say of themselves: black, white, flat, or blank below.

A film that decodes without an error may still hold nothing: a window that misses it, a detector that did not fire, a
stream that was cut short and filled up with one grey. Nothing here refuses an image; a data issue names it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.images.decoded import Remark
from engine.records import DataIssueKind

NO_CONTRAST = Remark(
    DataIssueKind.NO_CONTRAST,
    "there is no contrast: all of it has one grey level; look at it before you train",
)
NEARLY_BLACK = Remark(
    DataIssueKind.NEARLY_BLACK, "nearly all is black: 99 of 100 pixels; look at it before you train"
)
NEARLY_WHITE = Remark(
    DataIssueKind.NEARLY_WHITE, "nearly all is white: 99 of 100 pixels; look at it before you train"
)
BLANK_TAIL = Remark(
    DataIssueKind.BLANK_TAIL,
    "the lower part is blank, as when a file was cut short; look at it before you train",
)
_FLAT = (
    3  # levels of 255 between the darkest and the brightest thousandth: what compression makes of one level
)
_DARK, _BRIGHT = 16, 239
_GREY_TAIL = 0.05  # of the height; so much of one mid grey is in no film
_BLACK_TAIL = 0.25  # black or white borders are common
_PERIODS = (1, 16)  # what decoders of JPEG fill up with: one grey, or the last block again and again


def remarks_on(image: Image.Image) -> tuple[Remark, ...]:
    """Notice what is odd about a decoded image, mode "L" or "RGB", of any size."""
    grey = image if image.mode == "L" else image.convert("L")
    counts = np.cumsum(grey.histogram())
    lowest, dark, bright, highest = np.searchsorted(counts, counts[-1] * np.array([0.001, 0.01, 0.99, 0.999]))
    if highest - lowest <= _FLAT:
        return (NO_CONTRAST,)
    if bright < _DARK:
        return (NEARLY_BLACK,)
    if dark > _BRIGHT:
        return (NEARLY_WHITE,)
    levels = np.asarray(grey)
    return (BLANK_TAIL,) if any(_blank_tail(levels, period) for period in _PERIODS) else ()


def _blank_tail(levels: NDArray[np.uint8], period: int) -> bool:
    """Tell whether the last rows are one level, or one block over and over, and not a border; (H, W) uint8."""
    if min(levels.shape) <= period or (levels[-period:, :-period] != levels[-period:, period:]).any():
        return False
    height = len(levels)
    differs = (levels[:-period] != levels[period:]).any(axis=1)[::-1]
    rows = (int(np.argmax(differs)) if differs.any() else height - period) + period
    level = int(levels[-1].mean())
    share = _GREY_TAIL if _DARK <= level <= _BRIGHT else _BLACK_TAIL
    if rows < max(2 * period, share * height) or rows == height:
        return False
    above = levels[: height - rows]
    return not any((side == level).all() for side in (above[0], above[:, 0], above[:, -1]))
