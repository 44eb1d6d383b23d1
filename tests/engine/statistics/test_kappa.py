"""Promises of agreement: figures as two other implementations have them, with bounds that heed patients."""

from __future__ import annotations

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from engine.statistics.kappa import cohen_kappa, krippendorff_alpha
from tests.engine.statistics.made_up import CLOSE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40))
def test_cohens_kappa_equals_scikit_learn_and_lies_within_its_bounds(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs).T
    found = cohen_kappa(a, b)
    if len(set(a) | set(b)) == 1:
        assert math.isnan(found.value) and "the same answer for every case" in found.method
        return
    np.testing.assert_allclose(found.value, cohen_kappa_score(a, b), **CLOSE)
    assert -1 <= found.low <= found.value <= found.high <= 1


def test_cohens_kappa_reads_class_names() -> None:
    assert cohen_kappa(["a", "b", "a"], ["a", "b", "b"]).value == pytest.approx(0.4)


def test_perfect_agreement_on_few_cases_is_not_called_certain() -> None:
    answers = [0, 1, 0, 0, 1, 0]
    found = cohen_kappa(answers, answers)
    assert found.value == found.high == 1 and found.low < 0.5


def test_readers_who_never_agree_on_a_rare_finding_may_agree_better_than_it_looks() -> None:
    first, second = np.zeros(30, int), np.zeros(30, int)
    first[0] = second[1] = 1
    found = cohen_kappa(first, second)
    assert found.value < 0 and found.high > 0.5


def test_images_copied_within_patients_do_not_narrow_the_bounds() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(2, size=80)
    second = np.where(rng.random(80) < 0.2, 1 - first, first)
    once = cohen_kappa(first, second)
    copied = cohen_kappa(*(np.repeat(each, 6) for each in (first, second)), np.repeat(np.arange(80), 6))
    np.testing.assert_allclose([copied.low, copied.high], [once.low, once.high], atol=0.02)
    assert copied.n == 480 and copied.patients == 80


def test_the_spread_of_kappa_by_patient_is_that_of_fleiss_cohen_and_everitt_as_statsmodels_has_it() -> None:
    table = np.array([[30, 9, 1], [2, 40, 16], [5, 3, 60]])
    first, second = (np.repeat(np.indices((3, 3))[at].ravel(), table.ravel()) for at in (0, 1))
    copied = cohen_kappa(*(np.repeat(each, 5) for each in (first, second)), np.repeat(np.arange(166), 5))
    error = cohens_kappa(table).std_kappa
    reach = float(stats.t.ppf(0.975, 165)) * error
    assert (copied.high - copied.low) / 2 == pytest.approx(reach, rel=0.01)


def test_a_bound_is_the_true_value_from_which_what_was_seen_is_as_far_as_95_percent_are() -> None:
    """Bloch and Kraemer 1989 (doi:10.2307/2532052): the variance of kappa by its true value, of half and half."""
    first = np.repeat([0, 1, 0, 1], [80, 80, 20, 20])
    found = cohen_kappa(first, np.repeat([0, 1, 1, 0], [80, 80, 20, 20]))
    assert found.value == pytest.approx(0.6)
    for bound in (found.low, found.high):
        variance = (1 - bound) * ((1 - bound) * (1 - 2 * bound) + bound * (2 - bound) / 0.5) / 200
        distance = abs(found.value - bound) / math.sqrt(variance)
        assert distance == pytest.approx(float(stats.t.ppf(0.975, 199)), abs=0.02)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 4))
def test_krippendorffs_alpha_equals_the_package_of_that_name(seed: int, readers: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    answers = rng.integers(classes, size=(readers, 25)).astype(float)
    answers[rng.random(answers.shape) < 0.3] = np.nan
    counts = np.stack([(answers == code).sum(axis=0) for code in range(classes)], axis=1)
    read = counts[counts.sum(axis=1) >= 2]
    if len(read) == 0 or (read > 0).any(axis=0).sum() < 2:
        assert math.isnan(krippendorff_alpha(counts).value)
        return
    trusted = krippendorff.alpha(reliability_data=answers, level_of_measurement="nominal")
    found = krippendorff_alpha(counts)
    np.testing.assert_allclose(found.value, trusted, **CLOSE)
    assert -1 <= found.low <= max(found.value, -1) and found.value <= found.high <= 1


def test_krippendorffs_own_example_of_four_readers_and_twelve_units() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", nominal: .743."""
    gap = np.nan
    answers = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
            [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
        ]
    )
    counts = np.stack([(answers == code).sum(axis=0) for code in range(1, 6)], axis=1)
    assert round(krippendorff_alpha(counts).value, 3) == 0.743


def test_a_stray_reader_of_two_cases_changes_little() -> None:
    rng = np.random.default_rng(2)
    first = rng.integers(2, size=100)
    second = np.where(rng.random(100) < 0.1, 1 - first, first)
    two = np.stack([(first == code).astype(int) + (second == code) for code in (0, 1)], axis=1)
    three = two.copy()
    three[0, first[0]] += 1
    three[1, first[1]] += 1
    assert krippendorff_alpha(three).value == pytest.approx(krippendorff_alpha(two).value, abs=0.02)


def test_nothing_to_agree_on_is_said() -> None:
    assert "given a class by both" in cohen_kappa([], []).method and cohen_kappa([], []).n == 0
    assert krippendorff_alpha([[1, 0], [0, 1]]).n == 0 and krippendorff_alpha([[3, 0], [3, 0]]).n == 2
    assert "given a class by two readers" in krippendorff_alpha([[1, 0], [0, 1]]).method
    assert "the same answer for every case" in krippendorff_alpha([[3, 0], [3, 0]]).method
