"""Robustness: what is changed is what is said, and what is counted is what the model says of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from engine.errors import DataError
from engine.models.classifier import Classifier
from engine.pipeline import report_run
from engine.prediction import predictor, robustness
from engine.prediction.robustness import DISTURBANCES, Disturbance, measure_robustness
from engine.reading.store import open_store
from engine.records import Run
from engine.report.exports.html import render_html
from engine.report.exports.numbers import render_json
from engine.runs.folder import find_run, load_classifier, split_of
from engine.runs.passports import load_robustness
from engine.workspace import Workspace, open_workspace

NOTHING = {"brightness": 0.0, "contrast": 1.0, "noise": 0.0, "rotation": 0.0, "resolution": 1.0}
"""The step of each change that leaves an image as it is; JPEG has none."""


@given(arrays(np.uint8, st.sampled_from([(5, 7, 1), (8, 8, 3)])), st.sampled_from(sorted(NOTHING)))
def test_a_change_by_nothing_changes_nothing(image: np.ndarray, kind: str) -> None:
    same = DISTURBANCES[kind].change(image, NOTHING[kind], np.random.default_rng(0))
    assert same.dtype == np.uint8 and np.array_equal(same, image)


def test_changes_are_as_large_as_their_steps_say() -> None:
    y, x = np.mgrid[0:64, 0:64]
    image = (100 + 0.5 * x + 10 * ((x // 4 + y // 4) % 2)).astype(np.uint8)[..., None]

    def changed(kind: str, step: float) -> np.ndarray:
        return DISTURBANCES[kind].change(image, step, np.random.default_rng(0)).astype(float)

    assert changed("brightness", 0.1).mean() - image.mean() == pytest.approx(25.5, abs=0.5)
    assert changed("contrast", 0.5).std() == pytest.approx(image.std() / 2, rel=0.03)
    assert (changed("noise", 0.05) - image).std() == pytest.approx(0.05 * 255, rel=0.03)
    assert np.abs(changed("jpeg", 20) - image).mean() > np.abs(changed("jpeg", 90) - image).mean() > 0
    assert changed("resolution", 0.25).std() < image.std()
    turned = np.zeros((65, 65, 1), dtype=np.uint8)
    turned[32, 60] = 255  # right of the middle: up, when it is turned against the clock
    top = DISTURBANCES["rotation"].change(turned, 90, np.random.default_rng(0))
    assert np.unravel_index(top.argmax(), (65, 65)) == (4, 32)


@pytest.fixture
def own_run(trained: tuple[Workspace, Run], tmp_path: Path) -> tuple[Workspace, Run]:
    shutil.copytree(trained[0].root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    return workspace, find_run(workspace, trained[1].run_id)


def test_kept_predictions_are_those_that_stay_and_the_report_shows_them(
    own_run: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = own_run
    assert load_robustness(run.folder) is None
    same = Disturbance("Nothing", "at all", (1,), lambda image, *_: image)
    black = Disturbance("Darkness", "of the image", (1,), lambda image, *_: np.zeros_like(image))
    monkeypatch.setattr(robustness, "DISTURBANCES", {"same": same, "black": black})
    made = measure_robustness(run, cache_dir=workspace.cache, device="cpu")
    assert load_robustness(run.folder) == made
    test = split_of(run).test
    assert (made.images, made.of) == (len(test), len(test))

    with open_store(workspace.database) as store:
        predicted = [each.predicted for each in store.predictions(run.run_id, "test")]
        report = report_run(workspace, store, run)
    kept, dark = made.steps
    assert kept.kept.value == 1.0 and kept.figures == made.figures
    assert dark.kept.value in {predicted.count(name) / len(predicted) for name in run.classes}, (
        "all black are alike"
    )
    (row,) = [row for row in report.against[0].rows if row.name == run.positive]
    assert made.figures["sensitivity"].value == pytest.approx(row.recall.value)

    page = render_html(report, picture=lambda _: None, heatmap=lambda _: None)
    assert "Darkness" in page and "of the image" in page and 'href="#robustness"' in page
    assert json.loads(render_json(report))["robustness"]["steps"][1]["kind"] == "black"


def test_fewer_images_are_drawn_by_a_seed(
    own_run: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = own_run
    monkeypatch.setattr(robustness, "DISTURBANCES", {"noise": replace(DISTURBANCES["noise"], steps=(0.1,))})
    first, again = (
        measure_robustness(run, cache_dir=workspace.cache, images=5, device="cpu") for _ in range(2)
    )
    assert first.images == 5 and replace(first, seconds=0) == replace(again, seconds=0)


def test_a_net_is_loaded_once_whatever_number_of_changes_is_tried(
    own_run: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = own_run
    loads: list[str] = []

    def counted(run: Run, device: str) -> Classifier:
        loads.append(run.run_id)
        return load_classifier(run, device)

    monkeypatch.setattr(predictor, "load_classifier", counted)
    two = {name: replace(DISTURBANCES[name], steps=(-0.1, 0.1)) for name in ("brightness",)}
    monkeypatch.setattr(robustness, "DISTURBANCES", two)
    made = measure_robustness(run, cache_dir=workspace.cache, images=3, device="cpu")
    assert len(made.steps) == 2 and loads == [run.run_id]


def test_a_run_without_labelled_test_images_is_refused(
    own_run: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = own_run
    monkeypatch.setattr(robustness, "split_of", lambda run: replace(split_of(run), test=()))
    with pytest.raises(DataError, match="no test image with a label"):
        measure_robustness(run, cache_dir=workspace.cache, device="cpu")


def test_a_damaged_file_is_said_in_the_report_and_stops_nothing(own_run: tuple[Workspace, Run]) -> None:
    workspace, run = own_run
    (run.folder / "robustness.json").write_text("{")
    with open_store(workspace.database) as store:
        report = report_run(workspace, store, run)
    assert report.robustness is None and report.against[0].cases
    assert any("robustness.json" in sentence for sentence in report.limitations)
