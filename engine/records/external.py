"""A run on images from elsewhere, as it is kept and reported: figures and words, no image and no patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Interval

from engine.language import count_of
from engine.records.data import FolderName
from engine.records.estimates import Estimate
from engine.records.shift import SetShift

Count = Annotated[int, Interval(ge=0)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One figure, at home and abroad.

    Attributes:
        name: Of the figure.
        internal: On the internal test part.
        external: On the foreign images.
        difference: External minus internal.
    """

    name: str
    internal: Estimate
    external: Estimate
    difference: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Retuned:
    """What tuning to the foreign images would change: every image judged by what was tuned on other patients.

    Attributes:
        threshold: The operating point chosen on all foreign images.
        at_threshold: Sensitivity and specificity, each image by the operating point of the other folds.
        calibration: Calibration figures, each image by the recalibration of the other folds.
        folds: How many.
    """

    threshold: float
    at_threshold: Mapping[str, Estimate]
    calibration: Mapping[str, Estimate]
    folds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalCase:
    """An image from elsewhere: its number, its label, and the class that was predicted."""

    case: str
    label: str
    predicted: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalTest:
    """A run tested on images from elsewhere.

    Attributes:
        run_id: Of the run.
        trained_on: Name of its data.
        classes: Of the run.
        positive: The class that is the finding; None with more than two classes.
        threshold: Probability from which it is predicted.
        dataset_id: Of the foreign data.
        dataset_name: For people.
        tested: When.
        images: How many were predicted.
        patients_named: Of how many images the patient is named.
        patients: How many different ones are.
        internal_images: Images of the internal test.
        same: Class of the run by the name that the foreign data use, where the two differ.
        left_out: How many images were left out, by the reason.
        remarks: Sentences on the images, without full stops.
        figures: Internal and external, in the order of a report.
        confusion: Of the foreign images: row the label, column the predicted class.
        retuned: Re-chosen operating point and recalibration; None where they cannot be had.
        why_not: A sentence that says why `retuned` is None.
        shift: How far the images lie from those of training; None where that is not known.
        shift_words: What is said of it, sentences without full stops.
        cases: The foreign images; empty of a test that was kept before they were written down.
    """

    run_id: FolderName
    trained_on: str
    classes: tuple[str, ...]
    positive: str | None
    threshold: float
    dataset_id: FolderName
    dataset_name: str
    tested: datetime
    images: Count
    patients_named: Count
    patients: Count
    internal_images: Count
    same: Mapping[str, str]
    left_out: Mapping[str, Count]
    remarks: tuple[str, ...]
    figures: tuple[Compared, ...]
    confusion: tuple[tuple[Count, ...], ...]
    retuned: Retuned | None
    why_not: str = ""
    shift: SetShift | None = None
    shift_words: tuple[str, ...] = ()
    cases: tuple[ExternalCase, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was done with the foreign images' labels, which were left out, and whether they differ."""
        return (
            f"{count_of(self.images, 'image was', 'images were')} predicted",
            *(f"“{name}” of these data is taken as {meant}" for name, meant in self.same.items()),
            *(f"{count:,} left out: {reason}" for reason, count in self.left_out.items()),
            *self.remarks,
            *self.shift_words,
        )
