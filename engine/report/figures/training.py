"""Figures of training: curves, comparisons of runs, class balance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from engine.language import _, counted, isolated, listed, number
from engine.records import Epoch, Estimate
from engine.report.figures.drawing import (
    COLOURS,
    FILLS,
    GREY,
    MOST_CURVES,
    draw,
    interval_words,
    legend,
    line_look,
    short,
    short_names,
    worded,
)
from engine.report.figures.kept import kept
from engine.report.formatting import figure as shown
from engine.report.named.names import label_words, part_words
from engine.report.records import Report
from engine.retelling import retold
from engine.runs import kept_epoch
from engine.statistics import MONITORS


def training_svg(report: Report) -> Markup | None:
    """Draw the training of a report's run, or of each fold over the others; None where no curve was kept."""
    if report.folds is not None:
        return kept(
            overlaid_svg,
            {
                _("fold {number}").format(number=number(at)): of
                for at, of in enumerate(report.folds.histories, 1)
            },
        )
    return kept(curves_svg, report.history) if report.history else None


def curves_svg(history: Sequence[Epoch]) -> Markup:
    """Draw loss, then accuracy and AUROC on validation data, with the phases and the epoch that was kept."""
    x = np.arange(1, len(history) + 1)
    starts = [place for place in range(1, len(history)) if history[place].phase != history[place - 1].phase]
    kept = kept_epoch(history)
    best = history.index(kept) + 1 if kept is not None else 0

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        marker = {"marker": "o", "markersize": 3} if len(history) < 3 else {}
        left.plot(
            x, [epoch.train_loss for epoch in history], label=worded(_("training")), **line_look(0), **marker
        )
        left.plot(
            x, [epoch.val_loss for epoch in history], label=worded(_("validation")), **line_look(1), **marker
        )
        left.set(xlabel=worded(_("epoch")), ylabel=worded(_("loss")))
        right.plot(
            x,
            [epoch.val_accuracy for epoch in history],
            label=worded(_("accuracy")),
            **line_look(2),
            **marker,
        )
        right.plot(x, [epoch.val_auc for epoch in history], label=_("AUROC"), **line_look(3), **marker)
        for name in dict.fromkeys(epoch.monitor for epoch in history):
            if name in MONITORS and name not in ("val_loss", "val_accuracy", "val_auc"):
                told = [epoch.monitored if epoch.monitor == name else math.nan for epoch in history]
                right.plot(x, told, label=worded(retold(MONITORS[name].words)), **line_look(0), **marker)
        right.set(xlabel=worded(_("epoch")), ylabel=worded(_("on validation data")))
        for axes in (left, right):
            axes.grid(color="#e5e7eb", linewidth=0.6)
            axes.xaxis.get_major_locator().set_params(integer=True)
            for place in starts:
                axes.axvline(place + 0.5, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
            if best:
                axes.axvline(best, color="black", linewidth=0.8, label=worded(_("kept")))
            axes.legend(fontsize=7)

    phases = list(dict.fromkeys(epoch.phase for epoch in history))
    which = " " + _("Epoch {number} was kept.").format(number=number(best)) if best else ""
    told = (
        _("Training curves: {epochs} in {phases} ({names}).") if history else _("Training curves: no epoch.")
    )
    said = told.format(
        epochs=counted(len(history), "epoch"), phases=counted(len(phases), "phase"), names=listed(phases)
    )
    return draw(paint, said + which, (7.2, 2.9))


def overlaid_svg(histories: Mapping[str, Sequence[Epoch]]) -> Markup:
    """Draw the training curves of several runs over each other: validation loss, then validation accuracy.

    Args:
        histories: By the name that the legend gives.
    """
    drawn = list(histories.items())[:MOST_CURVES]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for place, (name, history) in enumerate(drawn):
            x = np.arange(1, len(history) + 1)
            look: dict[str, Any] = {**line_look(place), "linewidth": 1.3}
            if len(history) < 3:
                look |= {"marker": "o", "markersize": 3}
            left.plot(x, [epoch.val_loss for epoch in history], **look)
            right.plot(x, [epoch.val_accuracy for epoch in history], label=short(name), **look)
            kept = kept_epoch(history)
            if kept is not None:
                point = {"marker": "o", "markersize": 4.5, "color": look["color"], "linestyle": "none"}
                right.plot([history.index(kept) + 1], [kept.val_accuracy], **point)
        left.set(xlabel=worded(_("epoch")), ylabel=worded(_("validation loss")))
        right.set(xlabel=worded(_("epoch")), ylabel=worded(_("validation accuracy")))
        for axes in (left, right):
            axes.grid(color="#e5e7eb", linewidth=0.6)
            axes.xaxis.get_major_locator().set_params(integer=True)
        legend(figure, right, len(histories), "lower right")

    said = _("; ").join(
        _("{name}: {epochs}, best validation accuracy {value}").format(
            name=isolated(name),
            epochs=counted(len(history), "epoch"),
            value=shown(max((epoch.val_accuracy for epoch in history), default=math.nan)),
        )
        for name, history in drawn
    )
    return draw(paint, _("Training curves. {curves}.").format(curves=said or _("None")), (7.2, 3.1))


def forest_svg(estimates: Mapping[str, Estimate], what: str) -> Markup:
    """Draw one figure of several models with its intervals, one line a model, the first on top.

    Args:
        estimates: By model.
        what: The figure's name.
    """
    rows = list(estimates.items())

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, (_name, estimate) in enumerate(rows):
            colour = COLOURS[0] if place else COLOURS[1]
            if np.isfinite(estimate.low):
                axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=1.6)
            axes.plot([estimate.value], [place], marker="o", markersize=5, color=colour)
        if rows and np.isfinite(rows[0][1].value):
            axes.axvline(rows[0][1].value, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set_yticks(range(len(rows)), [short(name, 34) for name, _ in rows])
        axes.set(xlabel=worded(what), ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="x", color="#e5e7eb", linewidth=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)

    said = _("; ").join(f"{name}: {interval_words(estimate) or 'not estimated'}" for name, estimate in rows)
    title = _("{figure}, with 95% intervals.").format(figure=what)
    return draw(paint, f"{title} {said}.", (7.2, 0.8 + 0.3 * max(1, len(rows))))


def learning_curve_svg(
    points: Sequence[tuple[int, Estimate]], curve: Sequence[tuple[float, Estimate]]
) -> Markup:
    """Draw a metric by the number of training images, on a scale of factors: points, and the fitted law with its band.

    Args:
        points: Training images, and the metric with its interval.
        curve: The same of the law; empty where none was fitted.
    """

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        if curve:
            x = [at for at, _ in curve]
            low, high = ([getattr(one, name) for _, one in curve] for name in ("low", "high"))
            axes.fill_between(x, low, high, color=FILLS[2], linewidth=0, label="95% band")
            axes.plot(x, [one.value for _, one in curve], label="fitted law", **line_look(0))
        for at, one in points:
            if np.isfinite(one.low):
                axes.plot([at, at], [one.low, one.high], color=GREY, linewidth=1)
            axes.plot([at], [one.value], marker="o", markersize=5, color=COLOURS[1], linestyle="none")
        axes.set_xscale("log")
        ticks = sorted({at for at, _ in points} | ({curve[-1][0]} if curve else set()))
        axes.set_xticks(ticks, [f"{at:,.0f}" for at in ticks])
        axes.set_xticks([], minor=True)
        axes.set(xlabel="training images", ylabel="AUROC")
        axes.grid(color="#e5e7eb", linewidth=0.6)
        if curve:
            axes.legend(fontsize=7, loc="lower right")

    said = "; ".join(f"{at:,} images: {interval_words(one) or 'not estimated'}" for at, one in points)
    return draw(paint, f"AUROC by training images. {said}.", (7.2, 3.4))


def balance_svg(counts: Mapping[str, Mapping[str, int]]) -> Markup:
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
                label=worded(part_words(part)),
                edgecolor="#374151",
                linewidth=0.5,
                color=FILLS[place % len(FILLS)],
            )
            labels = [
                number(value) if name in counts[part] else ""
                for name, value in zip(classes, values, strict=True)
            ]
            axes.bar_label(bars, labels, padding=3, fontsize=7)
        axes.set_yticks(range(len(classes)), short_names([label_words(name) for name in classes]))
        axes.invert_yaxis()
        axes.set(xlabel=worded(_("images")))
        axes.margins(x=0.12)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        if parts:
            axes.legend(fontsize=7)

    said = _("; ").join(
        f"{part_words(part)}: "
        + _(", ").join(
            f"{number(counts[part].get(name, 0))} {isolated(label_words(name))}" for name in classes
        )
        for part in parts
    )
    size = (7.2, 1.1 + 0.28 * max(1, len(classes)) * max(1, len(parts)) ** 0.7)
    return draw(paint, _("Images by class and part. {counts}.").format(counts=said), size)
