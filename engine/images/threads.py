"""Many files at once, in order, with a bounded number under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

FILES_PER_TASK = 32

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_order(
    function: Callable[[Item], Made], items: Iterable[Item], *, workers: int, each: int = FILES_PER_TASK
) -> Iterator[Made]:
    """Map over items in threads, keeping order, with a bounded number under way.

    Args:
        function: Called for each item in some thread.
        items: Read as needed.
        workers: Threads.
        each: Items that a thread takes at a time.
    """
    remaining = iter(items)
    pending: deque[Future[list[Made]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="overread") as pool:
        try:
            while True:
                while len(pending) < 4 * workers and (task := list(islice(remaining, each))):
                    pending.append(pool.submit(lambda task: [function(item) for item in task], task))
                if not pending:
                    return
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
