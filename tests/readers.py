"""Readers whom tests, and the benchmarks that stand on them, let read."""

from engine.reading.people import Reader
from engine.reading.store import Store


def with_readers(store: Store, *names: str) -> Store:
    """Add readers, and return the store."""
    for name in names or ("Ada", "Ben"):
        store.add_reader(Reader(reader_id="", name=name))
    return store
