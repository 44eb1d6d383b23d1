"""Studies of very many images: made while others read, read, checked; and a workspace of version 2 that is opened."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.measuring import LeftOut, Row, Setting, percentile
from benchmarks.review import RUN_ID, synthetic_predictions, synthetic_run
from engine.reading import QUEUES, Drawn, Protocol, Reader, Store, Study, StudyAnswer, open_store
from engine.workspace import open_workspace

VERSION_2 = Path(__file__).parents[1] / "tests" / "version_2" / "overread.sql"
STEPS = 100


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    cases = 2_000 if setting.quick else 100_000
    workspace = open_workspace(setting.scratch / "studies")
    with open_store(workspace.database) as store:
        store.add_run(synthetic_run(workspace.runs / RUN_ID))
        store.add_cases(RUN_ID, synthetic_predictions(cases))
        ada, ben = (store.add_reader(Reader(reader_id="", name=name)).reader_id for name in ("Ada", "Ben"))
        small = _make(store, "small", ada, labels=("opacity",))
        yield from _made_while_others_read(store, small, ada, ben, cases)
        yield from _read(store, store.studies.get("large"), ben, cases)
        for queue in QUEUES:
            taken = _times(lambda queue=queue: store.upcoming(RUN_ID, queue, "Ada", None), 10)  # type: ignore[misc]
            yield _row(f"first cases of “{queue}”, {cases:,} cases", taken, "p50 ≤ 30 ms", 0.03)
        started = time.perf_counter()
        found = store.audit()
        yield Row(
            work=f"audit of {found.rows:,} rows",
            ours=time.perf_counter() - started,
            unit="s",
            quality="nothing found" if not found.found else f"{len(found.found)} faults",
        )
    yield _migrated(setting.scratch / "version 2.db", cases)


def _make(store: Store, name: str, *readers: str, labels: tuple[str, ...] = ()) -> Study:
    drawn = Drawn(rule="filter", labels=labels)
    return store.studies.create(
        Protocol(name=name, design="blind then assisted", run_id=RUN_ID, readers=readers, drawn=drawn)
    )


def _made_while_others_read(store: Store, small: Study, ada: str, ben: str, cases: int) -> Iterator[Row]:
    """Make a study for two readers, and see how long answers in another one wait meanwhile."""
    waits: list[float] = []
    done = threading.Event()

    def read() -> None:
        sitting = store.studies.begin(small.study_id, ada)
        while not done.is_set():
            task = store.studies.next(small.study_id, ada)
            if task is None:
                return
            given = StudyAnswer(
                study_id=small.study_id, image_id=task.image_id, arm=task.arm, verdict="unsure"
            )
            started = time.perf_counter()
            store.studies.answer(given, sitting)
            waits.append(time.perf_counter() - started)

    reading = threading.Thread(target=read)
    reading.start()
    started, processor = time.perf_counter(), time.process_time()
    _make(store, "large", ada, ben)
    taken, spent = time.perf_counter() - started, time.process_time() - processor
    done.set()
    reading.join()
    yield Row(
        work=f"a study is made: {cases:,} images × 2 readers × 2 arms, while another is read",
        ours=taken,
        unit="s",
        budget="≤ 15 s",
        met=taken <= 15,
        quality=f"{len(waits):,} answers meanwhile, none refused; the longest waited {max(waits):.2f} s",
        note=f"{spent:.0f} s of processor time, the other reader's among it",
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
        old.execute(
            "INSERT INTO readings SELECT run_id, reader, position, image_id, part, verdict, review_id FROM reviews "
            "JOIN cases USING (run_id, image_id) WHERE image_id >= ?",
            [f"{1000:064x}"],
        )
        old.commit()
    started = time.perf_counter()
    with open_store(path) as store:
        taken = time.perf_counter() - started
        found = store.audit()
    return Row(
        work=f"a workspace of version 2 is opened: {cases:,} cases, {cases // 10:,} verdicts",
        ours=taken,
        unit="s",
        quality=f"{found.rows:,} rows in the chain, {len(found.found)} faults",
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
