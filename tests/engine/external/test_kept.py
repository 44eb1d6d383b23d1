"""Promises of kept external tests: a later report holds each, says where its images are, names what is damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.data.index import index_folder
from engine.data.saved import save_index
from engine.errors import ReportError
from engine.external.kept import abroad_of, keep_external, kept_externals
from engine.pipeline import export_run, report_run, validate_run
from engine.reading.store import Store, open_store
from engine.records import ExternalTest, Run
from engine.report import external_document
from engine.runs.folder import find_run
from engine.workspace import Workspace, open_workspace
from tests.tiny import draw_films

Place = tuple[Workspace, Store, Run]


@pytest.fixture
def place(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[Place]:
    """A copy of the trained workspace, to keep tests in."""
    shutil.copytree(trained[0].root, tmp_path / "own", ignore=shutil.ignore_patterns("cache"))
    workspace = open_workspace(tmp_path / "own")
    with open_store(workspace.database) as store:
        yield workspace, store, find_run(workspace, trained[1].run_id)


def kept(place: Place, folder: Path, seed: int) -> ExternalTest:
    workspace, store, run = place
    index = index_folder(draw_films(folder, patients=8, seed=seed))
    save_index(workspace, index)
    test = validate_run(workspace, store, run, index, device="cpu")
    keep_external(run, test)
    return test


def test_what_is_read_back_is_what_was_found_numbers_that_cannot_be_had_included(
    place: Place, tmp_path: Path
) -> None:
    test = kept(place, tmp_path / "north", 11)
    first, *others = test.figures
    unknown = replace(first.external, value=float("nan"), low=float("nan"), high=float("nan"))
    odd = replace(test, figures=(replace(first, external=unknown), *others))
    keep_external(place[2], odd)
    (again,) = kept_externals(place[0], place[2])
    assert np.isnan(again.figures[0].external.value) and np.isnan(again.figures[0].external.low)
    assert external_document(again) == external_document(odd)


def test_a_report_made_later_holds_every_test_and_mixes_none_into_its_own_figures(
    place: Place, tmp_path: Path
) -> None:
    workspace, store, run = place
    before = {part: report_run(workspace, store, run, part=part) for part in ("val", "test", None)}  # type: ignore[arg-type]
    tests = [kept(place, tmp_path / name, seed) for name, seed in (("north", 11), ("south", 12))]
    for part, was in before.items():
        report = report_run(workspace, store, run, part=part)  # type: ignore[arg-type]
        assert [one.dataset_name for one in report.elsewhere.tests] == ["north", "south"]
        assert [one.estimates for one in report.against] == [one.estimates for one in was.against]
        assert len(report.cases) == len(was.cases)
    written = export_run(workspace, report, run, store.predictions(run.run_id), tmp_path / "out")
    page = written["html"]["report"].read_text(encoding="utf-8")
    numbers = json.loads(written["json"]["report"].read_text(encoding="utf-8"))
    table = written["csv"]["external"].read_text(encoding="utf-8-sig")
    for test, said in zip(tests, numbers["elsewhere"]["tests"], strict=True):
        assert said == external_document(test)
        assert f"External test on {test.dataset_name}" in page and test.dataset_id in table
    assert str(tmp_path) not in page + table + json.dumps(numbers)
    assert "Tested on north (16 images); south (16 images)." in page


def test_the_same_data_tested_again_count_once(place: Place, tmp_path: Path) -> None:
    first = kept(place, tmp_path / "north", 11)
    keep_external(place[2], replace(first, dataset_name="north, again"))
    assert [one.dataset_name for one in kept_externals(place[0], place[2])] == ["north, again"]


def test_a_set_that_was_moved_or_deleted_is_said_and_its_figures_stay(place: Place, tmp_path: Path) -> None:
    test = kept(place, tmp_path / "north", 11)

    def remark() -> str:
        (found,) = kept_externals(place[0], place[2])
        assert found.figures[0].internal == test.figures[0].internal
        return " ".join(found.remarks)

    assert remark() == ""
    (tmp_path / "north" / "opacity").rename(tmp_path / "north" / "gone")
    assert "4 of 16 images of the data set are no longer where they were" in remark()
    (place[0].datasets / test.dataset_id / "samples.csv").unlink()
    assert "can no longer be read here" in remark()
    shutil.rmtree(place[0].datasets / test.dataset_id)
    assert "no longer in this workspace" in remark()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"figures": 3}', "\x00"])
def test_a_damaged_test_is_named_and_hides_no_other(place: Place, tmp_path: Path, content: str) -> None:
    workspace, store, run = place
    broken, _ = kept(place, tmp_path / "north", 11), kept(place, tmp_path / "south", 12)
    (run.folder / "external" / broken.dataset_id / "external.json").write_text(content)
    said: list[ReportError] = []
    assert [one.dataset_name for one in kept_externals(workspace, run, on_damaged=said.append)] == ["south"]
    assert "external.json is damaged" in str(said[0]) and "overread validate" in str(said[0])
    (run.folder / "distances.npz").write_text(content)
    report = report_run(workspace, store, run)
    assert [one.dataset_name for one in report.elsewhere.tests] == ["south"]
    assert len(report.elsewhere.damaged) == 2
    assert abroad_of(workspace, run).distances == {}


def test_images_predicted_for_review_stand_by_themselves_whatever_part_is_reported(
    place: Place, tmp_path: Path
) -> None:
    from engine.pipeline import read_samples
    from engine.runs import save_source

    workspace, store, run = place
    own = report_run(workspace, store, run, part=None)
    samples = index_folder(draw_films(tmp_path / "north", patients=6, seed=13)).samples
    predictions, _ = read_samples(workspace, run, samples, device="cpu")
    store.add_cases(run.run_id, predictions)
    save_source(run.folder, "north", [one.image_id for one in predictions[:8]])
    report = report_run(workspace, store, run, part=None)
    assert [one.estimates for one in report.against] == [one.estimates for one in own.against]
    assert {one.source: one.cases for one in report.elsewhere.images} == {
        "north": 8,
        "images from elsewhere": 4,
    }
    assert report.elsewhere.images[1].against[0].cases == 8
