"""DICOM in: one film, ready for the eye, and the few tags that are kept.

Only what is listed in `KEPT_TAGS` and the patient's id ever leave this module; everything else in the header
(names, dates, institutions) stays in the user's file. Grey levels go through the modality LUT, then the VOI
LUT or window that the file asks for, then MONOCHROME1 is turned so that bone is bright in every film.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import config
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ImplicitVRLittleEndian

from engine.errors import ImageError

# Scanners write values that the standard forbids; nobody at the screen can mend them, so they are read as
# they are.
config.settings.reading_validation_mode = config.IGNORE

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
KEPT_TAGS = ("Modality", "ViewPosition", "Laterality", "BodyPartExamined", "PhotometricInterpretation")
MAX_PIXELS = 250_000_000

# What pydicom and its decoders raise for a file that is cut short or malformed; anything else is our defect.
_BROKEN = (
    InvalidDicomError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DicomImage:
    """One film out of a DICOM file.

    Attributes:
        pixels: (H, W) or (H, W, 3) uint8, windowed, dark where the detector saw no tissue.
        patient_id: PatientID as written in the file; None if empty.
        meta: The tags of `KEPT_TAGS` that the file has.
    """

    pixels: NDArray[np.uint8]
    patient_id: str | None
    meta: Mapping[str, str]


def is_dicom(head: bytes) -> bool:
    """Tell a DICOM file by its first 132 bytes: "DICM" after the preamble."""
    return head[128:132] == b"DICM"


def read_dicom(data: bytes, name: str) -> DicomImage:
    """Read one film from the bytes of a DICOM file.

    Args:
        data: The whole file.
        name: What to call it in an error.

    Returns:
        Pixels for the eye and what is kept of the header.

    Raises:
        ImageError: Not DICOM, cut short, without pixels, multi-frame, larger than 250 megapixels, or
            compressed in a way that no installed decoder reads.
    """
    name = PurePath(name).name
    try:
        header = pydicom.dcmread(BytesIO(data), force=not is_dicom(data))
        if "TransferSyntaxUID" not in header.file_meta:
            header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        _check_header(header, name)
        return DicomImage(
            pixels=_pixels(header),
            patient_id=str(header.get("PatientID") or "").strip() or None,
            meta=_kept(header),
        )
    except _BROKEN as error:
        raise ImageError(
            f"{name} cannot be read as DICOM ({_first_line(error)})",
            "Export the film again from the archive, uncompressed if it can be chosen",
        ) from error


def _check_header(header: pydicom.Dataset, name: str) -> None:
    if not any(tag in header for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        if "SOPClassUID" not in header:
            raise ImageError(
                f"{name} is not a DICOM file", "Take it out of the folder, or export the film again"
            )
        raise ImageError(
            f"{name} is a DICOM file without pixels (a report, a structured file or a DICOMDIR)",
            "Leave it out, or export the film itself from the archive",
        )
    frames = int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise ImageError(
            f"{name} holds {frames} frames, and one case is one film",
            "Export the frames to be read as single-frame files",
        )
    if header.Rows * header.Columns > MAX_PIXELS:
        raise ImageError(
            f"{name} is {header.Columns:,} × {header.Rows:,} pixels, more than the 250 million that are read",
            "Export it at a lower resolution",
        )


def _kept(header: pydicom.Dataset) -> dict[str, str]:
    kept = {tag: str(header.get(tag) or "").strip() for tag in KEPT_TAGS}
    # Digital radiographs carry the side of the image in a tag of its own.
    kept["Laterality"] = kept["Laterality"] or str(header.get("ImageLaterality") or "").strip()
    return {tag: value for tag, value in kept.items() if value}


def _pixels(header: pydicom.Dataset) -> NDArray[np.uint8]:
    stored: NDArray[Any] = pixel_array(header)  # YBR becomes RGB here
    photometric = str(header.PhotometricInterpretation)
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, header)
    if stored.ndim == 3:  # colour, (H, W, 3): grey-level windows do not apply
        return stored if stored.dtype == np.uint8 else (stored >> 8).astype(np.uint8)

    values = np.asarray(apply_modality_lut(stored, header), dtype=np.float32)
    padding = header.get("PixelPaddingValue")
    padded = stored == padding if padding is not None else None
    if _first(header, "VOILUTSequence") is not None:
        looked_up = np.asarray(apply_voi(values.astype(np.int64), header), dtype=np.float32)
        film = window(looked_up, 0.0, float(looked_up.max()))
    else:
        film = _windowed(values, header, padded)
    if photometric == "MONOCHROME1":
        film = 255 - film
    if padded is not None:
        film[padded] = 0
    return film


def _windowed(
    values: NDArray[np.float32], header: pydicom.Dataset, padded: NDArray[np.bool_] | None
) -> NDArray[np.uint8]:
    center, width = _first(header, "WindowCenter"), _first(header, "WindowWidth")
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if center is None or width is None or float(width) <= (1.0 if function == "LINEAR" else 0.0):
        if header.BitsStored == 8 and values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8)  # already for the eye
        return window(values, *natural_range(values if padded is None else values[~padded]))
    center, width = float(center), float(width)
    if function == "SIGMOID":  # DICOM PS3.3 C.11.2.1.3.1
        return window(1.0 / (1.0 + np.exp(-4.0 * (values - center) / width)), 0.0, 1.0)
    if function == "LINEAR":  # C.11.2.1.2.1: the window covers whole pixel values
        center, width = center - 0.5, width - 1.0
    return window(values, center - width / 2.0, center + width / 2.0)


def window(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] linearly onto [0, 255]; what lies outside is clipped, what is not finite is black.

    Args:
        values: Any shape.
        low: Becomes 0.
        high: Becomes 255; where it is not above `low`, everything is black.

    Returns:
        Same shape, uint8.
    """
    if not high > low:
        return np.zeros(values.shape, dtype=np.uint8)
    scaled = np.nan_to_num((values - low) * (255.0 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
    film: NDArray[np.uint8] = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return film


def natural_range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the 0.1 and 99.9 percentiles, so that a dead pixel or a lead marker does not darken the film.

    Where these are equal (a nearly empty image) it is the minimum and the maximum. At most a million evenly
    spaced values are looked at.
    """
    flat = values.ravel()
    flat = flat[:: max(1, flat.size // 1_000_000)]
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return 0.0, 0.0
    low, high = np.percentile(flat, (0.1, 99.9))
    if not high > low:
        low, high = flat.min(), flat.max()
    return float(low), float(high)


def _first(header: pydicom.Dataset, tag: str) -> Any:
    value = header.get(tag)
    if isinstance(value, (pydicom.multival.MultiValue, pydicom.Sequence, list)):
        return value[0] if len(value) else None
    return value


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
