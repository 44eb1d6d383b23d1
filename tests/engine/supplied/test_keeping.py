"""Promises of supplied predictions as a run: read, reported and compared like ours, and never taken for one of ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import pipeline
from engine.data import index_folder, save_index
from engine.errors import RunError
from engine.jobs import submit
from engine.reading import Store, open_store
from engine.recipes import RECIPES
from engine.records import MAP_AS_SUPPLIED, Index, Run, TrainingRequest
from engine.runs import list_runs, load_explanations, load_run, split_of
from engine.supplied import Claims, Imported, import_predictions
from engine.workspace import Workspace, open_workspace
from tests.tiny import draw_films

CLAIMS = Claims(model="Vendor X", version="2.1", threshold=0.4)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


@pytest.fixture
def index(tmp_path: Path, workspace: Workspace) -> Index:
    index = index_folder(draw_films(tmp_path / "films", patients=12))
    save_index(workspace, index)
    return index


def written(
    folder: Path, index: Index, *, ill: float = 0.9, well: float = 0.2, name: str = "scores.csv"
) -> Path:
    """Write by hand what a vendor might send."""
    lines = [f"{one.path.name},{ill if one.label == 'opacity' else well}" for one in index.samples]
    path = folder / name
    path.write_text("\n".join(["file,score", *lines]))
    return path


def imported(workspace: Workspace, index: Index, table: Path, claims: Claims = CLAIMS) -> Imported:
    with open_store(workspace.database) as store:
        return import_predictions(workspace, store, index, table, claims)


def test_an_import_is_a_run_with_cases_to_read_and_without_a_net(
    tmp_path: Path, workspace: Workspace, index: Index
) -> None:
    done = imported(workspace, index, written(tmp_path, index))
    assert not done.known
    assert load_run(done.run.folder) == done.run
    assert (done.run.recipe, done.run.title) == (None, "Vendor X 2.1")
    assert {one.image_id for one in split_of(done.run).test} == {one.image_id for one in index.samples}
    assert (
        not (done.run.folder / "model.safetensors").exists()
        and not (done.run.folder / "recipe.json").exists()
    )
    with open_store(workspace.database) as store:
        assert len(store.predictions(done.run.run_id, part="test")) == len(index.samples)
        (summary,) = store.runs()
    assert (summary.recipe_name, summary.threshold) == ("Vendor X 2.1", 0.4)


def test_equal_content_is_the_same_run_and_a_corrected_file_a_new_one(
    tmp_path: Path, workspace: Workspace, index: Index
) -> None:
    first = imported(workspace, index, written(tmp_path, index))
    table = tmp_path / "turned.csv"
    head, *rows = (tmp_path / "scores.csv").read_text().splitlines()
    table.write_text(
        "\r\n".join([head.replace(",", ";"), *(row.replace(",", ";") for row in reversed(rows))])
    )
    again = imported(workspace, index, table)
    assert (again.known, again.run.run_id) == (True, first.run.run_id)
    for other in (
        imported(workspace, index, written(tmp_path, index, ill=0.95)),
        imported(workspace, index, tmp_path / "turned.csv", replace(CLAIMS, version="2.2")),
        imported(workspace, index, tmp_path / "turned.csv", replace(CLAIMS, threshold=0.5)),
    ):
        assert not other.known
    assert len(list_runs(workspace)) == 4


def test_an_import_cut_off_before_its_cases_were_stored_is_made_whole_by_the_same_import(
    tmp_path: Path, workspace: Workspace, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = written(tmp_path, index)
    with monkeypatch.context() as power_cut:
        power_cut.setattr(Store, "add_cases", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            imported(workspace, index, table)
    done = imported(workspace, index, table)
    assert done.known
    with open_store(workspace.database) as store:
        assert len(store.predictions(done.run.run_id)) == len(index.samples)


def test_its_report_says_whose_predictions_these_are_and_claims_nothing_of_a_training(
    tmp_path: Path, workspace: Workspace, index: Index
) -> None:
    run = imported(workspace, index, written(tmp_path, index)).run
    with open_store(workspace.database) as store:
        report = pipeline.report_run(workspace, store, run)
        cases = store.predictions(run.run_id, part="test")
        files = pipeline.export_run(workspace, report, run, cases, tmp_path / "report")
    page = next(iter(files["html"].values())).read_text()
    assert "The predictions of Vendor X 2.1 were supplied; Overread did not compute them." in page
    assert "External testing of supplied predictions" in page and "test part" not in page
    ours = (
        "Training curves",
        "Starting weights",
        "one training, with seed",
        "torch",
        "data set as the training",
    )
    assert [words for words in ours if words in page] == []
    assert {fact.group for fact in report.facts} >= {"Data", "Model", "Reading"}
    assert "Training" not in {fact.group for fact in report.facts}
    assert report.shift is None and report.passport is None
    assert not any(one.path.name in page for one in cases)  # an image may be called by its patient
    (labels, *_) = report.against
    assert labels.estimates["sensitivity"].value == labels.estimates["specificity"].value == 1
    assert json.loads(next(iter(files["json"].values())).read_text())


def test_what_needs_a_net_refuses_in_one_sentence(tmp_path: Path, workspace: Workspace, index: Index) -> None:
    run = imported(workspace, index, written(tmp_path, index)).run
    with open_store(workspace.database) as store:
        for needs in (
            lambda: pipeline.read_samples(workspace, run, index.samples),
            lambda: pipeline.read_run(workspace, store, run),
            lambda: pipeline.validate_run(workspace, store, run, index),
            lambda: pipeline.export_model(workspace, store, run, tmp_path / "model", formats=["onnx"]),
            lambda: pipeline.export_model(workspace, store, run, tmp_path / "model", formats=["card"]),
        ):
            with pytest.raises(RunError, match="has no network: its predictions were supplied"):
                needs()
    assert not (tmp_path / "model").exists()


def test_maps_of_any_size_grey_or_transparent_lie_over_their_images_and_the_rest_is_said(
    tmp_path: Path, workspace: Workspace, index: Index
) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    first, second, third, fourth = index.samples[:4]
    grey = np.zeros((600, 30), dtype=np.uint8)
    grey[:300] = 200
    Image.fromarray(grey).save(folder / f"{first.path.stem}_heatmap.png")
    red = np.zeros((8, 8, 4), dtype=np.uint8)
    red[:, :, 0], red[2:4, 2:4, 3] = 255, 128
    Image.fromarray(red).save(folder / f"{second.image_id}.png")
    rainbow = np.random.default_rng(1).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(rainbow).save(folder / third.path.name)
    (folder / fourth.path.name).write_bytes(b"no picture")
    Image.fromarray(grey).save(folder / "zz.png")
    done = imported(workspace, index, written(tmp_path, index), replace(CLAIMS, maps=folder))
    maps = load_explanations(done.run.folder)
    assert set(maps) == {first.image_id, second.image_id}
    assert {one.method for one in maps.values()} == {MAP_AS_SUPPLIED}
    assert {one.scale for one in maps.values()} == {None}
    height, width = maps[first.image_id].heatmap.shape
    assert (height, width) == (256, 13)
    assert maps[first.image_id].heatmap[0, 0] == pytest.approx(200 / 255, abs=1e-3)
    assert maps[first.image_id].heatmap[-1, 0] == 0
    assert maps[second.image_id].heatmap[3, 3] == pytest.approx(128 / 255, abs=1e-3)
    assert maps[second.image_id].heatmap[0, 0] == 0
    said = ". ".join(done.said)
    for each in (
        "(zz.png): named like no image",
        "in colours whose scale is not known",
        "not readable as a picture",
    ):
        assert each in said
    assert done.run.supplied is not None and done.run.supplied.maps == 2


def test_other_maps_make_another_run(tmp_path: Path, workspace: Workspace, index: Index) -> None:
    table, folder = written(tmp_path, index), tmp_path / "maps"
    folder.mkdir()
    runs: list[Run] = [imported(workspace, index, table).run]
    for level in (10, 20):
        Image.new("L", (4, 4), level).save(folder / index.samples[0].path.name)
        runs.append(imported(workspace, index, table, replace(CLAIMS, maps=folder)).run)
    assert len({run.run_id for run in runs}) == 3


def test_a_training_cannot_begin_with_supplied_predictions_and_that_is_said_before_it_starts(
    tmp_path: Path, workspace: Workspace, index: Index
) -> None:
    run = imported(workspace, index, written(tmp_path, index)).run
    recipe = replace(RECIPES["default"], weights=f"run:{run.run_id}")
    with pytest.raises(RunError, match="has no network that a training could begin with"):
        submit(workspace, TrainingRequest(recipe=recipe, dataset_id=index.dataset_id))
    assert [one.name for one in workspace.runs.iterdir() if one.is_dir()] == [run.run_id]
