"""What is kept of runs, cases and reviews, in one database: SQLite in the workspace, or PostgreSQL by URL.

Reviews are append-only: triggers refuse to change or delete one, a correction is a new row. A review is on
the disk when `Store.add_review` returns. Many threads may use one store, and several processes one database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from engine.errors import ReviewError, StoreError
from engine.reading import row_mapping as rows
from engine.reading.case_places import Place, batches, places_of, set_places
from engine.reading.database import Database, open_database
from engine.reading.migrations.schema import BOOKMARKS, CASES, READINGS, REVIEWS, RUNS
from engine.reading.queues import QUEUES, View
from engine.reading.row_mapping import RunSummary
from engine.reading.validation import checked
from engine.records import Part, Prediction, Review, Run

__all__ = ["QUEUES", "RunSummary", "Store", "open_store"]


def open_store(database: Path | str, *, busy_seconds: float = 5.0) -> Store:
    """Open the database, made when missing, brought to the newest version when older.

    Args:
        database: A file, or a URL such as `postgresql+psycopg://user:password@host/name`.
        busy_seconds: How long a write waits for another program's to end.

    Raises:
        StoreError: It is locked, read-only, damaged, written by a newer Overread, or the disk is full.
    """
    return Store(open_database(database, busy_seconds=busy_seconds))


class Store:
    """Runs, cases and reviews. Every method is one transaction and may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def read_only(self) -> bool:
        """Whether the file may only be looked at; whatever writes raises `StoreError`."""
        return self._database.looked_at

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

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
            return [rows.summary(row) for row in connection.execute(_summaries())]

    def run(self, run_id: str) -> RunSummary:
        """Return what is known of one run.

        Raises:
            StoreError: No such run is stored.
        """
        with self._database.read() as connection:
            row = connection.execute(_summaries().where(RUNS.c.run_id == run_id)).one_or_none()
        if row is None:
            raise _no_run(run_id)
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
        kept = 0
        with self._database.write() as connection:
            run = _run(connection, run_id)
            insert = _upsert(connection, CASES)
            replaced = {
                column.name: insert.excluded[column.name] for column in CASES.c if not column.primary_key
            }
            # Named as text: inside ON CONFLICT the table that is written to would be joined in a second time.
            reviewed = exists().where(
                REVIEWS.c.run_id == literal_column("cases.run_id"),
                REVIEWS.c.image_id == literal_column("cases.image_id"),
            )
            upsert = insert.on_conflict_do_update(
                index_elements=["run_id", "image_id"], set_=replaced, where=~reviewed
            )
            for batch in batches(predictions, 2000):
                values = [rows.case_row(run, prediction) for prediction in batch]
                names = [row["image_id"] for row in values]
                of_batch = (REVIEWS.c.run_id == run_id, REVIEWS.c.image_id.in_(names))
                locked = select(REVIEWS.c.image_id).where(*of_batch).distinct()
                stay = set(connection.scalars(locked))
                kept += len(stay)
                connection.execute(upsert, values)
                # Where an image lies is no part of what was on the screen: its id says that it is the same one.
                set_places(connection, [(run_id, p.image_id, p.path) for p in batch if p.image_id in stay])
        return kept

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
            return rows.prediction(_case(connection, run_id, image_id))

    def predictions(self, run_id: str, part: Part | None = None) -> list[Prediction]:
        """Return a run's cases, or those of one part, in the stable random order."""
        found = select(CASES).where(CASES.c.run_id == run_id).order_by(CASES.c.position)
        if part is not None:
            found = found.where(CASES.c.part == part)
        with self._database.read() as connection:
            return [rows.prediction(row) for row in connection.execute(found)]

    # ---------------------------------------------------------------------------------------------- reviews

    def add_review(self, review: Review, *, shown: str | None = None) -> int:
        """Store a verdict for good; it is on the disk when this returns.

        Args:
            review: Its `created` is set here when None.
            shown: The class that the screen said was predicted; the verdict is refused when that has changed.

        Returns:
            The review's number.

        Raises:
            ReviewError: The case is unknown, the verdict contradicts itself, or something is out of bounds.
        """
        with self._database.write() as connection:
            classes = tuple(_run(connection, review.run_id).classes)
            case = _case(connection, review.run_id, review.image_id, lock=True)
            review = checked(review, predicted=case.predicted, classes=classes, shown=shown)
            inserting = REVIEWS.insert().returning(REVIEWS.c.review_id)
            inserted = connection.execute(inserting, rows.review_row(review, case)).scalar_one()
            insert = _upsert(connection, READINGS)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["run_id", "reader", "position"],
                    set_={"verdict": insert.excluded.verdict, "review_id": insert.excluded.review_id},
                ),
                rows.reading_row(review, case, inserted),
            )
        return int(inserted)

    def reviews(
        self, run_id: str, *, reader: str | None = None, image_id: str | None = None, latest: bool = False
    ) -> list[Review]:
        """Return verdicts in the order in which they were given.

        Args:
            run_id: Of the run.
            reader: Only this reader's.
            image_id: Only of this case.
            latest: Of each reader and case only the newest.
        """
        found = select(REVIEWS).where(REVIEWS.c.run_id == run_id).order_by(REVIEWS.c.review_id)
        if reader is not None:
            found = found.where(REVIEWS.c.reader == reader.strip())
        if image_id is not None:
            found = found.where(REVIEWS.c.image_id == image_id)
        if latest:
            found = found.join(READINGS, READINGS.c.review_id == REVIEWS.c.review_id).where(
                READINGS.c.run_id == run_id
            )
        with self._database.read() as connection:
            return [rows.review(row) for row in connection.execute(found)]

    def readers(self, run_id: str) -> list[str]:
        """Return who has read cases of a run, by name."""
        found = select(READINGS.c.reader).where(READINGS.c.run_id == run_id).distinct()
        with self._database.read() as connection:
            return sorted(connection.scalars(found))

    # ----------------------------------------------------------------------------------------------- queues

    def count(self, run_id: str, queue: str, reader: str, part: Part | None = None) -> int:
        """Return how many cases a queue holds."""
        with self._database.read() as connection:
            return int(connection.scalar(_view(run_id, queue, reader, part).count()) or 0)

    def place(self, run_id: str, queue: str, reader: str, image_id: str, part: Part | None = None) -> int:
        """Return n of "n of N": how many of the queue's cases come up to and including this one."""
        with self._database.read() as connection:
            anchor = _case(connection, run_id, image_id)
            return int(connection.scalar(_view(run_id, queue, reader, part).count(anchor)) or 0)

    def first(self, run_id: str, queue: str, reader: str, part: Part | None = None) -> Prediction | None:
        """Return the first case of a queue; None when it is empty."""
        with self._database.read() as connection:
            return _only(connection, _view(run_id, queue, reader, part).page(None, 1))

    def next(
        self, run_id: str, queue: str, reader: str, after: str | None, part: Part | None = None
    ) -> Prediction | None:
        """Return the case after the one shown (an image id); None at the end.

        "not yet read" ends when nothing is left: cases that were passed over come round again.
        """
        view = _view(run_id, queue, reader, part)
        with self._database.read() as connection:
            anchor = _case(connection, run_id, after) if after else None
            found = _only(connection, view.page(anchor, 1))
            if found is None and anchor is not None and view.queue.unread:
                found = _only(connection, view.page(None, 1))
            return found

    def previous(
        self, run_id: str, queue: str, reader: str, before: str, part: Part | None = None
    ) -> Prediction | None:
        """Return the case before the one shown; None at the start. Of "not yet read": read or not."""
        with self._database.read() as connection:
            anchor = _case(connection, run_id, before)
            return _only(connection, _view(run_id, queue, reader, part).page_before(anchor, 1))

    def upcoming(
        self,
        run_id: str,
        queue: str,
        reader: str,
        after: str | None,
        part: Part | None = None,
        k: int = 3,
    ) -> list[Prediction]:
        """Return the next k cases, to be fetched before they are asked for."""
        with self._database.read() as connection:
            anchor = _case(connection, run_id, after) if after else None
            page = _view(run_id, queue, reader, part).page(anchor, k)
            return [rows.prediction(row) for row in connection.execute(page)]

    def progress(self, run_id: str, reader: str, part: Part | None = None) -> tuple[int, int]:
        """Return how many cases the reader has spoken on, and how many there are."""
        total = self.count(run_id, "all", reader, part)
        return total - self.count(run_id, "not yet read", reader, part), total

    def bookmark(self, run_id: str, queue: str, reader: str, image_id: str) -> None:
        """Remember the case that a reader has on the screen."""
        values = {"run_id": run_id, "queue": queue, "reader": reader.strip(), "image_id": image_id}
        with self._database.write() as connection:
            _case(connection, run_id, image_id)
            insert = _upsert(connection, BOOKMARKS)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["run_id", "reader", "queue"], set_={"image_id": insert.excluded.image_id}
                ),
                values,
            )

    def resume(self, run_id: str, queue: str, reader: str, part: Part | None = None) -> Prediction | None:
        """Return the case to go on with: the bookmarked one while in the queue, else the next or first."""
        view = _view(run_id, queue, reader, part)
        marked = select(BOOKMARKS.c.image_id).where(
            BOOKMARKS.c.run_id == run_id, BOOKMARKS.c.queue == queue, BOOKMARKS.c.reader == view.reader
        )
        with self._database.read() as connection:
            image_id = connection.scalar(marked)
            if image_id is None:
                return _only(connection, view.page(None, 1))
            anchor = _case(connection, run_id, image_id)
            if connection.scalar(view.holds(image_id)):
                return rows.prediction(anchor)
            return _only(connection, view.page(anchor, 1)) or _only(connection, view.page(None, 1))


# ------------------------------------------------------------------------------------------- statements


def _view(run_id: str, queue: str, reader: str, part: Part | None) -> View:
    if queue not in QUEUES:
        raise StoreError(f"There is no queue named {queue!r}", f"Choose one of: {', '.join(QUEUES)}")
    return View(queue=QUEUES[queue], run_id=run_id, reader=reader.strip(), part=part)


def _summaries() -> Select[Any]:
    cases = select(func.count()).where(CASES.c.run_id == RUNS.c.run_id).scalar_subquery()
    reviews = select(func.count()).where(REVIEWS.c.run_id == RUNS.c.run_id).scalar_subquery()
    found = select(RUNS, cases.label("cases"), reviews.label("reviews"))
    return found.order_by(RUNS.c.run_id.desc())  # ids sort by time: the newest run is the same one everywhere


def _run(connection: Connection, run_id: str) -> Row[Any]:
    found = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
    if found is None:
        raise _no_run(run_id)
    return found


def _no_run(run_id: str) -> StoreError:
    return StoreError(f"The database has no run {run_id}", "Choose a run from the list, or train one")


def _case(connection: Connection, run_id: str, image_id: str, *, lock: bool = False) -> Row[Any]:
    found = select(CASES).where(CASES.c.run_id == run_id, CASES.c.image_id == image_id)
    if lock:  # SQLite has locked the whole database by then, and leaves these words out
        found = found.with_for_update()
    row = connection.execute(found).one_or_none()
    if row is None:
        raise ReviewError(
            f"Run {run_id} has no case {image_id[:12]}", "Reload the page and choose the case again"
        )
    return row


def _only(connection: Connection, page: Select[Any]) -> Prediction | None:
    row = connection.execute(page).one_or_none()
    return None if row is None else rows.prediction(row)


def _upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
