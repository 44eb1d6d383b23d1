"""What comes out of reading one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from engine.records import DataIssueKind


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing noticed of one image: "decoded" is not yet "right".

    Attributes:
        kind: What.
        message: Completes "In x.png, ", without a full stop and the same for every image it is true of: "nearly
            all is black".
    """

    kind: DataIssueKind
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """An image for the eye, and what its file said of it.

    Attributes:
        image: Mode "L" or "RGB", upright, with square pixels; smaller than the original where `at_least` allowed
            it.
        width: Pixels across of the original, upright.
        height: Pixels down of the original, upright.
        patient_id: From DICOM; None otherwise.
        meta: The kept DICOM tags; empty otherwise.
        remarks: What is odd about it, for the person who will publish; empty for most.
    """

    image: Image.Image
    width: int
    height: int
    patient_id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
