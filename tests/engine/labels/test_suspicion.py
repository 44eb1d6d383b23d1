"""Labels that were made wrong are found by models that never saw them, and test cases are kept out of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.data import save_index, split_index
from engine.errors import DataError, ReviewError
from engine.labels.queueing import to_be_read
from engine.labels.suspicion import Suspect, out_of_fold, suspects, suspects_of_run
from engine.reading import open_store
from engine.records import Index, Run, Split
from engine.runs import load_explanations, load_run, split_of
from engine.workspace import Workspace, open_workspace


def test_an_image_is_judged_by_a_regression_that_saw_nothing_of_its_group() -> None:
    """The features name the group: who saw it would know every label, and who did not knows none."""
    groups = np.repeat(np.arange(20), 4)
    truth = np.arange(20).repeat(4) % 2
    features = np.eye(20, dtype=np.float32)[groups]
    told = out_of_fold(features, truth, groups)
    assert np.allclose(told.sum(axis=1), 1)
    assert (told[np.arange(80), truth] <= 0.5 + 1e-6).all()


def test_planted_errors_stand_first_where_the_features_tell_the_classes_apart() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(400) % 3
    features = (np.eye(3)[truth].repeat(10, axis=1) + rng.normal(0, 0.4, (400, 30))).astype(np.float32)
    given = truth.copy()
    wrong = rng.choice(400, 12, replace=False)
    given[wrong] = (given[wrong] + 1) % 3
    told = out_of_fold(features, given, np.arange(400) // 2)
    order = np.argsort(told[np.arange(400), given])
    assert set(order[:12]) == set(wrong)


@pytest.mark.parametrize("truth", [[0, 0, 0, 0], [0, 0, 0, 1], []])
def test_too_few_classes_or_patients_are_said(truth: list[int]) -> None:
    with pytest.raises(DataError, match="fewer than two"):
        out_of_fold(np.zeros((len(truth), 2), np.float32), np.array(truth, np.int64), np.arange(len(truth)))


@pytest.fixture(scope="module")
def own(trained: tuple[Workspace, Run], tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    root = tmp_path_factory.mktemp("suspects") / "workspace"
    shutil.copytree(trained[0].root, root)
    workspace = open_workspace(root)
    return workspace, load_run(workspace.runs / trained[1].run_id)


def mislabelled(index: Index, split: Split) -> tuple[Index, Split, set[str]]:
    """Return data in which one training film of a patient has the wrong label, and one test film."""
    wrong = {split.train[0].image_id, split.test[0].image_id}
    other = {"normal": "opacity", "opacity": "normal"}
    samples = tuple(
        replace(one, label=other[str(one.label)]) if one.image_id in wrong else one for one in index.samples
    )
    told = {one.image_id: one for one in samples}
    parts = {part: tuple(told[one.image_id] for one in split.part(part)) for part in ("train", "val", "test")}  # type: ignore[arg-type]
    return replace(index, samples=samples), replace(split, **parts), wrong  # type: ignore[arg-type]


def test_what_is_listed_is_of_training_and_validation_and_changing_a_test_label_changes_nothing(
    own: tuple[Workspace, Run], tiny_index: Index, tiny_split: Split
) -> None:
    workspace, _ = own
    index, split, wrong = mislabelled(tiny_index, tiny_split)
    found = suspects(workspace, index, split, device="cpu")
    assert {one.image_id for one in found} == {one.image_id for one in (*split.train, *split.val)}
    assert [one.suspicion for one in found] == sorted((one.suspicion for one in found), reverse=True)
    (planted,) = [one for one in found if one.image_id in wrong]
    assert found.index(planted) < len(found) // 4
    honest = replace(split, test=tiny_split.test)
    assert suspects(workspace, index, honest, device="cpu") == found
    with_test = suspects(workspace, index, split, parts=("test",), device="cpu")
    assert {one.image_id for one in with_test} == {one.image_id for one in split.test}


def test_suspects_come_into_the_queue_with_predictions_and_maps_of_training_images_and_into_no_report(
    own: tuple[Workspace, Run],
) -> None:
    from engine.pipeline import report_run

    workspace, run = own
    with open_store(workspace.database) as store:
        cases = len(store.predictions(run.run_id))
        found = suspects_of_run(workspace, store, run, device="cpu")
        doubted = [replace(one, likely="another") if place < 5 else one for place, one in enumerate(found)]
        listed = [one for one in doubted if one.suspected]
        test = [
            Suspect(
                image_id=one.image_id, path=one.path, patient_id="", part="test", label="normal", likely="opacity",
                suspicion=1.0,
            )
            for one in split_of(run).test
        ]  # fmt: skip
        assert to_be_read(workspace, store, run, [*test, *doubted], device="cpu") == len(listed)
        walked = store.upcoming(run.run_id, "likely mislabelled", "anyone", None, k=300)
        assert [case.image_id for case in walked] == [one.image_id for one in listed]
        trained_on = [one for one in listed if one.part == "train"]
        assert trained_on and len(store.predictions(run.run_id)) == cases + len(trained_on)
        maps = load_explanations(run.folder)
        assert {one.image_id for one in trained_on} <= maps.keys() and len(maps) >= cases
        assert to_be_read(workspace, store, run, doubted, device="cpu") == len(listed)  # again
        assert len(report_run(workspace, store, run, part=None).cases) == cases
        assert store.audit().found == ()
        with pytest.raises(ReviewError, match="every case is a test case"):
            to_be_read(workspace, store, replace(run, folds=3), doubted)


def test_a_cross_validation_is_judged_by_the_model_of_the_fold_that_tested_the_image(
    own: tuple[Workspace, Run],
) -> None:
    workspace, run = own
    with open_store(workspace.database) as store:
        found = suspects_of_run(workspace, store, replace(run, folds=3))
        said = {case.image_id: case for case in store.predictions(run.run_id, "test")}
    assert {one.image_id for one in found} == said.keys()
    for one in found:
        case = said[one.image_id]
        assert one.suspicion == pytest.approx(1 - case.probabilities[run.classes.index(str(case.label))])


def test_the_command_lists_suspects_and_fills_the_queue(
    own: tuple[Workspace, Run],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    import json

    from gui.cli.main import main

    workspace, run = own
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(workspace.root))
    assert main(["labels", "suspects", run.run_id, "--device", "cpu", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    split = split_of(run)
    assert told["images"] == len(split.train) + len(split.val) and "in the queue" in said.err
    assert main(["labels", "suspects", run.dataset_id, "--top", "3", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["suspects"]) == 3


def test_a_data_set_needs_no_run(workspace: Workspace, tiny_index: Index) -> None:
    save_index(workspace, tiny_index)
    assert suspects(workspace, tiny_index, split_index(tiny_index), device="cpu")
