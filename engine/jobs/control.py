"""Training runs in a process of their own: submit, watch, stop, resume, find again after a restart.

    submit() ──starts──▶ `python -m engine.jobs RUN_FOLDER` ──calls──▶ engine.jobs.work.run_job(folder, report)
                              │ once a second and at every change
    status() ◀──reads── RUN_FOLDER/status.json

The two sides speak by files in the run's folder alone (`engine.jobs.files`), so the run outlives whoever
started it, and any other process (a second tab, the command line) sees the same thing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from engine.errors import RunError, TrainingError
from engine.jobs.child import Waiting, start
from engine.jobs.files import (
    CANCEL_FILE,
    LOG_FILE,
    STATUS_FILE,
    Job,
    JobReporter,
    JobRequest,
    JobStatus,
    load_request,
    read_status,
    save_request,
    write_status,
)
from engine.kept_files import JsonFile, ignore, read_json
from engine.records import FolderName, TrainingRequest
from engine.storage import storage_error, versioned, write_atomic
from engine.workspace import Workspace

__all__ = [
    "Job",
    "JobReporter",
    "JobRequest",
    "JobStatus",
    "list_jobs",
    "load_request",
    "log_tail",
    "resume",
    "running_job",
    "started_here",
    "status",
    "stop",
    "submit",
    "training_lock",
    "watch",
]

RUNNER = "engine.jobs.work:run_job"
SILENCE = 30.0  # seconds without a heartbeat after which a run whose process was never seen counts as lost
QUIET = (
    "The training process is there but has not reported lately. "
    "It continues where the computer slept, is busy or its disk is full; otherwise stop and resume it."
)
PATIENCE = 3.0  # seconds in which a process that is asked to end may do so

_TRAINING_LOCK, _SUBMIT_LOCK, _CURRENT_FILE = "training.lock", "submit.lock", "training.json"


@dataclass(frozen=True, slots=True)
class _Current:
    """The run that was started last."""

    run_id: FolderName


_CURRENT = JsonFile(record=_Current, error=RunError, remedy="Delete {file}; nothing else is lost")

# The children of this very process, so that a dead one is noticed at once and none stays a zombie.
_children: dict[Path, subprocess.Popen[bytes]] = {}


# -------------------------------------------------------------------------------------------- starting a run


def submit(
    workspace: Workspace,
    training: TrainingRequest,
    *,
    runner: str = RUNNER,
    on: str = "",
    workers: int = 0,
    at_hand: Waiting | None = None,
) -> Job:
    """Start a training run in a process of its own and return at once.

    Args:
        workspace: Holds the dataset; the run gets a folder in it.
        training: What shall be trained.
        runner: "module:function" that does the work, called with the folder and a `JobReporter`.
        on: See `engine.jobs.files.JobRequest`; so is the next.
        workers: See above.
        at_hand: A process that was started before and waits for a run.

    Raises:
        TrainingError: Another run of this workspace is still training, or this computer has no such device.
        RunError: The recipe begins with a run that has no network to begin with.
        WeightsError: The recipe begins with weights that are not on this computer.
        WorkspaceError: The run's folder cannot be written.
    """
    request = JobRequest(workspace=workspace.root, training=training, on=on, workers=workers)
    from engine.models import starting_weights_at_hand
    from engine.runs import new_run_id, run_to_begin_with  # not at top: watching needs none of it

    run_to_begin_with(workspace.runs, training.recipe.weights)
    starting_weights_at_hand(workspace, training.recipe, allow_downloads=training.allow_downloads)
    if training.device not in ("auto", "cpu"):  # which there always are: torch need not be loaded
        from engine.models import pick_device

        pick_device(training.device)
    with _one_at_a_time(workspace):
        folder = workspace.runs / new_run_id(workspace.runs)
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise storage_error(error, folder) from error
        try:
            return _start(workspace, folder, request, runner, at_hand)
        except BaseException:  # Ctrl-C too: nothing is left of what never began
            if folder not in _children:
                shutil.rmtree(folder, ignore_errors=True)
            raise


def started_here() -> list[Path]:
    """Return the folders of the runs that this very process started and that go on without it."""
    going_on = [folder for folder, process in _children.items() if process.poll() is None]
    return [folder for folder in going_on if not (folder / CANCEL_FILE).exists()]


def resume(workspace: Workspace, run_id: str, *, runner: str = RUNNER) -> Job:
    """Go on with a run that was stopped, failed or lost, from its last checkpoint.

    Raises:
        TrainingError: The run is still working or is done already, or another run is training.
        RunError: There is no such run.
        WorkspaceError: The run's folder cannot be written.
    """
    folder = workspace.runs / run_id
    with _one_at_a_time(workspace):
        now = status(folder)
        if not now.resumable:
            raise TrainingError(f"Run {run_id} is {now.state}", "Start a new run instead")
        again = replace(load_request(folder), resume=True)
        return _start(workspace, folder, again, runner, started=now.started)


@contextmanager
def _one_at_a_time(workspace: Workspace) -> Iterator[None]:
    """Two people pressing start in one moment: one gets through, the other gets the sentence."""
    try:
        with FileLock(workspace.root / _SUBMIT_LOCK, timeout=10):
            running = running_job(workspace)
            if running is not None:
                raise TrainingError(
                    f"Run {running.job_id} is still {running.state} in this workspace",
                    "Wait until it is done, stop it, or train in another workspace",
                )
            yield
    except Timeout as error:
        raise TrainingError("Another run is just being started", "Try again in a moment") from error
    except OSError as error:  # of the lock: a workspace that may only be looked at
        raise storage_error(error, workspace.root) from error


def running_job(workspace: Workspace) -> JobStatus | None:
    """Return the run that is at work in this workspace, if there is one, however it was started."""
    try:
        last = status(workspace.runs / read_json(workspace.root / _CURRENT_FILE, _CURRENT).run_id)
    except FileNotFoundError:
        return None
    except RunError:  # it does not say which run is at work: the runs themselves do
        return next((one for one in list_jobs(workspace) if one.working), None)
    if last.working:
        return last
    # A run that is silent yet alive (a machine that slept) holds the lock, and two must never train at once.
    return last if _is_held(training_lock(workspace.root)) else None


def training_lock(root: Path) -> FileLock:
    """Return the lock that a run holds while it works; the operating system releases it at death."""
    # A process that was just killed lets go a moment after it is seen to be gone: its threads end one by one.
    return FileLock(root / _TRAINING_LOCK, timeout=2)


def _is_held(lock: FileLock) -> bool:
    try:
        with lock:
            return False
    except Timeout:
        return True
    except OSError:
        return (
            False  # a workspace that may not be written to: nothing is at work in it that we could wait for
        )


def _start(
    workspace: Workspace,
    folder: Path,
    request: JobRequest,
    runner: str,
    at_hand: Waiting | None = None,
    *,
    started: float = 0.0,
) -> Job:
    save_request(folder, request)
    (folder / CANCEL_FILE).unlink(missing_ok=True)
    now = time.time()
    epochs = sum(phase.epochs for phase in request.training.recipe.phases)
    write_status(
        JobStatus(
            job_id=folder.name,
            folder=folder,
            state="starting",
            message="Starting.",
            epochs=epochs,
            started=started or now,
            heartbeat=now,
        )
    )
    write_atomic(workspace.root / _CURRENT_FILE, json.dumps(versioned({"run_id": folder.name})))
    process = start(folder, runner, at_hand)
    _children[folder] = process
    # Reaps the process when it ends; a daemon, so it never keeps this one alive.
    threading.Thread(target=process.wait, daemon=True, name=f"reap {folder.name}").start()
    return Job(job_id=folder.name, folder=folder)


# -------------------------------------------------------------------------------------------- watching a run


def status(folder: Path) -> JobStatus:
    """Read how far a run is, from any process.

    Raises:
        RunError: The folder holds no job.
    """
    now = read_status(folder)
    if not now.working:
        return now
    if _is_alive(folder, now):
        return replace(now, seconds_left=None, message=QUIET) if _is_silent(now) else now
    # The process may have written its last word between the reading and the look at the process.
    now = read_status(folder)
    if not now.working:
        return now
    return replace(
        now,
        state="lost",
        seconds_left=None,
        message=f"The training process ended after {now.reached}. "
        f"Resume it from its last checkpoint; {LOG_FILE} in the run's folder may say why.",
    )


def watch(folder: Path, *, interval: float = 0.5) -> Iterator[JobStatus]:
    """Yield the status at every change, until the run has ended.

    Args:
        folder: The run's folder.
        interval: Seconds between two looks.

    Raises:
        RunError: The folder holds no job.
    """
    shown: JobStatus | None = None
    while True:
        now = status(folder)
        if now.state == "lost":
            # A laptop that wakes up finds an old heartbeat, and a new one a second later.
            time.sleep(1.5)
            now = status(folder)
        if now != shown:
            yield now
            shown = now
        if not now.working:
            return
        time.sleep(interval)


def list_jobs(workspace: Workspace, *, on_damaged: Callable[[RunError], None] = ignore) -> list[JobStatus]:
    """Return the status of every run that was ever submitted in this workspace and can be read, newest first.

    Args:
        workspace: Where the runs are.
        on_damaged: Told of each that cannot be read: it must not hide the others.
    """
    found: list[JobStatus] = []
    for path in sorted(workspace.runs.glob(f"*/{STATUS_FILE}"), reverse=True):
        try:
            found.append(status(path.parent))
        except RunError as error:
            on_damaged(error)
    return found


def stop(folder: Path) -> None:
    """Ask a run to stop: it does so within a batch and keeps its last checkpoint. One that does not report is ended.

    Raises:
        RunError: The folder holds no job.
        WorkspaceError: The folder cannot be written to.
    """
    now = status(folder)
    write_atomic(folder / CANCEL_FILE, "")
    if now.working and _is_silent(now) and (process := _process(now)) is not None:
        process.terminate()  # it may work and only be unable to write: then it ends as if it were asked
        with suppress(psutil.TimeoutExpired):
            process.wait(timeout=PATIENCE)
            return
        process.kill()
        process.wait(timeout=10)


def log_tail(folder: Path, lines: int = 20) -> str:
    """Return the last lines that the run's process printed."""
    try:
        text = (folder / LOG_FILE).read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _is_alive(folder: Path, now: JobStatus) -> bool:
    """Return whether a run's process is there, however long it has been silent: the clock alone ends no training."""
    child = _children.get(folder)
    if child is not None and child.poll() is not None:
        return False
    if now.pid == 0:  # it has not reported yet, however long it takes to load where much else goes on
        return child is not None or not _is_silent(now)
    return _process(now) is not None


def _is_silent(now: JobStatus) -> bool:
    return time.time() - now.heartbeat > SILENCE


def _process(now: JobStatus) -> psutil.Process | None:
    """Return the run's process if it is still there."""
    return process_of(now.pid, now.process_started)


def process_of(pid: int, started: float) -> psutil.Process | None:
    """Return the process of that id if it is still the one that began then, and not a zombie.

    Args:
        pid: Its id.
        started: By `began`; by the clock where an earlier version wrote it.
    """
    if pid == 0:
        return None
    try:
        process = psutil.Process(pid)
        apart = min(abs(one - started) for one in (began(process), process.create_time()))
        if apart > 2.0 or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.Error:
        return None
    return process


def began(process: psutil.Process) -> float:
    """Return when a process began, by what no setting of the clock changes while it lives.

    Linux counts from the computer's start, and psutil adds the start as the clock has it now: a clock that is set
    moves the beginning of every process by as much. Elsewhere it was written down when the process began.
    """
    by_clock = float(process.create_time())
    return by_clock - float(psutil.boot_time()) if sys.platform == "linux" else by_clock
