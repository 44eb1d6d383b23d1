"""A real Ray cluster of two workers for the tests, and the end of a worker by kill -9."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def running() -> Iterator[None]:
    """Run a cluster in this process: what connects meanwhile uses it and leaves it as it is."""
    from engine.cluster.connecting import QUIET

    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as files:
        home, os.environ["HOME"] = os.environ.get("HOME", ""), files  # it writes a token there
        import ray

        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 << 20,
            _temp_dir=files,
            log_to_driver=False,
        )
        os.environ["HOME"] = home
        try:
            yield
        finally:
            ray.shutdown()


def workers(name: str) -> list[psutil.Process]:
    """Return the cluster's worker processes that are actors of a class."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.cmdline()[:1] and process.cmdline()[0].startswith(f"ray::{name}"):
                found.append(process)
        except psutil.NoSuchProcess:
            pass
    return found


def kill_one(name: str) -> None:
    """End one of the workers as a machine that fails would."""
    workers(name)[0].kill()
