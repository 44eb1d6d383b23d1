"""Many ask for one commit: what is refused to one is stored for the others, and of the refused one nothing is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from engine.errors import ReviewError, StoreError
from engine.reading import Reader, Store, open_store
from engine.reading.ledger.writer import MOST_AT_ONCE, Writer
from engine.reading.people import add


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    with open_store(database) as store:
        yield store


def test_of_many_in_one_commit_the_refused_alone_is_not_stored(store: Store) -> None:
    began, over = threading.Event(), threading.Event()
    tried: list[str] = []

    def hold(connection: Connection) -> None:
        began.set()
        assert over.wait(60)

    def introduce(name: str, *, refused: bool = False) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            tried.append(name)
            add(connection, Reader(reader_id="", name=name), another=False)
            if refused:
                raise ReviewError(f"{name} is refused", "Ask another")
            return len(store._people(connection).readers)

        return work

    store.add_reader(Reader(reader_id="", name="Zoe"))
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(store._append, hold)
        assert began.wait(60)
        asked = [
            threads.submit(store._append, introduce(name, refused=name == "Ben"))
            for name in ("Ada", "Ben", "Cleo")
        ]
        while store._writer._asked.qsize() < len(asked):
            over.wait(0.01)
        over.set()
        first.result()
        with pytest.raises(ReviewError, match="Ben is refused"):
            asked[1].result()
        assert {asked[0].result(), asked[2].result()} == {2, 3}
    assert len(tried) > len(asked), "they shared a transaction, which was done once more for the others"
    assert [each.name for each in store.people()] == ["Ada", "Cleo", "Zoe"]
    assert not store.audit().found
    with store._database.read() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM readers")) == 3


class Held:
    """A writer whose first work waits, so that what is asked for meanwhile is done at once."""

    def __init__(self, store: Store) -> None:
        self.sizes: list[int] = []
        """How many works each transaction did."""
        self.ends_with: StoreError | None = None
        self._store = store
        self._began, self._over = threading.Event(), threading.Event()
        self.writer = Writer(self._transaction)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._store._database.write() as connection:
            self.sizes.append(0)
            yield connection
            if self.ends_with is not None:
                raise self.ends_with

    def work(self, connection: Connection) -> int:
        self.sizes[-1] += 1
        return int(connection.scalar(text("SELECT COUNT(*) FROM readers")) or 0)

    def _hold(self, connection: Connection) -> None:
        self._began.set()
        assert self._over.wait(60)

    def asked_together(self, threads: ThreadPoolExecutor, number: int) -> list[Future[Any]]:
        """Ask for so many works while the first one waits, then let all of them go on."""
        threads.submit(self.writer.write, self._hold)
        assert self._began.wait(60)
        asked = [threads.submit(self.writer.write, self.work) for _ in range(number)]
        while self.writer._asked.qsize() < number:
            self._over.wait(0.01)
        self.sizes.clear()
        self._over.set()
        return asked


def test_as_many_as_ask_meanwhile_are_done_together_up_to_a_hundred(store: Store) -> None:
    held = Held(store)
    with ThreadPoolExecutor(252) as threads:
        asked = held.asked_together(threads, 250)
        assert {one.result() for one in asked} == {0}
    assert MOST_AT_ONCE == 100 and [size for size in held.sizes if size] == [100, 100, 50]
    held.writer.close()


def test_what_was_asked_for_before_the_end_is_done_and_the_writer_may_be_asked_again(store: Store) -> None:
    held = Held(store)
    with ThreadPoolExecutor(8) as threads:
        held.writer.write(held.work)
        thread = held.writer._thread
        asked = held.asked_together(threads, 3)
        held.writer.close()
        assert thread is not None and not thread.is_alive() and thread.daemon and thread.name == "writer"
        assert [one.result(20) for one in asked] == [0, 0, 0]
    held.writer.close()  # which is closed already
    assert held.writer.write(held.work) == 0 and held.writer._thread is not None
    held.writer.close()


def test_each_of_several_whose_commit_fails_hears_of_it_by_an_error_of_its_own(store: Store) -> None:
    held = Held(store)
    with ThreadPoolExecutor(8) as threads:
        held.ends_with = StoreError("The disk is full", "Free some space")
        asked = held.asked_together(threads, 3)
        errors = [one.exception(20) for one in asked]
    assert [str(one) for one in errors] == [str(held.ends_with)] * 3
    assert len({id(one) for one in (*errors, held.ends_with)}) == 4
    held.writer.close()
