"""What comes out of reading one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from engine.images.depth import Levels
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
        steps: What was done to its pixels on the way to eight bits, as clauses in their order; empty where they are
            shown as they stand in the file.
        levels: The film in the depth of its file, where it was asked for.
    """

    image: Image.Image
    width: int
    height: int
    patient_id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    steps: tuple[str, ...] = ()
    levels: Levels | None = None


@dataclass(slots=True)
class Notes:
    """What is noted while a film is read: see `Decoded.remarks` and `Decoded.steps`.

    Attributes:
        deep: Whether the levels of more than eight bits are wanted.
        levels: These, once they are known; None where eight bits hold the film.
    """

    remarks: list[Remark] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    deep: bool = False
    levels: Levels | None = None
