"""How a study is read: who sits down, what comes next, an answer, and an answer taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from engine.reading import sittings
from engine.reading.answers import NOT_SAID
from engine.reading.database import Database
from engine.reading.people import People
from engine.reading.sittings import Sitting
from engine.reading.studies import answering, reading_order, settling
from engine.reading.studies.planning import registry
from engine.reading.studies.planning.designs import Arm
from engine.reading.studies.planning.records import StudyAnswer, Task

Result = TypeVar("Result")
Appending = Callable[[Callable[[Connection], Any]], Any]


class Reading:
    """Reading by a protocol. Readers are given by id or name, studies by id or name.

    Args:
        database: Of the store.
        appending: The store's way to add a few rows together with what others add.
        appending_once: The same for what is stored once however often it is asked for.
        people: Returns every reader.
    """

    def __init__(
        self,
        database: Database,
        appending: Appending,
        appending_once: Appending,
        people: Callable[[Connection], People],
    ) -> None:
        self._database = database
        self._appending = appending
        self._appending_once = appending_once
        self._people = people

    def _append(self, work: Callable[[Connection, People], Result], *, name: str | None = None) -> Result:
        appending = self._appending if name is None else self._appending_once
        result: Result = appending(lambda connection: work(connection, self._people(connection)))
        return result

    def begin(self, study_id: str, reader: str) -> Sitting:
        """Write down that a reader, or the adjudicator, sits down; the first time fixes the protocol.

        Raises:
            ReviewError: They have nothing to do in this study, or it is closed.
        """

        def work(connection: Connection, people: People) -> Sitting:
            study = registry.find(connection, study_id)
            registry.refuse_closed(study)
            person = registry.person_of(people, reader)
            registry.require_part(study, people, person)
            return sittings.begin_study(connection, study.study_id, person, study.protocol.run_id or "")

        return self._append(work)

    def end(self, sitting: Sitting) -> None:
        """Write down that a reader has left."""
        self._append(lambda connection, people: sittings.end(connection, sitting))

    def next(self, study_id: str, reader: str, *, now: datetime | None = None) -> Task | None:
        """Return what a reader reads next, or the adjudicator settles next; None when nothing is left, or not yet."""
        return next(iter(self.upcoming(study_id, reader, k=1, now=now)), None)

    def upcoming(self, study_id: str, reader: str, *, k: int = 3, now: datetime | None = None) -> list[Task]:
        """Return a reader's next k cases; none has the model's advice that may not be seen yet."""
        with self._database.read() as connection:
            people = self._people(connection)
            study = self._database.once(connection, registry.find, study_id)
            person = registry.person_of(people, reader)
            registry.require_part(study, people, person)
            if registry.may_settle(study, people, person):
                return settling.to_settle(connection, people, study)[:k]
            return reading_order.upcoming(connection, people, study, person, k, now or datetime.now(UTC))

    def task(
        self, study_id: str, reader: str, image_id: str, arm: Arm, *, now: datetime | None = None
    ) -> Task:
        """Return one case of a reader, read or not.

        Raises:
            ReviewError: It is not theirs in this arm, or is to be read blind first.
        """
        with self._database.read() as connection:
            people = self._people(connection)
            study = self._database.once(connection, registry.find, study_id)
            person = registry.person_of(people, reader)
            registry.require_part(study, people, person)
            return reading_order.find_task(
                connection, people, study, person, image_id, arm, now or datetime.now(UTC)
            )

    def waits_until(self, study_id: str, reader: str, *, now: datetime | None = None) -> datetime | None:
        """Return when a reader's cases after the wash-out open; None when they are open, or others come before them."""
        with self._database.read() as connection:
            people = self._people(connection)
            ids = people.ids(registry.person_of(people, reader))
            study = registry.find(connection, study_id)
            return reading_order.waits_until(connection, study, ids, now or datetime.now(UTC))

    def answer(
        self,
        answer: StudyAnswer,
        sitting: Sitting,
        *,
        name: str | None = None,
        last: int | None = NOT_SAID,
        now: datetime | None = None,
    ) -> int:
        """Store an answer for good; it is on the disk when this returns.

        An answer that was given after more had been on the screen than its arm shows is stored as well, and
        `StudyAnswer.contaminated` says so: it does not take the place of one that was given before.

        Args:
            answer: What is said.
            sitting: In which.
            name: Made by whoever asks; an answer of this name is stored once, however often it is given.
            last: `Task.last` as the screen knew it; refused where another window has answered since.
            now: For tests.

        Returns:
            The answer's number.

        Raises:
            ReviewError: The study is closed, the case is not this reader's, the answer contradicts itself or the
                screen, or something of the protocol is not kept: blind first, the wash-out, an adjudicator's reason.
        """
        moment = now or datetime.now(UTC)

        def work(connection: Connection, people: People) -> int:
            study = registry.find(connection, answer.study_id)
            return answering.add(connection, people, study, answer, sitting, name=name, last=last, now=moment)

        return self._append(work, name=name)

    def undo(
        self,
        sitting: Sitting,
        image_id: str,
        arm: Arm,
        *,
        name: str | None = None,
        now: datetime | None = None,
    ) -> int:
        """Take a reader's last answer on a case back, by a new row; the one before it, if any, stands again.

        Raises:
            ReviewError: There is none, or more has been on the screen since than the arm shows: a blind answer stands
                once the model's has been seen.
        """
        moment = now or datetime.now(UTC)

        def work(connection: Connection, people: People) -> int:
            study = registry.find(connection, sitting.study_id)
            return answering.take_back(
                connection, people, study, sitting, image_id, arm, name=name, now=moment
            )

        return self._append(work, name=name)
