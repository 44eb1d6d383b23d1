"""Tests of differences between groups: right when there is none, and never surer for copies of a patient's images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from engine.statistics import areas_differ, shares_differ


def test_shares_of_many_independent_cases_are_tested_as_by_pearsons_chi_squared() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 3000)
    hits = rng.random(3000) < np.array([0.70, 0.74, 0.72])[groups]
    table = [[(hits & (groups == one)).sum(), (~hits & (groups == one)).sum()] for one in range(3)]
    assert shares_differ(hits, groups) == pytest.approx(
        chi2_contingency(table, correction=False)[1], abs=0.01
    )


def test_where_groups_do_not_differ_about_five_in_a_hundred_are_said_to() -> None:
    """Patients of three images that are alike: without counting patients it would be about one in four."""
    rng, seen, areas = np.random.default_rng(1), [], []
    for _ in range(600):
        patients = np.repeat(np.arange(80), 3)
        groups = np.repeat(rng.integers(0, 2, 80), 3)
        hits = np.repeat(rng.random(80) < 0.8, 3) ^ (rng.random(240) < 0.05)
        seen.append(shares_differ(hits, groups, patients))
        y = np.repeat(rng.random(80) < 0.5, 3)
        score = np.repeat(rng.normal(size=80), 3) + rng.normal(0, 0.3, 240) + y
        areas.append(areas_differ(y, score, groups, patients))
    for found in (np.array(seen), np.array(areas)):
        assert 0.02 <= (found < 0.05).mean() <= 0.085


def test_a_group_in_which_all_are_right_is_tested_too() -> None:
    groups = np.repeat([0, 1], 60)
    assert shares_differ(np.r_[np.ones(60), np.zeros(20), np.ones(40)], groups) < 0.001
    assert shares_differ(np.ones(120), groups) == 1.0


@pytest.mark.parametrize("groups", [np.zeros(40), np.repeat([0, 1], [37, 3])])
def test_what_cannot_be_tested_has_no_p_value(groups: np.ndarray) -> None:
    y = np.tile([True, False], 20)
    assert np.isnan(shares_differ(y, groups)) and np.isnan(areas_differ(y, np.arange(40.0), groups))


@pytest.mark.parametrize("size", [4, 5])
def test_a_group_is_tested_from_five_cases_on_and_its_area_from_five_of_each_class(size: int) -> None:
    rng = np.random.default_rng(2)
    y, score, groups = (
        rng.random(100) < 0.5,
        rng.normal(size=100),
        np.repeat([0, 1, 2], [50, 50 - size, size]),
    )
    without = shares_differ(y[:-size], groups[:-size])
    assert (shares_differ(y, groups) == without) == (size < 5)
    for of_few in (True, False):
        truth = np.r_[np.tile([True, False], 30), np.full(size, of_few), np.full(35, not of_few)]
        names = np.repeat([0, 1, 2], [30, 30, 35 + size])
        without = areas_differ(truth[:60], score[:60], names[:60])
        assert (areas_differ(truth, score[: len(truth)], names) == without) == (size < 5)
    # of two groups, the one that is too small leaves nothing to be tested
    assert np.isnan(shares_differ(y[50:], groups[50:])) == (size < 5)


@pytest.mark.parametrize("patients", [2, 3])
def test_groups_are_tested_where_there_are_more_patients_than_groups(patients: int) -> None:
    rng = np.random.default_rng(8)
    groups, who, hits = np.arange(24) % 2, np.arange(24) % patients, rng.random(24) < 0.5
    assert np.isnan(shares_differ(hits, groups, who)) == (patients == 2)
    truth = np.arange(24) // 2 % 2 == 0
    assert np.isnan(areas_differ(truth, rng.random(24), groups, who)) == (patients == 2)
