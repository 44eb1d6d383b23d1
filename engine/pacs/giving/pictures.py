"""Maps as Secondary Capture, and regions as segmentations."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
from highdicom import PixelMeasuresSequence, sc, seg
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom.sr.coding import Code

from engine.pacs.giving.readings import Reading
from engine.pacs.giving.reports import outline_of
from engine.pacs.giving.sources import MANUFACTURER, RESEARCH, code_of, settled, told, uid_of
from engine.records import Explanation, Region, Run
from engine.saliency import picture_with_map

_CATEGORY = Code("49755003", "SCT", "Morphologically abnormal structure")


def map_picture(run: Run, explanation: Explanation, film: bytes, source: pydicom.Dataset) -> pydicom.Dataset:
    """Return a map over its image, with what its colours mean, as a picture that says what it is not for.

    Args:
        run: Whose map it is.
        explanation: The map.
        film: The image as a PNG.
        source: Its header.
    """
    with Image.open(BytesIO(picture_with_map(film, explanation))) as opened:
        pixels = _marked(opened.convert("RGB"))
    heatmap = explanation.heatmap.tobytes()
    made = sc.SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=source.StudyInstanceUID,
        series_instance_uid=uid_of("maps", run.run_id, source.StudyInstanceUID),
        sop_instance_uid=uid_of(
            "map", run.run_id, source.SOPInstanceUID, explanation.target, explanation.method, heatmap
        ),
        instance_number=1,
        patient_id=source.PatientID,
        patient_name=source.PatientName,
        patient_birth_date=source.PatientBirthDate,
        patient_sex=source.PatientSex,
        accession_number=source.AccessionNumber,
        study_id=source.StudyID,
        study_date=source.StudyDate,
        study_time=source.StudyTime,
        referring_physician_name=source.ReferringPhysicianName,
        patient_orientation=("L", "F"),
        **told("heatmaps", 9103, run.created),
    )
    setattr(made, "PatientOrientation", None)  # noqa: B010  of a picture with a legend below
    made.BodyPartExamined = source.get("BodyPartExamined", "")
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BurnedInAnnotation = "NO"  # nothing that says who the patient is
    made.ImageComments = f"{RESEARCH}. Evidence for {explanation.target}, by {explanation.method}"
    made.DerivationDescription = f"Heatmap of run {run.run_id} over the image"
    reference = pydicom.Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    made.SourceImageSequence = [reference]
    return settled(made, run.created)


def _marked(picture: Image.Image) -> NDArray[np.uint8]:
    """Return a picture with a line above it that says what it is not for; (H, W, 3)."""
    line = 18
    whole = Image.new("RGB", (picture.width, picture.height + line))
    whole.paste(picture, (0, line))
    ImageDraw.Draw(whole).text((4, 3), f"{RESEARCH.upper()}: {MANUFACTURER.upper()}", fill=(255, 220, 0))
    return np.asarray(whole)


def segmentation(reading: Reading, source: pydicom.Dataset) -> pydicom.Dataset:
    """Return the regions that a reader drew on an image, a segment a finding."""
    findings = list(dict.fromkeys(map(reading.finding_of, reading.regions)))
    rows, columns = int(source.Rows), int(source.Columns)
    masks = np.zeros((1, rows, columns, len(findings)), dtype=np.uint8)
    for region in reading.regions:
        masks[0, :, :, findings.index(reading.finding_of(region))] |= mask_of(region, rows, columns)
    made = seg.Segmentation(
        source_images=[source],
        pixel_array=masks,
        segmentation_type="BINARY",
        segment_descriptions=[
            seg.SegmentDescription(
                segment_number=number,
                segment_label=name[:64],
                segmented_property_category=_CATEGORY,
                segmented_property_type=code_of(name),
                algorithm_type="MANUAL",
            )
            for number, name in enumerate(findings, 1)
        ],
        series_instance_uid=uid_of("regions", reading.of, source.StudyInstanceUID),
        sop_instance_uid=uid_of("segmentation", reading.of, source.SOPInstanceUID, reading),
        instance_number=reading.number,
        manufacturer_model_name=MANUFACTURER,
        software_versions="1",
        device_serial_number=reading.of[:64],
        pixel_measures=PixelMeasuresSequence(pixel_spacing=_spacing(source), slice_thickness=1.0),
        content_label="REGIONS",
        content_description=RESEARCH,
        **told("regions", 9104, reading.at),
    )
    made.PatientOrientation = source.get("PatientOrientation")
    return settled(made, reading.at)


def mask_of(region: Region, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return which pixels a region covers; (rows, columns) of 0 and 1, at least one of them 1."""
    drawn = Image.new("L", (columns, rows))
    pencil = ImageDraw.Draw(drawn)
    outline = outline_of(region, rows, columns)
    if region.shape == "ellipse":
        (left, upper), (right, lower) = outline.min(axis=0), outline.max(axis=0)
        pencil.ellipse((left, upper, max(left, right - 1), max(upper, lower - 1)), fill=1)
    elif region.shape == "box":
        (left, upper), (right, lower) = outline.min(axis=0), outline.max(axis=0)
        pencil.rectangle((left, upper, max(left, right - 1), max(upper, lower - 1)), fill=1)
    else:
        pencil.polygon([tuple(point) for point in outline], fill=1, outline=1)
    return np.asarray(drawn)


def _spacing(source: pydicom.Dataset) -> tuple[float, float]:
    for tag in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        try:
            down, across = (float(each) for each in source.get(tag) or ())
        except (TypeError, ValueError):
            continue
        if down > 0 and across > 0:
            return down, across
    return 1.0, 1.0
