"""Figures are well-formed, deterministic, safe inside a page and readable without eyes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.records import Epoch
from engine.report.figures import (
    balance_svg,
    confusion_matrix_svg,
    curves_svg,
    precision_recall_svg,
    reliability_svg,
    roc_svg,
)
from engine.statistics.curves import precision_recall_curve, reliability_bins, roc_curve
from engine.statistics.ranking import auroc

EVIL = "<script>alert(1)</script> $x_1$ & \"肺炎'"
rng = np.random.default_rng(0)
Y = rng.random(200) < 0.3
P = np.clip(rng.random(200) * 0.7 + Y * 0.3, 0, 1)


def epochs(n: int) -> list[Epoch]:
    nan = float("nan")
    return [
        Epoch(
            number=i + 1, phase="head" if i < 2 else "all",
            train_loss=1 / (i + 1), val_loss=nan if i == 1 else 0.5,
            val_accuracy=0.8, val_auc=nan, learning_rate=1e-3, seconds=1, images_per_second=50, best=i == 2,
        )
        for i in range(n)
    ]  # fmt: skip


FIGURES: dict[str, Callable[[], str]] = {
    "confusion": lambda: confusion_matrix_svg([[90, 10], [4, 46]], ["normal", EVIL]),
    "confusion of many": lambda: confusion_matrix_svg(
        np.eye(12, dtype=int), [EVIL + str(i) for i in range(12)]
    ),
    "confusion of nothing": lambda: confusion_matrix_svg(np.zeros((2, 2), int), ["a", EVIL]),
    "roc": lambda: roc_svg({EVIL: roc_curve(Y, P)}, areas={EVIL: auroc(Y, P)}, point=(0.8, 0.9)),
    "roc of nothing": lambda: roc_svg({EVIL: None}, point=(float("nan"), 0.5)),
    "precision-recall": lambda: precision_recall_svg({EVIL: precision_recall_curve(Y, P)}, prevalence=0.3),
    "reliability": lambda: reliability_svg(reliability_bins(Y, P), what=EVIL),
    "reliability of nothing": lambda: reliability_svg([], what=EVIL),
    "training": lambda: curves_svg(epochs(6)),
    "training of one epoch": lambda: curves_svg(epochs(1)),
    "training of none": lambda: curves_svg([]),
    "balance": lambda: balance_svg({"training": {"normal": 5, EVIL: 3}, "test": {EVIL: 1}}),
    "balance of nothing": lambda: balance_svg({}),
}


@cache
def drawn(name: str) -> str:
    return FIGURES[name]()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_one_well_formed_element_with_words_for_the_blind(name: str) -> None:
    svg = drawn(name)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("}svg") and root.get("role") == "img"
    assert len(root.get("aria-label", "")) > 10
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert "<script" not in svg and "<?xml" not in svg and "metadata" not in svg


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_asks_nothing_of_the_network(name: str) -> None:
    links = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', drawn(name))
    assert all((a or b).startswith("#") for a, b in links)


def test_equal_numbers_give_equal_text_even_when_drawn_at_once() -> None:
    expected, found = {name: drawn(name) for name in FIGURES}, {}
    threads = [
        threading.Thread(target=lambda name=name: found.__setitem__(name, FIGURES[name]()))
        for name in FIGURES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_no_two_figures_on_a_page_share_an_id_and_every_reference_is_kept() -> None:
    page = "".join(drawn(name) for name in FIGURES)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', page)) <= set(ids)


def test_the_words_say_what_the_picture_shows() -> None:
    assert "of 50 opacity: 4 predicted normal, 46 predicted opacity" in confusion_matrix_svg(
        [[90, 10], [4, 46]], ["normal", "opacity"]
    )
    assert "Epoch 3 was kept" in curves_svg(epochs(6))


def test_curves_left_out_of_a_crowded_figure_are_counted_in_it() -> None:
    many = {f"class {i}": roc_curve(Y, P) for i in range(14)}
    svg = roc_svg(many)
    assert "and 4 more, not drawn" in svg and "class 9" in svg
    assert "class 13: area" in svg  # the words for the blind name all


@pytest.mark.parametrize(("curves", "below"), [(2, False), (8, True)])
def test_a_legend_of_many_curves_stands_below_the_axes_where_it_covers_none(curves: int, below: bool) -> None:
    svg = roc_svg({f"class {i}": roc_curve(Y, P) for i in range(curves)})
    height_of = {
        words: float(re.search(rf' y="([0-9.]+)"[^>]*>{words}', svg)[1])  # from the top
        for words in ("1 − specificity", "class 0", f"class {curves - 1}")
    }
    figure = float(re.search(r'viewBox="0 0 [0-9.]+ ([0-9.]+)"', svg)[1])
    assert (height_of["class 0"] > height_of["1 − specificity"]) is below
    assert height_of[f"class {curves - 1}"] < figure


def test_a_curve_of_a_hundred_thousand_films_stays_small() -> None:
    y = rng.random(100_000) < 0.3
    assert len(roc_svg({"opacity": roc_curve(y, rng.random(100_000) + y)})) < 200_000
