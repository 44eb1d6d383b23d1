"""A heatmap as it is laid over its film: brought to the film's size, held against its scale, coloured, encoded.

Torch is not needed for it, so that a window which only shows opens quickly.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.language import N_, in_print
from engine.records import MAP_AS_SUPPLIED, Explanation
from engine.saliency.methods import SALIENCIES

COLOUR_MAPS: dict[str, str] = {
    "inferno": "inferno",
    "magma": "magma",
    "viridis": "viridis",
    "cividis": "cividis",
}
"""Name → matplotlib's name. All are perceptually uniform; cividis also for who cannot tell red from green."""

USUAL_COLOURS = "inferno"
AGAINST_COLOURS = "GnBu_r"  # for evidence against, whatever the others are
SHARE = 0.01  # of the image: what the numbers on a colour bar are given for
TICKS = (0.0, 0.5, 1.0)  # of the scale
RELATIVE_TICKS = ((0.0, N_("none")), (1.0, N_("most")))


def upsample(heatmap: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """Bring a map (h, w) to (height, width) float32 in [0, 1]: bicubic, cell centres kept in place.

    The map's cells tile the image, so that a cell's centre stays at the same fraction of the image.
    """
    h, w = heatmap.shape
    # Mirrored at the rim: left to itself, bicubic interpolation would carry a peak in an outer cell over the rim.
    padded = np.pad(heatmap, 2, mode="reflect" if min(h, w) > 2 else "edge")
    small = Image.fromarray(np.ascontiguousarray(padded, dtype=np.float32))
    box = (2, 2, w + 2, h + 2)
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.float32)
    return np.clip(large, 0, 1)


@cache
def colours(name: str = USUAL_COLOURS) -> NDArray[np.uint8]:
    """Return 256 colours (256, 4) uint8 RGBA of a key of `COLOUR_MAPS` or of `AGAINST_COLOURS`."""
    from matplotlib import colormaps  # not at top: it takes a while

    heat = np.linspace(0, 1, 256)
    table = np.round(255 * colormaps[COLOUR_MAPS.get(name, name)](heat))
    # Nothing is laid over the film where there is no evidence; where there is most, a little film still shows.
    table[:, 3] = np.round(225 * np.clip(heat * 1.25, 0, 1) ** 0.9)
    return table.astype(np.uint8)


@cache
def colour_tables() -> Mapping[str, str]:
    """Return the colours of maps, 256 RGBA values each, as base64; "against" are those of evidence against."""
    names = {**{name: name for name in COLOUR_MAPS}, "against": AGAINST_COLOURS}
    return {name: base64.b64encode(colours(table).tobytes()).decode() for name, table in names.items()}


def strength(
    heatmap: NDArray[np.floating], scale: float | None = None, *, against: bool = False
) -> NDArray[np.float32]:
    """Return how strong a map (h, w) is against its scale, in [0, 1].

    Args:
        heatmap: With a scale, evidence of either sign; without one, in [0, 1].
        scale: Where the colours end.
        against: The evidence against the class in place of that for it.
    """
    held = np.nan_to_num(np.asarray(heatmap, dtype=np.float32)) / (scale or 1.0)
    return np.asarray(np.clip(-held if against else held, 0, 1), dtype=np.float32)


def _levels(explained: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    return np.round(upsample(explained, size, size) * 255).astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def heatmap_png(heatmap: NDArray[np.floating], size: int = 256, *, scale: float | None = None) -> bytes:
    """Encode a map for laying over its film.

    Args:
        heatmap: (h, w); it covers the whole film.
        size: Height and width of the picture in pixels; the viewer stretches it over the film.
        scale: Where the colours end; None for a map in [0, 1].

    Returns:
        An RGBA PNG: colour and opacity both follow the evidence for the class.
    """
    return _png(colours()[_levels(strength(heatmap, scale), size)])


def levels_png(heatmap: NDArray[np.floating], size: int = 256, *, scale: float | None = None) -> bytes:
    """Encode a map for a viewer that colours it itself.

    Returns:
        An RGB PNG: red is the evidence for the class, green that against it, as shares of the scale times 255.
    """
    sides = [_levels(strength(heatmap, scale, against=against), size) for against in (False, True)]
    return _png(np.stack([*sides, np.zeros_like(sides[0])], axis=2))


@dataclass(frozen=True, kw_only=True, slots=True)
class MapLegend:
    """What stands beside a map: without it, colours say nothing.

    Attributes:
        title: Whose evidence it is.
        method: A key of `engine.saliency.SALIENCIES`.
        unit: Of the numbers.
        ticks: (share of the scale, number) along the colour bar; words where the map is relative.
        sum: How the map and the rest make up the log-odds; empty where the map is relative.
        caution: Why maps of this method are to be doubted; empty where nothing speaks against them.
    """

    title: str
    method: str
    unit: str
    ticks: tuple[tuple[float, str], ...]
    sum: str
    caution: str = ""


def map_legend(explanation: Explanation) -> MapLegend:
    """Say what a map's colours mean."""
    if explanation.method == MAP_AS_SUPPLIED:
        return MapLegend(
            title=MAP_AS_SUPPLIED.capitalize(),
            method=N_("supplied with the predictions"),
            unit=N_("shades as they came; what they measure is not known to Overread"),
            ticks=RELATIVE_TICKS,
            sum="",
        )
    title, scale = N_("Evidence for {name}").format(name=explanation.target), explanation.scale
    method = SALIENCIES.get(explanation.method)  # of a later version's there is none
    caution = method.caution() if method is not None else ""
    if scale is None:
        nothing = N_("this method finds no evidence for {name} in this image").format(name=explanation.target)
        relative = N_("relative to this map's own maximum: not comparable between images")
        return MapLegend(
            title=title,
            method=explanation.method,
            unit=relative if np.any(explanation.heatmap) else nothing,
            ticks=RELATIVE_TICKS,
            sum="",
            caution=caution,
        )
    ticks = tuple((tick, in_print(tick * scale * SHARE, ".3g")) for tick in TICKS)
    sum_words = ""
    if explanation.rest is not None:
        mean = float(np.asarray(explanation.heatmap, dtype=np.float64).mean())
        inside, rest, total = (
            in_print(value, "+.2f").replace("-", "−")
            for value in (mean, explanation.rest, mean + explanation.rest)
        )
        sum_words = N_("Map {inside}, rest {rest}: log-odds {sum}").format(
            inside=inside, rest=rest, sum=total
        )
    return MapLegend(
        title=title,
        method=explanation.method,
        unit=N_("log-odds per 1% of the image; the last colour also for more"),
        ticks=ticks,
        sum=sum_words,
        caution=caution,
    )


def css_gradient(name: str = USUAL_COLOURS) -> str:
    """Return the colours as a CSS gradient, lowest first, as they look over a black film."""
    table = colours(name)[:: 255 // 15]
    stops = ", ".join(f"rgb({r} {g} {b} / {a / 255:.2f})" for r, g, b, a in table.tolist())
    return f"linear-gradient(to right, {stops})"
