"""Files name their schema version, their names are documented, and those of version 1 are still read.

`tests/version_1` was written by the version before: text files of one small data set and one run.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from engine.data import load_choices, load_index, load_split, save_choices, save_index, save_split
from engine.data.split_choices import Choices
from engine.recipes import RECIPES, load_recipe, recipe_to_json
from engine.records import DataIssueKind
from engine.runs import load_history, load_run
from engine.runs.folder import load_uncertainty, save_run, save_uncertainty
from engine.storage import SCHEMA_VERSION
from engine.workspace import Workspace, open_workspace

VERSION_1 = Path(__file__).parents[1] / "version_1"
FILES = Path(__file__).parents[2] / "docs" / "files.md"
DATASET = "1d73fb4fd2f9"
IN_DATASET = ("index.json", "samples.csv", "choices.json")


@pytest.fixture
def former(tmp_path: Path) -> tuple[Workspace, Path]:
    """A workspace of version 1, and its run's folder."""
    workspace = open_workspace(tmp_path / "workspace")
    dataset, run = workspace.datasets / DATASET, workspace.runs / "20261125-213038-8a93"
    for folder in (dataset, run):
        folder.mkdir()
    for path in VERSION_1.iterdir():
        shutil.copy(path, dataset if path.name in IN_DATASET else run)
    return workspace, run


def test_an_index_of_version_1_keeps_its_data_issues_and_given_parts(former: tuple[Workspace, Path]) -> None:
    index = load_index(former[0], DATASET)
    assert [issue.kind for issue in index.issues] == [
        DataIssueKind.UNREADABLE,
        DataIssueKind.PATIENT_OVERLAP,
    ]
    assert [sample.part for sample in index.samples] == ["train", *[None] * 7]


def test_a_split_of_version_1_keeps_the_parts_it_made_and_those_that_were_given(
    former: tuple[Workspace, Path],
) -> None:
    split = load_split(former[1] / "split.csv")
    assert [len(split.part(part)) for part in ("train", "val", "test")] == [4, 2, 2]
    assert [sample.part for sample in split.train] == ["train", None, None, None]


def test_a_split_choice_of_version_1_means_the_same(former: tuple[Workspace, Path]) -> None:
    assert load_choices(former[0], DATASET) == Choices(
        mode="new", ratios=(0.5, 0.25, 0.25), seed=3, positive="opacity"
    )


def test_a_run_of_version_1_is_read_whole(former: tuple[Workspace, Path]) -> None:
    run = load_run(former[1])
    assert (run.positive, run.recipe.name, run.classes) == ("opacity", "demo", ("normal", "opacity"))
    assert [epoch.number for epoch in load_history(former[1])] == [1, 2, 3]
    assert load_uncertainty(former[1]) is not None


def test_what_was_read_is_written_in_todays_version_and_read_back_equal(
    former: tuple[Workspace, Path],
) -> None:
    workspace, folder = former
    index, split, run = load_index(workspace, DATASET), load_split(folder / "split.csv"), load_run(folder)
    choices, uncertainty = load_choices(workspace, DATASET), load_uncertainty(folder)
    assert uncertainty is not None
    save_index(workspace, index)
    save_choices(workspace, DATASET, choices)
    save_split(split, folder / "split.csv")
    save_run(run)
    save_uncertainty(folder, uncertainty)
    (folder / "recipe.json").write_text(recipe_to_json(run.recipe))

    assert load_index(workspace, DATASET) == index
    assert load_choices(workspace, DATASET) == choices
    assert load_split(folder / "split.csv") == split
    assert load_run(folder) == run
    assert load_uncertainty(folder) == uncertainty
    assert load_recipe(folder / "recipe.json") == run.recipe
    dataset = workspace.datasets / DATASET
    for path in (*dataset.glob("*.json"), *folder.glob("*.json")):
        assert json.loads(path.read_text())["schema_version"] == SCHEMA_VERSION, path.name


def test_every_column_and_key_of_these_files_is_documented(former: tuple[Workspace, Path]) -> None:
    workspace, folder = former
    documented = names_of(FILES.read_text(encoding="utf-8"))
    save_index(workspace, load_index(workspace, DATASET))
    save_choices(workspace, DATASET, load_choices(workspace, DATASET))
    save_split(load_split(folder / "split.csv"), folder / "split.csv")
    save_run(load_run(folder))
    written = [*(workspace.datasets / DATASET).iterdir(), folder / "split.csv", folder / "history.csv"]
    for path in [*written, folder / "run.json"]:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as stream:
                names = set(next(csv.reader(stream)))
        else:
            names = set(json.loads(path.read_text()))
        assert names <= documented[path.name], path.name
    assert set(json.loads(recipe_to_json(RECIPES["default"]))) <= documented["recipe.json"]


def test_the_documentation_names_todays_version() -> None:
    assert f"schema version {SCHEMA_VERSION}" in FILES.read_text(encoding="utf-8")


def names_of(page: str) -> dict[str, set[str]]:
    """Return file → the names documented for it: what stands in backquotes in the sections named after files."""
    found: dict[str, set[str]] = {}
    for section in page.split("\n## ")[1:]:
        heading, body = section.split("\n", 1)
        for name in re.findall(r"`([^`]+)`", heading):
            found[name] = set(re.findall(r"`([^`]+)`", body))
    return found
