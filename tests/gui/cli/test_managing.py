"""`overread runs rename|note|archive|delete` and `overread data …`: what is said, and that nothing goes unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.naming import given_of
from engine.reading import Protocol
from engine.workspace import Workspace
from gui.cli.main import main
from tests.engine.test_relocation import RUN, Kept


def test_runs_and_data_sets_are_managed_by_name(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(workspace, tmp_path / "before")
    where = ["-w", str(workspace.root)]
    data = kept.index.dataset_id
    assert main(["runs", "rename", "latest", "Before May", *where]) == 0
    assert main(["runs", "note", RUN.run_id, "first", *where]) == 0
    assert main(["runs", "archive", "2026", *where]) == 0
    given = given_of(workspace.runs / RUN.run_id)
    assert (given.name, given.note, given.archived) == ("Before May", "first", True)
    assert main(["runs", "archive", "2026", "--back", *where]) == 0
    assert main(["data", "rename", data[:5], "Chest", *where]) == 0
    capsys.readouterr()
    assert main(["data", "list", "--json", *where]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["data"]] == ["Chest"]
    assert main(["runs", "--json", *where]) == 0  # the group is still the list
    assert json.loads(capsys.readouterr().out)["damaged"] == []


def test_nothing_is_deleted_unasked_and_what_a_study_reads_not_at_all(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(workspace, tmp_path / "before")
    where = ["-w", str(workspace.root)]
    assert main(["runs", "delete", "latest", *where]) == 1
    said = capsys.readouterr().err
    assert "1 reading given on it" in said and "no one can be asked" in said and kept.run.folder.exists()
    kept.store.studies.create(Protocol(name="Two readers", run_id=RUN.run_id, readers=("Ada",)))
    assert main(["runs", "delete", "latest", "--yes", *where]) == 1
    said = capsys.readouterr().err
    assert "The study “Two readers” reads its predictions" in said and "Deleted with it" not in said
    assert (kept.run.folder / "run.json").exists()
    assert main(["data", "delete", kept.index.dataset_id, "--yes", *where]) == 0
    assert "was trained on it" in capsys.readouterr().err
    assert not (workspace.datasets / kept.index.dataset_id).exists()
