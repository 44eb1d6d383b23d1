"""Promises of DICOM out: valid by another's hand, about the right image, the same when written again."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest

from engine.errors import ExportError, ImageError
from engine.images import decode
from engine.pacs import address_of, give
from engine.records import Explanation, Prediction, Region, Review, Run, Verdict
from tests.engine.pacs.films import ROOT, radiograph, uid
from tests.orthanc import PASSWORD, USER, Orthanc

CLASSES = ("normal", "pleural effusion, left")
MOMENT = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)
REGIONS = (
    Region(x=0.25, y=0.5, width=0.5, height=0.25, label="effusion"),
    Region(x=0.5, y=0.5, width=0.1, height=0.3, shape="ellipse"),
    Region(x=0.1, y=0.1, width=0.5, height=0.5, shape="polygon", points=((0.1, 0.1), (0.6, 0.1), (0.3, 0.6))),
)
needs_dciodvfy = pytest.mark.skipif(
    not shutil.which("dciodvfy") and not os.environ.get("OVERREAD_REQUIRE_ORTHANC"),
    reason="dciodvfy is not installed (Debian: apt-get install dicom3tools)",
)


@pytest.fixture
def run(trained: tuple[object, Run]) -> Run:
    return replace(trained[1], classes=CLASSES)


def prediction_of(path: Path) -> Prediction:
    return Prediction(
        image_id=hashlib.sha256(path.read_bytes()).hexdigest(),
        path=path,
        label=None,
        patient_id="x",
        part="test",
        probabilities=(0.2, 0.8),
        predicted=CLASSES[1],
        entropy=0.5,
    )


def film(folder: Path, number: int) -> Prediction:
    path = folder / f"{number}.dcm"
    path.write_bytes(radiograph(number))
    return prediction_of(path)


def map_of(prediction: Prediction) -> dict[str, Explanation]:
    heatmap = np.linspace(0, 1, 9, dtype=np.float32).reshape(3, 3)
    return {
        prediction.image_id: Explanation(
            image_id=prediction.image_id, heatmap=heatmap, target=CLASSES[1], method="grad-cam"
        )
    }


def reviews_of(run: Run, prediction: Prediction) -> list[Review]:
    first = Review(
        run_id=run.run_id,
        image_id=prediction.image_id,
        reader="Ärztin^Eins",
        verdict=Verdict.OVERRULE,
        label="normal",
        comment="secret comment",
        regions=REGIONS,
        created=MOMENT,
        review_id=7,
    )
    return [first, replace(first, reader="B", verdict=Verdict.UNSURE, label=None, regions=(), review_id=8)]


def written(folder: Path, kind: str) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(file) for file in sorted((folder / kind).iterdir())]


@needs_dciodvfy
def test_each_object_is_valid_refers_to_its_image_and_is_the_same_when_written_again(
    run: Run, tmp_path: Path
) -> None:
    case = film(tmp_path, 401)
    for folder in ("one", "two"):
        given = give(run, [case], map_of(case), reviews_of(run, case), tmp_path / folder)
    assert given.counts == {"predictions": 1, "readings": 2, "heatmaps": 1, "regions": 1}
    files = sorted((tmp_path / "one").rglob("*.dcm"))
    for file in files:
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
        said = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True)
        assert "Error" not in said.stdout + said.stderr, (file.parent.name, said.stderr)
        made = pydicom.dcmread(file)
        assert made.SeriesDescription.startswith("Research, not for diagnosis")
        assert (made.StudyInstanceUID, made.PatientID) == (f"{ROOT}.401", "MRN-401")
        assert str(made).count(uid(401)) >= 1 and b"secret comment" not in file.read_bytes()
    assert len({pydicom.dcmread(file).SOPInstanceUID for file in files}) == 5
    for kind in ("heatmaps", "regions"):  # which have pixels: in a folder of images, and no images themselves
        (file,) = sorted((tmp_path / "one" / kind).iterdir())
        with pytest.raises(ImageError, match="was written by Overread about an image"):
            decode(file)


def test_what_is_said_is_in_the_reports_and_what_was_drawn_lies_where_it_was_drawn(
    run: Run, tmp_path: Path
) -> None:
    case = film(tmp_path, 402)
    give(run, [case], {}, reviews_of(run, case), tmp_path / "out")
    (predicted,) = written(tmp_path / "out", "predictions")
    shares = {
        str(item.ConceptCodeSequence[0].CodeMeaning): float(value.MeasuredValueSequence[0].NumericValue)
        for group in _groups(predicted)
        for item in group.ContentSequence
        if _named(item, "Finding")
        for value in group.ContentSequence
        if _named(value, "Certainty of Finding")
    }
    assert shares == {"normal": 20.0, "pleural effusion, left": 80.0}
    outlines = [
        item
        for report in written(tmp_path / "out", "readings")
        for group in _groups(report)
        for item in group.ContentSequence
        if item.ValueType == "SCOORD"
    ]
    # 48 rows and 40 columns: a box from a quarter of the width and half of the height
    boxes = [list(one.GraphicData) for one in outlines if list(one.GraphicData)[:2] == [10.0, 24.0]]
    assert boxes == [[10.0, 24.0, 30.0, 24.0, 30.0, 36.0, 10.0, 36.0, 10.0, 24.0]]
    (drawn,) = written(tmp_path / "out", "regions")
    assert [each.SegmentLabel for each in drawn.SegmentSequence] == ["effusion", "normal"]
    frame = drawn.pixel_array[0]
    assert frame.shape == (48, 40) and frame[24:36, 10:30].all() and frame.sum() == 12 * 20


def _groups(report: pydicom.Dataset) -> list[pydicom.Dataset]:
    return [
        group
        for part in report.ContentSequence
        if _named(part, "Imaging Measurements")
        for group in part.ContentSequence
    ]


def _named(item: pydicom.Dataset, meaning: str) -> bool:
    return bool(item.ConceptNameCodeSequence[0].CodeMeaning == meaning)


def test_an_archive_holds_what_is_given_twice_once_and_gives_it_back(
    run: Run, tmp_path: Path, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_DICOMWEB_USER", USER)
    monkeypatch.setenv("OVERREAD_DICOMWEB_PASSWORD", PASSWORD)
    case = film(tmp_path, 403)
    orthanc.put(case.path.read_bytes())
    before = orthanc.get("/statistics")["CountInstances"]
    for _ in range(2):
        give(run, [case], map_of(case), reviews_of(run, case), address_of(orthanc.address))
    assert orthanc.get("/statistics")["CountInstances"] == before + 5
    study = next(
        each
        for each in orthanc.get("/studies?expand")
        if each["MainDicomTags"]["StudyInstanceUID"] == f"{ROOT}.403"
    )
    kinds = sorted(orthanc.get(f"/series/{one}")["MainDicomTags"]["Modality"] for one in study["Series"])
    assert kinds == ["DX", "OT", "SEG", "SR", "SR"]


def test_what_is_no_dicom_file_or_has_changed_is_said(run: Run, tmp_path: Path, films: Path) -> None:
    case, changed = film(tmp_path, 404), film(tmp_path, 405)
    changed.path.write_bytes(radiograph(406))
    picture = prediction_of(next(films.rglob("*.png")))
    given = give(run, [case, picture, changed], {}, [], tmp_path / "out")
    assert given.images == 1 and sum(given.left_out.values()) == 2
    with pytest.raises(ExportError, match="it is no DICOM file"):
        give(run, [picture], {}, [], tmp_path / "none")
    assert not (tmp_path / "none").exists()
