"""What a store answers about queues: how many cases, which is next, where a reader stopped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Connection, func, select

from engine.reading import cases, row_mapping as rows
from engine.reading.beside.same_patient import OfPatient, of_patient
from engine.reading.database import Database
from engine.reading.migrations.schema import PLACES, SEARCHED
from engine.reading.people import People
from engine.reading.queues.catalogue import Queue, name_of, queue_of, search
from engine.reading.queues.view import Asked, View
from engine.records import Prediction, Whence


class Walking:
    """The part of a store that walks along queues; every method is one transaction, or in that of `one_state`."""

    _database: Database
    _append: Callable[[Callable[[Connection], None]], None]
    _people: Callable[[Connection], People]

    def one_state(self) -> AbstractContextManager[None]:
        """See `Database.one_state`."""
        return self._database.one_state()

    def searched(self, run_id: str, typed: str) -> Queue:
        """Return the queue of the cases that fit what was typed: see `search`.

        A column of the data may hold the label in other words. Where what is looked for in one of them finds several
        cases, all of one label in a run that has more, who sees that a case is among them has seen its label.

        Raises:
            ReviewError: Nothing was typed, or too much.
        """
        queue = search(typed)
        by_column = [term.condition() for term in queue.terms if term.column == "meta"]
        if not by_column:
            return queue
        labels = SEARCHED.c.label.distinct()
        of_run = (SEARCHED.c.run_id == run_id, SEARCHED.c.label != "")
        counted = select(func.count(), func.count(labels)).where(*of_run)
        with self._database.read() as connection:
            _, all_labels = connection.execute(counted).one()
            found = [connection.execute(counted.where(each)).one() for each in by_column]
        return replace(queue, one_label=any(fit > 1 and of == 1 < all_labels for fit, of in found))

    def count(self, run_id: str, queue: str | Queue, reader: str, part: Whence | None = None) -> int:
        """Return how many cases a queue holds."""
        with self._database.read() as connection:
            return int(connection.scalar(*self._view(connection, run_id, queue, reader, part).count()) or 0)

    def place(
        self, run_id: str, queue: str | Queue, reader: str, image_id: str, part: Whence | None = None
    ) -> int:
        """Return n of "n of N": how many of the queue's cases come up to and including this one."""
        with self._database.read() as connection:
            anchor = cases.find_case(connection, run_id, image_id)
            return int(
                connection.scalar(*self._view(connection, run_id, queue, reader, part).count(anchor)) or 0
            )

    def first(
        self, run_id: str, queue: str | Queue, reader: str, part: Whence | None = None
    ) -> Prediction | None:
        """Return the first case of a queue; None when it is empty."""
        with self._database.read() as connection:
            return _only(connection, self._view(connection, run_id, queue, reader, part).page(None, 1))

    def nth(
        self, run_id: str, queue: str | Queue, reader: str, number: int, part: Whence | None = None
    ) -> Prediction | None:
        """Return the n-th case of a queue, counted from 1; None where it has not so many."""
        if number < 1:
            return None
        with self._database.read() as connection:
            view = self._view(connection, run_id, queue, reader, part)
            return _only(connection, view.page(None, 1, skip=number - 1))

    def next(
        self, run_id: str, queue: str | Queue, reader: str, after: str | None, part: Whence | None = None
    ) -> Prediction | None:
        """Return the case after the one shown (an image id); None at the end.

        "not yet read" ends when nothing is left: cases that were passed over come round again.
        """
        return next(iter(self.following(run_id, queue, reader, after, part, k=1)), None)

    def following(
        self,
        run_id: str,
        queue: str | Queue,
        reader: str,
        after: str | None,
        part: Whence | None = None,
        *,
        k: int,
        around: bool = True,
    ) -> list[Prediction]:
        """Return the case that `next` returns and those after it, up to k: none at the end.

        Without `around` no case comes round again.
        """
        with self._database.read() as connection:
            view = self._view(connection, run_id, queue, reader, part)
            anchor = cases.find_case(connection, run_id, after) if after else None
            found = connection.execute(*view.page(anchor, k)).all()
            if around and not found and anchor is not None and view.queue.unread:
                found = connection.execute(*view.page(None, k)).all()
            return [rows.prediction(row) for row in found]

    def previous(
        self, run_id: str, queue: str | Queue, reader: str, before: str, part: Whence | None = None
    ) -> Prediction | None:
        """Return the case before the one shown; None at the start. Of "not yet read": read or not."""
        with self._database.read() as connection:
            anchor = cases.find_case(connection, run_id, before)
            return _only(
                connection, self._view(connection, run_id, queue, reader, part).page_before(anchor, 1)
            )

    def upcoming(
        self,
        run_id: str,
        queue: str | Queue,
        reader: str,
        after: str | None,
        part: Whence | None = None,
        k: int = 3,
    ) -> list[Prediction]:
        """Return the next k cases, to be fetched before they are asked for."""
        with self._database.read() as connection:
            anchor = cases.find_case(connection, run_id, after) if after else None
            page = self._view(connection, run_id, queue, reader, part).page(anchor, k)
            return [rows.prediction(row) for row in connection.execute(*page)]

    def of_patient(self, run_id: str, image_id: str) -> OfPatient:
        """Return the other images of a case's patient among the cases of its run, the nearest prior one first.

        Raises:
            ReviewError: The run has no such case.
        """
        with self._database.read() as connection:
            return of_patient(connection, run_id, image_id)

    def progress(self, run_id: str, reader: str, part: Whence | None = None) -> tuple[int, int]:
        """Return how many cases the reader has spoken on, and how many there are."""
        total = self.count(run_id, "all", reader, part)
        return total - self.count(run_id, "not yet read", reader, part), total

    def bookmark(self, run_id: str, queue: str | Queue, reader: str, image_id: str) -> None:
        """Remember the case that a reader has on the screen."""

        def work(connection: Connection) -> None:
            reader_id = self._people(connection).required(reader)
            cases.find_case(connection, run_id, image_id)
            keys = ("run_id", "reader_id", "queue")
            connection.execute(
                rows.writing(connection.dialect.name, PLACES, keys, ("image_id",)),
                {"run_id": run_id, "queue": name_of(queue), "reader_id": reader_id, "image_id": image_id},
            )

        self._append(work)

    def resume(
        self, run_id: str, queue: str | Queue, reader: str, part: Whence | None = None
    ) -> Prediction | None:
        """Return the case to go on with: the bookmarked one while in the queue, else the next or first."""
        with self._database.read() as connection:
            view = self._view(connection, run_id, queue, reader, part)
            marked = select(PLACES.c.image_id).where(
                PLACES.c.run_id == run_id,
                PLACES.c.queue == name_of(queue),
                PLACES.c.reader_id == view.reader_id,
            )
            image_id = connection.scalar(marked)
            if image_id is None:
                return _only(connection, view.page(None, 1))
            anchor = cases.find_case(connection, run_id, image_id)
            if connection.scalar(*view.holds(image_id)):
                return rows.prediction(anchor)
            return _only(connection, view.page(anchor, 1)) or _only(connection, view.page(None, 1))

    def _view(
        self, connection: Connection, run_id: str, queue: str | Queue, reader: str, part: Whence | None
    ) -> View:
        reader_id = self._people(connection).find(reader)
        return View(queue=queue_of(queue), run_id=run_id, reader_id=reader_id, part=part)


def _only(connection: Connection, page: Asked) -> Prediction | None:
    row = connection.execute(*page).one_or_none()
    return None if row is None else rows.prediction(row)
