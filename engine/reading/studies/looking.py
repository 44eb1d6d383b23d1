"""What screens ask of studies beside the next case.

A case by its number, what its reader said of it, where its file lies; and before a study is made, which cases it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select

from engine.errors import ReviewError
from engine.language import _, number as write
from engine.reading.answers import regions_of
from engine.reading.beside.same_patient import OfPatient, of_patient, of_patient_in_studies
from engine.reading.database import Database
from engine.reading.migrations.schema import ANSWERS, CASES, IMAGE_PLACES, STUDIES, TASKS
from engine.reading.people import People
from engine.reading.studies import answering, reading_order
from engine.reading.studies.planning import assigning, registry
from engine.reading.studies.planning.adding import tasks_of
from engine.reading.studies.planning.complaints import check_protocol
from engine.reading.studies.planning.designs import DESIGNS, Arm
from engine.reading.studies.planning.drawing import LATER, draw, position_of
from engine.reading.studies.planning.protocol import Drawn, Protocol
from engine.reading.studies.planning.records import Study, StudyAnswer, Task
from engine.records import Sample


def _unread_blind(run_id: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a task is of a case of a run, to be read without its prediction, and was not."""
    of_run = exists().where(CASES.c.run_id == run_id, CASES.c.image_id == TASKS.c.image_id)
    return TASKS.c.answer.is_(None), TASKS.c.arm.in_(("blind", "annotation")), of_run


# Built once: building a statement takes longer than carrying it out.
_WAITING = (
    select(TASKS.c.study_id)
    .where(
        TASKS.c.reader_id.in_(bindparam("reader_ids", expanding=True)),
        *_unread_blind(bindparam("run_id")),
        # what was assigned of one not made belongs to none
        TASKS.c.study_id.in_(select(STUDIES.c.study_id)),
    )
    .distinct()
)


class Looking:
    """The part of `Studies` that changes nothing and that screens alone need."""

    _database: Database
    _people: Callable[[Connection], People]

    def preview(self, protocol: Protocol, *, samples: Iterable[Sample] = ()) -> Drawn:
        """Return which cases a study of this protocol would have, without making it: see `Studies.create`.

        Raises:
            ReviewError: The protocol contradicts itself, or there are too few cases of a kind.
        """
        with self._database.read() as connection:
            if protocol.run_id is not None:
                protocol = assigning.with_classes_of_run(connection, protocol)
            found = assigning.found(connection, protocol, samples)
            check_protocol(protocol)
            drawn_from = assigning.candidates(found)
            ids, drawn = draw(drawn_from, protocol.drawn, positive=protocol.positive, seed=protocol.seed)
            assigning.to_mislead(found, ids, protocol)
            return drawn

    def numbered(
        self, study_id: str, reader: str, number: int, *, arm: Arm | None = None, now: datetime | None = None
    ) -> Task:
        """Return a reader's case by its number, read or not.

        Args:
            study_id: Of the study.
            reader: Whose.
            number: From 1, in the reader's own order.
            arm: Of a study with a wash-out, which of the two readings; in any other the case's first that is not read
                counts, or its last.
            now: For tests.

        Raises:
            ReviewError: There is no such case, or it may not be seen yet.
        """
        with self._database.read() as connection:
            people = self._people(connection)
            study = registry.find(connection, study_id)
            person = registry.person_of(people, reader)
            ids = people.ids(person)
            arms = DESIGNS[study.protocol.design].arms
            counted = arm if study.protocol.design == "wash-out" and arm else arms[-1]
            of_arm = (tasks_of(study), TASKS.c.reader_id.in_(ids), TASKS.c.arm == counted)
            position = position_of(study.protocol.design, counted, number - 1)
            found = select(TASKS.c.image_id).where(*of_arm, TASKS.c.position == position)
            image_id = connection.scalar(found.limit(1)) if 1 <= number < LATER else None
            if image_id is None:
                raise ReviewError(
                    _("There is no case number {number}").format(number=write(number)),
                    _("Give a smaller number"),
                )
            if len(arms) > 1 and study.protocol.design != "wash-out":
                blind = reading_order.blind_unread(connection, study, ids, image_id)
                counted = "blind" if blind else "assisted"
            moment = now or datetime.now(UTC)
            return reading_order.find_task(connection, people, study, person, image_id, counted, moment)

    def blind_in(self, run_id: str, reader: str) -> str:
        """Return the name of a study in which a reader has cases of a run to read without its predictions, if any."""
        with self._database.read() as connection:
            people = self._people(connection)
            ids = people.ids(people.find(reader)) if people.find(reader) else []
            waiting = connection.scalars(_WAITING, {"run_id": run_id, "reader_ids": ids}).all()
            for study in [registry.find(connection, one) for one in waiting]:
                own = (TASKS.c.reader_id.in_(ids), *_unread_blind(run_id), tasks_of(study))
                if study.state != "closed" and connection.scalar(
                    select(TASKS.c.study_id).where(*own).limit(1)
                ):
                    return study.name
        return ""

    def of_patient(self, study_id: str, image_id: str) -> OfPatient:
        """Return the other images of a case's patient: of the study's run, or of the images that studies have.

        Raises:
            ReviewError: The protocol does not show them, or there is no such case.
        """
        with self._database.read() as connection:
            protocol = registry.find(connection, study_id).protocol
            if not protocol.same_patient:
                raise ReviewError(
                    _("By its protocol this study shows no other images of a patient"),
                    _("Read the case alone"),
                )
            if protocol.run_id is None:
                return of_patient_in_studies(connection, image_id)
            return of_patient(connection, protocol.run_id, image_id)

    def to_read_blind(self, reader: str) -> set[str]:
        """Return the images that a reader is still to read in some study without anything that is known of them."""
        with self._database.read() as connection:
            people = self._people(connection)
            ids = people.ids(people.find(reader)) if people.find(reader) else []
            unread = (TASKS.c.reader_id.in_(ids), TASKS.c.answer.is_(None))
            blind = select(TASKS.c.image_id).where(*unread, TASKS.c.arm.in_(("blind", "annotation")))
            return set(connection.scalars(blind.distinct()))

    def own(self, study_id: str, reader: str, image_id: str) -> list[StudyAnswer]:
        """Return what a reader said last of a case in each arm; what was taken back is not among it."""
        with self._database.read() as connection:
            people = self._people(connection)
            study = registry.find(connection, study_id)
            ids = people.ids(registry.person_of(people, reader))
            return _own(connection, study, ids, image_id)

    def path(self, image_id: str) -> Path:
        """Return where the file of a study's image lies.

        Raises:
            ReviewError: No study has such an image.
        """
        with self._database.read() as connection:
            found = connection.scalar(select(IMAGE_PLACES.c.path).where(IMAGE_PLACES.c.image_id == image_id))
        if found is None:
            raise ReviewError(
                _("No study has an image {image_id}").format(image_id=image_id[:12]), _("Reload the page")
            )
        return Path(found)


def _own(connection: Connection, study: Study, ids: list[str], image_id: str) -> list[StudyAnswer]:
    given = select(ANSWERS).where(
        ANSWERS.c.study_id == study.study_id, ANSWERS.c.image_id == image_id, ANSWERS.c.reader_id.in_(ids)
    )
    rows = connection.execute(given.order_by(ANSWERS.c.seq)).all()
    last = {row.arm: row for row in answering.stacked(rows)}
    drawn = regions_of(connection, list(last.values()))
    return [
        replace(answering.answer_from(row), regions=tuple(drawn.get(row.seq, ()))) for row in last.values()
    ]
