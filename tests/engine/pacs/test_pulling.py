"""Promises of engine.pacs on a real archive: what is asked for comes, once, without what is nobody's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data import index_data
from engine.errors import DataError
from engine.images import decode
from engine.pacs import Address, address_of, bring
from engine.workspace import Workspace
from tests.engine.pacs.films import radiograph, uid
from tests.orthanc import PASSWORD, USER, Orthanc


@pytest.fixture
def known(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> Orthanc:
    monkeypatch.setenv("OVERREAD_DICOMWEB_USER", USER)
    monkeypatch.setenv("OVERREAD_DICOMWEB_PASSWORD", PASSWORD)
    return orthanc


def asked(orthanc: Orthanc, question: str) -> Address:
    return address_of(f"{orthanc.address}?{question}")


def test_films_of_an_archive_become_a_data_set_without_names_and_dates(
    known: Orthanc, workspace: Workspace, tmp_path: Path
) -> None:
    for number in (101, 102, 103):
        known.put(radiograph(number, patient=f"PULL-1-{number % 2}"))
    known.put(radiograph(104, patient="PULL-1-1", BodyPartExamined="HAND"))
    path, left_out = bring(workspace, asked(known, "modality=DX&patient=PULL-1-*&body_part=chest"))
    index = index_data(path)
    assert left_out == ()
    assert [sample.patient_id for sample in index.samples] == ["PULL-1-1", "PULL-1-0", "PULL-1-1"]
    assert [sample.path.name for sample in index.samples] == [
        f"{uid(number)}.dcm" for number in (101, 102, 103)
    ]
    assert dict(index.samples[0].meta) == {
        "Modality": "DX",
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "PhotometricInterpretation": "MONOCHROME2",
    }
    sent = tmp_path / "sent.dcm"
    sent.write_bytes(radiograph(101))
    assert decode(index.samples[0].path).image.tobytes() == decode(sent).image.tobytes()
    everything = b"".join(file.read_bytes() for file in workspace.root.rglob("*") if file.is_file())
    for secret in (b"Doe", b"19700101", b"20240118", b"A101", PASSWORD.encode()):
        assert secret not in everything


def test_asked_again_only_what_is_new_comes(known: Orthanc, workspace: Workspace) -> None:
    known.put(radiograph(111, patient="PULL-2"))
    path, _ = bring(workspace, asked(known, "patient=PULL-2"))
    first = path / f"{uid(111)}.dcm"
    before = first.stat().st_mtime_ns
    known.put(radiograph(112, patient="PULL-2"))
    again, _ = bring(workspace, asked(known, "patient=PULL-2"))
    assert again == path and len(list(path.iterdir())) == 2 and first.stat().st_mtime_ns == before


@pytest.mark.parametrize("column", ["accession", "study_uid", "patient"])
def test_labels_come_from_a_table_that_names_images_as_people_do(
    known: Orthanc, workspace: Workspace, tmp_path: Path, column: str
) -> None:
    names = {"accession": "A{}", "study_uid": f"{uid(0)[:-6]}.{{}}", "patient": "PULL-3-{}"}
    for number in (121, 122):
        known.put(radiograph(number, patient=f"PULL-3-{number}"))
    table = tmp_path / "read.csv"
    rows = [
        f"{names[column].format(number)},{label}" for number, label in ((121, "normal"), (122, "effusion"))
    ]
    table.write_text("\n".join([f"{column},label", *rows]))
    path, _ = bring(workspace, asked(known, "patient=PULL-3-*"), table=table)
    index = index_data(path)
    assert {sample.path.stem: sample.label for sample in index.samples} == {
        uid(121): "normal",
        uid(122): "effusion",
    }
    table.write_text("accession,label\nZZZ,normal\n")
    with pytest.raises(DataError, match=r"No row of read\.csv names an image that came"):
        bring(workspace, asked(known, "patient=PULL-3-*"), table=table)


def test_what_is_no_single_image_is_listed_and_stops_nothing(known: Orthanc, workspace: Workspace) -> None:
    study = f"{uid(131)[:-4]}"
    known.put(radiograph(131, patient="PULL-4", study=study))
    known.put(radiograph(132, patient="PULL-4", study=study, NumberOfFrames="2"))
    known.put(radiograph(133, patient="PULL-4", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", Modality="SR"))
    path, left_out = bring(workspace, asked(known, "patient=PULL-4"))
    assert [file.name for file in path.iterdir()] == [f"{uid(131)}.dcm"]
    messages = " ".join(issue.message for issue in left_out)
    assert "2 frames" in messages and "of kind SR holds no images" in messages
    listed = (path.parent / "left-out.csv").read_text("utf-8-sig")
    assert uid(132) in listed and f"{uid(133)[:-4]}" in listed


def test_nothing_there_and_no_credentials_are_one_sentence_each(
    known: Orthanc, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="has no study with PatientID NOBODY"):
        bring(workspace, asked(known, "patient=NOBODY"))
    monkeypatch.setenv("OVERREAD_DICOMWEB_PASSWORD", "wrong")
    with pytest.raises(DataError, match=r"refuses us \(401\)"):
        bring(workspace, asked(known, "patient=NOBODY"))
