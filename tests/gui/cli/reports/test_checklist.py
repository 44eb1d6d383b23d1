"""Checklists on the command line: what is open is listed, what is written is in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.records import Run
from engine.workspace import Workspace
from gui.cli.main import main


def test_an_open_item_is_written_to_and_the_report_has_it(
    trained: tuple[Workspace, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, run = trained
    where = ("--workspace", str(workspace.root))

    def items() -> dict[str, bool]:
        assert main(["checklist", "list", run.run_id, "--checklist", "stard2015", "--json", *where]) == 0
        (only,) = json.loads(capsys.readouterr().out)["answered"]
        return {each["item"]: each["open"] for each in only["items"]}

    before = items()
    assert before["30"] and not before["23"]
    text = "No funding."
    assert main(["checklist", "set", run.run_id, "claim2024", "44", text, "--by", "Ada", *where]) == 0
    assert "STARD 2015 item 30" in capsys.readouterr().out
    assert {number for number, left in before.items() if left} - {"30"} == {
        n for n, left in items().items() if left
    }
    assert (
        main(
            [
                "report",
                run.run_id,
                "--format",
                "html",
                "--checklist",
                "stard2015",
                "--out",
                str(tmp_path),
                *where,
            ]
        )
        == 0
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text in page and "STARD 2015" in page and "CLAIM 2024" not in page
    capsys.readouterr()
    assert main(["report", run.run_id, "--checklist", "decide-ai", "--out", str(tmp_path), *where]) == 1
    assert "live clinical use" in capsys.readouterr().err
    (run.folder / "checklists.json").unlink()  # the run is shared by tests
