"""A run's uncertainty: fitted once, kept in its folder, told with each prediction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.errors import RunError, TrainingStopped
from engine.models.classifier import Classifier, build_classifier
from engine.records import Calibration, Head, Phase, Recipe, UncertaintyModel
from engine.runs.folder import UNCERTAINTY_FILE, load_uncertainty, save_uncertainty
from engine.uncertainty import estimates as estimates
from engine.uncertainty.calibration import calibrated
from engine.uncertainty.dropout import fit_injection, pooled_features
from engine.uncertainty.estimates import cases_for_passes, estimate_uncertainty, fit_uncertainty

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


def logits_of(classifier: Classifier, pooled: list[torch.Tensor]) -> np.ndarray:
    with torch.no_grad():
        return classifier.head.from_pooled(torch.cat(pooled)).numpy()


@pytest.fixture
def fitted() -> tuple[Classifier, list[torch.Tensor], np.ndarray, UncertaintyModel]:
    torch.manual_seed(0)
    classifier = build_classifier(RECIPE, 3).eval()
    pooled = [pooled_features(classifier, torch.rand(30, 1, 16, 16)) for _ in range(2)]
    labels = np.arange(60) % 3
    uncertainty = fit_uncertainty(
        classifier,
        logits_of(classifier, pooled),
        labels,
        pooled,
        labels,
        Calibration(temperature=1.5),
        coverage=0.9,
    )
    assert uncertainty is not None
    return classifier, pooled, labels, uncertainty


def test_the_uncertainty_model_survives_its_folder(fitted, tmp_path):
    uncertainty = fitted[-1]
    assert load_uncertainty(tmp_path) is None
    save_uncertainty(tmp_path, uncertainty)
    assert load_uncertainty(tmp_path) == uncertainty
    (tmp_path / UNCERTAINTY_FILE).write_text('{"injection": {}}')
    with pytest.raises(RunError, match=UNCERTAINTY_FILE):
        load_uncertainty(tmp_path)


def test_every_prediction_has_its_uncertainty(fitted):
    classifier, pooled, _, uncertainty = fitted
    logits = logits_of(classifier, pooled[:1])
    probabilities = calibrated(logits, Calibration(temperature=1.5))
    predicted = [CLASSES[number] for number in probabilities.argmax(axis=1)]
    told = estimate_uncertainty(
        classifier,
        uncertainty,
        pooled[0],
        probabilities,
        predicted,
        classes=CLASSES,
        calibration=Calibration(temperature=1.5),
    )
    assert len(told) == 30
    for (told_of, names), name in zip(told, predicted, strict=True):
        assert name in names and set(names) <= set(CLASSES)
        assert told_of.variance > 0 and told_of.rate == uncertainty.injection.rate
    # A net that knows nothing can exclude little at a coverage of 90%.
    assert np.mean([len(names) for _, names in told]) > 2


def test_without_validation_cases_there_is_nothing_to_fit():
    classifier = build_classifier(RECIPE, 3)
    logits, labels = np.zeros((0, 3), dtype=np.float32), np.zeros(0, dtype=np.int64)
    assert fit_uncertainty(classifier, logits, labels, [], labels, Calibration()) is None


def test_dropout_is_fitted_on_a_sample_of_many_cases_and_the_sets_on_all(fitted, monkeypatch):
    classifier, pooled, labels, on_all = fitted
    monkeypatch.setattr(estimates, "MOST_CASES", 25)
    rows = cases_for_passes(60, seed=4)
    assert len(rows) == len(set(rows)) == 25 and (np.diff(rows) > 0).all() and rows.max() < 60
    assert (cases_for_passes(60, seed=4) == rows).all()
    assert (cases_for_passes(60, seed=5) != rows).any()
    assert (cases_for_passes(25) == np.arange(25)).all()
    sampled = fit_uncertainty(
        classifier,
        logits_of(classifier, pooled),
        labels,
        [torch.cat(pooled)[rows]],
        labels[rows],
        Calibration(temperature=1.5),
        coverage=0.9,
        seed=4,
    )
    by_hand = fit_injection(
        classifier, [torch.cat(pooled)[rows]], labels[rows], Calibration(temperature=1.5), seed=4
    )
    assert sampled.injection == by_hand
    assert sampled.conformal == on_all.conformal


def test_fitting_can_be_ended_before_any_pass(fitted):
    classifier, pooled, labels, _ = fitted
    passes = []

    def third_ends_it() -> None:
        passes.append(len(passes))
        if len(passes) == 3:
            raise TrainingStopped("stopped", "resume")

    with pytest.raises(TrainingStopped):
        fit_uncertainty(
            classifier,
            logits_of(classifier, pooled),
            labels,
            pooled,
            labels,
            Calibration(),
            each_pass=third_ends_it,
        )
    assert len(passes) == 3
