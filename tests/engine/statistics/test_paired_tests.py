"""Comparisons equal scikit-learn, statsmodels and their definitions, and keep their sign."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as trusted_mcnemar

from benchmarks.coverage import rejections
from benchmarks.proc import beside_proc, missing
from engine.statistics.paired_tests import areas, mcnemar, mean_areas, shares, switches
from engine.statistics.proportions import wilson
from tests.engine.statistics.worked_examples import asah

CLOSE = {"rtol": 0, "atol": 1e-9}


def two_scores(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    base = rng.normal(size=n)
    return y, np.round(base + 1.5 * y, 1), np.round(base + rng.normal(size=n) + 0.8 * y, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemars_exact_p_equals_statsmodels(pairs: list[tuple[bool, bool]]) -> None:
    a, b = np.array(pairs).T
    found, table = mcnemar(a, b), np.zeros((2, 2))
    np.add.at(table, (a.astype(int), b.astype(int)), 1)
    np.testing.assert_allclose(found.p_value, trusted_mcnemar(table, exact=True).pvalue, **CLOSE)
    gap = found.difference
    np.testing.assert_allclose(gap.value, a.mean() - b.mean(), **CLOSE)
    assert -1 <= gap.low <= gap.value <= gap.high <= 1


def test_the_paired_interval_is_that_of_newcombes_worked_example() -> None:
    """Newcombe 1998, method 10, e = 36, f = 12, g = 2, h = 0: .0569 to .3404."""
    gap = mcnemar([1] * 48 + [0] * 2, [1] * 36 + [0] * 12 + [1] * 2).difference
    assert (round(gap.low, 4), round(gap.high, 4)) == (0.0569, 0.3404)


def test_shares_of_which_one_never_varies_are_joined_as_if_independent() -> None:
    always, often = wilson(40, 40), wilson(30, 40)
    gap = mcnemar(np.ones(40), np.arange(40) < 30).difference
    down = math.hypot(always.value - always.low, often.high - often.value)
    assert gap.low == pytest.approx(gap.value - down)
    assert gap.high == pytest.approx(gap.value + often.value - often.low)


def test_a_correlation_smaller_than_its_continuity_correction_counts_as_none() -> None:
    # 5 right both times, 3 and 3 once, 2 never: 5 * 2 - 3 * 3 is less than half of 13.
    a, b = np.arange(13) < 8, np.array([True] * 5 + [False] * 3 + [True] * 3 + [False] * 2)
    share, gap = wilson(8, 13), mcnemar(a, b).difference
    assert (
        gap.high == -gap.low == pytest.approx(math.hypot(share.value - share.low, share.high - share.value))
    )


def test_answers_that_go_together_narrow_the_interval_by_their_correlation_less_its_correction() -> None:
    # 20 right both times, 12 and 2 once, 16 never, of 50.
    a = np.arange(50) < 32
    b = np.array([True] * 20 + [False] * 12 + [True] * 2 + [False] * 16)
    one, two, gap = wilson(32, 50), wilson(22, 50), mcnemar(a, b).difference
    phi = (20 * 16 - 12 * 2 - 50 / 2) / math.sqrt(32 * 18 * 22 * 28)
    for bound, here, there in (
        (gap.value - gap.low, one.value - one.low, two.high - two.value),
        (gap.high - gap.value, one.high - one.value, two.value - two.low),
    ):
        assert bound == pytest.approx(math.sqrt(here**2 - 2 * phi * here * there + there**2))


def test_delongs_z_keeps_its_sign_and_equals_its_definition() -> None:
    y, better, worse = two_scores()
    found, turned = areas(y, better, worse), areas(y, worse, better)
    assert found.first > found.second and found.z > 0
    assert turned.z == -found.z and turned.p_value == found.p_value
    np.testing.assert_allclose(
        [found.first, found.second], [roc_auc_score(y, s) for s in (better, worse)], **CLOSE
    )
    pairs = [(s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y]) for s in (better, worse)]
    cov = np.cov([k.mean(1) for k in pairs]) / y.sum() + np.cov([k.mean(0) for k in pairs]) / (~y).sum()
    contrast = np.array([1, -1])
    z = (found.first - found.second) / math.sqrt(contrast @ cov @ contrast)
    np.testing.assert_allclose([found.z, found.p_value], [z, 2 * stats.norm.sf(z)], **CLOSE)


def test_a_model_does_not_differ_from_itself() -> None:
    y, score, _ = two_scores()
    found = areas(y, score, score * 2 + 1)
    assert found.difference.value == 0 and (found.z, found.p_value) == (0, 1)


def test_images_copied_within_patients_are_no_evidence() -> None:
    y, better, worse = two_scores(300, seed=2)
    once = areas(y, better, worse)
    copied = areas(*(np.repeat(v, 4) for v in (y, better, worse)), np.repeat(np.arange(300), 4))
    assert copied.difference.value == pytest.approx(once.difference.value)
    assert copied.difference.low == pytest.approx(once.difference.low, abs=3e-3)
    assert copied.p_value >= once.p_value


def test_the_worked_example_of_proc_on_aneurysmal_haemorrhage_is_met() -> None:
    """Robin et al. 2011 (doi:10.1186/1471-2105-12-77), DeLong's test as pROC prints it."""
    y, s100b, ndka, wfns = asah()
    found = areas(y, s100b, wfns)
    assert (round(found.z, 3), round(found.p_value, 5)) == (-2.209, 0.02718)
    found = areas(y, s100b, ndka)
    assert (round(found.z, 4), round(found.p_value, 4)) == (1.3908, 0.1643)


def test_areas_their_variance_and_delongs_test_are_those_of_proc() -> None:
    """pROC itself, on the patients it brings; see `python -m benchmarks.proc`."""
    if lacking := missing():
        pytest.skip(lacking)
    compared = list(beside_proc())
    assert len(compared) == 15
    for figure, ours, theirs in compared:
        assert ours == pytest.approx(theirs, abs=1e-12), figure


def test_the_mean_area_of_two_classes_is_the_area() -> None:
    rng = np.random.default_rng(5)
    y, a, b = rng.integers(2, size=80), rng.random(80), rng.random(80)
    both = mean_areas(y, np.column_stack([1 - a, a]), np.column_stack([1 - b, b]))
    one = areas(y == 1, a, b)
    assert both.difference.value == pytest.approx(one.difference.value)
    assert both.difference.low == pytest.approx(one.difference.low, abs=0.01)


def test_seeds_of_one_model_are_averaged_before_they_are_compared() -> None:
    y, better, worse = two_scores(200, seed=3)
    alone = areas(y, better, worse)
    same = areas(y, [better, better, better], [worse, worse])
    assert same.difference == alone.difference and same.p_value == alone.p_value
    right = np.arange(60) % 3 > 0
    thirds = shares(np.mean([right, right, ~right], axis=0), np.mean([right, ~right, ~right], axis=0))
    assert thirds.difference.value == pytest.approx((2 * right.mean() - 1) / 3)


def test_few_patients_are_weak_evidence_however_many_films_they_have() -> None:
    # Of each of four patients the second model misses one film of five: 2 of 2^4 ways to swap them are as extreme.
    patients = np.repeat(np.arange(4), 5)
    found = shares(np.ones(20), np.tile([0, 1, 1, 1, 1], 4), patients)
    assert found.p_value == pytest.approx(2 / 2**4)
    assert shares(np.ones(20), np.ones(20), patients).p_value == 1


@pytest.mark.parametrize("differing", [0, 1, 2])
def test_a_comparison_of_patients_hardly_any_of_whom_differ_is_told_not_raised(differing: int) -> None:
    patients = np.repeat(np.arange(12), 2)
    first = np.ones(24)
    second = np.where(patients < differing, 0, 1)
    found = shares(first, second, patients)
    assert found.p_value == pytest.approx(min(1.0, 2 / 2**differing))
    assert found.difference.low <= found.difference.value <= found.difference.high


@pytest.mark.parametrize("ill", [0, 1, 2])
def test_a_comparison_of_areas_with_hardly_any_patient_ill_is_told_not_raised(ill: int) -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(20), 3)
    found = areas(patients < ill, rng.random(60), rng.random(60), patients)
    assert math.isfinite(found.p_value) == (ill == 2)
    assert math.isfinite(found.p_value) or "cannot be estimated because" in found.difference.method


def test_equal_models_are_rarely_called_different_however_few_patients_are_ill() -> None:
    """Of 400 comparisons under the null, at .05: at most .05 and three standard errors."""
    for share in rejections(6, 400, seed=5).values():
        assert share <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_too_few_cases_are_said_not_raised() -> None:
    found = areas([True, False, False], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
    assert math.isnan(found.p_value) and "cannot be estimated because" in found.difference.method
    assert math.isnan(mcnemar([], []).p_value)


def test_switches_count_every_case_once() -> None:
    found = switches("abaacb", "aabacc", "aaaaaa")
    assert (found.helped, found.harmed, found.stayed_right) == (1, 1, 2)
    assert (found.stayed_wrong, found.wrong_otherwise) == (1, 1)


@pytest.mark.parametrize(("several", "named"), [(False, False), (True, True)])
def test_patients_are_spoken_of_only_where_one_has_several_cases(several: bool, named: bool) -> None:
    rng = np.random.default_rng(0)
    patients = np.arange(40) // (2 if several else 1)
    truth, scores = np.arange(40) % 2, rng.random((2, 40))
    both = np.stack([1 - scores, scores], axis=2)
    found = (
        shares(rng.random(40), rng.random(40), patients),
        areas(truth == 1, scores[0], scores[1], patients),
        mean_areas(truth, both[0], both[1], patients),
        areas(np.arange(40) < 1, scores[0], scores[1], patients),  # one case of a class: no test, and why
    )
    for one in found:
        assert ("patient" in f"{one.method} {one.difference.method}") == named
