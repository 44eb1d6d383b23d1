"""A run's doubt: fitted once, kept in its folder, told with each prediction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.backbone import Classifier, build_classifier
from engine.calibration import calibrated
from engine.doubt import FILE, Doubt, fit_doubt, load_doubt, save_doubt, tell_doubt
from engine.errors import RunError
from engine.records import Calibration, Head, Phase, Recipe
from engine.uncertainty import pooled_features

RECIPE = Recipe(
    name="tiny",
    title="",
    source="tests",
    backbone="scnnb-b",
    weights="random",
    image_size=16,
    channels=1,
    head=Head(hidden=(8,)),
    phases=(Phase(name="all", epochs=1, trainable="all"),),
)
CLASSES = ("a", "b", "c")


@pytest.fixture
def fitted() -> tuple[Classifier, list[torch.Tensor], np.ndarray, Doubt]:
    torch.manual_seed(0)
    classifier = build_classifier(RECIPE, 3).eval()
    pooled = [pooled_features(classifier, torch.rand(30, 1, 16, 16)) for _ in range(2)]
    labels = np.arange(60) % 3
    doubt = fit_doubt(classifier, pooled, labels, Calibration(temperature=1.5), coverage=0.9)
    assert doubt is not None
    return classifier, pooled, labels, doubt


def test_doubt_survives_its_folder(fitted, tmp_path):
    doubt = fitted[-1]
    assert load_doubt(tmp_path) is None
    save_doubt(tmp_path, doubt)
    assert load_doubt(tmp_path) == doubt
    (tmp_path / FILE).write_text('{"injection": {}}')
    with pytest.raises(RunError, match=FILE):
        load_doubt(tmp_path)


def test_every_prediction_is_told_its_doubt(fitted):
    classifier, pooled, _, doubt = fitted
    with torch.no_grad():
        logits = classifier.head.from_pooled(pooled[0]).numpy()
    probabilities = calibrated(logits, Calibration(temperature=1.5))
    predicted = [CLASSES[number] for number in probabilities.argmax(axis=1)]
    told = tell_doubt(
        classifier,
        doubt,
        pooled[0],
        probabilities,
        predicted,
        classes=CLASSES,
        calibration=Calibration(temperature=1.5),
    )
    assert len(told) == 30
    for (uncertainty, names), name in zip(told, predicted, strict=True):
        assert name in names and set(names) <= set(CLASSES)
        assert uncertainty.variance > 0 and uncertainty.rate == doubt.injection.rate
    # A net that knows nothing can exclude little at a coverage of 90%.
    assert np.mean([len(names) for _, names in told]) > 2


def test_without_validation_cases_there_is_nothing_to_fit():
    classifier = build_classifier(RECIPE, 3)
    assert fit_doubt(classifier, [], np.zeros(0, dtype=np.int64), Calibration()) is None
