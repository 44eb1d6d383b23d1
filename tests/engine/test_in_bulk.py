"""Promises of engine.in_bulk: nothing looks for garbage while many records are made, and afterwards all is as ever."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.data.split_file import load_split, save_split
from engine.in_bulk import many_records
from engine.reading.store import open_store
from engine.records import Sample, Split
from tests.engine.report.test_build import a_run, case


@contextmanager
def searches() -> Iterator[list[str]]:
    """Each search for garbage that begins."""
    seen: list[str] = []

    def note(phase: str, _: object) -> None:
        if phase == "start":
            seen.append(phase)

    gc.callbacks.append(note)
    try:
        yield seen
    finally:
        gc.callbacks.remove(note)


def test_nothing_looks_for_garbage_while_a_split_and_predictions_are_read(tmp_path: Path) -> None:
    run, cases = a_run(), [case(n, "opacity", (0.2, 0.8), a_run()) for n in range(3000)]
    samples = tuple(
        Sample(path=Path("/x"), image_id=f"{n}", label="opacity", patient_id="p") for n in range(3000)
    )
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="all are tested")
    save_split(split, tmp_path / "split.csv")
    with open_store(tmp_path / "a.db") as store:
        store.add_run(run)
        store.add_cases(run.run_id, cases)
        with searches() as seen:
            again, read = load_split(tmp_path / "split.csv"), store.predictions(run.run_id)
    assert again == split and {one.image_id for one in read} == {one.image_id for one in cases}
    assert len(seen) <= 2  # at the ends of both, what was put off


def test_the_search_goes_on_when_the_last_has_ended_whatever_came_of_it() -> None:
    assert gc.isenabled()
    inside, out = threading.Event(), threading.Event()

    def other() -> None:
        with many_records:
            inside.set()
            assert out.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(60)
    with pytest.raises(KeyError), many_records, many_records:
        raise KeyError
    assert not gc.isenabled()
    out.set()
    thread.join()
    assert gc.isenabled()
    gc.disable()
    try:
        with many_records:
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
