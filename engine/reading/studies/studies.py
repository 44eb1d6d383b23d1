"""The studies of a workspace, behind one object: `store.studies`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, select

from engine.errors import ReviewError
from engine.language import _
from engine.reading.ledger.chain import PROGRAM
from engine.reading.migrations.schema import ANSWERS, ASSIGNMENTS
from engine.reading.people import People
from engine.reading.sittings import Sitting
from engine.reading.studies import answering, exporting, reading_order, settling
from engine.reading.studies.looking import Looking
from engine.reading.studies.making import Making
from engine.reading.studies.planning import assigning, registry
from engine.reading.studies.planning.adding import assignments_of
from engine.reading.studies.planning.clock import SetBack
from engine.reading.studies.planning.designs import Arm
from engine.reading.studies.planning.records import (
    Certificate,
    Disagreement,
    Progress,
    Study,
    StudyAnswer,
    WrongAdvice,
)


class Studies(Making, Looking):
    """Studies that have a protocol. Readers are given by id or name, studies by id or name."""

    def all(self) -> list[Study]:
        """Return every study, in the order in which they were made."""
        with self._database.read() as connection:
            return registry.every(connection)

    def get(self, name: str) -> Study:
        """Return a study by its id, the start of one, or its name.

        Raises:
            ReviewError: There is none.
        """
        with self._database.read() as connection:
            return registry.find(connection, name)

    def images(self, study_id: str) -> list[str]:
        """Return the ids of a study's cases."""
        with self._database.read() as connection:
            return assigning.assigned_images(connection, registry.find(connection, study_id))

    def secret(self, study_id: str) -> str:
        """Return what the database alone knows of a study and never tells: the same each time, 32 hexadecimal digits.

        It rests on the random id of the row that first gave the study its cases.
        """
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            first = select(ASSIGNMENTS.c.id, ASSIGNMENTS.c.hash).where(assignments_of(study))
            row = connection.execute(first.order_by(ASSIGNMENTS.c.seq).limit(1)).first()
        told = f"numbers {study.study_id} {tuple(row) if row else ()}"
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def set_back(self, study_id: str) -> tuple[SetBack, ...]:
        """Return where the clock of the computer was set back while a study, its protocol fixed, was not closed."""
        with self._database.read() as connection:
            return registry.set_back(connection, registry.find(connection, study_id))

    def note(self, study_id: str, reason: str, *, author: str = PROGRAM) -> Study:
        """Write down what departed from a fixed protocol without changing it.

        Raises:
            ReviewError: The protocol is not fixed yet, the study is closed, or it is not said what happened.
        """
        return self._append(
            lambda connection, people: registry.note(
                connection, registry.find(connection, study_id), reason, author=author
            )
        )

    def lock(self, study_id: str, *, author: str = PROGRAM) -> Study:
        """Fix the protocol before the first reading does: a change from now on is a deviation."""
        return self._append(
            lambda connection, people: registry.mark(
                connection, registry.find(connection, study_id), "locked", author=author
            )
        )

    def close(self, study_id: str, *, author: str = PROGRAM) -> Study:
        """End a study for good: nothing can be added to it, and wrong advice is disclosed."""
        return self._append(
            lambda connection, people: registry.mark(
                connection, registry.find(connection, study_id), "closed", author=author
            )
        )

    # ------------------------------------------------------------------------------------- what came of it

    def progress(self, study_id: str) -> list[Progress]:
        """Return how far each reader is in each arm."""
        with self._database.read() as connection:
            return reading_order.progress(
                connection, self._people(connection), registry.find(connection, study_id)
            )

    def answers(self, study_id: str, *, arm: Arm | None = None, latest: bool = True) -> list[StudyAnswer]:
        """Return answers in the order in which they were given.

        Args:
            study_id: Of the study.
            arm: Only of this one.
            latest: Only those that stand: of each reader, case and arm the last that was not taken back, and that was
                given before more had been seen than the arm shows, if there is one.
        """
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            return answering.answers_of(connection, self._people(connection), study, arm=arm, latest=latest)

    def exposures(self, study_id: str) -> dict[int, Certificate]:
        """Return what had been on the reader's screen of the case before each answer, by the answer's number."""
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            found = select(ANSWERS).where(ANSWERS.c.study_id == study.study_id).order_by(ANSWERS.c.seq)
            answers = connection.execute(found).all()
            return answering.certificates(connection, self._people(connection), study, answers)

    def wanted(self, study_id: str) -> Mapping[str, int]:
        """Return how many readers are to read each case that was answered, in the arm of the consensus."""
        with self._database.read() as connection:
            return settling.wanted(connection, registry.find(connection, study_id))

    def disagreements(self, study_id: str) -> list[Disagreement]:
        """Return the cases on which the readers do not agree, settled or not, with their readings, anonymised."""
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            return settling.disagreements(connection, self._people(connection), study)

    def dispute(self, sitting: Sitting, image_id: str) -> Disagreement:
        """Return the readings of one case to the adjudicator; that they were shown is written down first.

        Raises:
            ReviewError: Somebody else asks, or the readers do not disagree on the case.
        """

        def work(connection: Connection, people: People) -> Disagreement:
            study = registry.find(connection, sitting.study_id)
            return settling.dispute(connection, people, study, sitting, image_id)

        return self._append(work)

    def consensus(
        self, study_id: str, *, indeterminate: Literal["excluded", "positive", "negative"] | None = None
    ) -> dict[str, str | None]:
        """Return what each case is that all its readers have read: by the protocol's rule, or as it was settled.

        None where they do not agree. `indeterminate` takes the place of what the protocol lets them count as.
        """
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            if indeterminate is not None:
                study = replace(study, protocol=replace(study.protocol, indeterminate=indeterminate))
            return settling.consensus_of(connection, self._people(connection), study)

    def export(self, study_id: str, folder: Path) -> list[Path]:
        """Write a study as files, at any time: answers.csv, cases.csv, protocol.json and data-dictionary.csv.

        Every answer ever given is a row, with what had been on the screen before it, and whether it counts.

        Raises:
            WorkspaceError: The folder cannot be written to.
        """
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            return exporting.export(connection, self._people(connection), study, folder)

    def disclosure(self, study_id: str, reader: str) -> list[WrongAdvice]:
        """Return the cases for which a reader was shown the other class on purpose.

        Raises:
            ReviewError: The study is not closed.
        """
        with self._database.read() as connection:
            people = self._people(connection)
            study = registry.find(connection, study_id)
            if study.state != "closed":
                raise ReviewError(
                    _("Which advice was wrong on purpose is disclosed when the study is closed"),
                    _("Close it first"),
                    option="overread study close",
                    fields=("Studies",),
                )
            ids = people.ids(registry.person_of(people, reader))
            return reading_order.disclosure(connection, study, ids)
