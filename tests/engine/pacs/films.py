"""Chest radiographs of an archive, written byte by byte: whose they are and what they are called is up to the test."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.engine.images import raw

ROOT = "1.2.826.0.1.3680043.10.1"


def radiograph(number: int, *, patient: str = "", study: str = "", **attributes: Any) -> bytes:
    """Return a DICOM file like no other number's, with a name and a birthday that must not leave the archive."""
    pixels = np.random.default_rng(number).integers(0, 4096, (48, 40)).astype(np.uint16)
    study = study or f"{ROOT}.{number}"
    told = {
        "SOPInstanceUID": uid(number),
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.1",
        "PatientID": patient or f"MRN-{number}",
        "PatientName": "Doe^Jane",
        "PatientBirthDate": "19700101",
        "StudyDate": f"202401{1 + number % 28:02d}",
        "AccessionNumber": f"A{number}",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "BitsStored": 12,
        "HighBit": 11,
        **attributes,
    }
    return raw.dicom(pixels, **told)


def uid(number: int) -> str:
    return f"{ROOT}.{number}.1.1"
