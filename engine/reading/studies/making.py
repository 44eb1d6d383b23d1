"""How a study comes to its cases and readers: made, and added to later.

Both may be very many rows. They are written in transactions of tenths of a second, between which others write theirs,
and what a program left that was killed in the middle belongs to no study.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from time import perf_counter, sleep
from typing import TypeVar

from sqlalchemy import Connection, select

from engine.errors import ReviewError
from engine.in_bulk import many_records
from engine.language import _, isolated
from engine.reading.ledger.chain import PROGRAM
from engine.reading.migrations.schema import TASKS
from engine.reading.people import People
from engine.reading.studies.planning import adding, assigning, registry
from engine.reading.studies.planning.drawing import draw
from engine.reading.studies.planning.protocol import Drawn, Protocol, as_stored, protocol_from
from engine.reading.studies.planning.records import Study
from engine.reading.studies.reading import Reading
from engine.records import Sample

Item = TypeVar("Item")
Result = TypeVar("Result")
FIRST = 2000
MOST = 40_000
"""Rows of the first transaction of many, and of any."""
LEAST = 500
"""Rows of any. On a machine so busy that these take longer than `SECONDS`, pieces would shrink to a row each, and most
of the time would go into ending transactions."""
SECONDS = 0.2
"""What one of many transactions is to take: others who write wait for it."""
BREATH = 0.02
"""Seconds between two transactions of many: another program that waits for the same file asks that often."""


class Making(Reading):
    """The part of `Studies` that gives cases to readers."""

    @many_records
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
            found = assigning.found(connection, protocol, samples)
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
            self._give(told, author=author)

        def register(connection: Connection, people: People) -> Study:
            registry.check(connection, people, protocol)  # once more: meanwhile others may have made one
            return registry.add(connection, protocol, study_id=study_id, author=author)

        return self._append(register)

    @many_records
    def change(self, study_id: str, protocol: Protocol, reason: str = "", *, author: str = PROGRAM) -> Study:
        """Change the protocol; once it is fixed this is a deviation, and needs a reason. New readers get the cases.

        Raises:
            ReviewError: See `engine.reading.studies.planning.registry.change`; or somebody else changed it meanwhile.
        """
        with self._database.read() as connection:
            people = self._people(connection)
            study = registry.find(connection, study_id)
            after = _normal(people, protocol)
            registry.refuse_change(connection, people, study, after, reason)
            known = set(
                connection.scalars(select(TASKS.c.reader_id).where(adding.tasks_of(study)).distinct())
            )
            new = [one for one in after.readers if one not in known]
            ids = assigning.assigned_images(connection, study) if new else []
            wrong = assigning.misled_images(connection, study) if new else set()
            predictions = assigning.predictions_of(connection, after, ids) if new else {}
        told = [
            assigning.assignments(
                study.study_id, after, ids, wrong=wrong, reader_id=one, predictions=predictions
            )
            for one in new
        ]
        return self._changed(study, after, reason, told, author=author)

    @many_records
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
            ReviewError: They are in the study already, or are not there; or somebody else changed it meanwhile.
        """
        with self._database.read() as connection:
            study = registry.find(connection, study_id)
            protocol = study.protocol
            before = assigning.assigned_images(connection, study)
            assigning.refuse_twice(before, image_ids)
            found = assigning.found(connection, protocol, samples)
            ids, _ = draw(
                assigning.candidates(found),
                Drawn(rule="filter"),
                positive=protocol.positive,
                seed=protocol.seed,
                listed=image_ids,
            )
            after = replace(protocol, drawn=assigning.with_cases(connection, protocol, before, found, ids))
            predictions = assigning.predictions_of(connection, after, ids)
            wrong = assigning.to_mislead(found, ids, protocol)
            told = [
                assigning.assignments(
                    study.study_id,
                    after,
                    ids,
                    wrong=wrong,
                    reader_id=one,
                    predictions=predictions,
                    after=assigning.taken(connection, study, one),
                )
                for one in after.readers
            ]
        return self._changed(
            study, after, reason, told, images=found, image_ids=ids, may_change=("drawn",), author=author
        )

    def _changed(
        self,
        study: Study,
        after: Protocol,
        reason: str,
        told: Sequence[assigning.Told],
        *,
        images: assigning.Found | None = None,
        image_ids: Sequence[str] = (),
        may_change: Sequence[str] = (),
        author: str,
    ) -> Study:
        """Give readers what they are told, and then write down the protocol by which they have it."""

        def refuse_another(connection: Connection) -> Study:
            now = registry.find(connection, study.study_id)
            if told and now.protocol != study.protocol:
                raise ReviewError(
                    _("The protocol of “{study}” was changed meanwhile, so that nothing was added").format(
                        study=isolated(study.name)
                    ),
                    _("Look at what the study has now, and try again"),
                )
            return now

        def begin(connection: Connection, people: People) -> tuple[adding.Adding, list[tuple[str, int]]]:
            now = refuse_another(connection)
            registry.refuse_change(connection, people, now, after, reason, may_change=may_change)
            left = adding.broken_off(connection, now)
            name = secrets.token_hex(16)
            registry.write(
                connection,
                study.study_id,
                now.protocol,
                adding.ADDING,
                reason=reason,
                author=author,
                name=name,
            )
            return adding.Adding(study.study_id, name), left

        def finish(connection: Connection, people: People) -> Study:
            now = refuse_another(connection)
            if one is not None:
                adding.require(connection, one)
            return registry.change(
                connection,
                people,
                now,
                after,
                reason,
                author=author,
                may_change=may_change,
                name=None if one is None else one.name + adding.DONE,
            )

        one = None
        if told:
            one, left = self._append(begin)
            self._in_turns(
                left, lambda connection, some: adding.take_away(connection, study.study_id, some), one
            )
            found = images or {}
            self._in_turns(
                image_ids, lambda connection, some: assigning.keep_images(connection, found, some), one
            )
            for each in told:
                self._give(each, one, author=author)
        return self._append(finish)

    def _give(self, told: assigning.Told, of: adding.Adding | None = None, *, author: str) -> None:
        """Write down what one reader reads, and when."""
        every = range(len(told["image_id"]))
        numbers = self._in_turns(
            every,
            lambda connection, some: assigning.write_assignments(
                connection, assigning.rows_of(told, some), author=author
            ),
            of,
        )
        tasks = assigning.tasks(told, [*chain.from_iterable(numbers)])
        self._in_turns(
            every,
            lambda connection, some: assigning.write_tasks(connection, assigning.rows_of(tasks, some)),
            of,
        )

    def _in_turns(
        self,
        items: Sequence[Item],
        work: Callable[[Connection, list[Item]], Result],
        of: adding.Adding | None = None,
    ) -> list[Result]:
        """Write very many rows in transactions of tenths of a second, between which others write theirs."""
        done, size, place = [], FIRST, 0
        while place < len(items):
            some = list(items[place : place + size])

            def piece(connection: Connection, people: People, some: list[Item] = some) -> Result:
                if of is not None:
                    adding.require(connection, of)
                return work(connection, some)

            began = perf_counter()
            done.append(self._append(piece))
            place += len(some)
            size = min(MOST, max(LEAST, round(size * min(2.0, SECONDS / (perf_counter() - began)))))
            sleep(BREATH)
        return done


def _normal(people: People, protocol: Protocol) -> Protocol:
    """Return a protocol as it comes back from its row, with readers by their ids."""
    named = replace(
        protocol,
        readers=tuple(registry.person_of(people, one) for one in protocol.readers),
        adjudicator=protocol.adjudicator and registry.person_of(people, protocol.adjudicator),
    )
    return protocol_from(as_stored(named))
