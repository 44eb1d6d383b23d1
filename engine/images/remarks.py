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
    "there is no contrast: the whole image has one grey level; look at it before you use it",
)
NEARLY_BLACK = Remark(
    DataIssueKind.NEARLY_BLACK, "nearly all is black: 99 of 100 pixels; look at it before you use it"
)
NEARLY_WHITE = Remark(
    DataIssueKind.NEARLY_WHITE, "nearly all is white: 99 of 100 pixels; look at it before you use it"
)
BLANK_TAIL = Remark(
    DataIssueKind.BLANK_TAIL,
    "the lower part is blank, as when a file was cut short; look at it before you use it",
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
    counts = grey.histogram()
    total = grey.width * grey.height
    if _flat(counts, total):
        return (NO_CONTRAST,)
    if sum(counts[:_DARK]) >= 0.99 * total:
        return (NEARLY_BLACK,)
    if sum(counts[_BRIGHT + 1 :]) >= 0.99 * total:
        return (NEARLY_WHITE,)
    blank = any(_may_repeat(grey, period) and _blank_tail(np.asarray(grey), period) for period in _PERIODS)
    return (BLANK_TAIL,) if blank else ()


def _may_repeat(grey: Image.Image, period: int) -> bool:
    """Look at a few pixels of the last row, which tell of most images at once that they are not blank there."""
    levels, last, width = grey.load(), grey.height - 1, grey.width - period
    places = range(0, width, max(1, width // 8))
    return levels is not None and all(levels[x, last] == levels[x + period, last] for x in places)


def _flat(counts: list[int], total: int) -> bool:
    """Tell whether all but two in a thousand pixels lie within a few levels of each other."""
    commonest = counts.index(max(counts))
    starts = range(max(0, commonest - _FLAT), commonest + 1)
    return any(sum(counts[start : start + _FLAT + 1]) >= 0.998 * total for start in starts)


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
