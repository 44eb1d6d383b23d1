"""What one reader said of one image, of a run or of a study, as objects tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.reading import Study, StudyAnswer
from engine.records import Region, Review, Run

ANSWER = "What is said of the image"
ARM = "How it was read"
SHOWN = "Shown as predicted"
PROTOCOL = "Protocol, SHA-256"
CONTAMINATED = "more had been on the screen than the arm shows"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A reading without what somebody typed: anything may stand in a comment.

    Attributes:
        of: Id of the run or the study.
        number: Of the answer.
        reader: Who, as it is written into the object.
        said: What is told, and what was said of it; each at most 64 characters long.
        label: The class; None where none was named.
        regions: What was drawn.
        at: When.
        certainty: How sure of the label; None where that was not asked.
        scale: Of the certainty, as the protocol calls it.
    """

    of: str
    number: int
    reader: str
    said: tuple[tuple[str, str], ...]
    label: str | None
    regions: tuple[Region, ...]
    at: datetime
    certainty: float | None = None
    scale: str = ""

    def finding_of(self, region: Region) -> str:
        """Return what a region is of."""
        return region.label or self.label or "region"


def of_review(run: Run, review: Review) -> Reading:
    """Return a reading of a run, under the reader's name."""
    return Reading(
        of=run.run_id,
        number=review.review_id or 1,
        reader=review.reader,
        said=((ANSWER, f"verdict: {review.verdict}"),),
        label=review.label,
        regions=review.regions,
        at=review.created or run.created,
    )


def of_answer(study: Study, answer: StudyAnswer, reader: str) -> Reading:
    """Return an answer of a study, under the number that the study's report has for the reader."""
    said = [(ANSWER, f"verdict: {answer.verdict}"), (ARM, answer.arm), (PROTOCOL, study.protocol_hash)]
    if answer.predicted is not None:
        said.append((SHOWN, answer.predicted))
    if answer.contaminated:
        said.append((ARM, CONTAMINATED))
    return Reading(
        of=study.study_id,
        number=answer.seq or 1,
        reader=reader,
        said=tuple(said),
        label=answer.label,
        regions=answer.regions,
        at=answer.at or study.created,
        certainty=answer.certainty,
        scale=study.protocol.certainty or "",
    )
