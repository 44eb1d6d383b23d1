"""The image that an object is about: its patient and study as its file has them, and what objects of ours are called.

Everything of an object is a function of what it says, its UIDs and times among it: written again it is the same object,
which an archive holds once.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.sr.coding import Code
from pydicom.uid import UID

from engine.errors import ImageError
from engine.images import WRITER, read_unchanged

RESEARCH = "Research, not for diagnosis"
MANUFACTURER = WRITER
SCHEME = "99OVERREAD"
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
_TIMES = (
    ("InstanceCreationDate", "InstanceCreationTime"),
    ("SeriesDate", "SeriesTime"),
    ("ContentDate", "ContentTime"),
    ("DateOfSecondaryCapture", "TimeOfSecondaryCapture"),
)
_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def source_of(path: Path, image_id: str) -> pydicom.Dataset:
    """Return the header of a DICOM image, with those attributes empty that may be and are not there.

    Raises:
        ImageError: It is no DICOM file that has what a reference needs, or is not the one that was predicted.
    """
    data = read_unchanged(path, image_id)
    try:
        header = pydicom.dcmread(BytesIO(data), stop_before_pixels=True)
        lacking = [tag for tag in _NEEDED if not header.get(tag)]
    except (InvalidDicomError, ValueError, EOFError, KeyError, AttributeError, NotImplementedError) as error:
        raise ImageError("it is no DICOM file", "Index the images as the archive has them") from error
    if lacking:
        raise ImageError(f"it says no {lacking[0]}", "Index the images as the archive has them")
    for tag in _MAY_BE_EMPTY:
        if tag not in header:
            setattr(header, tag, "")
    return header


def uid_of(*told: object) -> UID:
    """Return a UID that equal facts give again (PS3.5, B.2: of a UUID)."""
    digest = sha256("\x1f".join(map(str, told)).encode()).digest()[:16]
    return UID(f"2.25.{UUID(bytes=digest, version=5).int}")


def code_of(meaning: str) -> Code:
    """Return a word of the data set as a code of ours: a class, a finding, a verdict."""
    return Code(sha256(meaning.encode()).hexdigest()[:16].upper(), SCHEME, meaning[:64] or "not named")


def told(what: str, number: int, moment: datetime) -> dict[str, Any]:
    """Return what all of our objects say of themselves.

    Args:
        what: They are, for the list of series.
        number: Of the series in its study.
        moment: When it was predicted or read.
    """
    return {
        "series_number": number,
        "manufacturer": MANUFACTURER,
        "series_description": f"{RESEARCH}: {what}"[:64],
        "content_date": moment.date(),
        "content_time": moment.time().replace(microsecond=0),
        "specific_character_set": "ISO_IR 192",
    }


def settled(made: pydicom.Dataset, moment: datetime) -> pydicom.Dataset:
    """Return an object whose creation is that of what it says, so that it is the same whenever it is written."""
    for day, hour in _TIMES:
        if day in made:
            setattr(made, day, moment.strftime("%Y%m%d"))
        if hour in made:
            setattr(made, hour, moment.strftime("%H%M%S"))
    for tool in made.get("ContributingEquipmentSequence", ()):
        tool.ContributionDateTime = moment.strftime("%Y%m%d%H%M%S")
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in made.get(sequence, ()):
            item.DimensionOrganizationUID = uid_of("dimensions", made.SOPInstanceUID)
    return made
