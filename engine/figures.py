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

from engine.curves import PrecisionRecall, ReliabilityBin, Roc
from engine.records import Epoch, Estimate

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
        confusion: (C, C) int, rows by reference standard, columns by what the model called.
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
        axes.set(xlabel="model called it", ylabel=standard, aspect="equal")
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
        + ", ".join(f"{matrix[row, c]:,} called {other}" for c, other in enumerate(classes))
        for row, name in enumerate(classes)
    )
    side = 3.6 if len(classes) < 4 else min(7.0, 3.2 + 0.35 * len(classes))
    return _draw(paint, f"Confusion matrix. {counts}.", (side, side * 0.94))


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
        point: Specificity and sensitivity at the operating point, marked by a cross.
    """
    drawn = [(name, curve) for name, curve in curves.items() if curve is not None]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        for place, (name, curve) in enumerate(drawn[:MOST_CURVES]):
            label = f"{_short(name)}  {_interval((areas or {}).get(name))}".strip()
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=label, **_line(place))
        if point is not None and np.isfinite(point).all():
            cross: dict[str, Any] = {
                "color": "black",
                "markersize": 9,
                "markeredgewidth": 2,
                "linestyle": "none",
            }
            axes.plot(1 - point[0], point[1], marker="x", label="operating point", **cross)
        _unit_square(axes, "1 − specificity", "sensitivity")
        _legend(figure, axes, len(drawn), "lower right")

    said = "; ".join(
        f"{name}: area {_interval((areas or {}).get(name)) or 'not estimated'}" for name, _ in drawn
    )
    return _draw(paint, f"ROC curve. {said or 'There is no curve'}.")


def precision_recall_svg(
    curves: Mapping[str, PrecisionRecall | None],
    *,
    averages: Mapping[str, Estimate] | None = None,
    prevalence: float | None = None,
) -> str:
    """Draw precision-recall curves.

    Args:
        curves: By name; None where there is none.
        averages: Average precision by the same names, for the legend.
        prevalence: The precision of calling every case positive, as a dotted line.
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
        _unit_square(axes, "recall (sensitivity)", "precision (positive predictive value)")
        _legend(figure, axes, len(drawn), "lower left")

    said = "; ".join(
        f"{name}: average precision {_interval((averages or {}).get(name)) or 'not estimated'}"
        for name, _ in drawn
    )
    return _draw(paint, f"Precision-recall curve. {said or 'There is no curve'}.")


def reliability_svg(
    bins: Sequence[ReliabilityBin], *, error: Estimate | None = None, what: str = "the finding"
) -> str:
    """Draw a reliability diagram: how often the finding was there when the model said so with probability p.

    Args:
        bins: Of `engine.curves.reliability_bins`.
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


def curves_svg(history: Sequence[Epoch]) -> str:
    """Draw loss, then accuracy and AUROC on validation data, with the phases and the epoch that was kept."""
    x = np.arange(1, len(history) + 1)
    starts = [place for place in range(1, len(history)) if history[place].phase != history[place - 1].phase]
    best = [place for place, epoch in enumerate(history) if epoch.best]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        marker = {"marker": "o", "markersize": 3} if len(history) < 3 else {}
        left.plot(x, [epoch.train_loss for epoch in history], label="training", **_line(0), **marker)
        left.plot(x, [epoch.val_loss for epoch in history], label="validation", **_line(1), **marker)
        left.set(xlabel="epoch", ylabel="loss")
        right.plot(x, [epoch.val_accuracy for epoch in history], label="accuracy", **_line(2), **marker)
        right.plot(x, [epoch.val_auc for epoch in history], label="AUROC", **_line(3), **marker)
        right.set(xlabel="epoch", ylabel="on validation data")
        for axes in (left, right):
            axes.grid(color="#e5e7eb", linewidth=0.6)
            axes.xaxis.get_major_locator().set_params(integer=True)
            for place in starts:
                axes.axvline(place + 0.5, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
            if best:
                axes.axvline(best[-1] + 1, color="black", linewidth=0.8, label="kept")
            axes.legend(fontsize=7)

    phases = list(dict.fromkeys(epoch.phase for epoch in history))
    kept = f" Epoch {best[-1] + 1} was kept." if best else ""
    said = (
        f"{len(history)} epochs in {len(phases)} phases ({', '.join(phases)}).{kept}"
        if history
        else "no epoch."
    )
    return _draw(paint, f"Training curves: {said}", (7.2, 2.9))


def overlaid_svg(histories: Mapping[str, Sequence[Epoch]]) -> str:
    """Draw the training curves of several runs over each other: validation loss, then validation accuracy.

    Args:
        histories: By the name that the legend gives.
    """
    drawn = list(histories.items())[:MOST_CURVES]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for place, (name, history) in enumerate(drawn):
            x = np.arange(1, len(history) + 1)
            look: dict[str, Any] = {**_line(place), "linewidth": 1.3}
            if len(history) < 3:
                look |= {"marker": "o", "markersize": 3}
            left.plot(x, [epoch.val_loss for epoch in history], **look)
            right.plot(x, [epoch.val_accuracy for epoch in history], label=_short(name), **look)
            best = [epoch for epoch in history if epoch.best][-1:]
            for epoch in best:
                point = {"marker": "o", "markersize": 4.5, "color": look["color"], "linestyle": "none"}
                right.plot([history.index(epoch) + 1], [epoch.val_accuracy], **point)
        left.set(xlabel="epoch", ylabel="validation loss")
        right.set(xlabel="epoch", ylabel="validation accuracy")
        for axes in (left, right):
            axes.grid(color="#e5e7eb", linewidth=0.6)
            axes.xaxis.get_major_locator().set_params(integer=True)
        _legend(figure, right, len(histories), "lower right")

    said = "; ".join(
        f"{name}: {len(history)} epochs, best validation accuracy "
        f"{max((epoch.val_accuracy for epoch in history), default=float('nan')):.3f}"
        for name, history in drawn
    )
    return _draw(paint, f"Training curves. {said or 'There is none'}.", (7.2, 3.1))


def forest_svg(estimates: Mapping[str, Estimate], what: str) -> str:
    """Draw one figure of several models with its intervals, one line a model, the first on top.

    Args:
        estimates: By model.
        what: The figure's name.
    """
    rows = list(estimates.items())

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, (_, estimate) in enumerate(rows):
            colour = COLOURS[0] if place else COLOURS[1]
            if np.isfinite(estimate.low):
                axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=1.6)
            axes.plot([estimate.value], [place], marker="o", markersize=5, color=colour)
        if rows and np.isfinite(rows[0][1].value):
            axes.axvline(rows[0][1].value, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set_yticks(range(len(rows)), [_short(name, 34) for name, _ in rows])
        axes.set(xlabel=what, ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="x", color="#e5e7eb", linewidth=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)

    said = "; ".join(f"{name}: {_interval(estimate) or 'not estimated'}" for name, estimate in rows)
    return _draw(paint, f"{what} with 95% intervals. {said}.", (7.2, 0.8 + 0.3 * max(1, len(rows))))


def balance_svg(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Draw how many images each class has in each part.

    Args:
        counts: Part → class → images.
    """
    parts = list(counts)
    classes = list(dict.fromkeys(name for part in parts for name in counts[part]))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        height = 0.8 / max(1, len(parts))
        for place, part in enumerate(parts):
            y = np.arange(len(classes)) + (place - (len(parts) - 1) / 2) * height
            values = [counts[part].get(name, 0) for name in classes]
            bars = axes.barh(
                y,
                values,
                height * 0.92,
                label=part,
                edgecolor="#374151",
                linewidth=0.5,
                color=FILLS[place % len(FILLS)],
            )
            axes.bar_label(bars, [f"{value:,}" for value in values], padding=3, fontsize=7)
        axes.set_yticks(range(len(classes)), [_short(name) for name in classes])
        axes.invert_yaxis()
        axes.set(xlabel="images")
        axes.margins(x=0.12)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        if parts:
            axes.legend(fontsize=7)

    said = "; ".join(
        f"{part}: " + ", ".join(f"{counts[part].get(name, 0):,} {name}" for name in classes) for part in parts
    )
    size = (7.2, 1.1 + 0.28 * max(1, len(classes)) * max(1, len(parts)) ** 0.7)
    return _draw(paint, f"Images by class and part. {said}.", size)


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
