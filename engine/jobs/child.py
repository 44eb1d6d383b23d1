"""The process of a training, seen from the one that starts it: for a run, or before its run is there.

    start(folder, runner)  ──starts──▶ `python -m engine.jobs RUN_FOLDER RUNNER`
    waiting()              ──starts──▶ `python -m engine.jobs`, which loads what every training needs and waits
      Waiting.take(folder, runner) ──two words──▶ it goes on as one that was started for this run

Loading PyTorch and what stands on it takes seconds of one core, in which images can be read already. The process that
waits ends when whoever started it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from engine.jobs.files import LOG_FILE
from engine.storage import open_private

# glibc gives large blocks back to Linux as soon as they are free, and Linux blanks them page by page when they are
# asked for again: a third of a fine-tuning step on a CPU. Other systems do not read these.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}


class Waiting:
    """A process that has no run yet; at most one gets it.

    Args:
        process: As `waiting` started it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process: subprocess.Popen[bytes] | None = process

    def take(self, folder: Path, runner: str) -> subprocess.Popen[bytes] | None:
        """Give it a run, whose log has been made; None where it is taken or gone, so that another must be started."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return None
        try:
            with process.stdin as words:
                words.write(b"".join(os.fsencode(word) + b"\0" for word in (folder, runner)))
        except OSError:  # it ended while it loaded: one that is started for the run says why in its log
            process.wait()
            return None
        return process

    def end(self) -> None:
        """End it where it got no run. It has done nothing that could be left half done."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


@contextmanager
def waiting() -> Iterator[Waiting]:
    """Start a process that loads what every training needs, for `submit`; without a run it ends with this block."""
    child = Waiting(_started([], stdin=subprocess.PIPE, log=subprocess.DEVNULL))
    try:
        yield child
    finally:
        child.end()


def start(folder: Path, runner: str, at_hand: Waiting | None = None) -> subprocess.Popen[bytes]:
    """Start the work of a run, in the process that waits for one if there is any.

    Args:
        folder: The run's, with its request and status in it.
        runner: "module:function" that does the work.
        at_hand: Started before.
    """
    with os.fdopen(open_private(folder / LOG_FILE, os.O_APPEND), "ab") as log:
        taken = at_hand.take(folder, runner) if at_hand is not None else None
        return taken or _started([str(folder), runner], stdin=subprocess.DEVNULL, log=log)


def _started(arguments: Sequence[str], *, stdin: int, log: int | IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine.jobs", *arguments],
        # The package's own parent, so that a folder called "engine" where the user stands is never run.
        cwd=Path(__file__).parents[2],
        env={**KEEP_MEMORY, **os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=stdin,
        stdout=log,
        stderr=log,
        **detached(),
    )


def detached() -> dict[str, Any]:
    """Return what makes a child outlive its parent and its terminal's Ctrl-C, on this operating system."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}
