"""Figures are well-formed, deterministic, safe inside a page and readable without eyes."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from engine.records import Epoch
from engine.report.drawn_records import Operating, ReaderPoint
from engine.report.figures import (
    balance_svg,
    confusion_matrix_svg,
    curves_svg,
    decision_curve_svg,
    most_confused,
    precision_recall_svg,
    reliability_svg,
    risk_coverage_svg,
    roc_svg,
    scores_svg,
)
from engine.report.figures.confusion import MANY, TAKEN_FOR, by_likeness
from engine.statistics import curve_bands, kept_by_sureness, net_benefits
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


NAN = float("nan")
BANDS = curve_bands(Y, P)
assert BANDS is not None
READERS = (
    ReaderPoint(
        study="s", reader="R1", standard="labels that came with the data", own=0,
        blind=Operating(cases=9, sensitivity=0.6, specificity=0.7, precision=0.5),
        assisted=Operating(cases=9, sensitivity=0.8, specificity=0.75, precision=0.6),
    ),
    ReaderPoint(
        study="s", reader="R2", standard="labels that came with the data", own=0,
        blind=None, assisted=Operating(cases=9, sensitivity=NAN, specificity=0.7, precision=NAN),
    ),
)  # fmt: skip
HISTOGRAM = {"normal": [9, 3, 0, 1], EVIL: [0, 0, 2, 5]}

FIGURES: dict[str, Callable[[], str]] = {
    "confusion": lambda: confusion_matrix_svg([[90, 10], [4, 46]], ["normal", EVIL]),
    "confusion of many": lambda: confusion_matrix_svg(
        np.eye(12, dtype=int), [EVIL + str(i) for i in range(12)]
    ),
    "confusion of nothing": lambda: confusion_matrix_svg(np.zeros((2, 2), int), ["a", EVIL]),
    "roc": lambda: roc_svg({EVIL: roc_curve(Y, P)}, areas={EVIL: auroc(Y, P)}, point=(0.8, 0.9)),
    "roc with a band and readers": lambda: roc_svg(
        {EVIL: roc_curve(Y, P)}, bands={EVIL: BANDS[0]}, readers=READERS
    ),
    "precision-recall with a band and readers": lambda: precision_recall_svg(
        {EVIL: precision_recall_curve(Y, P)}, bands={EVIL: BANDS[1]}, readers=READERS
    ),
    "decision curve": lambda: decision_curve_svg(net_benefits(Y, P), finding=EVIL, threshold=0.4),
    "decision curve of nothing": lambda: decision_curve_svg((), finding=EVIL),
    "risk by coverage": lambda: risk_coverage_svg(kept_by_sureness(Y, P)),
    "risk by coverage of nothing": lambda: risk_coverage_svg(None),
    "scores": lambda: scores_svg(HISTOGRAM, finding=EVIL, threshold=0.4),
    "scores of many": lambda: scores_svg({EVIL + str(i): [i, 2, 0] for i in range(12)}, finding=None),
    "scores of nothing": lambda: scores_svg({}, finding=None),
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


def test_a_name_in_a_script_that_matplotlibs_font_lacks_stays_as_it_is_and_nothing_is_printed_of_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "🫁 肺" in balance_svg({"training": {"🫁 肺": 5}})


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


def test_numbers_behind_a_name_from_right_to_left_are_not_turned_round() -> None:
    svg = roc_svg({"ذات‌الریه": roc_curve(Y, P), "normal": roc_curve(Y, P)}, areas={"ذات‌الریه": auroc(Y, P)})
    assert "\u200e\u2068ذات‌الریه\u2069  ." in svg and "\u2068normal" not in svg
    assert svg.startswith("<svg") and 'direction="ltr"' in svg


def test_where_readers_stand_is_said_in_words_too() -> None:
    words = drawn("roc with a band and readers")
    assert "R1 without the model: sensitivity .600, specificity .700." in words
    assert "R1 with the model: sensitivity .800, specificity .750." in words
    assert "precision .600" in drawn("precision-recall with a band and readers")


@given(seed=st.integers(0, 1000), groups=st.integers(2, 5))
@settings(max_examples=20)
def test_classes_confused_with_each_other_stand_side_by_side(seed: int, groups: int) -> None:
    """Blocks of four classes that are confused among themselves, in any order, come out as blocks."""
    size, chance = 4 * max(3, groups), np.random.default_rng(seed)
    block = np.repeat(np.arange(size // 4), 4)
    matrix = np.where(block[:, None] == block, 10, 0) + 50 * np.eye(size, dtype=int)
    mixed = chance.permutation(size)
    order = by_likeness(matrix[np.ix_(mixed, mixed)])
    assert sorted(order) == list(range(size))
    found = block[mixed][order]
    assert (np.diff(found) != 0).sum() == size // 4 - 1


def test_few_classes_keep_their_order() -> None:
    assert by_likeness(np.array([[5, 1, 3], [0, 2, 2], [4, 0, 1]])) == [0, 1, 2]
    assert by_likeness(np.eye(30, dtype=np.int64)) == list(range(30))


def test_the_pairs_confused_most_are_listed_with_their_share_of_the_class() -> None:
    matrix = [[50, 3, 0], [7, 10, 3], [0, 0, 0]]
    assert most_confused(matrix, "abc") == [("b", "a", 7, 0.35), ("b", "c", 3, 0.15), ("a", "b", 3, 3 / 53)]
    assert most_confused(matrix, "abc", 1) == [("b", "a", 7, 0.35)]


def test_fifty_classes_are_all_named_and_their_shares_have_a_scale() -> None:
    names = [f"class {number:02}" for number in range(50)]
    svg = confusion_matrix_svg(np.eye(50, dtype=int) * 7, names)
    assert all(svg.count(f">{name}<") == 2 for name in names)
    assert "share of the row" in svg
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px[^>]*>class", svg)]
    assert len(sizes) == 100 and min(sizes) >= 6


@pytest.mark.parametrize("classes", [MANY - 1, MANY, 60])
def test_of_many_classes_the_words_name_what_each_was_taken_for_most_often_and_count_the_rest(
    classes: int,
) -> None:
    matrix = np.zeros((classes, classes), dtype=int)
    matrix[0] = np.arange(classes)  # the last class most often, never its own
    matrix[1, 1] = 3
    svg = confusion_matrix_svg(matrix, [f"class {number:02}" for number in range(classes)])
    found = re.search(r'aria-label="([^"]*)"', svg)
    assert found
    (first,) = re.findall(rf"of {matrix[0].sum():,} [^:]*class 00[^:]*: (.*?)[;.]", found[1])
    said, ever = {int(count) for count in re.findall(r"(\d+) predicted [^,]*class \d", first)}, range(classes)
    (second,) = re.findall(r"of 3 [^:]*class 01[^:]*: (.*?)[;.]", found[1])
    if classes < MANY:
        assert said == set(ever) and "other" not in first and second.count("predicted") == classes
    else:
        assert said == {0, *ever[-TAKEN_FOR:]} and second.count("predicted") == 1
        assert f"{sum(ever[:-TAKEN_FOR]):,} predicted as one of the other classes" in first
    assert len(found[1]) < 500 * classes
