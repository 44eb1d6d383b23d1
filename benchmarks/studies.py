"""Studies of very many images: made and added to while others read, read, checked; and old workspaces opened."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import create_engine

from benchmarks.measuring import LeftOut, Row, Setting, percentile
from benchmarks.synthetic import RUN_ID, synthetic_predictions, synthetic_run
from engine.reading import QUEUES, Drawn, Protocol, Reader, Store, Study, StudyAnswer, open_store
from engine.reading.migrations import MIGRATIONS
from engine.workspace import open_workspace

VERSION_2 = Path(__file__).parents[1] / "tests" / "version_2" / "overread.sql"
_LAST_OF_EACH = """INSERT INTO readings SELECT run_id, reader, position, image_id, part, verdict, review_id
    FROM reviews JOIN cases USING (run_id, image_id)"""
STEPS = 100
LOOK = 0.1
"""Seconds in which the other reader looks at a case: less than the page lets anybody."""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    cases = 2_000 if setting.quick else 100_000
    workspace = open_workspace(setting.scratch / "studies")
    with open_store(workspace.database) as store:
        store.add_run(synthetic_run(workspace.runs / RUN_ID))
        told = [*synthetic_predictions(cases)]
        store.add_cases(RUN_ID, told)
        ada, ben, cleo = (
            store.add_reader(Reader(reader_id="", name=name)).reader_id for name in ("Ada", "Ben", "Cleo")
        )
        small = _make(store, "small", ada, labels=("opacity",))
        others = Others(store, small, ada)
        yield _while_others_read(
            f"a study is made: {cases:,} images × 2 readers × 2 arms, while another is read",
            others,
            lambda: _make(store, "large", ada, ben),
        )
        large = store.studies.get("large")
        yield _while_others_read(
            f"a reader is added to a study of {cases:,} images, while another is read",
            others,
            lambda: store.studies.change(large.study_id, replace(large.protocol, readers=(ada, ben, cleo))),
        )
        half = cases // 2
        ids = [one.image_id for one in told]
        started = store.studies.create(
            Protocol(name="half", design="blind then assisted", run_id=RUN_ID, readers=(ada, ben)),
            image_ids=ids[:half],
        )
        yield _while_others_read(
            f"{half:,} images are added to a study of as many with 2 readers, while another is read",
            others,
            lambda: store.studies.add_cases(started.study_id, ids[half:]),
        )
        yield from _read(store, large, ben, cases)
        for queue in QUEUES:
            taken = _times(lambda queue=queue: store.upcoming(RUN_ID, queue, "Ada", None), 10)  # type: ignore[misc]
            yield _row(f"first cases of “{queue}”, {cases:,} cases", taken, "p50 ≤ 30 ms", 0.03)
        began = time.perf_counter()
        found = store.audit()
        yield Row(
            work=f"audit of {found.rows:,} rows",
            ours=time.perf_counter() - began,
            unit="s",
            quality="nothing found" if not found.found else f"{len(found.found)} faults",
        )
    yield _migrated(setting.scratch / "version 2.db", cases)
    yield _migrated_from_the_first(setting.scratch / "version 1.db", cases)


def _make(store: Store, name: str, *readers: str, labels: tuple[str, ...] = ()) -> Study:
    drawn = Drawn(rule="filter", labels=labels)
    return store.studies.create(
        Protocol(name=name, design="blind then assisted", run_id=RUN_ID, readers=readers, drawn=drawn)
    )


class Others:
    """A reader who answers one case after another of a study, as long as something else is done.

    Args:
        store: Of both.
        study: What is read.
        reader: Who reads it.
    """

    def __init__(self, store: Store, study: Study, reader: str) -> None:
        self._store, self._study, self._reader = store, study, reader
        self._done = threading.Event()
        self.waits: list[float] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read while what stands below is done."""
        self._done.clear()
        self.waits = []
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _read(self) -> None:
        studies, study_id = self._store.studies, self._study.study_id
        sitting = studies.begin(study_id, self._reader)
        while not self._done.is_set():
            task = studies.next(study_id, self._reader)
            if task is None:
                return
            given = StudyAnswer(study_id=study_id, image_id=task.image_id, arm=task.arm, verdict="unsure")
            started = time.perf_counter()
            studies.answer(given, sitting)
            self.waits.append(time.perf_counter() - started)
            time.sleep(LOOK)


def _while_others_read(work: str, others: Others, do: Callable[[], object]) -> Row:
    """Do what takes long, and see how long answers in another study wait meanwhile."""
    started, processor, load = time.perf_counter(), time.process_time(), os.getloadavg()[0]
    with others.reading():
        do()
        taken, spent = time.perf_counter() - started, time.process_time() - processor
    longest = max(others.waits)
    return Row(
        work=work,
        ours=taken,
        unit="s",
        budget="≤ 15 s alone, others wait ≤ 1 s",
        met=taken <= 15 and longest <= 1,
        quality=f"{len(others.waits):,} answers meanwhile, none refused; the longest waited {longest:.2f} s",
        note=f"{spent:.0f} s of processor time, the other reader's among it; load before {load:.1f}",
    )


def _read(store: Store, study: Study, reader: str, cases: int) -> Iterator[Row]:
    """Read some cases, each step by itself."""
    nexts, answers = [], []
    sitting = store.studies.begin(study.study_id, reader)
    for _ in range(STEPS):
        started = time.perf_counter()
        task = store.studies.next(study.study_id, reader)
        nexts.append(time.perf_counter() - started)
        assert task is not None
        given = StudyAnswer(study_id=study.study_id, image_id=task.image_id, arm=task.arm, verdict="unsure")
        started = time.perf_counter()
        store.studies.answer(given, sitting)
        answers.append(time.perf_counter() - started)
    yield _row(f"next case of a study of {cases:,} images", nexts, "p50 ≤ 30 ms", 0.03)
    yield _row(f"answer in a study of {cases:,} images", answers, "p50 ≤ 30 ms", 0.03)


def _migrated(path: Path, cases: int) -> Row:
    """Open a workspace of version 2 with so many cases, a tenth of them read."""
    with closing(sqlite3.connect(path)) as old:
        old.executescript(VERSION_2.read_text(encoding="utf-8"))
        names = [row[1] for row in old.execute("PRAGMA table_info(cases)")]
        run_id, *_ = old.execute("SELECT run_id FROM cases ORDER BY run_id").fetchone()
        pattern = dict(
            zip(names, old.execute("SELECT * FROM cases WHERE run_id = ?", [run_id]).fetchone(), strict=True)
        )
        marks = ", ".join("?" * len(names))
        added = (
            [*(pattern | {"image_id": f"{n:064x}", "position": n, "path": f"/films/{n}.png"}).values()]
            for n in range(1000, 1000 + cases)
        )
        old.executemany(f"INSERT INTO cases VALUES ({marks})", added)
        columns = [row[1] for row in old.execute("PRAGMA table_info(reviews)")]
        review = dict(
            zip(
                columns,
                old.execute("SELECT * FROM reviews WHERE run_id = ?", [run_id]).fetchone(),
                strict=True,
            )
        )
        given = (
            [*(review | {"review_id": None, "image_id": f"{n:064x}"}).values()]
            for n in range(1000, 1000 + cases // 10)
        )
        old.executemany(f"INSERT INTO reviews VALUES ({', '.join('?' * len(columns))})", given)
        old.execute(f"{_LAST_OF_EACH} WHERE image_id >= ?", [f"{1000:064x}"])
        old.commit()
    return _opened(path, f"a workspace of version 2 is opened: {cases:,} cases, {cases // 10:,} verdicts")


def _migrated_from_the_first(path: Path, reviews: int) -> Row:
    """Open a workspace of version 1 in which every case of a run was read."""
    old = create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        MIGRATIONS[1](connection)
        for statement in (
            "INSERT INTO schema_version (version) VALUES (1)",
            """INSERT INTO runs VALUES ('run', 'x', 'films', 'x', '["normal", "opacity"]', 'opacity', 0.5,
                '2026-01-01T00:00:00+00:00')""",
        ):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(
            "INSERT INTO cases VALUES ('run', ?, ?, ?, NULL, ?, 'test', 'opacity', '[0.25, 0.75]', .75, .5, NULL, NULL,"
            " '[]')",
            [(f"{n:064x}", n, f"/films/{n}.png", f"patient {n // 2}") for n in range(reviews)],
        )
        connection.exec_driver_sql(
            "INSERT INTO reviews (run_id, image_id, reader, verdict, label, comment, regions, seconds, created,"
            " predicted, confidence) VALUES ('run', ?, ?, 'agree', 'opacity', '', '[]', 3,"
            " '2026-01-01T12:00:00+00:00', 'opacity', .75)",
            [(f"{n:064x}", ("Ada", "Ben")[n % 2]) for n in range(reviews)],
        )
        connection.exec_driver_sql(_LAST_OF_EACH)
    old.dispose()
    return _opened(path, f"a workspace of version 1 is opened: {reviews:,} cases, {reviews:,} verdicts")


def _opened(path: Path, work: str) -> Row:
    """Open an old workspace, which brings it to the newest version, and look whether all verdicts are there."""
    load, started, processor = os.getloadavg()[0], time.perf_counter(), time.process_time()
    with open_store(path) as store:
        taken, spent = time.perf_counter() - started, time.process_time() - processor
        found = store.audit()
        there = sum(store.run(run_id).reviews for run_id in store.run_ids())
    return Row(
        work=work,
        ours=taken,
        unit="s",
        quality=f"{there:,} verdicts there, {found.rows:,} rows in the chain, {len(found.found)} faults",
        note=f"{spent:.0f} s of processor time; load before {load:.1f}",
    )


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def _row(work: str, taken: list[float], budget: str, most: float) -> Row:
    p50, p95 = percentile(taken, 0.5), percentile(taken, 0.95)
    return Row(
        work=work,
        ours=1e3 * p50,
        unit="ms",
        budget=budget,
        met=p50 <= most,
        quality=f"p95 {1e3 * p95:.1f} ms",
    )
