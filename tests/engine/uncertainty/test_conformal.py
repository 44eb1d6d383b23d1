"""Conformal sets: the coverage that is stated is the coverage that is had."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from engine.errors import RecipeError
from engine.uncertainty.conformal import SCORES, Conformal, conformal_sets, fit_conformal


def cases(count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a bad net (over-confident, biased) and labels of three unequal classes."""
    labels = generator.choice(3, size=count, p=[0.7, 0.2, 0.1])
    logits = generator.normal(0, 2, (count, 3))
    logits[np.arange(count), labels] += 2.0
    logits[:, 0] += 1.0
    odds = np.exp(3 * logits - (3 * logits).max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("method", SCORES)
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_the_right_class_is_in_the_set_as_often_as_stated(method, coverage):
    """Over 300 draws of 100 validation and 100 new cases: the stated coverage on average, or more."""
    generator = np.random.default_rng(0)
    held = []
    for _ in range(300):
        probabilities, labels = cases(200, generator)
        conformal = fit_conformal(
            probabilities[:100], labels[:100], coverage=coverage, method=method, by_class=False
        )
        sets = conformal_sets(probabilities[100:], conformal)
        held.append(sets[np.arange(100), labels[100:]].mean())
    error = 3 * np.std(held) / np.sqrt(len(held))
    assert np.mean(held) >= coverage - error
    if method == "lac":  # exact: more only by the ranks' coarseness and by sets that would have been empty
        assert np.mean(held) <= coverage + 1 / 101 + error + 0.01


def test_by_class_holds_within_the_rare_class_too():
    generator = np.random.default_rng(1)
    within = {True: [], False: []}
    for _ in range(60):
        probabilities, labels = cases(1200, generator)
        for by_class in within:
            conformal = fit_conformal(probabilities[:600], labels[:600], coverage=0.9, by_class=by_class)
            sets = conformal_sets(probabilities[600:], conformal)
            rare = labels[600:] == 2
            within[by_class].append(sets[rare, 2].mean())
    assert np.mean(within[True]) >= 0.89
    assert np.mean(within[False]) < 0.85


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.floats(0.05, 0.99), st.sampled_from(sorted(SCORES)), st.integers(0, 1000))
def test_sets_are_never_empty_grow_with_coverage_and_keep_the_most_probable(count, coverage, method, seed):
    generator = np.random.default_rng(seed)
    probabilities, labels = cases(count, generator)
    fresh, _ = cases(20, generator)
    narrow = conformal_sets(fresh, fit_conformal(probabilities, labels, coverage=coverage, method=method))
    wide = conformal_sets(fresh, fit_conformal(probabilities, labels, coverage=0.995, method=method))
    assert narrow[np.arange(20), fresh.argmax(axis=1)].all()
    assert np.all(wide | ~narrow)


def test_too_few_cases_exclude_nothing():
    for method in SCORES:
        probabilities, labels = cases(18, np.random.default_rng(0))
        conformal = fit_conformal(probabilities, labels, coverage=0.95, method=method)
        assert conformal_sets(probabilities, conformal).all()


def test_the_rank_by_hand():
    """Nine cases with scores .1 to .9 and a coverage of .8: rank ⌈10 · .8⌉ = 8, threshold .8."""
    right = np.linspace(0.9, 0.1, 9)
    probabilities = np.stack([right, 1 - right], axis=1)
    conformal = fit_conformal(probabilities, np.zeros(9, dtype=int), coverage=0.8, by_class=False)
    assert conformal.thresholds[0] == pytest.approx(0.8)
    assert conformal_sets(np.array([[0.75, 0.25], [0.85, 0.15]]), conformal).tolist() == [
        [True, True],
        [True, False],
    ]


def test_adaptive_scores_by_hand():
    scores = SCORES["aps"](np.array([[0.2, 0.5, 0.3]]))
    np.testing.assert_allclose(scores, [[1.0, 0.5, 0.8]])


def test_a_rule_survives_json():
    conformal = fit_conformal(*cases(50, np.random.default_rng(0)), coverage=0.9, by_class=True)
    again = Conformal(**json.loads(json.dumps(asdict(conformal))))
    assert tuple(again.thresholds) == conformal.thresholds


def test_mistakes_are_named():
    probabilities, labels = cases(5, np.random.default_rng(0))
    with pytest.raises(RecipeError, match="aps"):
        fit_conformal(probabilities, labels, method="raps")
    with pytest.raises(RecipeError, match="coverage"):
        fit_conformal(probabilities, labels, coverage=95)


def test_images_of_one_patient_count_as_one_together():
    probabilities, labels = cases(40, np.random.default_rng(3))
    once = fit_conformal(probabilities, labels, coverage=0.8)
    five = [np.repeat(each, 5, axis=0) for each in (probabilities, labels, np.arange(40))]
    copied = fit_conformal(five[0], five[1], coverage=0.8, patients=five[2])
    assert copied.thresholds == once.thresholds
    assert copied.patients_by_class == once.patients_by_class and sum(copied.patients_by_class) == 40


def test_by_patient_the_promise_holds_for_new_patients_whose_images_are_alike():
    generator = np.random.default_rng(4)
    held = []
    for _ in range(200):
        probabilities, labels = cases(120, generator)
        images = generator.integers(1, 8, size=60)
        of = np.repeat(np.arange(60), images)
        conformal = fit_conformal(
            probabilities[:60][of], labels[:60][of], coverage=0.9, by_class=False, patients=of
        )
        sets = conformal_sets(probabilities[60:], conformal)
        held.append(sets[np.arange(60), labels[60:]].mean())
    assert np.mean(held) >= 0.9 - 3 * np.std(held) / np.sqrt(len(held))


def test_the_predicted_class_is_never_excluded():
    probabilities, labels = cases(300, np.random.default_rng(5))
    conformal = fit_conformal(probabilities[:200], labels[:200], coverage=0.8)
    predicted = np.random.default_rng(0).integers(3, size=100)
    assert conformal_sets(probabilities[200:], conformal, predicted)[np.arange(100), predicted].all()
