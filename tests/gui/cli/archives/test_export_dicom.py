"""`overread export-dicom`: what it is asked for, and what it refuses, in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ExportError
from engine.pacs.giving.objects import give_each
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


def test_images_that_moved_are_not_said_to_be_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"1 image .*cannot be opened") as refused:
        give_each([(tmp_path / "gone.dcm", "0" * 64)], lambda _id, _header: (), tmp_path / "out")
    assert "as the archive has them" not in refused.value.remedy
