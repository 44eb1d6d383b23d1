"""`overread learning-curve` trains on growing shares, keeps what is done, and writes a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.recipes.recipe import recipe_to_json
from engine.runs.folder import list_runs, split_of
from engine.workspace import open_workspace
from gui.cli.main import main
from tests.tiny import TINY_RECIPE, draw_films


def test_models_of_growing_shares_are_trained_on_one_split_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    (tmp_path / "tiny.json").write_text(recipe_to_json(TINY_RECIPE))
    films = draw_films(tmp_path / "films", patients=40)
    asked = ["learning-curve", str(films), "--recipe", str(tmp_path / "tiny.json"), "--epochs", "1", "--json"]
    assert main([*asked, "--shares", "50,100"]) == 0
    printed = capsys.readouterr()
    told, before = json.loads(printed.out), printed.err
    assert before.index("takes models of 4 sizes, and --shares names 2") < before.index("1 of 2:")
    assert "models of 2 sizes" in told["sentence"] and told["twice_as_many"] is None
    runs = list_runs(open_workspace())
    parts = {run.run_id: split_of(run) for run in runs}
    half, whole = (parts[point["run"]] for point in told["points"])
    assert {sample.image_id for sample in half.train} < {sample.image_id for sample in whole.train}
    assert (half.val, half.test) == (whole.val, whole.test)
    assert Path(told["html"]).exists()
    assert main([*asked, "--shares", "50,100", "--reuse", "--out", str(tmp_path / "out")]) == 0
    assert len(list_runs(open_workspace())) == len(runs)
    assert (tmp_path / "out" / "learning-curve.html").exists()
    assert main([*asked, "--shares", "half"]) == 1
