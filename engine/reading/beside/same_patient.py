"""Other images of a case's patient, in the order in which they were taken where the data say when that was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select

from engine.reading.cases import find_case
from engine.reading.migrations.schema import CASES, IMAGE_PLACES, IMAGES, SEARCHED
from engine.reading.row_mapping import searched_meta
from engine.records import Part

When = Literal["before", "same day", "after", ""]
Moment = tuple[int, ...]
_DATE_NAME = re.compile(
    r"(?:(?:study|acquisition|exam(?:ination)?|scan|series|content|image|imaging|visit|film|x-?ray|capture)[ _-]*)?"
    r"(?:date(?:[ _-]*time)?|datum|fecha|تاریخ|תאריך)(?:[ _-]*of[ _-]*(?:study|exam(?:ination)?|acquisition|imaging))?"
)
_COUNT_NAME = re.compile(
    r"(?:follow[ _-]*up|visit|study|exam(?:ination)?|scan|series)[ _-]*(?:#|no\.?|number|n|index)?"
)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:\D.*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\D.*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherImage:
    """Another image of a patient.

    Attributes:
        image_id: Of it.
        part: Of the run's split; None where it came from elsewhere.
        when: How it lies to the case; empty where the data do not say.
        moment: What the data say of when it was taken, as it stands there; empty where nothing.
    """

    image_id: str
    part: Part | None
    when: When
    moment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OfPatient:
    """What is known of a case's patient.

    Attributes:
        known: Whether the data say whose image it is.
        dated: Whether they say when it was taken.
        moment: Of the case itself, as it stands there.
        others: The nearest prior first, then older ones, then those of the same day, later ones, and those without a
            date.
    """

    known: bool
    dated: bool
    moment: str
    others: tuple[OtherImage, ...]


UNKNOWN = OfPatient(known=False, dated=False, moment="", others=())


def of_patient(connection: Connection, run_id: str, image_id: str) -> OfPatient:
    """Return the other images of a case's patient among the cases of its run.

    Raises:
        ReviewError: The run has no such case.
    """
    case = find_case(connection, run_id, image_id)
    if case.patient_id == image_id:
        return UNKNOWN
    joined = (SEARCHED.c.run_id == CASES.c.run_id) & (SEARCHED.c.position == CASES.c.position)
    asked = select(CASES.c.image_id, CASES.c.part, SEARCHED.c.meta).join(SEARCHED, joined, isouter=True)
    rows = connection.execute(
        asked.where(CASES.c.run_id == run_id, CASES.c.patient_id == case.patient_id)
    ).all()
    return _in_order(image_id, {row.image_id: (row.part, row.meta or "") for row in rows})


def of_patient_in_studies(connection: Connection, image_id: str) -> OfPatient:
    """Return the other images of a patient among those that studies of data sets have; such images have no part."""
    columns = (IMAGES.c.image_id, IMAGES.c.patient_id, IMAGES.c.metadata)
    newest = select(*columns).join(IMAGE_PLACES, IMAGE_PLACES.c.image_id == IMAGES.c.image_id)
    patient = connection.scalar(
        select(IMAGES.c.patient_id)
        .where(IMAGES.c.image_id == image_id)
        .order_by(IMAGES.c.seq.desc())
        .limit(1)
    )
    if patient in (None, image_id):
        return UNKNOWN
    rows = connection.execute(newest.where(IMAGES.c.patient_id == patient).order_by(IMAGES.c.seq)).all()
    return _in_order(image_id, {row.image_id: (None, searched_meta(row.metadata or {})) for row in rows})


def _in_order(image_id: str, images: Mapping[str, tuple[Part | None, str]]) -> OfPatient:
    """Return a patient's images beside one of them.

    Args:
        image_id: That one.
        images: Of the patient: id → part, and the columns that came with it as a search finds them.
    """
    told = {each: _columns(meta) for each, (_, meta) in images.items()}
    column = _column_of_time(told[image_id])
    here = moment_of(told[image_id].get(column, ""))
    others = []
    for each, (part, _) in images.items():
        if each == image_id:
            continue
        text = told[each].get(column, "")
        there = moment_of(text)
        when = _when(there, here)
        image = OtherImage(image_id=each, part=part, when=when, moment=text if there else "")
        others.append((when, there, image))
    return OfPatient(
        known=True,
        dated=here is not None,
        moment=told[image_id].get(column, "") if here else "",
        others=tuple(image for _, _, image in sorted(others, key=_nearest_prior_first)),
    )


def _nearest_prior_first(other: tuple[When, Moment | None, OtherImage]) -> tuple[int, Sequence[int], str]:
    when, moment, image = other
    turn = ("before", "same day", "after", "").index(when)
    step = -1 if when == "before" else 1
    return turn, [step * part for part in moment or ()], image.image_id


def _when(there: Moment | None, here: Moment | None) -> When:
    if there is None or here is None or len(there) != len(here):
        return ""
    return "before" if there < here else "after" if there > here else "same day"


def _columns(meta: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in meta.split("\n") if "=" in line)


def _column_of_time(columns: Mapping[str, str]) -> str:
    """Return the column that says when an image was taken, or else the one that counts a patient's images."""
    for name in (_DATE_NAME, _COUNT_NAME):
        for column, value in columns.items():
            if name.fullmatch(column.strip()) and moment_of(value) is not None:
                return column
    return ""


def moment_of(text: str) -> Moment | None:
    """Read a date of any calendar whose year, month and day are certain, or a count; None for anything else."""
    text = text.strip()
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
    else:
        return (int(text),) if text.isdecimal() and len(text) <= 4 else None
    return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None
