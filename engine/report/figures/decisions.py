"""Figures for those who decide by a score: net benefit, what may be left to people, how scores lie by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.language import _, counted, isolated, number
from engine.report.figures.drawing import (
    COLOURS,
    FILLS,
    GREY,
    draw,
    grid,
    line_look,
    scale_beside,
    short,
    worded,
)
from engine.report.formatting import figure as written
from engine.report.named.names import share_words
from engine.statistics import NetBenefit, RiskCoverage

MOST_ROWS = 50  # classes whose scores are drawn
HATCHES = ("", "////")


def decision_curve_svg(
    curve: Sequence[NetBenefit], *, finding: str, threshold: float | None = None
) -> Markup:
    """Draw net benefit by the probability from which one acts, beside acting on everybody and on nobody.

    Args:
        curve: Of `engine.statistics.net_benefits`.
        finding: What is acted on.
        threshold: Of the operating point, as a vertical line.
    """
    x = [one.threshold for one in curve]
    shown = [one for one in curve if np.isfinite(one.model.low)]
    top = max((one.everybody for one in curve[:1]), default=1.0)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        at = [one.threshold for one in shown]
        axes.fill_between(
            at, [one.model.low for one in shown], [one.model.high for one in shown],
            color=COLOURS[0], alpha=0.18, linewidth=0,
        )  # fmt: skip
        axes.plot(x, [one.model.value for one in curve], label=worded(_("by the model")), **line_look(0))
        axes.plot(x, [one.everybody for one in curve], label=worded(_("on every case")), **line_look(1))
        axes.axhline(
            0, label=worded(_("on no case")), color=COLOURS[-1], linewidth=1.2, linestyle=(0, (1.5, 1.2))
        )
        _operating_point(axes, threshold)
        axes.set(xlim=(0, 1), ylim=(-0.15 * max(top, 0.05), 1.1 * max(top, 0.05)))
        acts = _("probability of {finding} from which one acts").format(finding=isolated(short(finding, 26)))
        axes.set(xlabel=worded(acts), ylabel=worded(_("net benefit")))
        grid(axes)
        below: dict[str, Any] = {"loc": "outside lower center", "ncols": 2, "title": worded(_("acting …"))}
        figure.legend(fontsize=7, title_fontsize=7, **below)

    said = _("; ").join(
        _("from {threshold}: {model} by the model, {everybody} on every case").format(
            threshold=written(one.threshold, 2),
            model=written(one.model.value, 3),
            everybody=written(one.everybody, 3),
        )
        for one in curve
        if round(100 * one.threshold) in (5, 10, 20, 30, 50, 70)
    )
    words = _("Decision curve, net benefit of acting on {finding}: {places}; on no case 0.")
    return draw(paint, words.format(finding=isolated(finding), places=said or _("no case")))


def risk_coverage_svg(curve: RiskCoverage | None) -> Markup:
    """Draw the share of wrong answers among the cases kept, the most confident first."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        if curve is not None:
            axes.step(
                curve.coverage,
                curve.risk,
                where="post",
                label=worded(_("most confident cases first")),
                **line_look(0),
            )
            axes.axhline(
                float(curve.risk[-1]),
                color=GREY,
                linewidth=0.8,
                linestyle=(0, (2, 2)),
                label=worded(_("all cases")),
            )
            axes.legend(fontsize=7, loc="best")
        top = 1.15 * float(curve.risk.max()) if curve is not None and curve.risk.max() > 0 else 1.0
        axes.set(xlim=(0, 1.01), ylim=(-0.02 * top, top))
        axes.set(
            xlabel=worded(_("share of cases kept (coverage)")),
            ylabel=worded(_("share of them wrong (risk)")),
        )
        grid(axes)

    if curve is None:
        return draw(paint, _("Risk by coverage: no case."))
    said = _("; ").join(
        _("{share} kept: {risk} wrong").format(
            share=share_words(share, 0), risk=written(float(np.interp(share, curve.coverage, curve.risk)))
        )
        for share in (0.25, 0.5, 0.75, 0.9, 1.0)
    )
    words = _("Risk by coverage, most confident cases first: {places}. Area {area}.")
    return draw(paint, words.format(places=said, area=written(curve.area, 3)))


def scores_svg(
    scores: Mapping[str, Sequence[int]], *, finding: str | None, threshold: float | None = None
) -> Markup:
    """Draw how probabilities lie in the cases of each class.

    Args:
        scores: Class → cases in each of equally wide bins of the probability.
        finding: Whose probability it is; None where each class has its own.
        threshold: Of the operating point, as a vertical line.
    """
    rows = dict(list(scores.items())[:MOST_ROWS])
    what = (
        _("probability of {finding}").format(finding=isolated(short(finding, 30)))
        if finding
        else _("probability of the case's own class")
    )
    height = 3.4 if finding else 1.0 + 0.2 * max(4, len(rows))

    def paint(figure: Figure) -> None:
        if finding:
            _histograms(figure, rows, threshold)
        else:
            _strips(figure, rows)
        figure.axes[-1 if finding else 0].set_xlabel(worded(what))  # behind strips stands the scale of colour

    said = _("; ").join(f"{isolated(name)}: {_middle(counts)}" for name, counts in scores.items())
    words = _("Scores by class, {what}: {places}.").format(what=what, places=said or _("no case"))
    return draw(paint, words, (3.6 if finding else 7.2, height))


def _histograms(figure: Figure, rows: Mapping[str, Sequence[int]], threshold: float | None) -> None:
    """Draw one histogram a class under each other, as shares of the class, told apart by fill and hatching."""
    panels = figure.subplots(len(rows), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for place, (axes, (name, counts)) in enumerate(zip(panels, rows.items(), strict=True)):
        edges, total = np.linspace(0, 1, len(counts) + 1), max(1, sum(counts))
        look: dict[str, Any] = {"color": FILLS[1 + place % 2], "hatch": HATCHES[place % 2]}
        axes.bar(
            edges[:-1], np.array(counts) / total, width=1 / len(counts), align="edge",
            edgecolor="#374151", linewidth=0.5, **look,
        )  # fmt: skip
        axes.set(xlim=(0, 1), ylabel=worded(_("share of cases")))
        axes.set_title(f"{short(name)}  n = {number(sum(counts))}", fontsize=8, loc="left")
        grid(axes)
        _operating_point(axes, threshold)


def _strips(figure: Figure, rows: Mapping[str, Sequence[int]]) -> None:
    """Draw one strip a class, darker where more of its cases lie."""
    axes = figure.add_subplot()
    if rows:
        counts = np.array(list(rows.values()), dtype=np.float64)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        edges = np.linspace(0, 1, counts.shape[1] + 1)
        look: dict[str, Any] = {"cmap": mpl.colormaps["Greys"].resampled(25), "vmin": 0}
        lines = np.arange(len(rows) + 1) - 0.5
        mesh = axes.pcolormesh(edges, lines, shares, edgecolors="#d1d5db", linewidth=0.2, **look)
        scale_beside(figure, axes, mesh, worded(_("share of the class")))
    names = [f"{short(name)}  n = {number(sum(of))}" for name, of in rows.items()]
    axes.set_yticks(range(len(rows)), names, fontsize=7)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def _middle(counts: Sequence[int]) -> str:
    """Say where the middle case of a histogram lies."""
    total = sum(counts)
    if not total:
        return _("no case")
    place = int(np.searchsorted(np.cumsum(counts), total / 2))
    width = 1 / len(counts)
    return _("{cases}, the middle one between {low} and {high}").format(
        cases=counted(total, "case"), low=written(place * width, 2), high=written((place + 1) * width, 2)
    )


def _operating_point(axes: Axes, threshold: float | None) -> None:
    if threshold is not None and np.isfinite(threshold):
        axes.axvline(threshold, color="black", linewidth=0.9, label=worded(_("operating point")))
