"""Promises of engine.uncertainty.calibration: undoing a balance leaves what the net decides within reach."""

from __future__ import annotations

import numpy as np
import pytest

from engine.records import Balance, Calibration, Phase, Recipe
from engine.statistics.operating_points import choose_threshold
from engine.uncertainty.calibration import as_trained, calibrate, calibrated, undecided

RECIPE = Recipe(
    name="rare",
    title="Rare",
    source="Drawn for this test.",
    backbone="cifar-cnn",
    phases=(Phase(name="all", epochs=1, optimizer="adam", learning_rate=1e-3),),
    balance=Balance(method="class-weights"),
)


def logits_and_labels(classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, 200)
    return rng.normal(size=(200, classes)) + 2 * np.eye(classes)[labels], labels


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_what_the_net_answered_as_trained_can_be_told_from_calibrated_probabilities(classes: int) -> None:
    logits, labels = logits_and_labels(classes)
    seen = np.repeat(np.arange(classes), 10 * (1 + np.arange(classes)))  # unequal, so the weights are unequal
    calibration = calibrate(RECIPE, logits, labels, seen, [f"c{n}" for n in range(classes)])
    p = calibrated(logits, calibration)
    assert (p.argmax(axis=1) != logits.argmax(axis=1)).any()  # or the balance would not have been undone
    np.testing.assert_array_equal(as_trained(p, calibration).argmax(axis=1), logits.argmax(axis=1))


@pytest.mark.parametrize("positive", [0, 1])
def test_as_trained_is_an_operating_point_of_two_classes(positive: int) -> None:
    logits, labels = logits_and_labels(2)
    calibration = Calibration(temperature=1.7, bias=(-0.5, 0.5))
    p = calibrated(logits, calibration)[:, positive]
    threshold = choose_threshold(
        "as-trained", labels == positive, p, undecided=undecided(calibration, positive)
    ).value
    np.testing.assert_array_equal(p >= threshold, logits.argmax(axis=1) == positive)
    assert undecided(Calibration(), positive) == 0.5
