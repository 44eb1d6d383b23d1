"""Promises of figures: what is drawn lies where its numbers say. Looks are not tested, places are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.records import Epoch, Estimate
from engine.report.figures import (
    balance_svg,
    confusion_matrix_svg,
    curves_svg,
    forest_svg,
    overlaid_svg,
    precision_recall_svg,
    reliability_svg,
    roc_svg,
)
from engine.report.figures.drawing import short, short_names
from engine.statistics.curves import precision_recall_curve, reliability_bins, roc_curve
from tests.tiny import EPOCH

rng = np.random.default_rng(1)
Y = rng.random(150) < 0.4
P = np.clip(rng.random(150) * 0.6 + Y * 0.4, 0, 1)


@pytest.fixture
def axes_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Axes]]]:
    """Draw a figure and return its axes, as matplotlib has them before they become text."""
    kept: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])

    def drawn(function: Callable[..., str], *arguments: Any, **more: Any) -> list[Axes]:
        assert function(*arguments, **more).startswith("<svg ")
        return kept[-1].axes

    yield drawn


def lines(axes: Axes) -> list[list[tuple[float, float]]]:
    return [[(float(x), float(y)) for x, y in line.get_xydata()] for line in axes.lines]


def ticks(axes: Axes, which: str) -> list[str]:
    return [label.get_text() for label in getattr(axes, f"get_{which}ticklabels")()]


def words(axes: Axes) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.get_position() for text in axes.texts}


DIAGONAL = [(0.0, 0.0), (1.0, 1.0)]


def test_a_roc_curve_goes_through_its_points_above_the_line_of_chance(
    axes_of: Callable[..., list[Axes]],
) -> None:
    curve = roc_curve(Y, P)
    assert curve is not None
    (axes,) = axes_of(roc_svg, {"ill": curve, "none": None}, point=(0.2, 0.7))
    chance, drawn, cross = lines(axes)
    assert chance == DIAGONAL and cross == [(0.2, 0.7)]
    assert drawn == list(zip(curve.false_positive_rate, curve.true_positive_rate, strict=True))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("1 − specificity", "sensitivity")
    (axes,) = axes_of(roc_svg, {"ill": curve}, point=(float("nan"), 0.5))
    assert len(axes.lines) == 2


def test_a_precision_recall_curve_falls_in_steps_from_the_axis_on(axes_of: Callable[..., list[Axes]]) -> None:
    curve = precision_recall_curve(Y, P)
    assert curve is not None
    (axes,) = axes_of(precision_recall_svg, {"ill": curve}, prevalence=0.4, point=(0.6, 0.8))
    prevalence, drawn, cross = axes.lines
    assert list(prevalence.get_ydata()) == [0.4, 0.4] and list(cross.get_xydata()[0]) == [0.6, 0.8]
    assert drawn.get_drawstyle() == "steps-pre"  # recall is reached at the precision that follows
    assert list(drawn.get_xydata()[0]) == [0.0, curve.precision[0]]
    np.testing.assert_array_equal(drawn.get_xydata()[1:], np.column_stack([curve.recall, curve.precision]))
    assert axes.get_xlabel().startswith("recall") and axes.get_ylabel().startswith("precision")


def test_a_reliability_diagram_has_its_bins_their_bars_and_their_cases(
    axes_of: Callable[..., list[Axes]],
) -> None:
    bins = reliability_bins(Y, P, bins=5)
    upper, lower = axes_of(reliability_svg, bins, what="pneumonia")
    perfect, points = lines(upper)[:2]
    assert perfect == DIAGONAL
    assert points == [(each.probability, each.frequency.value) for each in bins]
    (bars,) = upper.collections
    for segment, each in zip(bars.get_segments(), bins, strict=True):
        np.testing.assert_allclose(segment[:, 0], each.probability)
        np.testing.assert_allclose(segment[:, 1], [each.frequency.low, each.frequency.high])
    for bar, each in zip(lower.patches, bins, strict=True):
        assert bar.get_height() == each.count
        assert bar.get_x() + bar.get_width() / 2 == pytest.approx((each.low + each.high) / 2)
        assert bar.get_width() < each.high - each.low
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("probability of pneumonia", "cases")


@pytest.mark.parametrize("classes", [2, 4, 9])
def test_a_confusion_matrix_counts_down_by_reference_and_across_by_prediction(
    classes: int, axes_of: Callable[..., list[Axes]]
) -> None:
    cells = 1000 * np.eye(classes, dtype=int) + np.arange(classes**2).reshape(classes, classes)
    names = [f"class {code}" for code in range(classes)]
    axes, *scale = axes_of(confusion_matrix_svg, cells, names, standard="panel")
    assert bool(scale) == (classes > 8)  # few classes have their shares in words
    order = ticks(axes, "x")
    assert order == ticks(axes, "y") and sorted(order) == names and (classes > 8 or order == names)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "panel")
    top, bottom = axes.get_ylim()[1], axes.get_ylim()[0]
    assert top < bottom, "the first class stands on top"
    said = words(axes)
    for (row, column), count in np.ndenumerate(cells):
        if classes > 8 and not count:
            continue
        x, y = said[f"{count:,}"]
        assert (order[int(x)], order[round(float(y))]) == (names[column], names[row])
    shares = {text: place for text, place in said.items() if text.endswith("%")}
    assert bool(shares) == (classes < 9)
    ink = {text.get_text(): text.get_color() for text in axes.texts}
    assert (ink["1,000"], ink["1"]) == (
        "white",
        "black",
    )  # read on dark and on light
    turned = {label.get_rotation() for label in axes.get_xticklabels()}
    assert turned == (
        {0.0} if classes < 4 else {45.0}
    )  # long names of many classes do not run into each other


@pytest.mark.parametrize(
    "names",
    [
        ["bacterial pneumonia", "viral pneumonia", "normal"],
        ["PNEUMOTHORAX WWWWWW", "M" * 18],
        ["normal", "opacity", "W" * 12],
        ["Pneumonia_right_lower_lobe", "بدون_یافته_غیرطبیعی_در_قفسه_سینه"],
        [f"opacity of lobe {number}, left" for number in range(5)],
    ],
)
def test_no_name_of_a_confusion_matrix_runs_into_another(
    names: list[str], axes_of: Callable[..., list[Axes]]
) -> None:
    (axes,) = axes_of(confusion_matrix_svg, np.eye(len(names), dtype=int), names, standard="panel")
    for labels, turned in ((axes.get_xticklabels(), "x"), (axes.get_yticklabels(), "y")):
        if labels[0].get_rotation() == 45.0:  # then each is as far from the next as they are apart
            continue
        spans = sorted(tuple(getattr(each.get_window_extent(), f"interval{turned}")) for each in labels)
        assert all(before[1] < after[0] for before, after in pairwise(spans)), names


def test_a_row_without_cases_has_counts_and_no_share(axes_of: Callable[..., list[Axes]]) -> None:
    (axes,) = axes_of(confusion_matrix_svg, [[3, 1], [0, 0]], ["a", "b"])
    assert sorted(text for text in words(axes) if "%" in text) == ["25%", "75%"]


def epochs(losses: list[float], phases: str, best: int = -1) -> list[Epoch]:
    return [
        replace(EPOCH, number=n + 1, phase=phase, train_loss=loss, val_loss=2 * loss, val_accuracy=loss / 10,
                val_auc=loss / 5, best=n == best)
        for n, (loss, phase) in enumerate(zip(losses, phases, strict=True))
    ]  # fmt: skip


def test_training_curves_begin_at_the_first_epoch_and_say_where_phases_begin_and_which_was_kept(
    axes_of: Callable[..., list[Axes]],
) -> None:
    losses = [5.0, 4.0, 3.0, 2.0]
    left, right = axes_of(curves_svg, epochs(losses, "aabb", best=2))
    by_name = {line.get_label(): line for axes in (left, right) for line in axes.lines}
    for name, factor in (("training", 1), ("validation", 2), ("accuracy", 0.1), ("AUROC", 0.2)):
        assert list(by_name[name].get_xdata()) == [1, 2, 3, 4]
        np.testing.assert_allclose(by_name[name].get_ydata(), factor * np.array(losses))
    for axes in (left, right):
        upright = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
        assert upright == [2.5, 3]
        assert axes.get_xlabel() == "epoch"
    assert (left.get_ylabel(), right.get_ylabel()) == ("loss", "on validation data")


@pytest.mark.parametrize(("count", "marked"), [(1, True), (2, True), (3, False), (4, False)])
def test_one_or_two_epochs_are_seen_as_points(
    count: int, marked: bool, axes_of: Callable[..., list[Axes]]
) -> None:
    history = epochs([4.0, 3.0, 2.0, 1.0][:count], "aaaa"[:count], best=0)
    for function, given in ((curves_svg, history), (overlaid_svg, {"run": history})):
        left, _ = axes_of(function, given)
        assert (left.lines[0].get_marker() == "o") == marked


def test_runs_are_laid_over_each_other_each_with_its_kept_epoch(axes_of: Callable[..., list[Axes]]) -> None:
    runs = {"one": epochs([5.0, 4.0, 3.0], "aaa", best=1), "two": epochs([2.0, 1.0, 0.5, 0.4], "aaaa")}
    left, right = axes_of(overlaid_svg, runs)
    assert lines(left) == [[(1, 10), (2, 8), (3, 6)], [(1, 4), (2, 2), (3, 1), (4, 0.8)]]
    first, kept, second = lines(right)
    assert first == [(1, 0.5), (2, 0.4), (3, 0.3)] and kept == [(2, 0.4)]
    assert second == [(1, 0.2), (2, 0.1), (3, 0.05), (4, 0.04)]
    assert (left.get_ylabel(), right.get_ylabel()) == ("validation loss", "validation accuracy")
    assert "one: 3 epochs, best validation accuracy .500" in overlaid_svg(runs)


def test_a_forest_stands_one_model_a_line_with_the_first_on_top(axes_of: Callable[..., list[Axes]]) -> None:
    known = Estimate(value=0.7, low=0.6, high=0.8, method="x", n=9)
    bare = replace(known, value=0.5, low=float("nan"), high=float("nan"))
    (axes,) = axes_of(
        forest_svg, {"first": known, "second": replace(known, value=0.75), "third": bare}, "AUROC"
    )
    drawn = lines(axes)
    assert drawn[:2] == [[(0.6, 0), (0.8, 0)], [(0.7, 0)]]
    assert drawn[2:4] == [[(0.6, 1), (0.8, 1)], [(0.75, 1)]]
    assert drawn[4] == [(0.5, 2)] and [x for x, _ in drawn[5]] == [0.7, 0.7]
    colours = [line.get_color() for line in axes.lines]
    assert (
        colours[0] == colours[1] != colours[2] == colours[3] == colours[4]
    )  # the first is what others stand beside
    assert ticks(axes, "y") == ["first", "second", "third"] and axes.get_ylim()[0] > axes.get_ylim()[1]
    assert axes.get_xlabel() == "AUROC"
    assert len(axes_of(forest_svg, {"only": replace(bare, value=float("nan"))}, "AUROC")[0].lines) == 1


def test_bars_of_parts_lie_side_by_side_around_their_class(axes_of: Callable[..., list[Axes]]) -> None:
    counts = {"training": {"normal": 1200, "ill": 300}, "test": {"ill": 40}}
    (axes,) = axes_of(balance_svg, counts)
    assert ticks(axes, "y") == ["normal", "ill"]
    sizes = [bar.get_width() for bar in axes.patches]
    assert sizes == [1200, 300, 0, 40]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    assert middles == pytest.approx([-0.2, 0.8, 0.2, 1.2])
    assert all(0 < bar.get_height() < 0.4 for bar in axes.patches)
    assert {text.get_text() for text in axes.texts} == {"1,200", "300", "", "40"}
    assert axes.get_xlabel() == "images" and axes.get_ylim()[0] > axes.get_ylim()[1]
    assert "training: 1,200 normal, 300 ill; test: 0 normal, 40 ill" in balance_svg(counts)


def test_names_that_begin_or_end_alike_stay_different_in_a_figure() -> None:
    lobes = ["opacity of the left lower lobe", "opacity of the left upper lobe", "short"]
    made = short_names(lobes)
    assert "lower lobe" in made[0] and "upper lobe" in made[1] and made[2] == "short"
    numbered = [f"a finding number {number} with the same words around it" for number in range(3)]
    twice = [
        "exactly the same words at both ends, " * 2 + f"{number}" + " and then those again" for number in "ab"
    ]
    for names in (numbered, twice, lobes + numbered + twice):
        made = short_names(names)
        assert len(set(made)) == len(names) and all(len(name) <= 26 for name in made)


def test_names_of_any_length_fit_on_one_line() -> None:
    assert short("x" * 22) == "x" * 22 and short("x" * 23) == "x" * 21 + "…"
    assert short(" a\n b\t") == "a b" and short("\n") == "(no name)" and short("a\x00b") == "ab"
    assert short("abcdef", 4) == "abc…"


MOST = 7.2 * 72  # points across a page


@pytest.mark.parametrize("classes", [2, 5, 12, 40])
def test_a_figure_fits_on_a_page(classes: int) -> None:
    names = [f"class {code}" for code in range(classes)]
    drawn = (
        confusion_matrix_svg(np.eye(classes, dtype=int), names),
        balance_svg({part: dict.fromkeys(names, 3) for part in ("training", "validation", "test")}),
        forest_svg(
            {name: Estimate(value=0.7, low=0.6, high=0.8, method="x", n=9) for name in names}, "AUROC"
        ),
        curves_svg(epochs([2.0, 1.0], "ab")),
        overlaid_svg({name: epochs([2.0, 1.0], "ab") for name in names}),
        roc_svg(dict.fromkeys(names, roc_curve(Y, P))),
    )
    for svg in drawn:
        width, height = map(float, re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', svg).groups())  # type: ignore[union-attr]
        assert 200 < width <= MOST + 0.1 and height > 50
