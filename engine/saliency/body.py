"""Where on a radiograph the body is, so that heat beside it can be seen for what it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

AROUND = (0.05, 0.75)  # of the image: less is a rim that nothing follows from, more leaves no body
EVEN = 0.09  # standard deviation of the dark around a body, as a share of the image's range of grey
DARK = 0.1  # of that range: how far above the darkest grey it may lie
BLACK = 0.2  # of white: lungs that the rim cuts are even too, but less dark than air


def body_mask(image: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Return where the body is; None of an image in which no body stands out from an even dark around it.

    Otsu's threshold (doi:10.1109/TSMC.1979.4310076), taken again among the darker half, parts air outside the body from
    lungs; the largest piece that is brighter, its holes filled, is the body. Side markers lie outside it. Photographs
    have colours, and what is dark in them is seldom even: they have no body here.

    Args:
        image: (H, W) or (H, W, C).

    Returns:
        (H, W) bool, or None.
    """
    grey = image if image.ndim == 2 else image[..., 0]
    if image.ndim == 3 and np.ptp(image.astype(np.int16), axis=2).mean() > 2:
        return None
    darkest, brightest = np.percentile(grey, (1, 99))
    if brightest - darkest < 16:
        return None
    air = _otsu(grey[grey <= _otsu(grey)])
    pieces, count = ndimage.label(ndimage.binary_opening(grey > air, np.ones((3, 3))))
    if not count:
        return None
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    body = np.asarray(ndimage.binary_fill_holes(pieces == largest), dtype=np.bool_)
    dark = grey[~body & (grey <= air)].astype(np.float64)
    if not AROUND[0] <= 1 - body.mean() <= AROUND[1] or not dark.size:
        return None
    spread, above = dark.std(), np.median(dark) - darkest
    even = max(spread / EVEN, above / DARK) <= brightest - darkest
    return body if even and np.median(dark) <= BLACK * 255 else None


def _otsu(grey: NDArray[np.uint8]) -> int:
    """Return the grey that parts two groups best: the last of the darker one."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    darker, sums = counts.cumsum(), (counts * np.arange(256)).cumsum()
    brighter = darker[-1] - darker
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = darker * brighter * (sums / darker - (sums[-1] - sums) / brighter) ** 2
    return int(np.argmax(np.nan_to_num(apart)))
