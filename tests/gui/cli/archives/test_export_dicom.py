"""`overread export-dicom`: what it is asked for, and what it refuses, in sentences."""

from __future__ import annotations

import pytest

from engine.records import Run
from engine.workspace import Workspace
from gui.cli.main import main


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ([], "images (of "),
        (["--kind", "poems"], "no DICOM objects of “poems”"),
        (["--part", "half"], "no part “half”"),
        (["--to", "pacs:8042"], "is not the address of a DICOMweb server"),
        (["--to", "dicomweb://127.0.0.1:1/x", "--out", "here"], "are two places"),
    ],
)
def test_what_cannot_be_written_as_dicom_is_said(
    trained: tuple[Workspace, Run], capsys: pytest.CaptureFixture[str], asked: list[str], sentence: str
) -> None:
    workspace, run = trained
    assert main(["export-dicom", run.run_id, *asked, "--workspace", str(workspace.root)]) == 1
    assert sentence in capsys.readouterr().err
    assert not (run.folder / "dicom").exists()
