"""`python -m benchmarks.department [--readers 50] [--seconds 120] [--pause 0.5]`: readers who answer over HTTP at once.

The real server in a process of its own, on SQLite and on PostgreSQL; clients and database share the machine with it.
Between two answers each reader looks for half a second, less than the page lets anybody, and all begin at one moment:
that is the figure held against the goal. A second row has them look as people do, each time 4 to 12 seconds. The server
is given time to load what it loads some seconds after its start. Printed: how long an answer took until it was stored
and the next case was there, of all answers and apart of each reader's first, when all fifty ask at one moment; how much
of a processor that took of the server and of the readers; and whether any was refused, lost or stored twice.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measuring import percentile
from benchmarks.ward import Page, Server, name_of, on_database, outcome, prepared
from gui.serving import WARM_AFTER
from tests.postgresql import running

AS_PEOPLE = (4.0, 12.0)
"""Seconds for which somebody looks at an image, at least and at most."""


def measured(
    database: str, *, readers: int, seconds: float, pause: tuple[float, float], settled: bool = True
) -> tuple[str, bool, float]:
    """Measure, and return a sentence, whether nothing was lost, doubled or refused, and the p99 in milliseconds.

    Not `settled`, it begins while the server still loads: for those who ask what is kept, and not how long it takes.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overread-ward-")))
        server_of_database = stack.enter_context(running(durable=True)) if database == "postgresql" else None
        on_database(server_of_database.url("postgres") if server_of_database else None)
        stack.callback(on_database, None)
        workspace = prepared(scratch / "workspace", readers=readers, cases=max(50, int(seconds / pause[0])))
        server = Server(workspace)
        stack.callback(server.kill)
        server.start()
        pages = {name_of(number): Page(server.port, name_of(number)) for number in range(readers)}
        for page in pages.values():
            page.open()
        if settled:
            time.sleep(WARM_AFTER)
            server.settle()
        load, spent, own = os.getloadavg()[0], server.processor_seconds, time.process_time()
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=page.read, args=(until,), kwargs={"pause": pause})
            for page in pages.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent, own = server.processor_seconds - spent, time.process_time() - own
        after = os.getloadavg()[0]
        found = outcome(workspace, pages)
    taken = [1e3 * each for page in pages.values() for each in page.told.seconds]
    first = [1e3 * page.told.seconds[0] for page in pages.values() if page.told.seconds]
    later = [1e3 * each for page in pages.values() for each in page.told.seconds[1:]]
    refused = sum(len(page.told.refused) for page in pages.values())
    again = sum(page.told.again for page in pages.values())
    said = " to ".join(f"{one:g}" for one in sorted({*pause}))
    p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
    sentence = (
        f"{database}: {readers} readers, {seconds:.0f} s, {said} s between answers: {found.stored:,} answers "
        f"({found.stored / seconds:.0f} a second), p50 {p50:.0f} ms, p99 {p99:.0f} ms; each reader's first answer p50 "
        f"{percentile(first, 0.5):.0f} ms, the longest {max(first):.0f}; all after it p99 "
        f"{percentile(later, 0.99):.0f} ms, the longest {max(later):.0f}; {refused} refused, {found.lost} lost, "
        f"{found.doubled} doubled, {again} given again, "
        f"chain whole: {'no' if found.audit.found else 'yes'}; the server took "
        f"{1e3 * spent / max(1, found.stored):.1f} ms of a processor an answer, "
        f"the readers here {1e3 * own / max(1, found.stored):.1f}; "
        f"{os.cpu_count()} cores, load before {load:.1f}, after {after:.1f}"
    )
    return sentence, found.good and not refused, p99


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure on both databases; return 1 where an answer was lost, doubled or refused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.department", description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=0.5)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    asked = parser.parse_args(arguments)
    all_good = True
    for database in asked.database or ("sqlite", "postgresql"):
        for pause in ((asked.pause, asked.pause), AS_PEOPLE):
            sentence, good, _ = measured(database, readers=asked.readers, seconds=asked.seconds, pause=pause)
            print(sentence, flush=True)
            all_good &= good
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
