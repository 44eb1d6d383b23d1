"""What follows from a passport's figures: from whole intervals, never from points, and never yes from a few images."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from engine.records import Estimate, MapFigure, Passport
from engine.saliency.verdicts import CHECKS, FEWEST, FIGURES, Answer, answer, failed, verdict

bounds = st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(sorted)


def a_figure(name: str, low: float, value: float, high: float, limit: float, n: int = 20) -> MapFigure:
    return MapFigure(
        name=name, estimate=Estimate(value=value, low=low, high=high, method="", n=n), limit=limit
    )


def good(name: str, n: int = 20) -> MapFigure:
    below = FIGURES[name].good == "below"
    return a_figure(name, *((0.1, 0.2, 0.3) if below else (0.7, 0.8, 0.9)), 0.5, n)


def bad(name: str) -> MapFigure:
    below = FIGURES[name].good == "below"
    return a_figure(name, *((0.7, 0.8, 0.9) if below else (0.1, 0.2, 0.3)), 0.5)


def passport(*figures: MapFigure) -> Passport:
    return Passport(
        method="two-scale-cam",
        settings=None,
        images=20,
        of=20,
        seed=0,
        seconds=1,
        figures=figures,
        reasons={},
    )


@given(bounds, st.floats(-1, 1), st.sampled_from(sorted(FIGURES)), st.integers(FEWEST, 500))
def test_a_figure_answers_where_its_whole_interval_lies_on_one_side(
    three: list[float], limit: float, name: str, n: int
) -> None:
    low, value, high = three
    said = answer(a_figure(name, low, value, high, limit, n))
    if low <= limit <= high:
        assert said is Answer.UNKNOWN
    else:
        assert said is (Answer.YES if (low > limit) == (FIGURES[name].good == "above") else Answer.NO)


@given(bounds, st.floats(-1, 1), st.sampled_from(sorted(FIGURES)), st.integers(1, FEWEST - 1))
def test_of_too_few_images_nothing_is_said(three: list[float], limit: float, name: str, n: int) -> None:
    low, value, high = three
    assert answer(a_figure(name, low, value, high, limit, n)) is Answer.UNKNOWN


@pytest.mark.parametrize("check", CHECKS)
def test_a_question_needs_all_of_its_figures_for_yes_and_one_for_no(check: str) -> None:
    names = [name for name, kind in FIGURES.items() if kind.check == check]
    assert verdict(passport(*map(good, names)), check) is Answer.YES
    assert verdict(passport(), check) is Answer.UNKNOWN
    for left in names:
        others = [good(name) for name in names if name != left]
        assert verdict(passport(*others), check) is Answer.UNKNOWN, "one is missing"
        assert verdict(passport(*others, good(left, n=FEWEST - 1)), check) is Answer.UNKNOWN
        assert verdict(passport(*others, bad(left)), check) is Answer.NO


def test_the_map_is_off_where_any_question_has_the_answer_no_and_only_there() -> None:
    whole = passport(*map(good, FIGURES))
    assert failed(whole) == failed(passport()) == []
    for name, kind in FIGURES.items():
        figures = tuple(bad(name) if one.name == name else one for one in whole.figures)
        assert failed(replace(whole, figures=figures)) == [kind.check]


@pytest.mark.parametrize("broken", [(0.5, 0.4, 0.6), (float("nan"), 0.4, 0.6), (0.1, 0.4, float("inf"))])
def test_a_figure_outside_its_interval_or_without_one_is_no_figure(
    broken: tuple[float, float, float],
) -> None:
    with pytest.raises(ValueError, match="pointing"):
        a_figure("pointing", *broken, 0.5)
