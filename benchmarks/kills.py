"""`python -m benchmarks.kills [--kills 100] [--database postgresql]`: kill −9 while answers are sent.

Readers answer over HTTP while the program, and on PostgreSQL the database server by turns, are killed and started
again. In the end every answer that a page was told is stored must be there, none twice, and the chain whole.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.ward import START_SECONDS, Outcome, Page, Server, name_of, on_database, outcome, prepared
from tests.postgresql import running

READERS = 6
PAUSE = 0.05
LONGEST_SECONDS = 0.5
"""How long everything runs at most before the next kill."""


def killed(database: str, kills: int, *, seed: int = 0) -> tuple[Outcome, dict[str, Page]]:
    """Kill so often while answers are sent; return what became of them."""
    dice = random.Random(seed)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overread-kills-")))
        base = stack.enter_context(running(durable=True)) if database == "postgresql" else None
        on_database(base.url("postgres") if base else None)
        stack.callback(on_database, None)
        workspace = prepared(scratch / "workspace", readers=READERS, cases=4000)
        server = Server(workspace)
        stack.callback(server.kill)
        server.start()
        pages = {name_of(number): Page(server.port, name_of(number)) for number in range(READERS)}
        over = threading.Event()
        threads = [threading.Thread(target=_read, args=(page, over)) for page in pages.values()]
        for thread in threads:
            thread.start()
        for number in range(kills):
            heard = sum(len(page.told.stored) for page in pages.values())
            until = time.monotonic() + START_SECONDS
            while sum(len(page.told.stored) for page in pages.values()) == heard and time.monotonic() < until:
                time.sleep(0.01)  # answers come again
            time.sleep(dice.uniform(0, LONGEST_SECONDS))
            victim = base if base is not None and number % 2 else server
            victim.kill()
            victim.start()
        over.set()
        for thread in threads:
            thread.join()
        return outcome(workspace, pages), pages


def _read(page: Page, over: threading.Event) -> None:
    while not over.is_set():
        page.read(time.monotonic() + 0.5, pause=(PAUSE, PAUSE))


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, and return 1 where an answer was lost, doubled or refused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    asked = parser.parse_args(arguments)
    all_good = True
    for database in asked.database or ("sqlite", "postgresql"):
        began = time.monotonic()
        found, pages = killed(database, asked.kills)
        refused = sum(len(page.told.refused) for page in pages.values())
        told = sum(len(page.told.stored) for page in pages.values())
        again = sum(page.told.again for page in pages.values())
        print(
            f"{database}: {asked.kills} kills in {time.monotonic() - began:.0f} s; {told:,} answers told to be stored, "
            f"{found.stored:,} there, {found.lost} lost, {found.doubled} doubled, {refused} refused, "
            f"{again} tries again, chain whole: {'no' if found.audit.found else 'yes'}",
            flush=True,
        )
        all_good &= found.good and not refused
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
