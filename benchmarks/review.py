"""The next case in review: server time of a verdict and the case after it, as the store grows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.measuring import LeftOut, Row, Setting, in_process, percentile
from benchmarks.synthetic import RUN_ID, synthetic_predictions, synthetic_run
from engine.reading import Reader, open_store
from engine.workspace import Workspace, open_workspace
from gui.pages.review import Desk, decide, open_reading, show_case
from gui.web import AppSession

QUEUES = ("not yet read", "most uncertain", "errors")
MEMORY = """
import sys
from pathlib import Path
from benchmarks.review import QUEUES, desk_of, read_queue
from engine.workspace import Workspace, open_workspace
desk = desk_of(open_workspace(Path(sys.argv[1])))
for queue in QUEUES:
    read_queue(desk, queue, steps=10)
desk.session.store.close()
print(0)
"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    first: dict[str, float] = {}
    for cases in (200, 1000) if setting.quick else (1000, 10_000, 100_000):
        workspace = open_workspace(setting.scratch / f"{cases}")
        desk = desk_of(workspace)
        store = desk.session.store
        run = synthetic_run(workspace.runs / RUN_ID)
        store.add_run(run)
        store.add_cases(run.run_id, synthetic_predictions(cases))
        _, memory = in_process(MEMORY, str(workspace.root))
        for queue in QUEUES:
            taken = read_queue(desk, queue, steps=30 if setting.quick else 150)
            store_size = f"{cases:,} cases"
            p50, p95 = 1e3 * percentile(taken, 0.5), 1e3 * percentile(taken, 0.95)
            smallest = first.setdefault(queue, p50)
            yield Row(
                work=f"next case in review, “{queue}”, {store_size}",
                ours=p50,
                unit="ms",
                peer="the smallest store" if p50 != smallest else "",
                theirs=smallest if p50 != smallest else None,
                ratio=p50 / smallest if p50 != smallest else None,
                budget="p50 ≤ 30 ms, p95 ≤ 80 ms",
                met=p50 <= 30 and p95 <= 80,
                quality=f"p95 {p95:.1f} ms, peak memory of such a process {memory:.0f} MB",
                note="the ratio is growth" if p50 != smallest else "",
            )
        store.close()


def desk_of(workspace: Workspace) -> Desk:
    """Return what the review page reads at."""
    session = AppSession(workspace=workspace, store=open_store(workspace.database), reader="reader")
    return Desk(session)


def read_queue(desk: Desk, queue: str, *, steps: int) -> list[float]:
    """Read so many cases and return the seconds each step took: a verdict where nobody has read, else going on."""
    reader, store = f"reader of {queue}", desk.session.store
    if store.find_reader(reader) is None:
        store.add_reader(Reader(reader_id="", name=reader))
    answer = open_reading(desk, {"run": RUN_ID, "queue": queue, "part": "all", "reader": reader})
    name, taken = answer["reading"], []
    for _ in range(steps):
        case = answer["case"]
        started = time.perf_counter()
        if queue == "not yet read":
            answer = decide(desk, _verdict(name, case))
        else:
            answer = show_case(desk, {"reading": name, "to": "next", "shown": case["id"]})
        taken.append(time.perf_counter() - started)
        if answer["case"] is None:
            break
    return taken


def _verdict(name: str, case: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "reading": name,
        "shown": case["id"],
        "verdict": "agree",
        "predicted": case["predicted"],
        "comment": "",
        "regions": [],
        "seconds": 4.0,
    }
