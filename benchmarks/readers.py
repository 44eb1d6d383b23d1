"""Fifty readers who answer at once: how long each waits until the answer is on the disk, and whether any is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Thread

from benchmarks.measuring import LeftOut, Row, Setting, percentile
from benchmarks.synthetic import RUN_ID, synthetic_predictions, synthetic_run
from engine.reading import Given, Reader, Store, open_store
from engine.records import Prediction, Review, Verdict
from engine.workspace import open_workspace

READERS = 50


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    workspace = open_workspace(setting.scratch / "readers")
    with open_store(workspace.database) as store:
        store.add_run(synthetic_run(workspace.runs / RUN_ID))
        cases = synthetic_predictions(5 if setting.quick else 100)
        store.add_cases(RUN_ID, cases)
        for number in range(READERS):
            store.add_reader(Reader(reader_id="", name=f"reader {number}"))
        taken: list[float] = []
        refused: list[Exception] = []
        threads = [
            Thread(target=read, args=(store, f"reader {number}", cases, taken, refused))
            for number in range(READERS)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        stored = [(one.reader, one.image_id) for one in store.reviews(RUN_ID)]
        audited = store.audit()
    p50, p99 = 1e3 * percentile(taken, 0.5), 1e3 * percentile(taken, 0.99)
    kept = not refused and not audited.found and len(stored) == len(set(stored)) == READERS * len(cases)
    yield Row(
        work=f"an answer of one of {READERS} readers at once, p99",
        ours=p99,
        unit="ms",
        budget="p99 ≤ 500 ms, none refused, lost or doubled",
        met=p99 <= 500 and kept,
        quality=f"{len(refused)} refused, {len(stored):,} of {READERS * len(cases):,} stored, chain whole: "
        f"{'no' if audited.found else 'yes'}",
        note=f"p50 {p50:.0f} ms, {len(taken) / seconds:.0f} answers a second, at the store",
    )


def read(
    store: Store, reader: str, cases: list[Prediction], taken: list[float], refused: list[Exception]
) -> None:
    """Agree with every case."""
    for case in cases:
        review = Review(
            run_id=RUN_ID, image_id=case.image_id, reader=reader, verdict=Verdict.AGREE, label=case.predicted
        )
        started = time.perf_counter()
        try:
            store.add_review(review, Given(last=None, name=f"{reader} {case.image_id[:40]}"))
        except Exception as error:  # noqa: BLE001  whatever it is, it is a refusal
            refused.append(error)
        taken.append(time.perf_counter() - started)
