"""Promises of calibration figures: as scikit-learn and statsmodels have them, and no interval that cannot be honest."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from sklearn import metrics as sk

from engine.report.formatting import figure
from engine.statistics.calibration_figures import (
    FLOOR_DRAWS,
    brier,
    calibration_fit,
    ece,
    noise_floor,
    observed_to_expected,
)
from engine.statistics.proportions import wilson
from tests.engine.statistics.made_up import CLOSE, both, cases, few, images


def test_brier_equals_scikit_learn_with_two_classes_and_with_four() -> None:
    truth, p, _ = images(80)
    np.testing.assert_allclose(brier(truth, p).value, sk.brier_score_loss(truth, p[:, 1]), **CLOSE)
    truth, p, _ = images(80, classes=4)
    p /= p.sum(1, keepdims=True)
    np.testing.assert_allclose(brier(truth, p).value, sk.brier_score_loss(truth, p), **CLOSE)
    found = brier(truth, p, np.arange(80) // 2)
    assert 0 <= found.low < found.value < found.high <= 2


def test_the_calibration_error_has_a_noise_floor_in_place_of_an_interval() -> None:
    truth, p, _ = images(400, seed=2)
    found = ece(truth == 1, p[:, 1])
    assert math.isnan(found.low) and "would show" in found.method and found.n == 400


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_the_calibration_error_is_the_gap_in_each_bin_of_equal_width_by_its_share_of_cases(bins: int) -> None:
    """A probability on an edge belongs to the bin below it, as in the paper."""
    rng = np.random.default_rng(bins)
    edges = np.linspace(0, 1, bins + 1)
    p = np.concatenate([rng.random(60), edges])
    y = rng.random(len(p)) < p**2
    inside = [(p > low) & (p <= high) for low, high in pairwise(edges)]
    inside[0] |= p == 0
    gap = sum(rows.mean() * abs(y[rows].mean() - p[rows].mean()) for rows in inside if rows.any())
    assert ece(y, p, bins=bins).value == pytest.approx(gap)
    assert bins != 10 or ece(y, p).value == pytest.approx(gap)


def test_the_noise_floor_is_that_of_the_bins_and_draws_that_were_asked_for() -> None:
    truth, p, _ = images(400, seed=2)
    assert noise_floor(p[:, 1], bins=40) > 1.5 * noise_floor(p[:, 1])
    for bins, seed in ((40, 0), (5, 3)):
        found = ece(truth == 1, p[:, 1], bins=bins, seed=seed)
        assert f"show {figure(noise_floor(p[:, 1], bins=bins, seed=seed))} on as many" in found.method


def test_probabilities_that_are_the_frequencies_have_no_calibration_error() -> None:
    y = np.tile([True, False, False, False], 25)
    assert ece(y, np.full(100, 0.25)).value == pytest.approx(0, abs=1e-12)


def test_the_noise_floor_is_what_perfect_calibration_shows_and_shrinks_with_cases() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(200)
    shown = np.mean([ece(rng.random(200) < p, p).value for _ in range(200)])
    assert noise_floor(p) == pytest.approx(shown, rel=0.1)
    assert noise_floor(np.tile(p, 16)) < noise_floor(p) / 3


def test_the_noise_floor_is_the_mean_of_calibration_errors_of_its_draws() -> None:
    p = np.sort(np.random.default_rng(1).choice([0, 0.02, 0.1, 0.45, 0.9, 1], 60))  # bins without a case
    rng = np.random.default_rng(3)
    drawn = [ece(rng.random(len(p)) < p, p).value for _ in range(FLOOR_DRAWS)]
    assert noise_floor(p, seed=3) == pytest.approx(np.mean(drawn), rel=1e-12)


@pytest.mark.parametrize("size", [1, 3])
def test_intercept_and_slope_with_their_sandwich_equal_statsmodels(size: int) -> None:
    rng = np.random.default_rng(size)
    odds = rng.normal(size=120) * 1.5
    y = rng.random(120) < 1 / (1 + np.exp(-(0.4 + 0.7 * odds)))
    patient = np.arange(120) // size
    intercept, slope = calibration_fit(y, odds, patient)
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": patient, "use_correction": True}}
    alone = sm.GLM(y, np.ones(120), family=sm.families.Binomial(), offset=odds).fit(tol=1e-14, **robust)
    free = sm.GLM(y, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-14, **robust)
    np.testing.assert_allclose(intercept.value, alone.params[0], atol=1e-8)
    np.testing.assert_allclose(slope.value, free.params[1], atol=1e-8)
    from scipy.stats import t

    half = (intercept.high - intercept.low) / 2 / t.ppf(0.975, len(set(patient)) - 1)
    np.testing.assert_allclose(half, alone.bse[0], rtol=1e-6)
    fewest = min(len(set(patient[y])), len(set(patient[~y])))
    half = (slope.high - slope.low) / 2 / t.ppf(0.975, fewest - 1)
    np.testing.assert_allclose(half, free.bse[1], rtol=1e-6)


def test_classes_that_do_not_overlap_have_no_slope_and_the_reason_is_said() -> None:
    intercept, slope = calibration_fit([False] * 10 + [True] * 10, np.arange(20.0) - 9.5)
    assert math.isfinite(intercept.value)
    assert math.isnan(slope.value) and "without error" in slope.method
    assert "no case has the finding" in calibration_fit([False] * 9, np.arange(9.0))[0].method


@pytest.mark.parametrize("ill", [1, 2])
def test_calibration_can_be_fitted_from_two_patients_of_a_class_on(ill: int) -> None:
    patient = np.repeat(np.arange(20), 2)
    odds = np.random.default_rng(0).normal(size=40)
    for found in calibration_fit(patient < ill, odds, patient):
        assert math.isnan(found.value) == (ill < 2)
        assert ill == 2 or "fewer than two patients" in found.method


def test_observed_over_expected_is_the_ratio_and_holds_at_nought() -> None:
    truth, p, _ = images(300)
    found = observed_to_expected(truth == 1, p[:, 1], np.arange(300) // 2)
    assert found.value == pytest.approx(truth.sum() / p[:, 1].sum()) and found.low < found.value < found.high
    none = observed_to_expected(np.zeros(50, bool), np.full(50, 0.1))
    assert none.value == none.low == 0 and none.high == pytest.approx(wilson(0, 50).high / 0.1)
    assert (none.n, none.patients) == (50, 50)


def test_observed_over_expected_is_not_called_certain_where_no_spread_can_be_seen() -> None:
    found = observed_to_expected(np.ones(30, bool), np.full(30, 0.8), np.arange(30) // 2)
    assert found.value == pytest.approx(1 / 0.8) and found.high == pytest.approx(1 / 0.8)
    assert found.low == pytest.approx(wilson(15, 15).low / 0.8)


def test_brier_takes_a_truth_of_yes_and_no() -> None:
    truth, p, _ = images(30)
    assert brier(truth == 1, p) == brier(truth, p)


@few
@given(cases)
def test_no_handful_of_cases_crashes_a_calibration_figure(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    odds = np.log(np.maximum(p, 1e-9)) - np.log(np.maximum(1 - p, 1e-9))
    two = np.column_stack([1 - p, p])
    for found in (
        brier(y.astype(int), two),
        ece(y, p),
        observed_to_expected(y, p),
        *calibration_fit(y, odds),
    ):
        if math.isfinite(found.low):
            assert found.low <= found.value + 1e-9 and found.value <= found.high + 1e-9
