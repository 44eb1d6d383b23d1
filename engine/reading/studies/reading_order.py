"""What a reader of a study reads next: the first case of their own order on which they have not spoken.

It is worked out from what is stored, so that reading goes on where it stopped, on whatever computer.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from engine.errors import ReviewError
from engine.language import _, isolated
from engine.reading.migrations.schema import ANSWERS, ASSIGNMENTS, IMAGE_PLACES, IMAGES, PREDICTIONS, TASKS
from engine.reading.people import People
from engine.reading.sittings import of_case
from engine.reading.studies.planning.adding import tasks_of
from engine.reading.studies.planning.designs import Arm
from engine.reading.studies.planning.drawing import LATER, case_number, mirrored
from engine.reading.studies.planning.records import Advice, Progress, Study, Task, WrongAdvice


def upcoming(
    connection: Connection, people: People, study: Study, person: str, k: int, now: datetime
) -> list[Task]:
    """Return the next k cases of a reader, without those that a wash-out still keeps closed."""
    if study.state == "closed":
        return []
    ids = people.ids(person)
    unread = _tasks(study, ids).where(TASKS.c.answer.is_(None)).order_by(TASKS.c.position).limit(k)
    if study.protocol.design == "wash-out":
        opens = opens_at(connection, study, ids)
        if opens is None or now < opens:
            unread = unread.where(TASKS.c.position < LATER)
    return [_task(connection, study, ids, row) for row in connection.execute(unread)]


def find_task(
    connection: Connection, people: People, study: Study, person: str, image_id: str, arm: Arm, now: datetime
) -> Task:
    """Return one case of a reader, read or not.

    Raises:
        ReviewError: It is not theirs in this arm, or it may not be seen yet.
    """
    ids = people.ids(person)
    task = _task(connection, study, ids, task_row(connection, study, ids, image_id, arm))
    if arm == "assisted":
        require_blind_first(connection, study, ids, image_id)
        opens = waits_until(connection, study, ids, now)
        task = replace(task, opens=opens, advice=None if opens else task.advice)
    return task


def task_row(connection: Connection, study: Study, ids: Sequence[str], image_id: str, arm: str) -> Row[Any]:
    """Return the row of a reader's case, with what was assigned.

    Raises:
        ReviewError: It was not assigned to them in this arm.
    """
    of_arm = (of_case(study.study_id, image_id), TASKS.c.arm == arm)
    row = connection.execute(
        _tasks(study, ids).where(*of_arm).order_by(TASKS.c.position).limit(1)
    ).one_or_none()
    if row is None:
        raise ReviewError(
            _("The case {image_id} was not assigned to this reader to be read {arm} in “{study}”").format(
                image_id=image_id[:12], arm=arm, study=isolated(study.name)
            ),
            _("Reload the page, and read the case that it shows"),
        )
    return row


def _tasks(study: Study, ids: Sequence[str]) -> Select[Any]:
    """Select the cases of a reader with what a screen needs of them."""
    examined = (
        select(IMAGES.c.patient_id)
        .where(IMAGES.c.image_id == TASKS.c.image_id)
        .order_by(IMAGES.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    predicted = (
        PREDICTIONS.c.predicted,
        PREDICTIONS.c.probabilities,
        PREDICTIONS.c.margin,
        PREDICTIONS.c.label,
    )
    return (
        select(TASKS, ASSIGNMENTS.c.wrong, IMAGE_PLACES.c.path, examined.label("patient_id"), *predicted)
        .join(ASSIGNMENTS, ASSIGNMENTS.c.seq == TASKS.c.assignment)
        .join(IMAGE_PLACES, IMAGE_PLACES.c.image_id == TASKS.c.image_id)
        .outerjoin(PREDICTIONS, PREDICTIONS.c.seq == ASSIGNMENTS.c.prediction)
        .where(tasks_of(study), TASKS.c.reader_id.in_(ids))
    )


def _task(connection: Connection, study: Study, ids: Sequence[str], row: Row[Any]) -> Task:
    number, of = _place(connection, study, row)
    seen = row.arm == "assisted" and not blind_unread(connection, study, ids, row.image_id)
    return Task(
        study_id=study.study_id,
        image_id=row.image_id,
        arm=row.arm,
        number=number,
        of=of,
        path=Path(row.path),
        patient=row.patient_id,
        advice=advice(study, row) if seen else None,
        last=row.answer,
    )


def _place(connection: Connection, study: Study, row: Row[Any]) -> tuple[int, int]:
    """Return n and N of "n of N": by its position, where each case of the reader has one in this arm."""
    design = study.protocol.design
    # Of the cases of a concurrent design half are read blind first: they are counted among all.
    arm = "assisted" if design == "concurrent against second reader" else row.arm
    of_arm = (tasks_of(study), TASKS.c.reader_id == row.reader_id, TASKS.c.arm == arm)
    last: int = connection.execute(select(func.max(TASKS.c.position)).where(*of_arm)).scalar_one()
    return case_number(design, row.position) + 1, case_number(design, last) + 1


def advice(study: Study, row: Any) -> Advice | None:
    """Return what an assisted arm shows of a case, by the row of its assignment with its prediction."""
    if row.predicted is None:
        return None
    protocol = study.protocol
    shown = (row.predicted, tuple(row.probabilities))
    if row.wrong:
        shown = mirrored(row.probabilities, protocol.classes, row.predicted, row.margin)
    return Advice(predicted=shown[0], probabilities=shown[1], map="map" in protocol.shown)


def blind_unread(connection: Connection, study: Study, ids: Sequence[str], image_id: str) -> bool:
    """Return whether a case is to be read without the model first, and has not been."""
    unread = select(TASKS.c.position).where(
        tasks_of(study),
        of_case(study.study_id, image_id),
        TASKS.c.reader_id.in_(ids),
        TASKS.c.arm == "blind",
        TASKS.c.answer.is_(None),
    )
    return connection.scalar(unread.limit(1)) is not None


def require_blind_first(connection: Connection, study: Study, ids: Sequence[str], image_id: str) -> None:
    """Refuse to show or take anything assisted of a case that has not been read blind."""
    if blind_unread(connection, study, ids, image_id):
        raise ReviewError(
            _("This case has not been read without the prediction yet"),
            _("Answer it blind first; then the prediction is shown"),
        )


def opens_at(connection: Connection, study: Study, ids: Sequence[str]) -> datetime | None:
    """Return when the cases after the wash-out open; None before all have been read once, or where there is none."""
    blind = and_(tasks_of(study), TASKS.c.reader_id.in_(ids), TASKS.c.arm == "blind")
    if study.protocol.design != "wash-out" or _exists(connection, and_(blind, TASKS.c.answer.is_(None))):
        return None
    last = select(func.max(TASKS.c.answer)).where(blind, TASKS.c.answer.is_not(None)).scalar_subquery()
    at = connection.scalar(select(ANSWERS.c.at).where(ANSWERS.c.seq == last))
    return None if at is None else datetime.fromisoformat(at) + timedelta(days=study.protocol.wash_out_days)


def waits_until(connection: Connection, study: Study, ids: Sequence[str], now: datetime) -> datetime | None:
    """Return when a reader's cases after the wash-out open; None when they are open, or others come before them."""
    opens = opens_at(connection, study, ids)
    return opens if opens is not None and now < opens else None


def _exists(connection: Connection, where: ColumnElement[bool]) -> bool:
    return connection.scalar(select(TASKS.c.position).where(where).limit(1)) is not None


def progress(connection: Connection, people: People, study: Study) -> list[Progress]:
    """Return how far each reader is in each arm, in the order of the protocol."""
    seconds: dict[tuple[str, Arm], list[float]] = {}
    total: dict[tuple[str, Arm], int] = {}
    of_study = tasks_of(study)
    counted = select(TASKS.c.reader_id, TASKS.c.arm, func.count()).where(of_study)
    for reader_id, arm, number in connection.execute(counted.group_by(TASKS.c.reader_id, TASKS.c.arm)):
        key = (people.same[reader_id], arm)
        total[key] = total.get(key, 0) + number
    answered = select(TASKS.c.reader_id, TASKS.c.arm, ANSWERS.c.seconds)
    answered = answered.where(of_study, TASKS.c.answer.is_not(None))
    for reader_id, arm, spent in connection.execute(answered.join(ANSWERS, ANSWERS.c.seq == TASKS.c.answer)):
        seconds.setdefault((people.same[reader_id], arm), []).append(spent)
    place: Mapping[str, int] = {people.same[one]: n for n, one in enumerate(study.protocol.readers)}
    ordered = sorted(total, key=lambda key: (place.get(key[0], len(place)), key[1] != "blind", key[1]))
    return [
        Progress(
            reader=person,
            name=people.name(person),
            arm=arm,
            read=len(seconds.get((person, arm), ())),
            of=total[person, arm],
            median_seconds=statistics.median(seconds[person, arm]) if (person, arm) in seconds else None,
        )
        for person, arm in ordered
    ]


def disclosure(connection: Connection, study: Study, ids: Sequence[str]) -> list[WrongAdvice]:
    """Return the cases for which a reader was shown the other class on purpose: see `Studies.disclosure`."""
    misled = _tasks(study, ids).add_columns(ANSWERS.c.label.label("answered"))
    misled = misled.outerjoin(ANSWERS, ANSWERS.c.seq == TASKS.c.answer).where(ASSIGNMENTS.c.wrong)
    told = []
    for row in connection.execute(misled.order_by(TASKS.c.position)):
        shown = advice(study, row)
        if shown is not None:
            told.append(
                WrongAdvice(
                    image_id=row.image_id,
                    shown=shown.predicted,
                    predicted=row.predicted,
                    label=row.label,
                    answered=row.answered,
                )
            )
    return told
