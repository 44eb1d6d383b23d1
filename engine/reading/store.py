"""What is kept of runs, cases and readings, in one database: SQLite in the workspace, or PostgreSQL by URL.

Evidence is append-only: triggers refuse to change or delete a row, a correction is a new one, and each row is chained
to the one before (`ledger`). An answer is on the disk when `Store.add_review` returns. Many threads may use one store,
and several processes one database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from engine.errors import ServerAway, StoreError
from engine.in_bulk import many_records
from engine.reading import answers, cases, people as persons, row_mapping as rows, sittings
from engine.reading.accounts.accounts import Accounts
from engine.reading.answers import Given
from engine.reading.audit import Audit, audit
from engine.reading.beside import flags
from engine.reading.beside.every_row import every_row
from engine.reading.beside.flags import Flag
from engine.reading.beside.joining import settle_joined
from engine.reading.beside.taken_back import take_back
from engine.reading.case_places import Place, places_of, set_places
from engine.reading.database import Database, open_database
from engine.reading.labelling.versions import Labels
from engine.reading.ledger.anchors import Anchor
from engine.reading.ledger.chain import Head, head_of
from engine.reading.ledger.writer import Writer
from engine.reading.migrations.schema import CASES, LAST_ANSWERS, RUNS
from engine.reading.people import People, Reader
from engine.reading.queues.catalogue import QUEUES
from engine.reading.queues.walking import Walking
from engine.reading.row_mapping import RunSummary
from engine.reading.sittings import Shown, Sitting
from engine.reading.studies.studies import Studies
from engine.records import Part, Prediction, ProbabilityBlock, Review, Run

__all__ = ["QUEUES", "RunSummary", "Store", "open_store"]
Result = TypeVar("Result")
PATIENCE = 3.0
"""Seconds for which an answer waits for a server that is away, such as one that is being restarted."""


def open_store(database: Path | str, *, busy_seconds: float = 5.0) -> Store:
    """Open the database, made when missing, brought to the newest version when older.

    Args:
        database: A file, or a URL such as `postgresql://user:password@host/name`.
        busy_seconds: How long a write waits for another program's to end.

    Raises:
        StoreError: It is locked, read-only, damaged, written by a newer Overread, or the disk is full.
    """
    return Store(open_database(database, busy_seconds=busy_seconds))


class Store(Walking):
    """Runs, cases and reviews. Every method is one transaction and may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database.write)
        self._acquainted = persons.Acquainted()

    @property
    def read_only(self) -> bool:
        """Whether the file may only be looked at; whatever writes raises `StoreError`."""
        return self._database.looked_at

    @property
    def labels(self) -> Labels:
        """The versions of data sets' labels."""
        return Labels(self._database.read, self._append)

    @property
    def accounts(self) -> Accounts:
        """Who may sign in where a department reads."""
        return Accounts(self._database.read, self._database.write, self._people)

    @property
    def name(self) -> str:
        """Where it is, for people: the file, or the address without its password."""
        return self._database.name

    @property
    def studies(self) -> Studies:
        """Readings by a protocol."""
        return Studies(self._database, self._append, self._append_once, self._people)

    def close(self) -> None:
        """Give the connections back."""
        self._writer.close()
        self._database.close()

    def _append(self, work: Callable[[Connection], Result]) -> Result:
        """Do what appends a few rows, together with what others append at the moment."""
        with self._database.speaking():
            return self._writer.write(work)

    def _append_once(self, work: Callable[[Connection], Result]) -> Result:
        """Do what is stored once however often it is asked for; a server that is away for a moment is waited for."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._append(work)
            except ServerAway:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _people(self, connection: Connection) -> People:
        return self._database.once(connection, self._acquainted.now)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ runs

    def add_run(self, run: Run) -> None:
        """Store a finished run; storing it again changes nothing.

        Raises:
            StoreError: Another run with other classes has this id.
        """
        with self._database.write() as connection:
            known = connection.execute(select(RUNS).where(RUNS.c.run_id == run.run_id)).one_or_none()
            if known is None:
                connection.execute(RUNS.insert(), rows.run_row(run))
            elif tuple(known.classes) != run.classes:
                raise StoreError(
                    f"Run {run.run_id} is already stored with other classes ({', '.join(known.classes)})",
                    "Train again to get a new run, or use another workspace",
                )

    def run_ids(self) -> list[str]:
        """Return the runs' ids, the newest first."""
        with self._database.read() as connection:
            return list(connection.scalars(select(RUNS.c.run_id).order_by(RUNS.c.run_id.desc())))

    def runs(self) -> list[RunSummary]:
        """Return what is known of every run, the newest first."""
        with self._database.read() as connection:
            return [rows.summary(row) for row in connection.execute(cases.summaries())]

    def run(self, run_id: str) -> RunSummary:
        """Return what is known of one run.

        Raises:
            StoreError: No such run is stored.
        """
        with self._database.read() as connection:
            row = connection.execute(cases.summaries().where(RUNS.c.run_id == run_id)).one_or_none()
        if row is None:
            raise cases.no_run(run_id)
        return rows.summary(row)

    # ------------------------------------------------------------------------------------------------ cases

    def add_cases(self, run_id: str, predictions: Iterable[Prediction]) -> int:
        """Store what the machine says, all of it or nothing.

        Storing a case again replaces its prediction unless somebody has reviewed it: a review speaks of what
        was on the screen, so from then on the case stays as it was, but for where its image lies.

        Returns:
            How many cases stayed as they were because they have been reviewed.

        Raises:
            StoreError: No such run, or a prediction that does not fit its classes.
        """
        with self._database.write() as connection:
            return cases.add_cases(connection, run_id, predictions)

    def case_places(self, image_ids: Sequence[str]) -> list[Place]:
        """Return run, image and path of every case of these images, in all runs."""
        with self._database.read() as connection:
            return places_of(connection, image_ids)

    def move_cases(self, places: Sequence[Place]) -> None:
        """Write down where images lie now, by run and image, all or nothing; what was said of them stays as it is."""
        with self._database.write() as connection:
            set_places(connection, places)

    def case(self, run_id: str, image_id: str) -> Prediction:
        """Return one case.

        Raises:
            ReviewError: The run has no such case.
        """
        with self._database.read() as connection:
            return rows.prediction(cases.find_case(connection, run_id, image_id))

    def predictions(self, run_id: str, part: Part | None = None) -> list[Prediction]:
        """Return a run's cases, or those of one part, in the stable random order."""
        columns = [CASES.c[name] for name in rows.PREDICTED]
        found = select(*columns).where(CASES.c.run_id == run_id).order_by(CASES.c.position)
        if part is not None:
            found = found.where(CASES.c.part == part)
        block = ProbabilityBlock()
        with self._database.read() as connection, many_records:
            return [rows.predicted(row, block) for row in connection.execute(found)]

    def lacks_columns(self, run_id: str) -> bool:
        """Return whether it was not yet looked up what lies beside a run's cases: see `add_columns`."""
        with self._database.read() as connection:
            return cases.lacks_columns(connection, run_id)

    def add_columns(
        self, run_id: str, distances: Mapping[str, float], metas: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Add distances and other columns by image id to cases that were stored by an earlier version."""
        with self._database.write() as connection:
            cases.add_columns(connection, run_id, distances, metas)

    # ---------------------------------------------------------------------------------------------- readers

    def people(self) -> list[Reader]:
        """Return every reader, by name."""
        with self._database.read() as connection:
            return sorted(self._people(connection).readers.values(), key=lambda each: each.name.casefold())

    def find_reader(self, name: str) -> Reader | None:
        """Return the reader of a name or spelling; None where there is nobody of that name."""
        with self._database.read() as connection:
            people = self._people(connection)
            return people.readers.get(people.find(name))

    def readers_like(self, name: str) -> list[Reader]:
        """Return who may be meant by a name: those whose name differs only in how it is written."""
        with self._database.read() as connection:
            return self._people(connection).like(name)

    def add_reader(self, reader: Reader, *, another: bool = False) -> Reader:
        """Add a reader: see `engine.reading.people.add`."""
        return self._append(lambda connection: persons.add(connection, reader, another=another))

    def change_reader(self, reader: Reader) -> Reader:
        """Write down what has changed about a reader: see `engine.reading.people.change`."""
        return self._append(lambda connection: persons.change(connection, reader))

    def join_readers(self, one: str, into: str) -> Reader:
        """Say that two names are one person's: see `engine.reading.people.join`."""

        def work(connection: Connection) -> Reader:
            joined = persons.join(connection, one, into)
            settle_joined(connection, persons.people_of(connection), joined.reader_id)
            return joined

        return self._append(work)

    # --------------------------------------------------------------------------------------------- readings

    def begin_sitting(self, run_id: str, reader: str) -> Sitting:
        """Write down that a reader begins to read a run's cases.

        Raises:
            ReviewError: There is no such reader.
        """
        return self._append(
            lambda connection: sittings.begin(connection, run_id, self._people(connection).required(reader))
        )

    def end_sitting(self, sitting: Sitting) -> None:
        """Write down that a reader has left."""
        self._append(lambda connection: sittings.end(connection, sitting))

    def expose(self, sitting: Sitting, shown: Shown) -> None:
        """Write down what is about to be on a reader's screen; it is on the disk when this returns."""
        self._append(lambda connection: sittings.expose(connection, sitting, shown))

    def add_review(self, review: Review, given: Given | None = None) -> int:
        """Store an answer for good; it is on the disk when this returns.

        Args:
            review: Its `created` is set here when None.
            given: What comes with it, such as the sitting; None where nothing is known.

        Returns:
            The answer's number.

        Raises:
            ReviewError: The case or the reader is unknown, the answer contradicts itself or the screen, something is
                out of bounds, or the reader has answered the case elsewhere since it was shown.
            ServerAway: Whether it is stored is not known; given again by the same name, it is stored once.
        """
        told = given or Given()
        once = self._append if told.name is None else self._append_once
        return once(lambda connection: answers.add_answer(connection, self._acquainted, review, told))

    def take_back(
        self, run_id: str, reader: str, sitting: Sitting | None = None, *, name: str | None = None
    ) -> Review:
        """Take back a reader's newest answer to a run's cases by a new row: see `engine.reading.beside.taken_back`.

        Returns:
            The answer that was taken back.

        Raises:
            ReviewError: There is none, or no such reader.
        """

        def work(connection: Connection) -> Review:
            people = self._people(connection)
            number = take_back(connection, people, run_id, reader, sitting, name)
            return answers.review_numbered(connection, people, run_id, number)

        return (self._append if name is None else self._append_once)(work)

    def flag(
        self,
        run_id: str,
        image_id: str,
        reader: str,
        sitting: Sitting | None = None,
        *,
        flagged: bool = True,
        comment: str = "",
    ) -> Flag:
        """Flag a case, or take the flag away, by a new row: see `engine.reading.beside.flags`."""
        return self._append(
            lambda connection: flags.add_flag(
                connection,
                self._people(connection),
                run_id,
                image_id,
                reader,
                flagged=flagged,
                comment=comment,
                sitting=sitting,
            )
        )

    def flag_of(self, run_id: str, image_id: str, reader: str) -> Flag | None:
        """Return what a reader last said of setting a case aside; None where they said nothing."""
        with self._database.read() as connection:
            people = self._people(connection)
            return flags.flag_of(connection, run_id, people.ids(people.find(reader)), image_id)

    def readings(self, run_id: str, *, reader: str | None = None) -> list[dict[str, Any]]:
        """Return every row of what was said of a run's cases: see `engine.reading.beside.every_row`."""
        with self._database.read() as connection:
            return every_row(connection, self._people(connection), run_id, reader=reader)

    def reviews(
        self,
        run_id: str,
        *,
        reader: str | None = None,
        image_id: str | None = None,
        latest: bool = False,
        sitting: Sitting | None = None,
    ) -> list[Review]:
        """Return answers in the order in which they were given.

        Args:
            run_id: Of the run.
            reader: Only this reader's, under whatever spelling.
            image_id: Only of this case.
            latest: Of each reader and case only the newest.
            sitting: Only those given in it.
        """
        with self._database.read() as connection:
            people = self._people(connection)
            return answers.reviews_of(
                connection, people, run_id, reader=reader, image_id=image_id, latest=latest, sitting=sitting
            )

    def newest_answer(self, *run_ids: str) -> int:
        """Return what changes when something is said of runs' cases: see `engine.reading.answers.newest_answer`."""
        with self._database.read() as connection:
            return answers.newest_answer(connection, run_ids)

    def readers(self, run_id: str) -> list[str]:
        """Return who has read cases of a run, by name."""
        found = select(LAST_ANSWERS.c.reader_id).where(LAST_ANSWERS.c.run_id == run_id).distinct()
        with self._database.read() as connection:
            people = self._people(connection)
            return sorted(people.name(each) for each in connection.scalars(found))

    def head(self) -> Head:
        """Return the newest row of the chain."""
        with self._database.read() as connection:
            return head_of(connection)

    def audit(self, anchors: Sequence[Anchor] = ()) -> Audit:
        """Look whether any row of evidence was changed or removed: see `engine.reading.audit`."""
        with self._database.read() as connection:
            return audit(connection, anchors)
