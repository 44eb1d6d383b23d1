"""The process of one training run: `python -m engine.jobs FOLDER MODULE:FUNCTION`, started by `engine.jobs.control`.

It exits with 0 when the run is done or was stopped, with 1 when it failed; status.json says so in a sentence.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

import psutil
from filelock import Timeout

from engine.errors import EngineError, TrainingStopped, WorkspaceError
from engine.jobs import control as jobs
from engine.jobs.files import (
    CANCEL_FILE,
    LOG_FILE,
    JobReporter,
    State,
    load_outline,
    read_status,
    write_status,
)
from engine.records import Epoch
from engine.storage import DISK_FULL, bound_log, machine_trouble

HEARTBEAT = 1.0  # seconds
RESERVE_FILE = "reserve"  # its room is given back at the end: a full disk must not swallow the last word
RESERVE = 32_768  # bytes


class StatusReporter:
    """Keeps status.json true: at once when something happened, and once a second as a sign of life."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with suppress(OSError):  # it is full already: then the first thing that is written says so
            (folder / RESERVE_FILE).write_bytes(bytes(RESERVE))
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        me = psutil.Process()
        self._now = replace(read_status(folder), pid=me.pid, process_started=jobs.began(me))
        self._phases: Sequence[tuple[str, int]] = ()
        with suppress(EngineError):  # whoever needs the request says what is wrong with it
            self._phases = load_outline(folder).phases
        self._clock, self._began = Clock(self._phases), time.monotonic()
        self._write()
        self._heart = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
        self._heart.start()

    def stage(self, state: State, message: str) -> None:
        """See `engine.jobs.files.JobReporter`."""
        self._clock.begin()
        self._change(state=state, message=message, batch=0, batches=0)

    def fold(self, number: int, of: int) -> None:
        """See `engine.jobs.files.JobReporter`."""
        self._clock, self._began = Clock(self._phases), time.monotonic()  # each is a training of its own
        self._change(fold=number, folds=of, epoch=0, phase="", last_epoch=None)

    def epoch(self, epoch: Epoch, epochs_total: int) -> None:
        """See `engine.jobs.files.JobReporter`."""
        self._clock.epoch_done(epoch, epochs_total)
        self._change(
            epoch=epoch.number, epochs=epochs_total, phase=epoch.phase, last_epoch=epoch, batch=0, batches=0
        )

    def batch(self, done: int, total: int) -> None:
        """See `engine.jobs.files.JobReporter`."""
        with self._lock:
            self._now = replace(self._now, batch=done, batches=total)

    def should_stop(self) -> bool:
        """See `engine.jobs.files.JobReporter`."""
        return self._stopping.is_set() or (self.folder / CANCEL_FILE).exists()

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Treat the system's polite request (shutdown, `kill`) like the stop button."""
        self._stopping.set()

    def end(self, state: State, message: str) -> None:
        """Write the last word; no heartbeat comes after it."""
        self._ended.set()
        self._heart.join()
        (self.folder / RESERVE_FILE).unlink(missing_ok=True)
        self._change(state=state, message=message, seconds_left=None)

    def _change(self, **fields: object) -> None:
        with self._lock:
            self._now = replace(self._now, **fields)  # type: ignore[arg-type]
        self._write()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            self._write()
            bound_log(self.folder / LOG_FILE)

    def _write(self) -> None:
        with self._lock:
            self._now = replace(
                self._now,
                heartbeat=time.time(),
                seconds_left=self._seconds_left(),
            )
            # A disk that is full for a moment must not end the training; the next beat tries again.
            try:
                write_status(self._now)
            except WorkspaceError as error:
                with suppress(OSError):  # the log lies on the same disk
                    print(error, file=sys.stderr, flush=True)

    def _seconds_left(self) -> float | None:
        now = self._now
        left = self._clock.seconds_left(now.batch, now.batches) if now.state == "training" else None
        if left is None or not now.folds:
            return left
        return left + (now.folds - now.fold) * (time.monotonic() - self._began + left)


class Clock:
    """Says how long the training will take, from what it took so far.

    Args:
        phases: Name and epochs of each phase of the recipe.
    """

    def __init__(self, phases: Sequence[tuple[str, int]]) -> None:
        self._phases = phases
        self._began = time.monotonic()
        self._setup = 0.0  # reading the images and running the frozen net over them, before the first epoch
        self._epoch_seconds: float | None = None
        self._left, self._later = 0, sum(epochs for _, epochs in phases)  # epochs of this phase, and after it
        self._phase, self._done = "", 0

    def begin(self) -> None:
        """A stage of the work begins now."""
        self._began = time.monotonic()

    def epoch_done(self, epoch: Epoch, epochs_total: int) -> None:
        """Learn from an epoch."""
        now = time.monotonic()
        if self._epoch_seconds is None:
            self._setup = max(0.0, now - self._began - epoch.seconds)
        self._epoch_seconds, self._began = epoch.seconds, now
        self._done = self._done + 1 if epoch.phase == self._phase else 1
        self._phase = epoch.phase
        names = [name for name, _ in self._phases]
        at = names.index(epoch.phase) if epoch.phase in names else len(names) - 1
        self._later = sum(epochs for _, epochs in self._phases[at + 1 :])
        of_this_phase = self._phases[at][1] - self._done  # a phase before it may have ended early
        self._left = max(0, min(of_this_phase, epochs_total - epoch.number - self._later))

    def seconds_left(self, batch: int, batches: int) -> float | None:
        """Return an estimate, or None before the first epoch is done.

        Args:
            batch: Steps done of the present epoch.
            batches: Steps of the present epoch.
        """
        if self._epoch_seconds is None:
            return None
        elapsed = time.monotonic() - self._began
        whole = self._epoch_seconds
        # A phase to come may run through the whole net, which preparing has done about once for every image.
        slow = max(whole, self._setup)
        if batches and batch >= max(2, batches // 20):
            whole = elapsed * batches / batch
            slow = max(whole, self._setup) if self._left else whole
        if self._left:
            return max(0.0, whole * self._left - elapsed) + slow * self._later
        return max(0.0, slow * self._later - elapsed)


def explain_failure(error: BaseException) -> str:
    """Say in words for the person at the screen why a run ended.

    Args:
        error: Whatever came out of the work.

    Returns:
        One sentence of what is wrong and one of what to do.
    """
    if isinstance(error, EngineError):
        return error.kept
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch has its own
        return (
            "There is not enough memory for this recipe on this device. "
            "Train again with a smaller batch size or image size."
        )
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return "The disk is full. Free some space and resume the run."
    if (told := machine_trouble(error)) is not None:
        return str(told)
    return (
        f"Overread itself went wrong here ({type(error).__name__}: {error}). "
        f"Resume the run; if it happens again, report it with {LOG_FILE} from the run's folder."
    )


def main(folder: Path, runner: str = jobs.RUNNER) -> int:
    """Do the work of one run and say how it ended."""
    reporter = StatusReporter(folder)
    signal.signal(signal.SIGTERM, reporter.ask_to_stop)
    try:
        with jobs.training_lock(load_outline(folder).workspace):
            module, _, function = runner.partition(":")
            work: Callable[[Path, JobReporter], None] = getattr(importlib.import_module(module), function)
            work(folder, reporter)
    except TrainingStopped as stopped:
        reporter.end("stopped", str(stopped))
        return 0
    except Timeout:
        reporter.end(
            "failed", "Another run of this workspace is training. Wait until it is done and resume this one."
        )
        return 1
    except EngineError as error:
        reporter.end("failed", explain_failure(error))
        return 1
    except BaseException as error:
        reporter.end("failed", explain_failure(error))
        raise  # the log gets the trace
    reporter.end("done", "Done.")
    return 0


def wait_for_a_run() -> list[str]:
    """Load what every training needs until the run's folder and runner are said on the standard input.

    The process ends at once where the input does: nobody is left who could give it a run.
    """
    said: queue.SimpleQueue[list[bytes]] = queue.SimpleQueue()

    def listen() -> None:
        words = b""
        while words.count(b"\0") < 2:
            if not (more := os.read(0, 65_536)):
                os._exit(0)
            words += more
        said.put(words.split(b"\0"))

    threading.Thread(target=listen, daemon=True).start()
    from engine.jobs.work import load  # not at top: that is what takes seconds

    load()
    folder, runner, _ = map(os.fsdecode, said.get())
    # As it stands for a process that was started for the run.
    with (Path(folder) / LOG_FILE).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    return [folder, runner]


if __name__ == "__main__":
    # Below the window and the viewer in priority: reading films must stay smooth while a net trains.
    if hasattr(os, "nice"):
        os.nice(5)
    given = sys.argv[1:3] or wait_for_a_run()
    sys.exit(main(Path(given[0]), *given[1:]))
