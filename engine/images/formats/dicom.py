"""DICOM in: one film, ready for the eye, and the few tags that are kept.

Only what is listed in `KEPT_TAGS` and the patient's id ever leave this module; everything else in the header
(names, dates, institutions) stays in the user's file. `dicom_pixels` decodes, `dicom_levels` makes grey levels and
colours of it. Overlays are not drawn.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import config, uid
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from engine.errors import ImageError
from engine.images.decoded import Decoded, Notes, Remark
from engine.images.depth import eight_bit_levels, reshaped
from engine.images.formats import dicom_levels
from engine.images.formats.dicom_header import BROKEN_DICOM, first, numbers, places, text, whole
from engine.images.formats.dicom_pixels import PIXELS, Stored, read_stored
from engine.images.formats.levels import depth_step
from engine.images.formats.refusals import MAX_PIXELS, cut_short
from engine.images.formats.streams import ENDLESS
from engine.records import DataIssueKind

# Scanners write values that the standard forbids; nobody at the screen can mend them, so they are read as
# they are.
config.settings.reading_validation_mode = config.IGNORE

KEPT_TAGS = ("Modality", "ViewPosition", "Laterality", "BodyPartExamined", "PhotometricInterpretation")
WRITER = "Overread"
"""The manufacturer of objects that `engine.pacs` writes about images: heatmaps over them, say."""
NO_PALETTE = Remark(
    DataIssueKind.ODD_HEADER, "the colour palette is missing or broken; the image is shown in grey"
)
_PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # as they stand in a file, in either byte order
_LAST = 0x7FE00010  # PixelData: nothing behind it is needed, and trailing bytes may be no DICOM
_SQUARE = 0.01  # difference of spacings that is rounding
_LONGEST = 20.0  # times as long as wide is no pixel


def read_dicom(data: bytes, name: str, *, deep: bool = False) -> Decoded:
    """Read one film from the bytes of a DICOM file.

    Args:
        data: The whole file.
        name: What to call it in an error.
        deep: See `decode`.

    Raises:
        ImageError: Not DICOM, cut short, without pixels, written by us, multi-frame, larger than 250 megapixels, or
            compressed in a way that no installed decoder reads.
    """
    header = _header(data, name)
    _check_single(header, data, name)
    patient_id, meta = text(header, "PatientID") or None, _kept(header)
    stored = read_stored(header, name)
    notes = Notes(deep=deep)
    if stored.endless:
        notes.remarks.append(ENDLESS)
    image = _squared(Image.fromarray(_film(header, stored, notes)), header, notes)
    levels = notes.levels and reshaped(notes.levels, image.size)
    if deep:
        spacing, where = _millimetres(header)
        levels = replace(levels or eight_bit_levels(image), spacing=spacing, spacing_at=where)
    return Decoded(
        image=image,
        width=image.width,
        height=image.height,
        patient_id=patient_id,
        meta=meta,
        remarks=tuple(notes.remarks),
        steps=tuple(notes.steps),
        levels=levels,
    )


def _film(header: pydicom.FileDataset, stored: Stored, notes: Notes) -> NDArray[np.uint8]:
    if stored.values.ndim == 3:
        notes.steps += depth_step(stored.bits, colour=True)
        return dicom_levels.colour(stored)
    if stored.palette:
        coloured = dicom_levels.palette(header, stored)
        if coloured is not None:
            notes.steps.append("colour palette of the file")
            return coloured
        notes.remarks.append(NO_PALETTE)
    return dicom_levels.grey(header, stored, notes)


def _header(data: bytes, name: str) -> pydicom.FileDataset:
    def behind_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        return int(tag) > _LAST

    try:
        header = read_partial(BytesIO(data), stop_when=behind_pixels, force=True)
        implicit, little = header.original_encoding
        native = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        syntax = first(header.file_meta, "TransferSyntaxUID")
        header.file_meta.TransferSyntaxUID = syntax or (uid.ImplicitVRLittleEndian if implicit else native)
        for tag in PIXELS:
            if tag in header and not isinstance(header[tag].value, bytes):
                raise TypeError(tag)
    except BROKEN_DICOM as error:
        raise ImageError(
            f"{name} is a damaged DICOM file, or was cut short", "Export the image again from the archive"
        ) from error
    return header


def _check_single(header: pydicom.FileDataset, data: bytes, name: str) -> None:
    """Refuse what holds no pixels or several films, and what we wrote ourselves."""
    if not any(tag in header for tag in PIXELS):
        kind = first(header, "SOPClassUID") or first(header.file_meta, "MediaStorageSOPClassUID")
        described = kind is not None or data[128:132] == b"DICM"
        if not described:
            raise ImageError(
                f"{name} is not a DICOM file", "Take it out of the folder, or export the image again"
            )
        if ("Rows" in header or not len(header)) and any(tag in data for tag in _PIXEL_TAGS):
            raise cut_short(name)  # what breaks off inside compressed pixels is read as nothing at all
        what = kind.name.removesuffix(" Storage") if isinstance(kind, uid.UID) and kind.name != kind else ""
        raise ImageError(
            f"{name} is a DICOM file without pixels ({what or 'a report or a directory'})",
            "Leave it out, or export the image itself from the archive",
        )
    if text(header, "Manufacturer") == WRITER:
        raise ImageError(
            f"{name} was written by Overread about an image, and is no image itself",
            "Leave it out, and read the image that it is about",
        )
    frames = whole(header, "NumberOfFrames") or 1
    if frames > 1:
        raise ImageError(
            f"{name} holds {frames:,} frames, and one case is one image",
            "Export the frames to be read as single-frame files",
        )


def _kept(header: pydicom.Dataset) -> dict[str, str]:
    kept = {tag: text(header, tag) for tag in KEPT_TAGS}
    # Digital radiographs carry the side of the image in a tag of its own.
    kept["Laterality"] = kept["Laterality"] or text(header, "ImageLaterality")
    return {tag: value for tag, value in kept.items() if value}


def _squared(image: Image.Image, header: pydicom.Dataset, notes: Notes) -> Image.Image:
    """Resample an image whose pixels are not square: the side that is sampled more coarsely grows."""
    down, across = _spacing(header)
    if not 1 / _LONGEST <= down / across <= _LONGEST or abs(down / across - 1) < _SQUARE:
        return image
    finer = min(down, across)
    size = (round(image.width * across / finer), round(image.height * down / finer))
    if size[0] * size[1] > MAX_PIXELS:
        return image
    notes.steps.append(f"made square: {image.width:,} × {image.height:,} pixels are oblong in the file")
    return image.resize(size, Image.Resampling.BILINEAR)


def _spacing(header: pydicom.Dataset) -> tuple[float, float]:
    """Return a pixel's height and width, in any unit: by how far apart they lie, else by their aspect alone."""
    where: list[tuple[Any, str]] = [
        (place, "PixelSpacing") for place in places(header, "PixelMeasuresSequence")
    ]
    tags = ("ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
    for place, tag in (*where, *((header, tag) for tag in tags)):
        spacing = numbers(place, tag)
        if len(spacing) == 2 and min(spacing) > 0:
            return spacing[0], spacing[1]
    return 1.0, 1.0


def _millimetres(header: pydicom.Dataset) -> tuple[float | None, str]:
    """Return how far two pixels of the upright, square film lie apart, and where that was measured.

    A radiograph's spacing at the detector is larger than in the body, by how far the body was from the detector.
    """
    places_of: list[tuple[Any, str, str]] = [
        (place, "PixelSpacing", "") for place in places(header, "PixelMeasuresSequence")
    ]
    tags = (("ImagerPixelSpacing", "at the detector"), ("NominalScannedPixelSpacing", "on the scanned film"))
    for place, tag, where in (*places_of, *((header, tag, where) for tag, where in tags)):
        spacing = numbers(place, tag)
        if len(spacing) == 2 and min(spacing) > 0 and 1 / _LONGEST <= spacing[0] / spacing[1] <= _LONGEST:
            return min(spacing), where
    return None, ""
