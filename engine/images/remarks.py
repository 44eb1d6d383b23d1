"""What is odd about an image that was read, for the person who will publish: "decoded" is not yet "right"."""

from __future__ import annotations

from dataclasses import dataclass

from engine.records import DataIssueKind


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing noticed of one image.

    Attributes:
        kind: What.
        message: Completes "In x.png, ", without a full stop and the same for every image it is true of: "nearly
            all is black".
    """

    kind: DataIssueKind
    message: str
