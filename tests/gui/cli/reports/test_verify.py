"""`overread verify` says what agrees, and ends with 1 where something does not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from engine.records import Run
from engine.workspace import Workspace
from gui.cli.main import main


def test_a_bundle_that_the_command_line_wrote_agrees_and_one_with_a_better_figure_does_not(
    trained: tuple[Workspace, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, run = trained
    out = ("--out", str(tmp_path), "--workspace", str(workspace.root))
    assert main(["report", run.run_id, "--format", "bundle", *out]) == 0
    bundle = tmp_path / "bundle.zip"
    capsys.readouterr()
    assert main(["verify", str(bundle)]) == 0
    said = capsys.readouterr().out
    assert "report.json" in said and "every figure agrees" in said
    assert main(["verify", str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True

    better = tmp_path / "better.zip"
    with zipfile.ZipFile(bundle) as packed, zipfile.ZipFile(better, "w") as written:
        for name in packed.namelist():
            data = packed.read(name)
            if name == "report.json":
                document = json.loads(data)
                document["against"][0]["estimates"]["accuracy"]["value"] = 0.999
                data = json.dumps(document).encode()
            written.writestr(name, data)
    assert main(["verify", str(better)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "report.json was changed after the bundle was written." in said
    assert "report.json: against[0].estimates.accuracy.value is 0.999, and should be 0." in said
    assert main(["verify", str(tmp_path / "none.zip")]) == 1
    assert "cannot be read" in capsys.readouterr().err
