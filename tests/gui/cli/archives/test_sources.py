"""`overread index dicomweb://…`, and the same on the Data page, with a real archive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data import load_index
from engine.records import Answers
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from gui.pages.data.bringing.flow import Bringing, named
from gui.web import open_session
from tests.engine.pacs.films import ROOT, radiograph
from tests.orthanc import PASSWORD, USER, Orthanc


@pytest.fixture
def address(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OVERREAD_DICOMWEB_USER", USER)
    monkeypatch.setenv("OVERREAD_DICOMWEB_PASSWORD", PASSWORD)
    for number in (301, 302):
        orthanc.put(radiograph(number, patient=f"CLI-{number}"))
    orthanc.put(radiograph(303, patient="CLI-303", NumberOfFrames="3"))
    return f"{orthanc.address}?modality=DX&patient=CLI-*"


def test_the_command_line_indexes_an_address_with_labels_and_says_what_did_not_come(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(f"StudyInstanceUID,label\n{ROOT}.301,normal\n{ROOT}.302,effusion\n")
    where = ["--workspace", str(tmp_path / "workspace")]
    assert main(["index", address, "--table", str(table), "--json", *where]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["classes"] == {"normal": 1, "effusion": 1} and found["images_with_a_named_patient"] == 2
    assert any("3 frames" in issue["message"] for issue in found["issues"])
    assert PASSWORD not in said.out + said.err
    index = load_index(open_workspace(tmp_path / "workspace"), found["dataset_id"])
    assert dict(index.samples[0].meta)["ViewPosition"] == "PA"
    assert main(["index", "dicomweb://127.0.0.1:1/dicom-web", *where]) == 1
    assert "cannot be reached" in capsys.readouterr().err


def test_the_data_page_takes_an_address_in_place_of_a_path(address: str, workspace: Workspace) -> None:
    session = open_session(workspace, reader="Dr Test")
    bringing = Bringing(session)
    state = bringing.state(bringing.look(named(session, address, ""), Answers()), wait=20)
    while state.stage in ("looking", "reading", "proposed"):
        if state.stage == "proposed":
            assert state.proposal is not None
            assert any("3 frames" in issue.message for issue in state.proposal.left_out)
            bringing.read()
        state = bringing.state(state.number, wait=20)
    session.store.close()
    assert state.stage == "done", state.problem
    index = load_index(workspace, state.dataset_id)
    assert len(index.samples) == 2 and {sample.label for sample in index.samples} == {None}
    assert any("3 frames" in issue.message for issue in index.issues)
