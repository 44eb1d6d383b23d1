"""`overread relocate`: the command line's answer to "Where are they now?"."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.workspace import Workspace
from gui.cli.main import main
from tests.engine.test_relocation import RUN, Kept


@pytest.mark.parametrize("name", ["the data set", "the run"])
def test_the_new_place_is_named_and_written_down(
    workspace: Workspace, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(workspace, tmp_path / "before")
    kept.folder.rename(tmp_path / "after")
    asked = kept.index.dataset_id[:6] if name == "the data set" else RUN.run_id
    main(["explain", RUN.run_id, "--out", str(tmp_path / "out"), "-w", str(workspace.root)])
    assert f"overread relocate {RUN.run_id} FOLDER" in capsys.readouterr().err
    assert main(["relocate", asked, str(tmp_path / "after"), "-w", str(workspace.root)]) == 0
    assert "16 of 16 images were found" in capsys.readouterr().out
    assert all(path.exists() for path in kept.paths())


def test_nothing_found_is_an_error_and_json_is_one_object(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(workspace, tmp_path / "before")
    (tmp_path / "empty").mkdir()
    asked = ["relocate", kept.index.dataset_id, str(tmp_path / "empty"), "--json", "-w", str(workspace.root)]
    assert main(asked) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["found"] == 0 and "None of the images" in printed.err
    assert main(["relocate", "nothing", str(tmp_path), "-w", str(workspace.root)]) == 1
