"""Promises of shares: Wilson's interval as statsmodels has it, by patient where patients have several images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from engine.statistics.proportions import (
    likelihood_ratios,
    mean_of_bounded,
    predictive_values,
    proportion,
    wilson,
)
from tests.engine.statistics.made_up import CLOSE


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_statsmodels(kn: tuple[int, int]) -> None:
    found = wilson(*kn)
    low, high = proportion_confint(*kn, alpha=0.05, method="wilson")
    np.testing.assert_allclose([found.low, found.high], [low, high], **CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("n", [3.0, 1e8, 1e17])
def test_a_share_that_passes_one_or_nothing_by_rounding_is_one_or_nothing(n: float) -> None:
    assert wilson(n * (1 + 1e-15), n).value == wilson(n * (1 + 1e-15), n).high == 1
    assert wilson(-1e-15 * n, n).value == wilson(-1e-15 * n, n).low == 0


def test_wilson_of_nothing_says_so() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value) and math.isnan(found.low)
    assert found.method == "cannot be estimated because there is no case to count"


def test_a_proportion_with_one_image_a_patient_is_wilsons() -> None:
    hits = np.arange(40) % 3 == 0
    alone, by_patient = proportion(hits), proportion(hits, np.arange(40))
    assert (by_patient.value, by_patient.low, by_patient.high) == (alone.value, alone.low, alone.high)
    assert (by_patient.patients, by_patient.effective_n) == (40, 40)


def test_images_copied_within_patients_do_not_narrow_the_interval() -> None:
    hits = np.arange(60) % 4 == 0
    once, copied = proportion(hits), proportion(np.repeat(hits, 5), np.repeat(np.arange(60), 5))
    assert copied.value == once.value and copied.n == 300 and copied.patients == 60
    # The clustered variance has one patient fewer in its denominator, and Student's t: not equal to the last digit.
    np.testing.assert_allclose([copied.low, copied.high], [once.low, once.high], atol=6e-3)
    assert copied.high - copied.low >= once.high - once.low
    assert copied.effective_n is not None and 50 < copied.effective_n <= 60


def test_a_perfect_proportion_counts_patients_not_images() -> None:
    found = proportion(np.ones(100, bool), np.arange(100) // 10)
    assert found.low == wilson(10, 10).low and found.high == 1.0


def test_the_mean_of_zeros_and_ones_is_a_share() -> None:
    hits = np.arange(200) % 5 == 0
    np.testing.assert_allclose(
        [mean_of_bounded(hits).low, mean_of_bounded(hits).high],
        [wilson(40, 200).low, wilson(40, 200).high],
        atol=1e-3,
    )


def test_the_mean_of_few_values_is_as_uncertain_as_students_t_says() -> None:
    hits = np.arange(8) < 3  # as many trials as give the variance of 8 values, which has 7 in its denominator
    found, same = mean_of_bounded(hits), wilson(3 / 8 * 7, 7, z=float(stats.t.ppf(0.975, 7)))
    np.testing.assert_allclose([found.low, found.high], [same.low, same.high], **CLOSE)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7, 1.0])
def test_a_mean_of_equal_values_rests_on_as_many_trials_as_patients(value: float) -> None:
    found, trials = mean_of_bounded(np.full(90, value), np.arange(90) // 3), wilson(value * 30, 30)
    np.testing.assert_allclose([found.low, found.high], [trials.low, trials.high], **CLOSE)
    assert (found.n, found.patients) == (90, 30)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_mean_of_bounded_values_lies_within_its_bounds(values: list[float]) -> None:
    found = mean_of_bounded(values, np.arange(len(values)) // 2)
    assert -1e-9 <= found.low <= found.value + 1e-9 and found.value <= found.high + 1e-9 <= 1 + 1e-8


def test_predictive_values_at_the_prevalence_of_the_data_are_those_of_the_data() -> None:
    sensitivity, specificity = wilson(45, 50), wilson(120, 150)
    ppv, npv = predictive_values(sensitivity, specificity, 0.25)
    np.testing.assert_allclose([ppv.value, npv.value], [45 / 75, 120 / 125], **CLOSE)
    rare, _ = predictive_values(sensitivity, specificity, 0.01)
    assert rare.value < 0.05 and 0 < rare.low < rare.value < rare.high < 1


def test_predictive_values_join_both_intervals_on_the_scale_of_the_likelihood_ratio() -> None:
    a, b, prevalence = wilson(45, 50), wilson(120, 150), 0.1
    ppv, npv = predictive_values(a, b, prevalence)
    odds = prevalence / (1 - prevalence)
    ratio, other = a.value / (1 - b.value), b.value / (1 - a.value)
    far = math.hypot(math.log(a.high / a.value), math.log((1 - b.value) / (1 - b.high)))
    near = math.hypot(math.log(a.value / a.low), math.log((1 - b.low) / (1 - b.value)))
    for found, factor in ((ppv.value, 1), (ppv.high, math.exp(far)), (ppv.low, math.exp(-near))):
        assert found == pytest.approx(1 / (1 + 1 / (odds * ratio * factor)))
    far = math.hypot(math.log(b.high / b.value), math.log((1 - a.value) / (1 - a.high)))
    near = math.hypot(math.log(b.value / b.low), math.log((1 - a.low) / (1 - a.value)))
    for found, factor in ((npv.value, 1), (npv.high, math.exp(far)), (npv.low, math.exp(-near))):
        assert found == pytest.approx(1 / (1 + odds / (other * factor)))
    assert (ppv.n, npv.n) == (200, 200)
    assert ("0.1" in ppv.method, "0.9" in npv.method) == (True, True)


def test_predictive_values_of_a_perfect_test_hold_both_corners() -> None:
    a, b = wilson(20, 20), wilson(30, 30)
    ppv, npv = predictive_values(a, b, 0.2)
    assert ppv.value == ppv.high == npv.value == npv.high == 1
    assert ppv.low == pytest.approx(0.2 * a.low / (0.2 * a.low + 0.8 * (1 - b.low)))
    assert npv.low == pytest.approx(0.8 * b.low / (0.8 * b.low + 0.2 * (1 - a.low)))


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 1.1])
def test_a_prevalence_that_is_none_is_said(prevalence: float) -> None:
    for found in predictive_values(wilson(45, 50), wilson(120, 150), prevalence):
        assert math.isnan(found.value) and "between 0 and 1" in found.method
    for found in predictive_values(wilson(0, 0), wilson(120, 150), 0.5):
        assert math.isnan(found.value) and "unknown" in found.method


@given(
    st.integers(0, 30), st.integers(0, 30), st.floats(0.001, 0.999), st.integers(30, 40), st.integers(30, 40)
)
def test_predictive_values_stay_within_bounds(a: int, b: int, prevalence: float, n: int, m: int) -> None:
    for found in predictive_values(wilson(a, n), wilson(b, m), prevalence):
        assert math.isnan(found.value) or 0 <= found.low <= found.value <= found.high <= 1


def test_likelihood_ratios_and_their_intervals_are_about_simels() -> None:
    """Simel and others 1991 (doi:10.1016/0895-4356(91)90128-V): the delta method on the logarithm, for many cases."""
    sensitivity, specificity = wilson(260, 400), wilson(1170, 1300)
    found = likelihood_ratios(sensitivity, specificity)
    for ratio, (a, m), (b, n) in zip(
        found, [(260, 400), (140, 400)], [(130, 1300), (1170, 1300)], strict=True
    ):
        error = math.sqrt(1 / a - 1 / m + 1 / b - 1 / n)
        assert ratio.value == pytest.approx((a / m) / (b / n))
        assert (ratio.low, ratio.high) == pytest.approx(
            (ratio.value * math.exp(-1.96 * error), ratio.value * math.exp(1.96 * error)), rel=0.02
        )


@given(st.integers(0, 8), st.integers(0, 8))
def test_likelihood_ratios_hold_their_value_and_say_where_there_is_none(hits: int, rejected: int) -> None:
    positive, negative = likelihood_ratios(wilson(hits, 8), wilson(rejected, 8))
    for ratio in (positive, negative):
        assert ratio.low <= ratio.value <= ratio.high or math.isnan(ratio.value)
    assert math.isnan(positive.value) == (hits == 0 and rejected == 8)
    assert math.isinf(positive.value) == (hits > 0 and rejected == 8)
    assert math.isinf(negative.value) == (hits < 8 and rejected == 0)
    assert "unknown" in likelihood_ratios(wilson(0, 0), wilson(1, 2))[0].method
