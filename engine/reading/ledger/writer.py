"""Group commit: one thread writes what many ask for in one transaction, and answers when all of it is on the disk.

Fifty readers who each commit wait for each other's disk; here those who ask while one commit is under way share the
next. What is refused to one is not refused to all: all of it is undone then, and done once more, each one's work under
a savepoint. Savepoints for all would be a fifth of what a write takes of a processor, and hardly any answer is refused.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from engine.errors import StoreError

Result = TypeVar("Result")
Work = Callable[[Connection], Any]
Outcome = tuple[Any, BaseException | None]
"""What a work returned, or what it raised."""
Tried = Callable[[Connection, Work], Outcome]
MOST_AT_ONCE = 100


class Writer:
    """The one thread of a store that appends.

    Args:
        transaction: Opens a write transaction; all of it is on the disk when it ends, or none.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self._asked: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work inside a transaction, and return its result once that is on the disk.

        Raises:
            Exception: What the work or the transaction raised; nothing of the work is stored then.
        """
        done: Future[Result] = Future()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            self._asked.put((work, done))
        return done.result()

    def close(self) -> None:
        """End the thread when all that was asked for is done."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._asked.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            batch, last = [asked], False
            while len(batch) < MOST_AT_ONCE and not last:
                try:
                    another = self._asked.get_nowait()
                except Empty:
                    break
                last = another is None
                batch += [another] if another is not None else []
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: list[tuple[Work, Future[Any]]]) -> None:
        try:
            try:
                results = self._done(batch, _together)
            except _RefusedError as refused:
                if len(batch) == 1:
                    raise refused.error from None
                results = self._done(batch, _apart)
        except BaseException as error:  # noqa: BLE001  whoever asked must hear of it, whatever it is
            for _, done in batch:
                done.set_exception(_own(error))
            return
        for (_, done), (result, failure) in zip(batch, results, strict=True):
            if failure is None:
                done.set_result(result)
            else:
                done.set_exception(failure)

    def _done(self, batch: list[tuple[Work, Future[Any]]], tried: Tried) -> list[Outcome]:
        """Do all of it in one transaction; it is on the disk when this returns."""
        with self._transaction() as connection:
            return [tried(connection, work) for work, _ in batch]


class _RefusedError(Exception):
    """One work of several is refused; nothing of any was stored."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _together(connection: Connection, work: Work) -> Outcome:
    """Do one work; what it raises undoes the whole transaction."""
    try:
        return work(connection), None
    except OperationalError:  # a full disk, a lost server: no second try would do better
        raise
    except Exception as error:
        raise _RefusedError(error) from error


def _apart(connection: Connection, work: Work) -> Outcome:
    """Do one work under a savepoint; what it raised undoes its own rows and no others."""
    savepoint = connection.begin_nested()
    try:
        result = work(connection)
        savepoint.commit()
        return result, None
    except OperationalError:  # SQLite has undone the whole transaction by then
        raise
    except Exception as error:  # noqa: BLE001  raised again where the work was asked for
        savepoint.rollback()
        return None, error


def _own(error: BaseException) -> BaseException:
    """Return an error of its own for each who asked: each adds its own traceback."""
    return copy.copy(error) if isinstance(error, StoreError) else error
