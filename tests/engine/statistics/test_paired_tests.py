"""Comparisons equal scikit-learn, statsmodels and their definitions, and keep their sign."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as trusted_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa as trusted_fleiss

from engine.statistics.kappa import cohen_kappa, fleiss_kappa
from engine.statistics.paired_tests import delong, mcnemar, paired_bootstrap, shares, switches

CLOSE = {"rtol": 0, "atol": 1e-9}


def two_scores(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    base = rng.normal(size=n)
    return y, np.round(base + 1.5 * y, 1), np.round(base + rng.normal(size=n) + 0.8 * y, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40))
def test_cohens_kappa_equals_scikit_learn_and_its_interval_statsmodels(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs).T
    found = cohen_kappa(a, b)
    if len(set(a) | set(b)) == 1:
        assert math.isnan(found.value) and "one and the same answer" in found.method
        return
    np.testing.assert_allclose(found.value, cohen_kappa_score(a, b), **CLOSE)
    table = np.zeros((3, 3))
    np.add.at(table, (a, b), 1)
    trusted = cohens_kappa(table)
    if not math.isnan(found.low):
        low, high = max(-1, trusted.kappa_low), min(1, trusted.kappa_upp)
        np.testing.assert_allclose([found.low, found.high], [low, high], **CLOSE)


def test_cohens_kappa_reads_class_names() -> None:
    assert cohen_kappa(["a", "b", "a"], ["a", "b", "b"]).value == pytest.approx(0.4)


def test_fleiss_kappa_equals_statsmodels() -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(5, [0.6, 0.3, 0.1], size=40) + 2 * np.eye(3, dtype=int)[rng.integers(3, size=40)]
    found = fleiss_kappa(counts)
    np.testing.assert_allclose(found.value, trusted_fleiss(counts), **CLOSE)
    assert found.low < found.value < found.high


def test_fleiss_kappa_refuses_unequal_numbers_of_readers_in_words() -> None:
    assert "same number of readers" in fleiss_kappa([[2, 1], [1, 1]]).method
    assert "one and the same answer" in fleiss_kappa([[3, 0], [3, 0]]).method


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


def test_delongs_z_keeps_its_sign_and_equals_its_definition() -> None:
    y, better, worse = two_scores()
    found, turned = delong(y, better, worse), delong(y, worse, better)
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
    found = delong(y, score, score * 2 + 1)
    assert found.difference.value == 0 and found.p_value == 1


def test_a_paired_bootstrap_agrees_with_delong_where_films_are_independent() -> None:
    y, better, worse = two_scores(300, seed=2)
    exact, drawn = delong(y, better, worse), paired_bootstrap(y, better, worse)
    np.testing.assert_allclose(
        [drawn.difference.low, drawn.difference.high],
        [exact.difference.low, exact.difference.high],
        atol=0.012,
    )
    clustered = paired_bootstrap(*(np.repeat(v, 4) for v in (y, better, worse)), np.repeat(np.arange(300), 4))
    assert clustered.difference.low == pytest.approx(drawn.difference.low)


def test_few_patients_are_weak_evidence_however_many_films_they_have() -> None:
    # Of each of four patients the second model misses one film of five: 2 of 2^4 ways to swap them are as extreme.
    patients = np.repeat(np.arange(4), 5)
    found = shares(np.ones(20), np.tile([0, 1, 1, 1, 1], 4), patients)
    assert found.p_value == pytest.approx(2 / 2**4)
    assert shares(np.ones(20), np.ones(20), patients).p_value == 1


def test_no_p_value_of_resamples_is_nought_or_made_up() -> None:
    patients = np.repeat(np.arange(40), 2)
    right, wrong = np.ones(80), np.tile([0, 1], 40)
    assert 0 < shares(right, wrong, patients, count=200).p_value <= 2 / 201
    y = np.tile([True, False], 40)
    assert math.isnan(
        paired_bootstrap(y, y, ~y, patients).p_value
    )  # all resamples agree: no spread to test by
    noise = np.random.default_rng(0).random(80)
    assert paired_bootstrap(y, y + 0.5 * noise, noise, patients, count=200).p_value == 2 / 201


def test_too_few_cases_are_said_not_raised() -> None:
    found = delong([True, False, False], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
    assert math.isnan(found.p_value) and "cannot be estimated because" in found.difference.method
    assert math.isnan(mcnemar([], []).p_value)


def test_switches_count_every_case_once() -> None:
    found = switches("abaacb", "aabacc", "aaaaaa")
    assert (found.helped, found.harmed, found.stayed_right) == (1, 1, 2)
    assert (found.stayed_wrong, found.wrong_otherwise) == (1, 1)
