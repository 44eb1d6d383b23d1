"""Many ask for one commit: what is refused to one is stored for the others, and of the refused one nothing is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from engine.errors import ReviewError
from engine.reading import Reader, Store, open_store
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
        assert over.wait(20)

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
        assert began.wait(20)
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
