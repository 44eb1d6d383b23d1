"""What a clinician said of a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What a reader can say of a case."""

    AGREE = "agree"
    OVERRULE = "overrule"
    UNSURE = "unsure"
    NOT_DIAGNOSTIC = "not diagnostic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A rectangle that a reader drew: left, top, width and height as fractions of the image."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """One verdict by one reader on one case of one run. Append-only: a correction is a new review.

    Attributes:
        run_id: The run whose prediction was on the screen.
        image_id: The case that was on the screen.
        reader: Who.
        verdict: See `Verdict`.
        label: The reader's class: the predicted one for AGREE, another for OVERRULE, None otherwise.
        comment: Free text.
        regions: What was drawn.
        seconds: From the case's appearing to the verdict.
        created: With time zone; set by the store when None.
    """

    run_id: str
    image_id: str
    reader: str
    verdict: Verdict
    label: str | None
    comment: str = ""
    regions: tuple[Region, ...] = ()
    seconds: float = 0.0
    created: datetime | None = None
