"""Promises of engine.data.saved: what was indexed comes back as it was, or a sentence does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from engine.data.index import index_data, list_indexes, load_index, save_index
from engine.data.saved import load_answers
from engine.errors import DataError
from engine.records import Answers, Index
from engine.storage import SCHEMA_VERSION
from engine.workspace import Workspace, open_workspace


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


def indexed(folder: Path, level: int = 0) -> Index:
    for number, label in enumerate(("a", "b")):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.new("L", (40, 30), level + number).save(folder / label / "1.png")
    (folder / "a" / "cut.png").write_bytes(b"")
    return index_data(folder)


def test_an_index_comes_back_as_it_was(here: Workspace, tmp_path: Path) -> None:
    index = indexed(tmp_path / "data")
    assert index.issues
    save_index(here, index)
    assert load_index(here, index.dataset_id) == index


def test_indexes_are_listed_newest_first_and_equal_data_once(here: Workspace, tmp_path: Path) -> None:
    assert list_indexes(here) == []
    first, second = indexed(tmp_path / "one"), indexed(tmp_path / "two", level=50)
    for index in (first, second, first):
        save_index(here, index)
    assert [(summary.name, summary.images, summary.classes) for summary in list_indexes(here)] == [
        ("one", 2, ("a", "b")),
        ("two", 2, ("a", "b")),
    ]


@pytest.mark.parametrize("dataset_id", ["0123456789ab", "../../etc", ""])
def test_an_id_that_is_not_there_gets_a_sentence(here: Workspace, dataset_id: str) -> None:
    with pytest.raises(DataError, match="no data set"):
        load_index(here, dataset_id)


@pytest.mark.parametrize("name", ["index.json", "samples.csv"])
def test_a_file_cut_short_gets_a_sentence(here: Workspace, tmp_path: Path, name: str) -> None:
    index = indexed(tmp_path / "data")
    path = save_index(here, index) / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=f"{name} is (damaged|cut short) or was changed"):
        load_index(here, index.dataset_id)


def test_an_index_of_a_newer_version_gets_a_sentence(here: Workspace, tmp_path: Path) -> None:
    index = indexed(tmp_path / "data")
    path = save_index(here, index) / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(DataError, match="newer version"):
        load_index(here, index.dataset_id)


def test_what_a_person_said_of_a_folder_is_kept_with_it(here: Workspace, tmp_path: Path) -> None:
    indexed(tmp_path / "data")
    said = Answers(levels={1: "class"}, same={"b": "B"}, parts={"x": None})
    index = index_data(tmp_path / "data", answers=said)
    assert index.classes == ("a", "B")
    save_index(here, index)
    assert load_index(here, index.dataset_id) == index
    assert load_answers(here, tmp_path / "data") == said
    assert load_answers(here, tmp_path / "another") == Answers()
    save_index(here, replace(index, dataset_id="0" * 12, answers=Answers(same={"b": "c"})))
    assert load_answers(here, tmp_path / "data").same == {"b": "c"}  # the last word counts
