"""Balancing: every method does what it says to the training rows, the same for the same seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from engine.errors import EngineError, RecipeError, TrainingError
from engine.recipes.class_balance import (
    BALANCERS,
    balanced_prior,
    balanced_rows,
    class_counts,
    counts_after,
    focal_loss,
)
from engine.records import Balance

CLASSES = ("normal", "pneumonia", "tuberculosis")
LABELS = np.repeat([0, 1, 2], [10, 30, 5])


def epoch_of(labels, balance, classes, *, seed, epoch):
    return balanced_rows(labels, balance, classes, np.random.default_rng([seed, epoch]))


@pytest.mark.parametrize("method", BALANCERS)
def test_an_epoch_depends_on_seed_and_epoch_alone(method):
    def epoch(seed, number):
        return epoch_of(LABELS, Balance(method=method), CLASSES, seed=seed, epoch=number)

    first, again = epoch(3, 7), epoch(3, 7)
    for name in ("rows", "copies", "augment"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert len(getattr(first, name)) == len(first.rows)
    random = method in ("duplicate", "duplicate-augmented", "undersample", "weighted-sampling")
    assert random != np.array_equal(first.rows, epoch(3, 8).rows)


@pytest.mark.parametrize("method", BALANCERS)
@settings(max_examples=20, deadline=None)
@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_rows_are_training_rows_and_copies_count_up(method, labels):
    labels = np.array(labels)
    present = tuple(CLASSES[number] for number in np.unique(labels))
    plan = epoch_of(labels, Balance(method=method, target=present), CLASSES, seed=0, epoch=0)
    assert plan.rows.min() >= 0 and plan.rows.max() < len(labels)
    for row in np.unique(plan.rows):
        copies = plan.copies[plan.rows == row]
        assert sorted(copies) == list(range(len(copies)))
    prior = balanced_prior(labels, Balance(method=method, target=present), CLASSES)
    assert prior.sum() == pytest.approx(1) and np.all((prior > 0) == (class_counts(labels, CLASSES) > 0))


def test_none_takes_each_row_once():
    plan = epoch_of(LABELS, Balance(), CLASSES, seed=0, epoch=0)
    assert np.array_equal(np.sort(plan.rows), np.arange(45))
    assert plan.class_weights is None and plan.loss == "cross-entropy" and not plan.augment.any()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 500), min_size=2, max_size=3))
def test_class_weights_make_every_class_that_is_there_count_alike_and_the_data_as_before(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    plan = epoch_of(labels, Balance(method="class-weights"), CLASSES[: len(counts)], seed=0, epoch=0)
    assert plan.class_weights is not None
    there = [number for number in counts if number]
    for weight, number in zip(plan.class_weights, counts, strict=True):
        assert weight * number == pytest.approx(len(labels) / len(there)) if number else weight == 1


def test_class_weights_of_the_published_pneumonia_split():
    """5,856 films, 1,583 normal: 60% of them gave the published .686 and 1.843."""
    labels = np.repeat([0, 1], [round(0.6 * 1583), round(0.6 * 4273)])
    plan = epoch_of(labels, Balance(method="class-weights"), ("normal", "pneumonia"), seed=0, epoch=0)
    assert plan.class_weights is not None
    np.testing.assert_allclose(plan.class_weights, [1.843, 0.686], atol=0.008)


def test_a_class_without_rows_does_not_spoil_the_others_weights():
    labels = np.repeat([0, 1], [10, 30])
    plan = epoch_of(labels, Balance(method="class-weights"), CLASSES, seed=0, epoch=0)
    assert plan.class_weights is not None
    np.testing.assert_allclose(plan.class_weights, [2.0, 2 / 3, 1.0], rtol=1e-6)


@pytest.mark.parametrize("method", ["duplicate", "duplicate-augmented"])
def test_duplication_refills_every_class_and_keeps_every_original(method):
    plan = epoch_of(LABELS, Balance(method=method), CLASSES, seed=0, epoch=0)
    assert list(class_counts(LABELS[plan.rows], CLASSES)) == [30, 30, 30]
    assert set(plan.rows) == set(range(45))


def test_duplication_refills_only_its_targets():
    balance = Balance(method="duplicate", target=("tuberculosis",))
    assert list(counts_after(LABELS, balance, CLASSES)) == [10, 30, 30]
    assert list(counts_after(LABELS, Balance(), CLASSES)) == [10, 30, 5]


def test_only_the_copies_are_augmented_when_asked_for():
    plan = epoch_of(LABELS, Balance(method="duplicate-augmented"), CLASSES, seed=0, epoch=0)
    assert np.array_equal(plan.augment, plan.copies > 0)
    assert plan.augment.sum() == 90 - 45
    plain = epoch_of(LABELS, Balance(method="duplicate"), CLASSES, seed=0, epoch=0)
    assert not plain.augment.any() and (plain.copies > 0).sum() == 45


def test_undersampling_leaves_as_many_as_the_smallest_class_and_others_in_each_epoch():
    plans = [epoch_of(LABELS, Balance(method="undersample"), CLASSES, seed=0, epoch=e) for e in range(40)]
    assert all(list(class_counts(LABELS[plan.rows], CLASSES)) == [5, 5, 5] for plan in plans)
    assert all(len(set(plan.rows)) == 15 for plan in plans)
    assert set(np.concatenate([plan.rows for plan in plans])) == set(range(45))


def test_weighted_sampling_draws_the_classes_alike():
    labels = np.repeat([0, 1, 2], [1000, 3000, 500])
    plan = epoch_of(labels, Balance(method="weighted-sampling"), CLASSES, seed=0, epoch=0)
    assert len(plan.rows) == 4500
    np.testing.assert_allclose(class_counts(labels[plan.rows], CLASSES) / 4500, 1 / 3, atol=0.03)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("none", [2 / 9, 6 / 9, 1 / 9]),
        ("focal", [2 / 9, 6 / 9, 1 / 9]),
        ("class-weights", [1 / 3, 1 / 3, 1 / 3]),
        ("duplicate", [1 / 3, 1 / 3, 1 / 3]),
        ("duplicate-augmented", [1 / 3, 1 / 3, 1 / 3]),
        ("undersample", [1 / 3, 1 / 3, 1 / 3]),
        ("weighted-sampling", [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_the_prior_that_the_net_takes_for_granted(method, expected):
    np.testing.assert_allclose(balanced_prior(LABELS, Balance(method=method), CLASSES), expected, rtol=1e-6)


def test_every_method_has_its_prior_tested():
    (marker,) = test_the_prior_that_the_net_takes_for_granted.pytestmark
    assert {case[0] for case in marker.args[1]} == set(BALANCERS)


def test_mistakes_name_the_choices():
    with pytest.raises(RecipeError, match="undersample"):
        epoch_of(LABELS, Balance(method="over"), CLASSES, seed=0, epoch=0)
    with pytest.raises(RecipeError, match="tuberculosis"):
        epoch_of(LABELS, Balance(method="duplicate", target=("flu",)), CLASSES, seed=0, epoch=0)
    with pytest.raises(TrainingError, match="tuberculosis") as caught:
        epoch_of(np.array([0, 1, 1]), Balance(method="duplicate"), CLASSES, seed=0, epoch=0)
    assert isinstance(caught.value, EngineError)


def test_focal_loss_by_hand_and_its_limits():
    logits = torch.tensor([[0.0, np.log(3.0)], [40.0, -40.0]], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([1, 0])
    loss = focal_loss(logits, labels, 2.0)
    assert loss.item() == pytest.approx(0.25**2 * -np.log(0.75) / 2)
    loss.backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all()
    torch.testing.assert_close(
        focal_loss(logits, labels, 0.0), torch.nn.functional.cross_entropy(logits, labels)
    )
    weighted = focal_loss(logits, labels, 2.0, torch.tensor([5.0, 3.0], dtype=torch.float64))
    torch.testing.assert_close(weighted, 3.0 * loss)
    assert epoch_of(LABELS, Balance(method="focal"), CLASSES, seed=0, epoch=0).loss == "focal"
