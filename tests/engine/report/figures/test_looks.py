"""What every figure is drawn of, as text that a person has read: colours, widths, words and the numbers themselves.

Whoever changes a figure writes these again (`python -m tests.snapshots`), looks at the figure, and reads what changed.
Told is what matplotlib is given, not where its layout puts it, which fonts decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from engine.records import Estimate
from engine.report.figures import (
    arrows_svg,
    balance_svg,
    curves_svg,
    differences_svg,
    drawing,
    forest_svg,
    learning_curve_svg,
    learning_svg,
    overlaid_svg,
)
from engine.statistics.curves import roc_curve
from engine.statistics.readers.learning import Learning, Stretch
from tests.engine.report.figures.test_figures import EVIL, FIGURES, NAN, P, Y, epochs
from tests.snapshots import hold_against

SURE = Estimate(value=0.7, low=0.6, high=0.82, method="x", n=9)
BARE = replace(SURE, value=0.5, low=NAN, high=NAN)
NONE = replace(BARE, value=NAN)
POINTS = {
    "R1": {"blind": (0.3, 0.6), "assisted": (0.2, 0.8)},
    "R2": {"concurrent": (0.25, 0.7)},
    "R3": {"blind": (0.3, 0.6), "concurrent": (0.3, 0.6)},
}
THIRDS = tuple(
    Stretch(name=name, readings=10 * at + 1, right=SURE, seconds=9.0 - at)
    for at, name in enumerate(("first", "middle", "last"))
)
MORE: dict[str, Callable[[], str]] = {
    "training of two phases with a monitor": lambda: curves_svg(
        [
            replace(each, monitor=("val_f1", "val_loss")[each.number > 3], monitored=0.5 + 0.01 * each.number)
            for each in epochs(4)
        ]
    ),
    "runs over each other": lambda: overlaid_svg({"one": epochs(2), EVIL: epochs(4), "none": []}),
    "more runs than are drawn": lambda: overlaid_svg({f"run {at}": epochs(3) for at in range(12)}),
    "a forest": lambda: forest_svg({"first": SURE, "second": BARE, "third": NONE}, "AUROC"),
    "a forest of nothing": lambda: forest_svg({}, "AUROC"),
    "a learning curve": lambda: learning_curve_svg([(40, SURE), (80, BARE)], [(40.0, SURE), (160.0, SURE)]),
    "a learning curve without a law": lambda: learning_curve_svg([(40, SURE), (1600, NONE)], []),
    "balance of three parts": lambda: balance_svg(
        {name: {f"class {at}": 1000 * at + 7 for at in range(4)} for name in ("train", "val", "test")}
    ),
    "readers": lambda: arrows_svg(POINTS, roc_curve(Y, P)),
    "readers without a model, and more than are named": lambda: arrows_svg(
        {f"R{at}": {"annotation": (0.3, 0.01 * at)} for at in range(13)}, None
    ),
    "differences of readers": lambda: differences_svg("AUC", {"R1": SURE, EVIL: BARE, "R3": NONE}, SURE),
    "change over thirds": lambda: learning_svg(
        [(way, Learning(thirds=THIRDS, faster=SURE)) for way in ("blind", "assisted")]
    ),
}


def number(value: Any) -> str:
    return f"{round(float(value), 9) + 0.0:.4g}"


def some(values: Iterable[Any]) -> str:
    """Tell few numbers, and of many the first, the last, how many there are and what they sum to."""
    told = [float(each) for each in np.ravel(np.asarray(list(values), dtype=float))]
    if len(told) <= 8:
        return " ".join(map(number, told))
    return f"{number(told[0])} … {number(told[-1])} ({len(told)}, sum {number(np.nansum(told))})"


def of_texts(texts: Iterable[Any]) -> Iterator[str]:
    for text in texts:
        if arrow := getattr(text, "arrow_patch", None):
            ends = (some(text.xyann), some(text.xy), to_hex(arrow.get_edgecolor()), arrow.get_linewidth())
            kind = type(arrow.get_arrowstyle()).__name__
            yield f"arrow {' '.join(map(str, (*ends, arrow.shrinkA, arrow.shrinkB, kind)))}"
        if said := text.get_text():
            look = (number(text.get_fontsize()), text.get_weight(), to_hex(text.get_color()))
            how = (text.get_ha(), text.get_va(), number(text.get_rotation()))
            yield f"text {said!r} at {some(text.get_position())}: {' '.join(map(str, (*look, *how)))}"


def of_legend(legend: Any) -> Iterator[str]:
    if legend is not None:
        words = [text.get_text() for text in legend.get_texts()]
        sizes = {number(text.get_fontsize()) for text in legend.get_texts()}
        title = legend.get_title().get_text()
        place = f"columns {legend._ncols} at {legend._loc} handles {legend.handlelength}"
        yield f"legend {words} size {sizes} {place} {title!r}"


def of_ticks(axis: Any, which: str) -> Iterator[str]:
    if set_otherwise := axis.get_tick_params():
        yield f"ticks {which}: {set_otherwise}"
    if isinstance(axis.get_major_locator(), FixedLocator):
        for label in axis.get_ticklabels():
            yield (
                f"tick {which} {label.get_text()!r} {number(label.get_fontsize())} {number(label.get_rotation())} "
                f"{label.get_ha()} {label.get_va()}"
            )


def of_axes(axes: Any) -> Iterator[str]:
    names = (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left"))
    yield f"axes {' '.join(map(repr, names))} {axes.get_xscale()} {axes.get_aspect()}"
    yield f"limits {some(axes.get_xlim())}, {some(axes.get_ylim())} below {axes.get_axisbelow()}"
    yield f"spines {[name for name, spine in axes.spines.items() if spine.get_visible()]}"
    for which, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        grid = axis.get_gridlines()[0] if axis.get_gridlines() else None
        if grid is not None and grid.get_visible():
            yield f"grid {which} {grid.get_color()} {grid.get_linewidth()}"
        yield from of_ticks(axis, which)
    for line in axes.lines:
        look = (to_hex(line.get_color()), number(line.get_linewidth()), line.get_linestyle())
        mark = (line.get_marker(), number(line.get_markersize()), line.get_drawstyle(), line.get_zorder())
        dashes = line._dash_pattern
        face = to_hex(line.get_markerfacecolor())
        yield f"line {line.get_label()!r} {some(line.get_xdata())} | {some(line.get_ydata())}"
        yield f"  {' '.join(map(str, (*look, dashes, *mark, face, number(line.get_markeredgewidth()))))}"
    for patch in axes.patches:
        face, edge = (to_hex(each) for each in (patch.get_facecolor(), patch.get_edgecolor()))
        look = (face, edge, number(patch.get_linewidth()), patch.get_hatch())
        box = (*patch.get_xy(), patch.get_width(), patch.get_height())
        yield f"bar {some(box)} {' '.join(map(str, look))}"
    for each in axes.collections:
        faces = sorted({to_hex(face, keep_alpha=True) for face in each.get_facecolor()})[:6]
        points = [value for path in each.get_paths() for value in path.vertices.ravel()]
        widths, edges = (
            sorted(map(number, set(each.get_linewidth()))),
            {to_hex(edge) for edge in each.get_edgecolor()},
        )
        yield f"{type(each).__name__} {each.get_label()!r} {faces} {widths} {sorted(edges)} {some(points)}"
        if (shades := each.get_array()) is not None:
            yield f"  {some(shades.ravel())} from {some(each.get_clim())} in {each.get_cmap().N}"
            yield f"  a picture of dots: {each.get_rasterized()}"
    yield from of_texts(axes.texts)
    yield from of_legend(axes.get_legend())


def of_figure(figure: Any) -> list[str]:
    legends = [line for legend in figure.legends for line in of_legend(legend)]
    return [
        f"figure {some(figure.get_size_inches())}",
        *legends,
        *(x for a in figure.axes for x in of_axes(a)),
    ]


EVERY = FIGURES | MORE


@pytest.mark.parametrize("name", EVERY)
def test_a_figure_is_drawn_of_what_a_person_has_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []

    def told(figure: Figure, stream: StringIO, **more: Any) -> None:
        kept.extend(of_figure(figure))
        stream.write("<svg >")  # what is drawn is known; to paint it takes most of the time

    monkeypatch.setattr(Figure, "savefig", told)
    assert EVERY[name]().startswith("<svg ")
    hold_against(Path(__file__).parent / "snapshots" / f"{name}.txt", kept)


def test_every_figure_has_one_look() -> None:
    seen: dict[str, Any] = {}

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot(xlabel="$x_1$")
        axes.plot([0, 1], label="one")
        spine, tick, label = axes.spines["left"], axes.xaxis.get_major_ticks()[0], axes.xaxis.label
        seen.update(
            size=tuple(figure.get_size_inches()),
            layout=type(figure.get_layout_engine()).__name__,
            spines={name for name, each in axes.spines.items() if each.get_visible()},
            edge=(to_hex(spine.get_edgecolor()), spine.get_linewidth()),
            ticks=(to_hex(tick.tick1line.get_color()), to_hex(tick.label1.get_color())),
            letters=(label.get_fontsize(), label.get_fontfamily(), label.get_fontname()),
            formula=label.get_parse_math() or label.get_usetex(),
            framed=axes.legend().get_frame_on(),
        )

    svg = drawing.draw(paint, "told")
    assert seen == {
        "size": (3.6, 3.4), "layout": "ConstrainedLayoutEngine", "spines": {"left", "bottom"},
        "edge": ("#374151", 0.8), "ticks": ("#374151", "#374151"), "letters": (9, ["sans-serif"], "DejaVu Sans"),
        "formula": False, "framed": False,
    }  # fmt: skip
    assert ">$x_1$</text>" in svg and "#ffffff" not in svg  # letters are letters, on the ground of the page


@pytest.mark.parametrize("curves", [0, 1, 4, 5, 10, 11, 13])
def test_a_legend_stands_between_few_curves_and_below_more(curves: int) -> None:
    figure = Figure(figsize=(3.6, 3.4))
    axes = figure.add_subplot()
    for at in range(min(curves, 10)):
        axes.plot([0, 1], label=f"curve {at}")
    drawing.legend(figure, axes, curves, "lower right")
    assert (axes.get_legend() is not None) == (0 < curves < 5)
    assert [len(each.get_texts()) for each in figure.legends] == ([min(curves, 11)] if curves > 4 else [])
    words = [text.get_text() for each in figure.legends for text in each.get_texts()]
    assert [word for word in words if "more" in word] == (
        [f"and {curves - 10} more, not drawn"] if curves > 10 else []
    )
    # It grows by the lines of what stands below it, of which each holds three entries of nine letters.
    lines = -(-min(curves, 11) // (3 if curves <= 10 else 1)) if curves > 4 else 0
    assert tuple(figure.get_size_inches()) == pytest.approx((3.6, 3.4 + 0.17 * lines))
