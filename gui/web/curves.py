"""Curves of a few lines as SVG of our own: they grow while a run trains, print, and say their numbers in a table.

Two lines need no library: Gradio's own plot complains of its Vega at every start, and a script in the page would have
to be told of each point; this is a picture that the server draws as a template in a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.language import short_number

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 450, 10, 208  # of the frame, in the picture

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnLine:
    """A line in the picture: its path, and where its last point is."""

    name: str
    path: str
    last: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What a template needs to draw curves: places are of the picture."""

    title: str
    x_title: str
    lines: tuple[DrawnLine, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


def drawn(title: str, x_title: str, lines: Mapping[str, Points]) -> Drawn:
    """Place curves in a picture; a line without points is left out.

    Args:
        title: Of the picture.
        x_title: What goes to the right.
        lines: Points by name, in the order of their x.
    """
    kept = {name: points for name, points in lines.items() if points}
    if not kept:
        return Drawn(title=title, x_title=x_title, lines=(), x_ticks=(), y_ticks=())
    xs = [x for points in kept.values() for x, _ in points]
    ys = [y for points in kept.values() for _, y in points]
    x_low, x_high = min(xs), max(max(xs), min(xs) + 1)
    y_steps = steps(min(ys), max(ys))
    y_low, y_high = y_steps[0], y_steps[-1]

    def across(x: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (x - x_low) / (x_high - x_low), 1)

    def down(y: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (y - y_low) / (y_high - y_low), 1)

    return Drawn(
        title=title,
        x_title=x_title,
        lines=tuple(
            DrawnLine(
                name=name,
                path="M" + "L".join(f"{across(x)} {down(y)}" for x, y in points),
                last=(across(points[-1][0]), down(points[-1][1])),
            )
            for name, points in kept.items()
        ),
        x_ticks=tuple(
            (across(x), short_number(x)) for x in steps(x_low, x_high) if x_low <= x <= x_high and x == int(x)
        ),
        y_ticks=tuple((down(y), short_number(y, 10)) for y in y_steps),
    )


def steps(low: float, high: float) -> list[float]:
    """Return round numbers, about five, from at or below `low` to at or above `high`."""
    span = high - low or abs(high) or 1.0
    raw = span / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]
