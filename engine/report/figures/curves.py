"""Curves of discrimination and calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.language import _, isolated, number
from engine.records import Estimate
from engine.report.drawn_records import Operating, ReaderPoint
from engine.report.figures.drawing import (
    COLOURS,
    GREY,
    MOST_CURVES,
    draw,
    interval_words,
    legend,
    line_look,
    short,
    unit_square,
    worded,
)
from engine.report.formatting import figure as shown
from engine.statistics import Band, PrecisionRecall, ReliabilityBin, Roc

NONE: Mapping[str, Band] = MappingProxyType({})


def roc_svg(
    curves: Mapping[str, Roc | None],
    *,
    areas: Mapping[str, Estimate] | None = None,
    point: tuple[float, float] | None = None,
    bands: Mapping[str, Band] = NONE,
    readers: Sequence[ReaderPoint] = (),
) -> Markup:
    """Draw ROC curves.

    Args:
        curves: By name (a class, or a reference standard); None where there is none.
        areas: AUROC by the same names, for the legend.
        point: 1 - specificity and sensitivity at the operating point, marked by a cross.
        bands: Around the curves, by the same names.
        readers: Where readers stand: an arrow from without the model to with it.
    """
    drawn = [(name, curve) for name, curve in curves.items() if curve is not None]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        for place, (name, curve) in enumerate(drawn[:MOST_CURVES]):
            label = f"{short(name)}  {interval_words((areas or {}).get(name))}".strip()
            _band(axes, bands.get(name), place)
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=label, **line_look(place))
        _mark(axes, point)
        mark_readers(axes, [_moved(one, lambda at: (1 - at.specificity, at.sensitivity)) for one in readers])
        unit_square(axes, worded(_("1 − specificity")), worded(_("sensitivity")))
        legend(figure, axes, len(drawn) + 2 * bool(readers), "lower right")

    said = _("; ").join(
        _("{name}: area {value}").format(name=isolated(name), value=_found((areas or {}).get(name)))
        for name, _curve in drawn
    )
    words = _("ROC curve. {curves}.").format(curves=said or _("No curve"))
    return draw(paint, f"{words}{_marked(point)}{_reached(readers, 'specificity')}")


def precision_recall_svg(
    curves: Mapping[str, PrecisionRecall | None],
    *,
    averages: Mapping[str, Estimate] | None = None,
    prevalence: float | None = None,
    point: tuple[float, float] | None = None,
    bands: Mapping[str, Band] = NONE,
    readers: Sequence[ReaderPoint] = (),
) -> Markup:
    """Draw precision-recall curves.

    Args:
        curves: By name; None where there is none.
        averages: Average precision by the same names, for the legend.
        prevalence: The precision of predicting every case positive, as a dotted line.
        point: Recall and precision at the operating point, marked by a cross.
        bands: Around the curves, by the same names.
        readers: As in `roc_svg`.
    """
    drawn: dict[str, PrecisionRecall] = {}
    named = []
    # One after the other: of many cases and classes together they are large.
    for name, curve in curves.items():
        if curve is not None:
            named.append(name)
            if len(drawn) < MOST_CURVES:
                drawn[name] = curve

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        if prevalence is not None:
            axes.axhline(prevalence, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        for place, (name, curve) in enumerate(drawn.items()):
            label = f"{short(name)}  {interval_words((averages or {}).get(name))}".strip()
            recall, precision = np.append(0.0, curve.recall), np.append(curve.precision[0], curve.precision)
            _band(axes, bands.get(name), place)
            axes.step(recall, precision, where="pre", label=label, **line_look(place))
        _mark(axes, point)
        mark_readers(axes, [_moved(one, lambda at: (at.sensitivity, at.precision)) for one in readers])
        unit_square(
            axes, worded(_("recall (sensitivity)")), worded(_("precision (positive predictive value)"))
        )
        legend(figure, axes, len(named) + 2 * bool(readers), "lower left")

    said = _("; ").join(
        _("{name}: average precision {value}").format(
            name=isolated(name), value=_found((averages or {}).get(name))
        )
        for name in named
    )
    words = _("Precision-recall curve. {curves}.").format(curves=said or _("No curve"))
    return draw(paint, f"{words}{_marked(point)}{_reached(readers, 'precision')}")


def reliability_svg(
    bins: Sequence[ReliabilityBin], *, error: Estimate | None = None, what: str = ""
) -> Markup:
    """Draw a reliability diagram: how often the finding was there when the model said so with probability p.

    Args:
        bins: Of `engine.statistics.curves.reliability_bins`.
        error: The calibration error, for the title.
        what: What the probability speaks of; empty for the finding.
    """

    what = what or _("the finding")

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
        upper.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), ylabel=worded(_("observed frequency")))
        upper.grid(color="#e5e7eb", linewidth=0.6)
        middle = [(each.low + each.high) / 2 for each in bins]
        width = [0.9 * (each.high - each.low) for each in bins]
        lower.bar(middle, [each.count for each in bins], width=width, color="#9ca3af")
        lower.set(
            xlabel=worded(_("probability of {finding}").format(finding=isolated(short(what, 32)))),
            ylabel=worded(_("cases")),
        )

    said = _(", ").join(
        _("{probability}: {frequency} of {count}").format(
            probability=shown(each.probability, 2),
            frequency=shown(each.frequency.value, 2),
            count=number(each.count),
        )
        for each in bins
    )
    gap = interval_words(error)
    words = _("Reliability diagram, probability and observed frequency: {places}.").format(
        places=said or _("no case")
    )
    more = " " + _("Calibration error {value}.").format(value=gap) if gap else ""
    return draw(paint, words + more)


def mark_readers(
    axes: Axes, moves: Sequence[tuple[tuple[float, float] | None, tuple[float, float] | None]]
) -> None:
    """Mark where readers stand without a model (ring) and with it (filled), an arrow from one to the other."""
    look: dict[str, Any] = {"markersize": 5, "linestyle": "none", "color": "black", "zorder": 4}
    said = set()
    for before, after in moves:
        for name, at, marker, fill in (
            (worded(_("reader, without the model")), before, "o", "white"),
            (worded(_("reader, with the model")), after, "^", "black"),
        ):
            if at is not None and np.isfinite(at).all():
                label = "" if name in said else name
                axes.plot(*at, marker=marker, markerfacecolor=fill, label=label, **look)
                said.add(name)
        if before is not None and after is not None and np.isfinite((*before, *after)).all():
            arrow: Any = {"arrowstyle": "->", "color": "black", "linewidth": 0.8, "shrinkA": 3, "shrinkB": 2}
            axes.annotate("", xy=after, xytext=before, arrowprops=arrow)


def _moved(
    reader: ReaderPoint, place: Callable[[Operating], tuple[float, float]]
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    before, after = (None if at is None else place(at) for at in (reader.blind, reader.assisted))
    return before, after


def _share(value: float) -> str:
    return shown(value)


def _reached(readers: Sequence[ReaderPoint], other: str) -> str:
    """Say where readers stand, for who cannot see it."""
    named = {"specificity": _("specificity"), "precision": _("precision")}
    return "".join(
        " "
        + how.format(
            reader=isolated(one.reader),
            sensitivity=_share(at.sensitivity),
            figure=named[other],
            value=_share(getattr(at, other)),
        )
        for one in readers
        for how, at in (
            (_("{reader} without the model: sensitivity {sensitivity}, {figure} {value}."), one.blind),
            (_("{reader} with the model: sensitivity {sensitivity}, {figure} {value}."), one.assisted),
        )
        if at is not None
    )


def _band(axes: Axes, band: Band | None, place: int) -> None:
    if band is not None:
        look: dict[str, Any] = {"color": line_look(place)["color"], "alpha": 0.18, "linewidth": 0}
        axes.fill_between(band.at, band.low, band.high, **look)


def _mark(axes: Axes, point: tuple[float, float] | None) -> None:
    """Mark the operating point by a cross, where there is one."""
    if point is None or not np.isfinite(point).all():
        return
    cross: dict[str, Any] = {"color": "black", "markersize": 9, "markeredgewidth": 2, "linestyle": "none"}
    axes.plot(*point, marker="x", label=worded(_("operating point")), **cross)


def _marked(point: tuple[float, float] | None) -> str:
    """Say where the operating point is marked, for who cannot see it."""
    if point is None or not np.isfinite(point).all():
        return ""
    told = _("The operating point is marked at ({across}, {up}).")
    return " " + told.format(across=shown(point[0], 3), up=shown(point[1], 3))


def _found(estimate: Estimate | None) -> str:
    return interval_words(estimate) or _("not estimated")
