"""Promises of a report's figures: those of a second implementation, in one order, by whatever classes there are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sk

from engine.statistics import performance
from engine.statistics.classification_report import classification_table
from engine.statistics.in_full.log_loss import log_loss
from engine.statistics.in_full.performance import PARTIAL
from tests.engine.statistics.made_up import CLOSE, images


@pytest.mark.parametrize("classes", [2, 5])
def test_what_is_added_to_the_overall_figures_equals_scikit_learn(classes: int) -> None:
    truth, p, predicted = images(200, seed=7, classes=classes)
    found = performance(truth, predicted, p, [f"class {code}" for code in range(classes)])
    expected = {
        "weighted F1": sk.f1_score(truth, predicted, average="weighted"),
        "macro precision": sk.precision_score(truth, predicted, average="macro"),
        "weighted precision": sk.precision_score(truth, predicted, average="weighted"),
        "negative log-likelihood": sk.log_loss(truth, p),
    }
    if classes == 2:
        positive, negative = sk.class_likelihood_ratios(truth, predicted)
        expected |= {
            "positive likelihood ratio": positive,
            "negative likelihood ratio": negative,
            "F1": sk.f1_score(truth, predicted),
        }
        assert 0 < found[PARTIAL].value <= 0.1
    else:
        untied = np.random.default_rng(0).dirichlet(np.ones(classes), len(truth))
        tops = performance(truth, predicted, untied, [f"class {code}" for code in range(classes)])
        for k in (2, 3):
            expected_top = sk.top_k_accuracy_score(truth, untied, k=k)
            assert tops[f"top-{k} accuracy"].value == pytest.approx(expected_top)
    np.testing.assert_allclose([found[name].value for name in expected], list(expected.values()), **CLOSE)
    for name in expected:
        assert found[name].low < found[name].value < found[name].high


def test_a_class_against_all_others_has_the_figures_of_its_own_two_by_two_table() -> None:
    truth, p, predicted = images(150, seed=3, classes=3)
    for code, row in enumerate(classification_table(truth, predicted, ["a", "b", "c"], p)):
        (tn, fp), (fn, tp) = sk.confusion_matrix(truth == code, predicted == code)
        assert row.specificity.value == pytest.approx(tn / (tn + fp))
        assert row.negative_predictive_value.value == pytest.approx(tn / (tn + fn))
        assert row.positive_likelihood_ratio.value == pytest.approx((tp / (tp + fn)) / (fp / (tn + fp)))
        assert row.negative_likelihood_ratio.value == pytest.approx((fn / (tp + fn)) / (tn / (tn + fp)))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 7), st.integers(0, 9))
def test_whatever_the_cases_a_figure_has_a_value_or_says_why_not(n: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, rng.integers(1, classes + 1), n)
    p = rng.dirichlet(np.ones(classes), n)
    found = performance(truth, p.argmax(axis=1), p, [str(code) for code in range(classes)], groups=truth * 3)
    for name, one in found.items():
        assert math.isfinite(one.value) or math.isinf(one.value) or "cannot" in one.method, name
        if math.isfinite(one.low) and math.isfinite(one.value):
            assert one.low <= one.value <= one.high, name


def test_a_probability_of_nothing_for_what_was_so_is_said_and_leaves_the_mean_finite() -> None:
    found = log_loss(np.array([0, 1, 1]), np.array([[1.0, 0.0], [1.0, 0.0], [0.4, 0.6]]))
    assert math.isfinite(found.value) and "counts as 2.2e-16, of 1 images" in found.method
