"""A real Ray cluster of two workers for the tests, and the end of a worker by kill -9."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def running() -> Iterator[None]:
    """Run a cluster in this process: what connects meanwhile uses it and leaves it as it is."""
    from engine.cluster.connecting import QUIET, start

    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as files:
        home, os.environ["HOME"] = os.environ.get("HOME", ""), files  # it writes a token there
        import ray

        start(ray, files, cpus=2)
        os.environ["HOME"] = home
        try:
            yield
        finally:
            ray.shutdown()


def workers(name: str) -> list[psutil.Process]:
    """Return the cluster's worker processes that are actors of a class, or at one of its methods."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.cmdline()[:1] and process.cmdline()[0].startswith(f"ray::{name}"):
                found.append(process)
        except psutil.NoSuchProcess:
            pass
    return found


@contextmanager
def killed_at_work(name: str) -> Iterator[list[int]]:
    """Kill the first worker that is seen at a task; yield a list that its process id is put into."""
    killed, over = list[int](), threading.Event()

    def watch() -> None:
        while not over.wait(0.05) and not killed:
            for process in workers(name):
                process.kill()
                killed.append(process.pid)
                break

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def kill_one(name: str) -> None:
    """End one of the workers as a machine that fails would."""
    workers(name)[0].kill()
