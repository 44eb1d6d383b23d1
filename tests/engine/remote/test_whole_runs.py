"""A finished run comes from a store or another folder whole or not at all, and is then a run like any other."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError, RunError
from engine.prediction import predict_and_explain
from engine.records import Index, Run
from engine.remote import bring_run
from engine.runs import find_run, list_runs
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.stores import Buckets, files


@pytest.fixture
def put(s3: Buckets, trained: tuple[Workspace, Run], request: pytest.FixtureRequest) -> str:
    """The folder of a finished run in a bucket; the address of it."""
    run = trained[1]
    for file in run.folder.rglob("*"):
        if file.is_file():
            name = file.relative_to(run.folder).as_posix()
            s3.put("hospital", f"{request.node.name}/{run.run_id}/{name}", file.read_bytes())
    return f"s3://hospital/{request.node.name}/{run.run_id}"


@pytest.fixture
def shown(trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same folder as a server shows it by SFTP; the address of it."""
    run = trained[1]
    with files(run.folder.parent) as server:
        server.know(tmp_path, monkeypatch)
        yield server.address(run.run_id)


def nothing_of(workspace: Workspace) -> bool:
    return not any(workspace.runs.iterdir()) and list_runs(workspace) == []


@pytest.mark.parametrize("store", ["s3", "sftp"])
def test_a_run_of_a_store_predicts_here_what_it_predicts_there(
    store: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    trained: tuple[Workspace, Run],
    tiny_index: Index,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, run = trained
    put = request.getfixturevalue({"s3": "put", "sftp": "shown"}[store])
    assert main(["runs", "fetch", put, "--workspace", str(tmp_path / "here")]) == 0
    assert f"Run {run.run_id} is here." in capsys.readouterr().out
    here = open_workspace(tmp_path / "here")
    brought = find_run(here, "latest")
    assert (brought.run_id, brought.recipe, brought.threshold) == (run.run_id, run.recipe, run.threshold)
    assert os.name == "nt" or brought.folder.stat().st_mode & 0o077 == 0
    assert not [*here.pulled.iterdir()], "nothing lies there twice"
    films = tiny_index.samples[:4]
    ours, theirs = (
        [one.probabilities for one, _ in predict_and_explain(model, films, cache_dir=place.cache)]
        for place, model in ((here, brought), (there, run))
    )
    assert ours == theirs
    settings = (brought.folder / "recipe.json").read_bytes()
    assert bring_run(here, put).folder == brought.folder, "brought again, it is the one that is here"
    assert (brought.folder / "recipe.json").read_bytes() == settings and len(list_runs(here)) == 1


def test_a_run_that_does_not_come_whole_is_none_and_what_came_is_kept_for_the_next_time(
    put: str, s3: Buckets, workspace: Workspace
) -> None:
    s3.front.instead["model.safetensors"] = lambda asked: asked.say(b"half", length=9_000_000)
    with pytest.raises(EngineError, match=r"model\.safetensors"):
        bring_run(workspace, put)
    assert nothing_of(workspace)
    s3.front.instead.clear()
    s3.front.asked.clear()
    assert bring_run(workspace, put).folder.is_dir()
    assert [path.rpartition("/")[2] for path in s3.front.asked if path.endswith((".json", ".csv"))] == [
        "run.json"
    ], "only what was missing came"


def test_what_is_no_finished_run_is_refused_before_anything_is_fetched(
    put: str, s3: Buckets, workspace: Workspace, trained: tuple[Workspace, Run], films: Path
) -> None:
    s3.delete("hospital", put.removeprefix("s3://hospital/") + "/run.json")
    s3.front.asked.clear()
    with pytest.raises(EngineError, match=r"run\.json is not there"):
        bring_run(workspace, put)
    assert not [path for path in s3.front.asked if path.endswith(".safetensors")]
    for no_run in ("s3://hospital/films", str(films), "", "https://pacs.example/dicom-web"):
        with pytest.raises(RunError, match=r"not the folder of a run.*its name is the run's id"):
            bring_run(workspace, no_run)
    with pytest.raises(EngineError, match="There is no folder"):
        bring_run(workspace, str(films / "20261127-021500-9f3c"))
    assert nothing_of(workspace)


def test_a_run_that_is_not_taken_leaves_nothing_behind(put: str, s3: Buckets, workspace: Workspace) -> None:
    s3.put("hospital", put.removeprefix("s3://hospital/") + "/run.json", b"{")
    with pytest.raises(RunError, match=r"run\.json"):
        bring_run(workspace, put)
    assert nothing_of(workspace) and not [*workspace.pulled.iterdir()]


def test_another_folder_is_copied_but_not_over_another_run_nor_is_a_damaged_one(
    trained: tuple[Workspace, Run], workspace: Workspace, tmp_path: Path
) -> None:
    run = trained[1]
    share = Path(shutil.copytree(run.folder, tmp_path / "share" / run.run_id))
    (share / "round").symlink_to(share)
    assert bring_run(workspace, share.as_uri()).folder == workspace.runs / run.run_id
    assert not (workspace.runs / run.run_id / "round").exists()
    said = json.loads((share / "run.json").read_text())
    (share / "run.json").write_text(json.dumps({**said, "threshold": 0.123}))
    with pytest.raises(RunError, match=f"another run {run.run_id}.*--workspace"):
        bring_run(workspace, f"{share}/")
    assert find_run(workspace, run.run_id).threshold == run.threshold
    other = open_workspace(tmp_path / "other")
    (share / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json"):
        bring_run(other, str(share))
    assert nothing_of(other)
