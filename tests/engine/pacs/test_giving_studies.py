"""Promises of a study as DICOM: what was said, valid by another's hand, and no name of who said it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from engine.errors import ExportError
from engine.pacs import address_of, give_study
from engine.reading import Reader, StudyAnswer, open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.records import Sample
from engine.report import report_study
from engine.report.study.told.anonymous import anonymous
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.engine.pacs.films import uid
from tests.engine.pacs.test_giving import REGIONS, film, needs_dciodvfy
from tests.orthanc import PASSWORD, USER, Orthanc

READERS = ("Ärztin Adelheid", "Benedikt")
SURE = {"1-5": (4, 2), "0-100": (80, 35)}
Made = Callable[..., tuple[Workspace, str]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A closed or open study of two films, of which each reader has drawn on the first; one comment names a person."""

    def make(
        scale: str = "0-100", *, closed: bool = False, numbers: tuple[int, ...] = (501, 502)
    ) -> tuple[Workspace, str]:
        workspace = open_workspace(tmp_path / f"workspace {scale}")
        samples = [
            Sample(path=one.path, image_id=one.image_id, label=None, patient_id=str(number))
            for number, one in enumerate(film(tmp_path, each) for each in numbers)
        ]
        protocol = Protocol(
            name="Effusions", design="annotation", dataset_id="0123456789ab", classes=("normal", "effusion"),
            readers=READERS, certainty=scale,  # type: ignore[arg-type]
        )  # fmt: skip
        with open_store(workspace.database) as store:
            for name in READERS:
                store.add_reader(Reader(reader_id="", name=name))
            study_id = store.studies.create(protocol, samples=samples).study_id
            for name, certainty in zip(READERS, SURE[scale], strict=True):
                sitting = store.studies.begin(study_id, name)
                while (task := store.studies.next(study_id, name)) is not None:
                    said = StudyAnswer(
                        study_id=study_id, image_id=task.image_id, arm=task.arm, verdict="read", label="effusion",
                        certainty=certainty, comment="as Benedikt said",
                    )  # fmt: skip
                    drawn = REGIONS if task.image_id == samples[0].image_id else ()
                    store.studies.answer(replace(said, regions=drawn), sitting)
            if closed:
                store.studies.close(study_id)
        return workspace, study_id

    return make


@needs_dciodvfy
@pytest.mark.parametrize("scale", SURE)
def test_each_answer_is_a_valid_report_of_its_film_under_the_number_that_the_study_has_for_its_reader(
    made: Made, tmp_path: Path, scale: str
) -> None:
    workspace, study_id = made(scale)
    with open_store(workspace.database) as store:
        given = give_study(workspace, store, study_id, tmp_path / "out")
        again = give_study(workspace, store, study_id, tmp_path / "again")
        evidence, _ = anonymous(report_study(workspace, store, study_id).evidence)
    assert given.counts == again.counts == {"readings": 4, "regions": 2}
    told = set()
    for file in sorted((tmp_path / "out").rglob("*.dcm")):
        data = file.read_bytes()
        assert data == (tmp_path / "again" / file.relative_to(tmp_path / "out")).read_bytes()
        assert not any(word.encode() in data for word in ("Adelheid", "Benedikt", "rztin"))
        said = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True)
        assert "Error" not in said.stdout + said.stderr, (file.parent.name, said.stderr)
        if file.parent.name == "readings":
            told.add(_told(pydicom.dcmread(file)))
    assert {(who, sure) for _, who, sure, _ in told} == {
        (one.reader, one.certainty) for one in evidence.answers
    }
    assert sorted((film, drawn) for film, _, _, drawn in told) == [(uid(501), 3)] * 2 + [(uid(502), 0)] * 2


def _told(report: pydicom.Dataset) -> tuple[str, str, float, int]:
    """Return which film, who, how sure and how many outlines."""
    said = _walk(report)
    (reader,) = [str(item.PersonName).rstrip("^") for item in said if item.get("ValueType") == "PNAME"]
    (sure,) = [item.MeasuredValueSequence[0].NumericValue for item in said if item.get("ValueType") == "NUM"]
    film = (
        report.CurrentRequestedProcedureEvidenceSequence[0]
        .ReferencedSeriesSequence[0]
        .ReferencedSOPSequence[0]
    )
    return (
        str(film.ReferencedSOPInstanceUID),
        reader,
        float(sure),
        sum(i.get("ValueType") == "SCOORD" for i in said),
    )


def _walk(item: pydicom.Dataset) -> list[pydicom.Dataset]:
    return [item, *(one for each in item.get("ContentSequence", ()) for one in _walk(each))]


def test_an_archive_gets_a_study_only_when_its_readers_can_no_longer_learn_from_each_other(
    made: Made, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_DICOMWEB_USER", USER)
    monkeypatch.setenv("OVERREAD_DICOMWEB_PASSWORD", PASSWORD)
    workspace, study_id = made(numbers=(511, 512))
    before = orthanc.get("/statistics")["CountInstances"]
    with open_store(workspace.database) as store:
        with pytest.raises(ExportError, match="is not closed"):
            give_study(workspace, store, study_id, address_of(orthanc.address))
        assert orthanc.get("/statistics")["CountInstances"] == before
        store.studies.close(study_id)
        give_study(workspace, store, study_id, address_of(orthanc.address))
    assert orthanc.get("/statistics")["CountInstances"] == before + 6


def test_the_command_writes_a_study_by_its_name_and_says_what_a_study_does_not_have(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _ = made(closed=True)
    typed = ["export-dicom", "Effusions", "--workspace", str(workspace.root)]
    assert main([*typed, "--out", str(tmp_path / "objects")]) == 0
    assert "4 readings, 2 regions, of 2 images" in capsys.readouterr().out
    assert main([*typed, "--kind", "heatmaps"]) == main([*typed, "--part", "val"]) == 1
    said = capsys.readouterr().err
    assert "no DICOM objects of “heatmaps” of a study" in said and "A study has no parts" in said
    assert main(["export-dicom", "Effusionen", "--workspace", str(workspace.root)]) == 1
    assert "names no run, and no study" in capsys.readouterr().err
