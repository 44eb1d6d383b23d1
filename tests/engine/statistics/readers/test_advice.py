"""What advice did, whether readers changed, and intervals that hold for other readers and other cases."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import norm

from engine.errors import ReportError
from engine.records import Estimate
from engine.statistics import advice_effects, learning_over, non_inferiority
from engine.statistics.readers.mrmc import Contrast, mrmc_analysis
from engine.statistics.readers.shares import mean_of_readings, share_of_readings


def crossed(readers: int, cases: int) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(readers), cases), np.tile(np.arange(cases), readers)


def test_every_reading_is_counted_once_and_by_whether_the_machine_was_right() -> None:
    truth = list("aaaaaabbbb")
    said = list("aaaabbbbba")
    before = list("aabbabbaab")
    after = list("abaabbbbaa")
    who, case = np.zeros(10), np.arange(10)
    right, wrong = advice_effects(truth, said, before, after, who, case)
    assert (right.readings, right.helped, right.harmed, right.stayed_right, right.stayed_wrong) == (
        7,
        3,
        1,
        2,
        1,
    )
    assert (wrong.readings, wrong.helped, wrong.harmed, wrong.stayed_right, wrong.stayed_wrong) == (
        3,
        0,
        2,
        0,
        1,
    )
    assert right.helped_share.value == pytest.approx(3 / 4)
    assert right.harmed_share.value == pytest.approx(1 / 3)
    assert wrong.followed.value == 1.0 and wrong.followed.n == 2
    assert wrong.agreed.value == 1.0
    assert right.gain.value == pytest.approx(2 / 7)


def test_without_a_reading_before_only_agreement_is_told() -> None:
    right, wrong = advice_effects(list("aab"), list("aba"), None, list("abb"), [1, 1, 2], [1, 2, 1])
    assert (right.readings, right.helped, right.harmed, right.stayed_right) == (1, 0, 0, 0)
    assert right.agreed.value == 1.0 and math.isnan(right.followed.value)
    assert wrong.agreed.value == 0.5 and math.isnan(wrong.gain.value)


@pytest.mark.parametrize("names", ["abc", "cab", "bca"])
def test_the_effects_of_advice_are_what_counting_gives_whatever_the_classes_are_called(names: str) -> None:
    rng = np.random.default_rng(4)
    readings = [[names[at] for at in rng.integers(0, 3, 90)] for _ in range(4)]
    who, case = crossed(3, 30)
    found = dict(zip((True, False), advice_effects(*readings, who, case), strict=True))
    for right, effect in found.items():
        these = [each for each in zip(*readings, strict=True) if (each[0] == each[1]) == right]

        def share(hits: list[bool]) -> tuple[float, int]:
            return pytest.approx(sum(hits) / len(hits)), len(hits)

        assert effect.readings == len(these)
        cells = Counter((before == truth, after == truth) for truth, _, before, after in these)
        counted = (effect.helped, effect.harmed, effect.stayed_right, effect.stayed_wrong)
        assert counted == (cells[False, True], cells[True, False], cells[True, True], cells[False, False])
        expected = {
            "agreed": [after == said for _, said, _, after in these],
            "followed": [after == said for _, said, before, after in these if before != said],
            "helped_share": [after == truth for truth, _, before, after in these if before != truth],
            "harmed_share": [after != truth for truth, _, before, after in these if before == truth],
        }
        for name, hits in expected.items():
            figure = getattr(effect, name)
            assert (figure.value, figure.n) == share(hits), name
        gain = sum((after == truth) - (before == truth) for truth, _, before, after in these)
        assert (effect.gain.value, effect.gain.n) == (pytest.approx(gain / len(these)), len(these))


def simulated(rng: np.random.Generator, readers: int, cases: int, unlike: float) -> tuple[np.ndarray, float]:
    """Draw hits whose readers and cases both differ; their mean over many readers and cases is .3."""
    lean = rng.normal(scale=unlike, size=(readers, 1)) + rng.normal(scale=unlike, size=(1, cases))
    threshold = norm.ppf(0.3) * math.sqrt(1 + 2 * unlike**2)
    return (lean + rng.normal(size=(readers, cases)) < threshold).astype(float).ravel(), 0.3


@pytest.mark.parametrize(("readers", "cases"), [(2, 40), (4, 60), (8, 40)])
def test_the_interval_of_a_share_holds_for_other_readers_and_cases(readers: int, cases: int) -> None:
    rng = np.random.default_rng(readers)
    who, case = crossed(readers, cases)
    held = runs = 400
    for _ in range(runs):
        hits, true = simulated(rng, readers, cases, 0.5)
        found = share_of_readings(hits, who, case)
        held -= not found.low <= true <= found.high
    assert held / runs > 0.91


def test_the_interval_of_a_mean_is_about_that_of_the_analysis_of_several_readers() -> None:
    rng = np.random.default_rng(5)
    hits, _ = simulated(rng, 5, 80, 0.5)
    ratings = hits.reshape(1, 5, 80)
    beside = (
        mrmc_analysis(np.ones(80), ratings, ("one",), list("abcde"), figure="sensitivity")
        .analyses[0]
        .means[0]
    )
    found = mean_of_readings(hits, *crossed(5, 80))
    assert found.value == pytest.approx(beside.value)
    assert found.high - found.low == pytest.approx(beside.high - beside.low, rel=0.05)


def test_one_reader_has_an_interval_by_case() -> None:
    found = share_of_readings([1, 0, 1, 1, 0, 1], np.zeros(6), np.arange(6))
    assert found.method == "Wilson, by case, of one reader"
    assert 0 < found.low < found.value < found.high < 1
    assert "no such reading" in share_of_readings([], [], []).method


def test_a_reader_who_grows_faster_and_better_is_seen_to() -> None:
    who, order = crossed(3, 30)
    right = order % 10 < 4 + order // 8
    seconds = np.where(order < 10, 20.0, np.where(order < 20, 15.0, 10.0))
    found = learning_over(right, seconds, order, who, order)
    assert [each.name for each in found.thirds] == ["first", "middle", "last"]
    assert [each.seconds for each in found.thirds] == [20, 15, 10]
    assert [each.readings for each in found.thirds] == [30, 30, 30]
    assert found.thirds[0].right.value < found.thirds[2].right.value
    assert found.faster.value == pytest.approx(-0.5)


def test_how_much_faster_readers_grew_has_the_interval_of_the_mean_ratio_of_their_late_readings() -> None:
    who, order = crossed(3, 30)
    taken = np.random.default_rng(2).normal(3 - order / 60, 0.3, 90)  # logarithms of seconds
    early, late = order < 10, order >= 20
    gaps = np.concatenate(
        [taken[late & (who == one)] - taken[early & (who == one)].mean() for one in range(3)]
    )
    mean = mean_of_readings(gaps, who[late], order[late], least=-9, most=9)
    found = learning_over(order > 0, np.exp(taken), order, who, order).faster
    assert (found.value, found.low, found.high) == pytest.approx(
        tuple(np.expm1([mean.value, mean.low, mean.high]))
    )
    assert -1 < found.low < found.value < found.high < 0


def test_the_thirds_are_of_each_readers_own_order_and_times_of_nought_are_unknown() -> None:
    who = np.array([0] * 6 + [1] * 3)
    order = np.array([60, 50, 40, 30, 20, 10, 1, 2, 3])
    seconds = np.array([0.0, 0, 0, 0, 8, 8, 9, 9, 9])
    found = learning_over(order <= 20, seconds, order, who, np.arange(9))
    assert [each.readings for each in found.thirds] == [3, 3, 3]
    assert found.thirds[0].right.value == 1.0
    assert found.thirds[1].seconds == 9
    assert "early and late" in learning_over([True], [0.0], [1], [1], [1]).faster.method


def contrast(value: float, half: float, freedom: float = math.inf) -> Contrast:
    error = half / 1.959964 if math.isinf(freedom) else half
    low, high = (value - half, value + half) if half else (math.nan, math.nan)
    gap = Estimate(value=value, low=low, high=high, method="", n=50)
    return Contrast(
        first="assisted", second="blind", difference=gap, error=error, freedom=freedom, statistic=0, p_value=1
    )


@pytest.mark.parametrize(
    ("value", "half", "conclusion"),
    [
        (0.04, 0.03, "superior"),
        (0.01, 0.03, "not inferior"),
        (-0.01, 0.05, "not settled"),
        (-0.1, 0.03, "inferior"),
        (0.0, 0.0, "not settled"),
    ],
)
def test_a_margin_is_held_against_the_lower_bound(value: float, half: float, conclusion: str) -> None:
    found = non_inferiority(contrast(value, half), 0.05)
    assert found.conclusion == conclusion
    assert (found.p_value < 0.025) == (conclusion in ("superior", "not inferior"))
    assert "nan" not in found.sentence


def test_a_bound_on_nought_or_on_the_margin_settles_nothing_more() -> None:
    for value, half, conclusion in (
        (0.03125, 0.03125, "not inferior"), (0.0, 0.0625, "not settled"), (-0.125, 0.0625, "not settled")
    ):  # fmt: skip
        assert non_inferiority(contrast(value, half), 0.0625).conclusion == conclusion


def test_a_margin_of_nothing_is_refused() -> None:
    for margin in (0.0, -0.1, math.nan):
        with pytest.raises(ReportError, match="above 0"):
            non_inferiority(contrast(0, 1), margin)
