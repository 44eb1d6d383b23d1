"""Which epoch is best: each figure is the field's, says which way is better, and bears what validation data bring."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import logit
from sklearn.metrics import average_precision_score, roc_auc_score

from engine.statistics import MONITORS, monitored

# Six images, probability of class 1, right class: one false positive, one missed.
P = np.array([0.9, 0.8, 0.6, 0.4, 0.3, 0.1])
LABELS = np.array([1, 1, 0, 1, 0, 0])
LOGITS = np.stack([np.zeros(6), logit(P)], axis=1)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("val_loss", -np.log([0.9, 0.8, 0.4, 0.4, 0.7, 0.9]).mean()),
        ("val_accuracy", 4 / 6),
        ("val_auc", 8 / 9),
        ("val_average_precision", (1 / 1 + 2 / 2 + 3 / 4) / 3),
        ("val_balanced_accuracy", (2 / 3 + 2 / 3) / 2),
        ("val_f1", 2 * 2 / (2 * 2 + 1 + 1)),
        ("val_mcc", (2 * 2 - 1 * 1) / 9),
        ("val_brier", np.mean([0.01, 0.04, 0.36, 0.36, 0.09, 0.01])),
    ],
)
def test_each_figure_is_what_one_reckons_by_hand(name: str, by_hand: float) -> None:
    assert monitored(name, LOGITS, LABELS, positive=1) == pytest.approx(by_hand)


def test_of_many_classes_each_against_the_rest_counts_alike() -> None:
    logits = np.log(np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7]]))
    labels = np.array([0, 1, 1, 2])
    assert monitored("val_balanced_accuracy", logits, labels, positive=0) == pytest.approx((1 + 0.5 + 1) / 3)
    assert monitored("val_auc", logits, labels, positive=0) == pytest.approx((1 + 1 + 1) / 3)
    assert monitored("val_f1", logits, labels, positive=0) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_a_class_that_is_neither_there_nor_predicted_has_no_f1_to_be_proud_of_and_no_recall() -> None:
    logits, labels = np.tile([2.0, 1.0, 0.0], (4, 1)), np.zeros(4, dtype=np.int64)
    for positive in (0, 1):
        assert monitored("val_f1", logits[:, :2], labels, positive=positive) == 1 - positive
    assert monitored("val_f1", logits, labels, positive=0) == pytest.approx(1 / 3)
    assert monitored("val_balanced_accuracy", logits, labels, positive=0) == 1
    assert monitored("val_mcc", logits, labels, positive=0) == 0


def test_probabilities_that_round_to_one_still_rank() -> None:
    """All but one of these round to 1: ranked by probability, they would tie and each class have an area of its own."""
    margin = np.array([60.0, 50.0, 45.0, 40.0, -3.0, 48.0])
    logits, labels = np.stack([np.zeros(6), margin], axis=1), np.array([1, 1, 0, 1, 0, 0])
    for positive in (0, 1):
        expected = roc_auc_score(labels, margin)
        assert monitored("val_auc", logits, labels, positive=positive) == pytest.approx(expected)
        expected = average_precision_score(labels == positive, margin if positive else -margin)
        assert monitored("val_average_precision", logits, labels, positive=positive) == pytest.approx(
            expected
        )


def test_more_is_better_but_for_losses() -> None:
    worse = LOGITS[::-1].copy()
    for name, monitor in MONITORS.items():
        good, bad = (monitored(name, logits, LABELS, positive=1) for logits in (LOGITS, worse))
        assert monitor.is_better(good, bad) and not monitor.is_better(bad, good), name
        assert not monitor.is_better(good, good)


def test_what_is_no_number_is_never_better_and_anything_is_better_than_it() -> None:
    for monitor in MONITORS.values():
        assert monitor.is_better(0.1, math.nan)
        assert not monitor.is_better(math.nan, 0.1) and not monitor.is_better(math.nan, math.nan)


@given(
    arrays.arrays(np.float64, (5, 3), elements=st.floats(-500, 500)),
    arrays.arrays(np.int64, 5, elements=st.integers(0, 2)),
)
def test_any_validation_data_give_a_figure_or_none(logits: np.ndarray, labels: np.ndarray) -> None:
    for name in MONITORS:
        value = monitored(name, logits, labels, positive=1)
        assert isinstance(value, float)
        assert math.isfinite(value) or name in ("val_auc", "val_average_precision")
    assert math.isnan(monitored(name, logits[:0], labels[:0], positive=1))
