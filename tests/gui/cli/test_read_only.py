"""A workspace on a disk that may only be read: a finished run is reported from, explained and opened in the window."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.reading import open_store
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from gui.pages.report.taking import export
from gui.pages.review import open_reading
from gui.pages.review.reading_session import Desk
from gui.web.session import AppSession


@pytest.fixture
def shelf(tmp_path: Path, trained: tuple[Workspace, Run], read_only: Callable[[Path], Path]) -> Path:
    shutil.copytree(trained[0].root, tmp_path / "shelf", ignore=shutil.ignore_patterns("cache"))
    return read_only(tmp_path / "shelf")


def test_a_finished_run_is_reported_from_and_explained_elsewhere(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(shelf.rglob("*"))
    for words in (("report", "latest", "--out"), ("explain", "latest", "--out")):
        out = tmp_path / words[0]
        assert main([*words, str(out), "--workspace", str(shelf)]) == 0, capsys.readouterr().err
        assert list(out.iterdir())
    assert main(["report", "latest", "--out", str(shelf / "report"), "--workspace", str(shelf)]) == 1
    assert "cannot be written to" in capsys.readouterr().err
    where = ["--workspace", str(shelf)]
    capsys.readouterr()
    assert main(["runs", "delete", "latest", "--yes", *where]) == 1  # nobody is told first what goes with it
    assert capsys.readouterr().err == "This workspace may only be looked at. Ask whoever it belongs to.\n"
    assert main(["backup", str(tmp_path / "copy.db"), *where]) == 0, capsys.readouterr().err
    assert main(["backup", str(shelf / "copy.db"), *where]) == 1
    assert "copy.db.part cannot be written to" in capsys.readouterr().err
    assert sorted(shelf.rglob("*")) == before
    assert main(["restore", str(tmp_path / "copy.db"), "--workspace", str(tmp_path / "back")]) == 0


def test_the_window_shows_its_cases_and_its_report(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    workspace = open_workspace(shelf)
    with open_store(workspace.database) as store:
        session = AppSession(workspace=workspace, store=store)
        shown = open_reading(Desk(session), {})
        assert shown["case"]["predicted"] and shown["total"]
        assert Path(export(session, "html", shown["run"], "test")).read_text()
