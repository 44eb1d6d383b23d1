"""The figures of a report as SVG: readable in grey, by the colour-blind, on paper and by a screen reader.

Every function returns one `<svg>` element, ready to stand inside a page: no prolog, no dates, no ids that
another figure on the page could have too. Equal numbers give equal text. Only matplotlib's object interface
is used, never
pyplot, and its settings are changed under a lock: a server draws for several people at once.
"""

from __future__ import annotations

import hashlib
import html
import io
import math
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from engine.records import Estimate
from engine.statistics import PrecisionRecall, ReliabilityBin, Roc

# Okabe and Ito's colours, in an order that also differs in grey, with a dash each.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
MOST_CURVES = 10
FEW_CURVES = 4  # whose legend finds room between them
GREY = "#6b7280"
FILLS = ("#1f5f99", "#7fb2d9", "#d5dde5")  # dark, middle and light: told apart without colour

STYLE: Any = {
    # Letters stay letters: searchable, and names in any script are drawn by the browser.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#374151",
    "axes.linewidth": 0.8,
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "legend.frameon": False,
    "text.usetex": False,
    "text.parse_math": False,  # a class named "$x" is a name, not a formula
}
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_SETTINGS = threading.Lock()


def _draw(paint: Any, alt: str, size: tuple[float, float] = (3.6, 3.4)) -> str:
    """Let `paint(figure)` draw; return one self-standing `<svg>` element with a text for the blind."""
    salt = hashlib.sha256(alt.encode()).hexdigest()[:8]
    stream = io.StringIO()
    with _SETTINGS, mpl.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        figure.savefig(stream, format="svg", transparent=True, metadata=NO_METADATA)
    svg = stream.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    # matplotlib names every group ("axes_1"): only what is pointed at keeps its name, with the figure's own
    # prefix.
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    mark = f"f{hashlib.sha256(svg.encode()).hexdigest()[:10]}"
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{mark}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(url\(|href=")#([^")]+)', rf"\1#{mark}-\2", svg)
    svg = svg.replace("font: ", "font:").replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, Arial")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y, aspect="equal")
    axes.grid(color="#e5e7eb", linewidth=0.6)
    axes.set_axisbelow(True)


def _legend(figure: Figure, axes: Axes, curves: int, where: Literal["lower left", "lower right"]) -> None:
    if curves > MOST_CURVES:
        axes.plot([], [], " ", label=f"and {curves - MOST_CURVES} more, not drawn")
    if 0 < curves <= FEW_CURVES:
        axes.legend(loc=where, fontsize=7)
    elif curves:  # below the axes, where it hides no curve, and the figure grows by its lines
        handles, labels = axes.get_legend_handles_labels()
        inches = 0.5 + 0.075 * max(len(label) for label in labels)  # of an entry of wide letters
        columns = max(1, int(figure.get_figwidth() / inches))
        figure.set_size_inches(
            figure.get_figwidth(), figure.get_figheight() + 0.17 * math.ceil(len(labels) / columns)
        )
        look: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "handlelength": 3.5}
        figure.legend(handles, labels, fontsize=7, **look)


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or not np.isfinite(estimate.value):
        return ""
    if not np.isfinite(estimate.low):
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} (95% {estimate.low:.3f}–{estimate.high:.3f})"


def confusion_matrix_svg(
    confusion: ArrayLike, classes: Sequence[str], *, standard: str = "reference standard"
) -> str:
    """Draw a confusion matrix with counts and the share of each row.

    Args:
        confusion: (C, C) int, rows by reference standard, columns by prediction.
        classes: C names.
        standard: Name of the rows.
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    total = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shares, many, roomy = matrix / total, len(classes) > 8, len(classes) < 4
    across: dict[str, Any] = {} if roomy else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    names = [_short(name) for name in classes]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        edges = np.arange(len(names) + 1) - 0.5
        # Never so dark that ink cannot be read on it.
        axes.pcolormesh(
            edges, edges, shares, cmap="Blues", vmin=0, vmax=1.25, edgecolors="#9ca3af", linewidth=0.6
        )
        axes.set_xticks(range(len(names)), names, **across)
        axes.set_yticks(range(len(names)), names, rotation=90 if roomy else 0, va="center")
        axes.set(xlabel="predicted", ylabel=standard, aspect="equal")
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for (row, column), count in np.ndenumerate(matrix):
            ink = "white" if shares[row, column] > 0.75 else "black"
            where: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
            if many:
                axes.text(column, row, f"{count}", fontsize=6, **where)
                continue
            axes.text(column, row - 0.08, f"{count:,}", fontsize=13 if roomy else 9, weight="bold", **where)
            if matrix[row].sum():
                share = f"{shares[row, column]:.0%}"
                axes.text(column, row + 0.24, share, fontsize=8 if roomy else 6, **where)

    counts = "; ".join(
        f"of {matrix[row].sum():,} {name}: "
        + ", ".join(f"{matrix[row, c]:,} predicted {other}" for c, other in enumerate(classes))
        for row, name in enumerate(classes)
    )
    side = 3.6 if len(classes) < 4 else min(7.0, 3.2 + 0.35 * len(classes))
    return _draw(paint, f"Confusion matrix: {counts}.", (side, side * 0.94))


def roc_svg(
    curves: Mapping[str, Roc | None],
    *,
    areas: Mapping[str, Estimate] | None = None,
    point: tuple[float, float] | None = None,
) -> str:
    """Draw ROC curves.

    Args:
        curves: By name (a class, or a reference standard); None where there is none.
        areas: AUROC by the same names, for the legend.
        point: 1 - specificity and sensitivity at the operating point, marked by a cross.
    """
    drawn = [(name, curve) for name, curve in curves.items() if curve is not None]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        for place, (name, curve) in enumerate(drawn[:MOST_CURVES]):
            label = f"{_short(name)}  {_interval((areas or {}).get(name))}".strip()
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=label, **_line(place))
        _mark(axes, point)
        _unit_square(axes, "1 − specificity", "sensitivity")
        _legend(figure, axes, len(drawn), "lower right")

    said = "; ".join(
        f"{name}: area {_interval((areas or {}).get(name)) or 'not estimated'}" for name, _ in drawn
    )
    return _draw(paint, f"ROC curve. {said or 'No curve'}.{_marked(point)}")


def precision_recall_svg(
    curves: Mapping[str, PrecisionRecall | None],
    *,
    averages: Mapping[str, Estimate] | None = None,
    prevalence: float | None = None,
    point: tuple[float, float] | None = None,
) -> str:
    """Draw precision-recall curves.

    Args:
        curves: By name; None where there is none.
        averages: Average precision by the same names, for the legend.
        prevalence: The precision of predicting every case positive, as a dotted line.
        point: Recall and precision at the operating point, marked by a cross.
    """
    drawn = [(name, curve) for name, curve in curves.items() if curve is not None]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        if prevalence is not None:
            axes.axhline(prevalence, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        for place, (name, curve) in enumerate(drawn[:MOST_CURVES]):
            label = f"{_short(name)}  {_interval((averages or {}).get(name))}".strip()
            recall, precision = np.append(0.0, curve.recall), np.append(curve.precision[0], curve.precision)
            axes.step(recall, precision, where="pre", label=label, **_line(place))
        _mark(axes, point)
        _unit_square(axes, "recall (sensitivity)", "precision (positive predictive value)")
        _legend(figure, axes, len(drawn), "lower left")

    said = "; ".join(
        f"{name}: average precision {_interval((averages or {}).get(name)) or 'not estimated'}"
        for name, _ in drawn
    )
    return _draw(paint, f"Precision-recall curve. {said or 'No curve'}.{_marked(point)}")


def reliability_svg(
    bins: Sequence[ReliabilityBin], *, error: Estimate | None = None, what: str = "the finding"
) -> str:
    """Draw a reliability diagram: how often the finding was there when the model said so with probability p.

    Args:
        bins: Of `engine.statistics.curves.reliability_bins`.
        error: The calibration error, for the title.
        what: What the probability speaks of.
    """

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        x = [each.probability for each in bins]
        y = [each.frequency.value for each in bins]
        reach = [
            [each.frequency.value - each.frequency.low for each in bins],
            [each.frequency.high - each.frequency.value for each in bins],
        ]
        look = {"color": COLOURS[0], "marker": "o", "markersize": 4, "linewidth": 1.2, "elinewidth": 0.9}
        upper.errorbar(x, y, yerr=reach, capsize=2, **look)
        upper.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), ylabel="observed frequency")
        upper.grid(color="#e5e7eb", linewidth=0.6)
        middle = [(each.low + each.high) / 2 for each in bins]
        width = [0.9 * (each.high - each.low) for each in bins]
        lower.bar(middle, [each.count for each in bins], width=width, color="#9ca3af")
        lower.set(xlabel=f"probability of {_short(what, 32)}", ylabel="cases")

    said = ", ".join(f"{each.probability:.2f}: {each.frequency.value:.2f} of {each.count:,}" for each in bins)
    gap = f" Calibration error {_interval(error)}." if _interval(error) else ""
    return _draw(paint, f"Reliability diagram, probability and observed frequency: {said or 'no case'}.{gap}")


def _mark(axes: Axes, point: tuple[float, float] | None) -> None:
    """Mark the operating point by a cross, where there is one."""
    if point is None or not np.isfinite(point).all():
        return
    cross: dict[str, Any] = {"color": "black", "markersize": 9, "markeredgewidth": 2, "linestyle": "none"}
    axes.plot(*point, marker="x", label="operating point", **cross)


def _marked(point: tuple[float, float] | None) -> str:
    """Say where the operating point is marked, for who cannot see it."""
    if point is None or not np.isfinite(point).all():
        return ""
    return f" The operating point is marked at ({point[0]:.3f}, {point[1]:.3f})."


def _line(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "linewidth": 1.6,
    }


def _short(name: str, most: int = 22) -> str:
    """Fit a name of any length and any characters on one line of a figure."""
    line = " ".join(name.split()) or "(no name)"
    line = "".join(letter for letter in line if letter.isprintable())
    return line if len(line) <= most else line[: most - 1] + "…"
