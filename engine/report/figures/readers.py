"""Figures of a reader study: points without the model and with it, differences as a forest, change over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from engine.language import N_, _, counted, isolated
from engine.records import Estimate
from engine.report.figures.drawing import COLOURS, DASHES, GREY, draw, unit_square, worded
from engine.report.formatting import figure as shown
from engine.statistics import Learning, Roc

FEW_READERS = 12  # whose names find room beside their points
ALL = N_("all readers")
WAYS = {
    "blind": (N_("without the model"), "o"),
    "assisted": (N_("with the model"), "s"),
    "concurrent": (N_("with it from the beginning"), "D"),
    "annotation": (N_("annotation"), "o"),
}
"""Way of reading → in words, and its mark."""

Points = Mapping[str, Mapping[str, tuple[float, float]]]
"""Reader → way of reading → 1 − specificity and sensitivity."""


def arrows_svg(points: Points, roc: Roc | None) -> str:
    """Draw each reader's operating points, with an arrow from without the model to with it; empty without points.

    Args:
        points: Of each reader.
        roc: The model's own curve on these cases; None without a model.
    """
    if not points:
        return ""
    modes = [mode for mode in WAYS if any(mode in of for of in points.values())]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        unit_square(axes, worded(_("1 − specificity")), worded(_("sensitivity")))
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        if roc is not None:
            axes.plot(
                roc.false_positive_rate,
                roc.true_positive_rate,
                color=GREY,
                linewidth=1.4,
                label=worded(_("the model alone")),
            )
        for reader, of in points.items():
            before, after = of.get("blind"), of.get("assisted", of.get("concurrent"))
            if before is not None and after is not None and after != before:
                look = {"arrowstyle": "->", "color": "#374151", "linewidth": 1.0, "shrinkA": 3, "shrinkB": 3}
                axes.annotate("", xy=after, xytext=before, arrowprops=look)
            if len(points) <= FEW_READERS:
                at = next(iter(of.values())) if before is None else before
                axes.annotate(reader, at, xytext=(4, -9), textcoords="offset points", fontsize=7)
        for place, mode in enumerate(modes):
            x, y = zip(*(of[mode] for of in points.values() if mode in of), strict=True)
            words, mark = WAYS[mode]
            face: dict[str, Any] = {
                "color": COLOURS[place],
                "markerfacecolor": "white" if mode == "blind" else COLOURS[place],
            }
            axes.plot(x, y, linestyle="none", marker=mark, markersize=5, label=worded(_(words)), **face)
        axes.legend(loc="lower right", fontsize=7)

    said = _("; ").join(
        f"{isolated(reader)}: "
        + _(", ").join(
            _("{way} sensitivity {sensitivity}, specificity {specificity}").format(
                way=_(WAYS[mode][0]), sensitivity=shown(y, 3), specificity=shown(1 - x, 3)
            )
            for mode, (x, y) in of.items()
        )
        for reader, of in points.items()
    )
    told = _("Sensitivity and specificity of readers. {points}.").format(points=said)
    return draw(paint, told, (4.4, 4.2))


def differences_svg(what: str, by_reader: Mapping[str, Estimate], all_readers: Estimate) -> str:
    """Draw each reader's difference between two ways of reading with its interval, and that of all readers below.

    Args:
        what: "AUC, assisted minus blind".
        by_reader: Of each reader.
        all_readers: For readers and cases like these.
    """
    rows = {**by_reader, ALL: all_readers}

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle=DASHES[1])
        for place, (reader, one) in enumerate(rows.items()):
            colour, width, mark = (COLOURS[1], 2.2, "D") if reader == ALL else (COLOURS[0], 1.4, "o")
            if math.isfinite(one.low):
                axes.plot([one.low, one.high], [place, place], color=colour, linewidth=width)
            axes.plot([one.value], [place], marker=mark, markersize=5, color=colour)
        axes.set_yticks(range(len(rows)), [worded(_(ALL)) if name == ALL else name for name in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(worded(_("difference in {what}").format(what=what)))
        axes.grid(axis="x", color="#e5e7eb", linewidth=0.6)

    said = _("; ").join(
        f"{_(ALL) if reader == ALL else isolated(reader)} {_words(one)}" for reader, one in rows.items()
    )
    told = _("Differences in {what}: {said}.").format(what=what, said=said)
    return draw(paint, told, (5.6, 0.9 + 0.26 * len(rows)))


def _words(one: Estimate) -> str:
    if not math.isfinite(one.value):
        return one.method
    value = shown(one.value, 3)
    if not math.isfinite(one.low):
        return value
    return _("{value} (95% {low} to {high})").format(
        value=value, low=shown(one.low, 3), high=shown(one.high, 3)
    )


def learning_svg(changed: Sequence[tuple[str, Learning]]) -> str:
    """Draw right answers and time over the thirds of each reader's cases; empty where nothing was read.

    Args:
        changed: Way of reading, and how readers changed in it.
    """
    if not changed:
        return ""

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for place, (mode, learning) in enumerate(changed):
            shares = [third.right for third in learning.thirds]
            x = [at + 0.06 * place for at in range(len(shares))]
            words, mark = WAYS[mode]
            look: dict[str, Any] = {
                "color": COLOURS[place],
                "linestyle": DASHES[place],
                "marker": mark,
                "markersize": 4,
            }
            left.plot(x, [one.value for one in shares], label=worded(_(words)), **look)
            left.vlines(
                x, [one.low for one in shares], [one.high for one in shares], color=look["color"], linewidth=1
            )
            right.plot(x, [third.seconds for third in learning.thirds], **look)
        for axes in (left, right):
            axes.set_xticks(range(3), [worded(one) for one in (_("first"), _("middle"), _("last third"))])
            axes.grid(color="#e5e7eb", linewidth=0.6)
        left.set(ylabel=worded(_("share right")), ylim=(-0.02, 1.02))
        right.set(ylabel=worded(_("median seconds")), ylim=(0, None))
        right.yaxis.set_major_locator(MaxNLocator(5))
        figure.legend(fontsize=7, loc="outside lower center", ncols=len(changed))  # where it hides no line

    said = _("; ").join(
        f"{_(WAYS[mode][0])}: "
        + _(", ").join(
            _("{third} {share} right of {readings}").format(
                third=_(third.name),
                share=shown(third.right.value, 3),
                readings=counted(third.readings, "reading"),
            )
            for third in learning.thirds
        )
        for mode, learning in changed
    )
    told = _("Change over the thirds of each reader's cases. {said}.").format(said=said)
    return draw(paint, told, (6.4, 2.9))
