"""Of a DICOM file from an archive, what comes into the workspace: its pixels, what decodes them, and a few tags.

Names, dates, addresses and private tags stay in the archive. What is kept of the header is what is kept of any DICOM
file, the patient's id, and the numbers by which an archive knows the image again.
"""

from __future__ import annotations

from io import BytesIO

import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from engine.errors import ImageError
from engine.images import KEPT_TAGS

IDENTITY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID")
_DECODING = (
    "SpecificCharacterSet",
    "ImageLaterality",
    "PatientOrientation",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PresentationLUTShape",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "PixelData",
)
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_OF_PIXELS = ("PixelMeasuresSequence", "FrameVOILUTSequence", "PixelValueTransformationSequence")
_PIXEL_GROUP = 0x0028


def without_the_rest(whole: pydicom.Dataset) -> bytes:
    """Return a DICOM file with nothing but the image and what is kept of its header; equal for equal files.

    Args:
        whole: As an archive gave it.

    Raises:
        ImageError: It cannot be written as a file.
    """
    try:
        kept = pydicom.Dataset()
        for tag in [*IDENTITY, *KEPT_TAGS, *_DECODING]:
            if tag in whole:
                number = Tag(tag)
                kept[number] = whole.get_item(number)
        for each in list(whole.keys()):
            if each.group == _PIXEL_GROUP:
                kept[each] = whole.get_item(each)
        for group in _GROUPS:
            _keep_of_pixels(whole, kept, group)
        meta = getattr(whole, "file_meta", FileMetaDataset())
        kept.file_meta = FileMetaDataset()
        kept.file_meta.TransferSyntaxUID = UID(meta.get("TransferSyntaxUID") or ExplicitVRLittleEndian)
        kept.file_meta.MediaStorageSOPClassUID = whole.SOPClassUID
        kept.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
        stream = BytesIO()
        pydicom.dcmwrite(stream, kept, enforce_file_format=True)
    except (
        AttributeError,
        KeyError,
        ValueError,
        TypeError,
        NotImplementedError,
        RuntimeError,
        OSError,
    ) as error:
        raise ImageError("it is damaged", "Ask whoever keeps the archive to send it there again") from error
    return stream.getvalue()


def _keep_of_pixels(whole: pydicom.Dataset, kept: pydicom.Dataset, group: str) -> None:
    """Keep of the functional groups of a single frame those that say how its pixels are meant."""
    for item in list(whole.get(group) or ())[:1]:
        of_pixels = pydicom.Dataset()
        for tag in _OF_PIXELS:
            if tag in item:
                setattr(of_pixels, tag, item[tag].value)
        setattr(kept, group, [of_pixels])
