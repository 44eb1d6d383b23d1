"""Structured Reports (TID 1500): a prediction by the algorithm, and a reading by its reader with what was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pydicom
from highdicom import sr
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from engine.pacs.giving.readings import ANSWER, Reading
from engine.pacs.giving.sources import MANUFACTURER, RESEARCH, code_of, settled, told, uid_of
from engine.records import Prediction, Region, Run

_CERTAINTY = Code("111013", "DCM", "Certainty of Finding")
_PERCENT = Code("%", "UCUM", "%")
_GRADE = Code("1", "UCUM", "no units")
_IMAGING = Code("363679005", "SCT", "Imaging procedure")
_Group = sr.MeasurementsAndQualitativeEvaluations | sr.PlanarROIMeasurementsAndQualitativeEvaluations


def prediction_report(run: Run, prediction: Prediction, source: pydicom.Dataset) -> pydicom.Dataset:
    """Return a prediction: each class with its calibrated probability in percent, the predicted one marked.

    Args:
        run: Whose prediction it is.
        prediction: Of the image.
        source: Its header.
    """
    algorithm = sr.AlgorithmIdentification(
        name=f"{MANUFACTURER}: {run.title}"[:64], version=run.run_id[:64], parameters=[RESEARCH]
    )
    groups = [
        sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(run.run_id, source, name),
            finding_type=code_of(name),
            algorithm_id=algorithm,
            source_images=[_whole(source)],
            measurements=[sr.Measurement(name=_CERTAINTY, value=round(100 * share, 4), unit=_PERCENT)],
            qualitative_evaluations=[
                sr.QualitativeEvaluation(
                    name=code_of(ANSWER),
                    value=code_of("predicted" if name == prediction.predicted else "not predicted"),
                )
            ],
        )
        for name, share in zip(run.classes, prediction.probabilities, strict=True)
    ]
    device = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=uid_of("device", run.run_id), name=MANUFACTURER, model_name=run.title[:64]
        ),
    )
    key = ("prediction", run.run_id, source.SOPInstanceUID, prediction.predicted, prediction.probabilities)
    return _report(source, device, groups, key, "predictions", 9101, 1, run.created)


def reading_report(reading: Reading, source: pydicom.Dataset) -> pydicom.Dataset:
    """Return what one reader said of an image, with the regions that were drawn as outlines in its pixels."""
    sure = [] if reading.certainty is None else [_certainty(reading.certainty, reading.scale)]
    groups: list[_Group] = [
        sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(reading.of, source, "reading"),
            finding_type=code_of(reading.label) if reading.label else None,
            source_images=[_whole(source)],
            measurements=sure or None,
            qualitative_evaluations=[
                sr.QualitativeEvaluation(name=code_of(what), value=code_of(said))
                for what, said in reading.said
            ],
        )
    ]
    groups += [
        sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(reading.of, source, f"region {number}"),
            referenced_region=_region(region, source),
            finding_type=code_of(reading.finding_of(region)),
        )
        for number, region in enumerate(reading.regions, 1)
    ]
    person = sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(name=_name(reading.reader)),
    )
    key = ("reading", reading.of, source.SOPInstanceUID, reading)
    return _report(source, person, groups, key, "readings", 9102, reading.number, reading.at)


def _certainty(value: float, scale: str) -> sr.Measurement:
    """Return how sure a reader was: in percent, or as a grade of a scale that is not one of shares."""
    if scale == "0-100":
        return sr.Measurement(name=_CERTAINTY, value=value, unit=_PERCENT)
    return sr.Measurement(name=code_of(f"Certainty of Finding, grade of {scale}"), value=value, unit=_GRADE)


def outline_of(region: Region, rows: int, columns: int) -> NDArray[np.float64]:
    """Return a region's outline in pixels of the image, (n, 2) column and row: closed, or an ellipse's four ends.

    Of an ellipse they are those of its longer axis first (PS3.3, C.18.6.1.1).
    """
    scale = np.array([columns, rows], dtype=np.float64)
    if region.shape == "polygon":
        points = np.array(region.points, dtype=np.float64)
        return np.asarray(np.clip(np.concatenate([points, points[:1]]), 0, 1) * scale)
    left, upper, right, lower = np.clip(
        [region.x, region.y, region.x + region.width, region.y + region.height], 0, 1
    ) * np.tile(scale, 2)
    if region.shape == "ellipse":
        across, down = (left + right) / 2, (upper + lower) / 2
        wide = [(left, down), (right, down)]
        tall = [(across, upper), (across, lower)]
        return np.array(wide + tall if right - left >= lower - upper else tall + wide)
    return np.array([(left, upper), (right, upper), (right, lower), (left, lower), (left, upper)])


def _region(region: Region, source: pydicom.Dataset) -> sr.ImageRegion:
    kind = sr.GraphicTypeValues.ELLIPSE if region.shape == "ellipse" else sr.GraphicTypeValues.POLYLINE
    image = sr.SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID)
    return sr.ImageRegion(kind, outline_of(region, int(source.Rows), int(source.Columns)), image)


def _whole(source: pydicom.Dataset) -> sr.SourceImageForMeasurementGroup:
    return sr.SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)


def _tracking(run_id: str, source: pydicom.Dataset, what: str) -> sr.TrackingIdentifier:
    uid = uid_of("tracking", run_id, source.SOPInstanceUID, what)
    return sr.TrackingIdentifier(uid=uid, identifier=f"{RESEARCH}: {what}"[:64])


def _name(reader: str) -> str:
    """Return a reader's name as DICOM writes names: what separates its parts there is none of ours."""
    return "".join(" " if one in "^=\\" else one for one in reader)[:60].strip() + "^"


def _report(
    source: pydicom.Dataset,
    observer: sr.ObserverContext,
    groups: Sequence[_Group],
    key: tuple[object, ...],
    what: str,
    series: int,
    number: int,
    moment: datetime,
) -> pydicom.Dataset:
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=observer if what == "readings" else None,
            observer_device_context=observer if what != "readings" else None,
        ),
        procedure_reported=_IMAGING,
        imaging_measurements=list(groups),
        title=codes.DCM.ImagingMeasurementReport,
    )
    made = sr.ComprehensiveSR(
        evidence=[source],
        content=report[0],
        series_instance_uid=uid_of(what, key[1], source.StudyInstanceUID),
        sop_instance_uid=uid_of(*key),
        instance_number=number,
        is_complete=True,
        is_verified=False,
        **told(what, series, moment),
    )
    return settled(made, moment)
