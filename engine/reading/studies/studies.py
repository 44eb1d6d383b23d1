"""The studies of a workspace, behind one object: `store.studies`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import sleep
from typing import Literal, TypeVar

from sqlalchemy import Connection, select

from engine.errors import ReviewError
from engine.reading.case_places import batches
from engine.reading.ledger.chain import AT_ONCE, PROGRAM
from engine.reading.migrations.schema import ANSWERS, TASKS
from engine.reading.people import People
from engine.reading.sittings import Sitting
from engine.reading.studies import answering, exporting, reading_order, settling
from engine.reading.studies.looking import Looking
from engine.reading.studies.planning import assigning, registry
from engine.reading.studies.planning.designs import Arm
from engine.reading.studies.planning.drawing import draw
from engine.reading.studies.planning.protocol import Drawn, Protocol, as_stored, protocol_from
from engine.reading.studies.planning.records import (
    Certificate,
    Disagreement,
    Progress,
    Study,
    StudyAnswer,
    WrongAdvice,
)
from engine.reading.studies.reading import Reading
from engine.records import Sample

Item = TypeVar("Item")
Result = TypeVar("Result")
BREATH = 0.02
"""Seconds between two transactions of many: another program that waits for the same file asks that often."""


class Studies(Reading, Looking):
    """Studies that have a protocol. Readers are given by id or name, studies by id or name."""

    # ------------------------------------------------------------------------------------------ the study

    def create(
        self,
        protocol: Protocol,
        *,
        samples: Iterable[Sample] = (),
        image_ids: Collection[str] | None = None,
        author: str = PROGRAM,
    ) -> Study:
        """Make a study: its cases are drawn and given to each reader in an order of their own.

        Who reads what is written down first, in many transactions, and last of all that there is such a study: before
        that nobody sees anything of it, and what was written of one that was not finished belongs to none.

        Args:
            protocol: Classes and positive class may be left empty where there is a run, which tells them.
            samples: The images of a data set; not needed where the protocol names a run.
            image_ids: Only these, where cases were chosen by id.
            author: A reader's id, where somebody is signed in.

        Raises:
            ReviewError: The protocol contradicts itself, or there are too few cases of a kind.
            StoreError: There is no such run, or it has not predicted what is to be shown.
        """
        with self._database.read() as connection:
            people = self._people(connection)
            if protocol.run_id is not None:
                protocol = assigning.with_classes_of_run(connection, protocol)
                found = assigning.of_run(connection, protocol.run_id or "")
            else:
                found = assigning.of_samples(samples)
            protocol = _normal(people, protocol)
            registry.check(connection, people, protocol)
            ids, drawn = draw(
                assigning.candidates(found),
                protocol.drawn,
                positive=protocol.positive,
                seed=protocol.seed,
                listed=image_ids,
            )
            protocol = replace(protocol, drawn=drawn)
            predictions = assigning.predictions_of(connection, protocol, ids)
        wrong, study_id = assigning.to_mislead(found, ids, protocol), uuid.uuid4().hex
        self._in_turns(ids, lambda connection, some: assigning.keep_images(connection, found, some))
        for reader_id in protocol.readers:
            told = assigning.assignments(
                study_id, protocol, ids, wrong=wrong, reader_id=reader_id, predictions=predictions
            )
            tasks = self._in_turns(
                told, lambda connection, some: assigning.write_assignments(connection, some, author=author)
            )
            given = sorted((each for some in tasks for each in some), key=lambda each: each["position"])
            self._in_turns(given, assigning.write_tasks)

        def register(connection: Connection, people: People) -> Study:
            registry.check(connection, people, protocol)  # once more: meanwhile others may have made one
            return registry.add(connection, protocol, study_id=study_id, author=author)

        return self._append(register)

    def _in_turns(
        self, items: Sequence[Item], work: Callable[[Connection, list[Item]], Result]
    ) -> list[Result]:
        """Write very many rows in transactions of tenths of a second, between which others write theirs."""
        done = []
        for some in batches(items, AT_ONCE):
            done.append(self._append(partial(_without_people, work, some)))
            sleep(BREATH)
        return done

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
            return assigning.assigned_images(connection, registry.find(connection, study_id).study_id)

    def change(self, study_id: str, protocol: Protocol, reason: str = "", *, author: str = PROGRAM) -> Study:
        """Change the protocol; once it is fixed this is a deviation, and needs a reason. New readers get the cases.

        Raises:
            ReviewError: See `engine.reading.studies.planning.registry.change`.
        """
        with self._database.write() as connection:
            people = self._people(connection)
            study = registry.find(connection, study_id)
            after = registry.change(
                connection, people, study, _normal(people, protocol), reason, author=author
            )
            known = set(
                connection.scalars(
                    select(TASKS.c.reader_id).where(TASKS.c.study_id == study.study_id).distinct()
                )
            )
            new = [one for one in after.protocol.readers if one not in known]
            if new:
                assigning.assign(
                    connection,
                    study.study_id,
                    after.protocol,
                    assigning.assigned_images(connection, study.study_id),
                    wrong=assigning.misled_images(connection, study.study_id),
                    readers=new,
                    author=author,
                )
            return after

    def add_cases(
        self,
        study_id: str,
        image_ids: Collection[str],
        reason: str = "",
        *,
        samples: Iterable[Sample] = (),
        author: str = PROGRAM,
    ) -> Study:
        """Add cases, which each reader gets after those they have; a deviation once the protocol is fixed.

        Args:
            study_id: Of the study.
            image_ids: The cases.
            reason: Why; may be empty in a draft.
            samples: The images of the data set; not needed where the protocol names a run.
            author: A reader's id, where somebody is signed in.

        Raises:
            ReviewError: They are in the study already, or are not there.
        """
        with self._database.write() as connection:
            study = registry.find(connection, study_id)
            protocol = study.protocol
            assigning.refuse_twice(connection, study.study_id, image_ids)
            found = (
                assigning.of_run(connection, protocol.run_id)
                if protocol.run_id
                else assigning.of_samples(samples)
            )
            ids, _ = draw(
                assigning.candidates(found),
                Drawn(rule="filter"),
                positive=protocol.positive,
                seed=protocol.seed,
                listed=image_ids,
            )
            before = assigning.assigned_images(connection, study.study_id)
            assigning.keep_images(connection, found, ids)
            after = registry.change(
                connection,
                self._people(connection),
                study,
                replace(protocol, drawn=assigning.with_cases(connection, protocol, [*before, *ids])),
                reason,
                author=author,
                may_change=("drawn",),
            )
            assigning.assign(
                connection,
                study.study_id,
                after.protocol,
                ids,
                wrong=assigning.to_mislead(found, ids, protocol),
                readers=after.protocol.readers,
                author=author,
            )
            return after

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
                    "Which advice was wrong on purpose is disclosed when the study is closed",
                    "Close it first: overread study close",
                )
            ids = people.ids(registry.person_of(people, reader))
            return reading_order.disclosure(connection, study, ids)


def _without_people(
    work: Callable[[Connection, list[Item]], Result], some: list[Item], connection: Connection, people: People
) -> Result:
    return work(connection, some)


def _normal(people: People, protocol: Protocol) -> Protocol:
    """Return a protocol as it comes back from its row, with readers by their ids."""
    named = replace(
        protocol,
        readers=tuple(registry.person_of(people, one) for one in protocol.readers),
        adjudicator=protocol.adjudicator and registry.person_of(people, protocol.adjudicator),
    )
    return protocol_from(as_stored(named))
