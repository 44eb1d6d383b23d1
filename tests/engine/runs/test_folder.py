"""One damaged run hides no other, and each damage is said in a sentence."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import RunError, WorkspaceError
from engine.records import Run
from engine.runs.folder import list_runs, load_run
from engine.runs.heatmaps import load_explanations
from engine.runs.history import append_epoch
from engine.workspace import Workspace
from tests.tiny import EPOCH


def test_a_run_whose_recipe_is_damaged_hides_no_other_run(
    trained: tuple[Workspace, Run], workspace: Workspace
) -> None:
    run = trained[1]
    for name in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        shutil.copytree(run.folder, workspace.runs / name)
    damaged = workspace.runs / "20260102-000000-bbbb"
    (damaged / "recipe.json").write_text("{")
    assert [found.recipe for found in list_runs(workspace)] == [run.recipe]
    with pytest.raises(RunError, match="recipe"):
        load_run(damaged)


@pytest.mark.parametrize("damage", ["cut short", "overwritten"])
def test_damaged_heatmaps_are_said_with_how_to_make_them_again(
    damage: str, trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    data = bytearray((trained[1].folder / "heatmaps.npz").read_bytes())
    if damage == "cut short":
        del data[-40:]
    else:
        data[200:260] = bytes(byte ^ 0xFF for byte in data[200:260])
    (tmp_path / "heatmaps.npz").write_bytes(data)
    with pytest.raises(RunError, match="overread predict"):
        load_explanations(tmp_path)


def test_a_history_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    append_epoch(tmp_path, EPOCH)
    append_epoch(tmp_path, replace(EPOCH, number=2))
    (tmp_path / "history.csv").unlink()
    (tmp_path / "history.csv").mkdir()
    with pytest.raises(WorkspaceError):
        append_epoch(tmp_path, EPOCH)
