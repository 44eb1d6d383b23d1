"""Predictions are calibrated, called at the operating point, and the same whatever the batch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.errors import DataError, RunError
from engine.models import build_classifier
from engine.prediction.predictor import (
    foreign_labels,
    parts_of,
    predict,
    predict_and_explain,
    predicted_class,
)
from engine.reading.store import open_store
from engine.records import Calibration, Run
from engine.runs.folder import find_run, load_run, split_of
from engine.runs.heatmaps import load_explanations, load_map_settings
from engine.workspace import Workspace


def test_every_test_film_is_predicted_once_in_order(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    split = split_of(run)
    predictions = list(
        predict(run, split.test, cache_dir=workspace.cache, parts=parts_of(split), device="cpu")
    )
    assert [p.image_id for p in predictions] == [s.image_id for s in split.test]
    for prediction in predictions:
        assert prediction.part == "test"
        assert sum(prediction.probabilities) == pytest.approx(1)
        entropy = -sum(p * math.log(p) for p in prediction.probabilities if p)
        assert prediction.entropy == pytest.approx(entropy)
        positive = prediction.probabilities[run.classes.index(run.positive)]
        assert (prediction.predicted == run.positive) == (positive >= run.threshold)


def test_the_size_of_a_batch_changes_nothing(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    test = split_of(run).test
    one = list(predict(run, test, cache_dir=workspace.cache, batch_size=1, device="cpu"))
    many = list(predict(run, test, cache_dir=workspace.cache, batch_size=64, device="cpu"))
    np.testing.assert_allclose([p.probabilities for p in one], [p.probabilities for p in many], atol=1e-5)


def test_predicting_alone_and_predicting_with_reasons_agree(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    test = split_of(run).test
    alone = list(predict(run, test, cache_dir=workspace.cache, device="cpu"))
    explained = list(predict_and_explain(run, test, cache_dir=workspace.cache, device="cpu"))
    np.testing.assert_allclose(
        [p.probabilities for p in alone], [p.probabilities for p, _ in explained], atol=1e-6
    )
    for _, explanation in explained:
        assert explanation is not None
        assert explanation.heatmap.dtype == np.float32
        assert np.isfinite(explanation.heatmap).all()


def test_the_map_and_its_rest_are_the_log_odds_of_what_is_predicted(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    settings = load_map_settings(run.folder)
    assert settings is not None and settings.cases > 0 and settings.reasons
    told = predict_and_explain(
        run, split_of(run).test, cache_dir=workspace.cache, device="cpu", method=settings.method
    )
    for prediction, explanation in told:
        assert explanation is not None and explanation.scale == settings.scale
        assert explanation.rest is not None
        p = prediction.probabilities[run.classes.index(explanation.target)]
        inside = float(explanation.heatmap.astype(np.float64).mean())
        assert inside + explanation.rest == pytest.approx(math.log(p / (1 - p)), abs=1e-4)


def test_maps_of_another_method_are_relative_to_their_own_maximum(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    films = split_of(run).test[:3]
    for _, explanation in predict_and_explain(
        run, films, cache_dir=workspace.cache, device="cpu", method="layercam"
    ):
        assert explanation is not None and explanation.scale is None and explanation.rest is None
        assert explanation.heatmap.min() >= 0 and explanation.heatmap.max() <= 1


def test_what_was_predicted_is_stored_with_its_heatmaps(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    split = split_of(run)
    with open_store(workspace.database) as store:
        stored = {p.image_id for p in store.predictions(run.run_id)}
    expected = {s.image_id for s in (*split.val, *split.test)}
    assert stored == expected
    assert set(load_explanations(run.folder)) == expected


def test_the_operating_point_decides_between_two_classes_and_the_largest_among_more(
    trained: tuple[Workspace, Run],
) -> None:
    _, run = trained
    careful = replace(run, threshold=0.2)
    positive = run.classes.index(run.positive)
    probabilities = np.array([0.7, 0.7])
    probabilities[positive] = 0.3
    assert predicted_class(careful, probabilities) == run.positive
    three = replace(run, classes=("a", "b", "c"), positive="c", threshold=0.2)
    assert predicted_class(three, np.array([0.4, 0.35, 0.25])) == "a"


def test_what_balancing_gained_is_not_undone_by_calibration(trained: tuple[Workspace, Run]) -> None:
    _, run = trained
    restored = Calibration(bias=(1.0, 0.0, -1.0))  # the third class is rare, and was refilled for training
    three = replace(run, classes=("a", "b", "c"), positive="c", calibration=restored)
    net = np.array([0.3, 0.25, 0.45])
    real = net * np.exp(restored.bias)
    real /= real.sum()
    assert predicted_class(three, real) == "c"
    assert predicted_class(replace(three, recipe=replace(run.recipe, operating_point="half")), real) == "a"


def test_a_damaged_checkpoint_or_run_is_said_in_a_sentence(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    import shutil

    workspace, run = trained
    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match="cut short"):
        list(predict(load_run(copy), split_of(run).test, cache_dir=workspace.cache))
    (copy / "run.json").write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        load_run(copy)
    (copy / "heatmaps.npz").write_bytes(b"PK")
    with pytest.raises(RunError, match="heatmaps"):
        load_explanations(copy)


def test_images_that_are_gone_are_left_out_and_none_at_all_is_said(
    trained: tuple[Workspace, Run], tmp_path: Path, workspace: Workspace
) -> None:
    _, run = trained
    test = split_of(run).test
    gone = replace(test[0], path=tmp_path / "gone.png", image_id="0" * 64)
    kept = list(predict(run, [gone, *test[1:]], cache_dir=workspace.cache, device="cpu"))
    assert [p.image_id for p in kept] == [s.image_id for s in test[1:]]
    with pytest.raises(DataError, match="None of the images"):
        list(predict(run, [gone], cache_dir=workspace.cache, device="cpu"))


def test_a_run_is_found_by_the_start_of_its_id_and_latest(trained: tuple[Workspace, Run]) -> None:
    workspace, run = trained
    assert find_run(workspace, "latest") == run
    assert find_run(workspace, run.run_id[:8]) == run
    with pytest.raises(RunError, match="no run"):
        find_run(workspace, "1999")


def test_calibration_by_default_changes_nothing() -> None:
    from scipy.special import softmax

    from engine.uncertainty.calibration import calibrated

    logits = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(calibrated(logits, Calibration()), softmax(logits, axis=1))


def test_labels_in_another_spelling_are_matched_and_foreign_ones_are_counted(
    trained: tuple[Workspace, Run], workspace: Workspace
) -> None:
    _, run = trained
    test = split_of(run).test
    spelled = [replace(sample, label=f" {str(sample.label).upper()}_") for sample in test]
    assert foreign_labels(run, spelled) == {}
    found = list(predict(run, spelled, cache_dir=workspace.cache, device="cpu"))
    assert [one.label for one in found] == [sample.label for sample in test]
    strange = [replace(sample, label="Rundherd") for sample in test]
    assert foreign_labels(run, [*strange, replace(test[0], label=None)]) == {"Rundherd": len(test)}
    assert all(one.label is None for one in predict(run, strange, cache_dir=workspace.cache, device="cpu"))


def test_a_probability_exactly_at_the_operating_point_is_predicted_positive(
    trained: tuple[Workspace, Run],
) -> None:
    _, run = trained
    at = run.classes.index(run.positive)
    for probability, positive in ((run.threshold, True), (np.nextafter(run.threshold, 0), False)):
        row = np.empty(2)
        row[at], row[1 - at] = probability, 1 - probability
        assert (predicted_class(run, row) == run.positive) == positive


def test_of_two_classes_the_heatmap_speaks_of_the_finding_whatever_is_predicted(
    trained: tuple[Workspace, Run],
) -> None:
    workspace, run = trained
    told = list(predict_and_explain(run, split_of(run).test, cache_dir=workspace.cache, device="cpu"))
    assert {prediction.predicted for prediction, _ in told} == set(run.classes)
    assert {explanation.target for _, explanation in told if explanation is not None} == {run.positive}


def test_of_more_classes_the_heatmap_speaks_of_the_one_that_is_predicted(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = trained
    three = replace(run, folder=tmp_path, classes=("other", *run.classes))
    net = build_classifier(three.recipe, 3)
    for at in range(3):  # each class is the predicted one in turn
        with torch.no_grad():
            bias = list(net.head.parameters())[-1]
            bias.copy_(100 * (torch.arange(3) == at))
        save_file(net.state_dict(), tmp_path / "model.safetensors")
        for one, why in predict_and_explain(
            three, split_of(run).test, cache_dir=workspace.cache, device="cpu"
        ):
            assert why is not None and why.target == one.predicted == three.classes[at]
