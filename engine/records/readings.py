"""What a clinician said of a case.

A field of `Review` is all there is to say of what a reader can answer: the store keeps it in the column of its name of
the table `answers`, the reading screen sends it under its name, and the report writes it into its tables and its JSON.
To ask readers one more thing, add

1. the field here, with its default and, in its metadata, its bounds: "least" and "most" of a number, or "longest" of
   a text;
2. a migration that adds the column, which may be empty (`engine/reading/migrations/`, and a line in its `MIGRATIONS`);
3. the column in `engine/reading/migrations/schema.py`, from which statements are built;
4. the control in `gui/pages/review/viewer/verdict.html`: an element with `data-field="name"`.

Every reading before it has nothing in that column: a row's hash covers what the row holds, and must stay true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

READER_ROLES = ("reader", "adjudicator", "administrator", "guest")
"""What a reader may be."""


class Verdict(StrEnum):
    """What a reader can say of a case."""

    AGREE = "agree"
    OVERRULE = "overrule"
    UNSURE = "unsure"
    NOT_DIAGNOSTIC = "not diagnostic"


SHAPES = ("box", "ellipse", "polygon")
"""What can be drawn: all of a box, the ellipse in it, or the polygon through points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """What a reader drew around, in fractions of the image's width and height, however it was turned on the screen.

    Attributes:
        x: Left edge of the box around it.
        y: Upper edge.
        width: Of that box.
        height: Of that box.
        label: The finding; empty where none was named.
        shape: See `SHAPES`.
        points: The corners of a polygon, (x, y) each; a line that was drawn freehand is one. Empty otherwise.
    """

    x: float
    y: float
    width: float
    height: float
    label: str = ""
    shape: str = "box"
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """One verdict by one reader on one case of one run. Append-only: a correction is a new review.

    Attributes:
        run_id: The run whose prediction was on the screen.
        image_id: The case that was on the screen.
        reader: Who.
        verdict: See `Verdict`.
        label: The reader's class: the predicted one for AGREE, another for OVERRULE, None otherwise.
        comment: Free text, of so many characters.
        regions: What was drawn.
        seconds: From the case's appearing to the verdict.
        created: With time zone; set by the store when None.
        review_id: Its number in the append-only log, given by the store; None until it is stored. Of two verdicts of
            one reader on one case the one with the larger number counts, whatever the clock said.
        queue: The key of `engine.reading.QUEUES` that the case came from; empty where that is not known.
        drawn: "in order" where the queue handed the case out, "sought" where the reader went to it; empty where that
            is not known. Both tell for which cases figures of what was read hold.
        label_seen: Whether the label that came with the data had been on the reader's screen before; None where it is
            not known what was. The store tells it; it is not asked.
    """

    run_id: str
    image_id: str
    reader: str
    verdict: Verdict
    label: str | None
    comment: str = field(default="", metadata={"longest": 10_000})
    regions: tuple[Region, ...] = ()
    seconds: float = 0.0
    created: datetime | None = None
    review_id: int | None = None
    queue: str = field(default="", metadata={"longest": 40})
    drawn: str = field(default="", metadata={"longest": 10})
    label_seen: bool | None = None
