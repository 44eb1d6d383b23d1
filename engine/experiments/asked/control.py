"""Experiments from outside: begin one, see how far each is, stop one, go on with it.

begin() ──starts──▶ `python -m engine.experiments.asked FOLDER` ──calls──▶ engine.experiments.asked.work
experiments() ◀──reads── FOLDER/status.json
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from filelock import FileLock

from engine import jobs
from engine.errors import RunError, TrainingError
from engine.experiments.asked.files import (
    CANCEL_FILE,
    LOG_FILE,
    STATUS_FILE,
    Asked,
    ExperimentStatus,
    read_status,
    save_asked,
    write_status,
)
from engine.kept_files import ignore
from engine.records import is_folder_name
from engine.storage import open_private, storage_error, write_atomic
from engine.workspace import Workspace

_FOLDER, _LOCK = "experiments", "experiments.lock"
_children: dict[Path, subprocess.Popen[bytes]] = {}  # of this process, so that none stays a zombie


def begin_experiment(workspace: Workspace, asked: Asked) -> Path:
    """Begin an experiment in a process of its own, and return its folder at once.

    Raises:
        TrainingError: A run or an experiment is at work in this workspace.
        WorkspaceError: The workspace cannot be written to.
    """
    folder = workspace.root / _FOLDER / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        with FileLock(workspace.root / _LOCK, timeout=10):
            _refuse_another(workspace)
            folder.mkdir(mode=0o700)
            save_asked(folder, asked)
            _start(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    return folder


def go_on_experiment(workspace: Workspace, experiment_id: str) -> Path:
    """Go on with an experiment that was stopped, failed or lost; what was trained for it is not trained again.

    Raises:
        RunError: There is none.
        TrainingError: It is at work or done, or something else is at work.
    """
    folder = experiment_folder(workspace, experiment_id)
    with FileLock(workspace.root / _LOCK, timeout=10):
        now = experiment_status(folder)
        if now.state in ("working", "done"):
            raise TrainingError(f"This experiment is {now.state}", "Begin another one")
        _refuse_another(workspace)
        (folder / CANCEL_FILE).unlink(missing_ok=True)
        _start(folder)
    return folder


def _refuse_another(workspace: Workspace) -> None:
    other = next((one for one in experiments(workspace) if one.working), None)
    if other is not None:
        raise TrainingError(
            "Another experiment is in progress in this workspace", "Wait until it is done, or stop it"
        )
    running = jobs.running_job(workspace)
    if running is not None:
        raise TrainingError(
            f"Run {running.job_id} is still {running.state} in this workspace",
            "Wait until it is done, or stop it",
        )


def _start(folder: Path) -> None:
    write_status(
        folder,
        ExperimentStatus(experiment_id=folder.name, message="Loading the program.", started=time.time()),
    )
    with os.fdopen(open_private(folder / LOG_FILE, os.O_APPEND), "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.experiments.asked", str(folder)],
            cwd=Path(__file__).parents[3],
            env={**jobs.KEEP_MEMORY, **os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **jobs.detached(),
        )
    _children[folder] = process
    threading.Thread(target=process.wait, daemon=True, name=f"reap {folder.name}").start()


def experiments(
    workspace: Workspace, *, on_damaged: Callable[[RunError], None] = ignore
) -> list[ExperimentStatus]:
    """Return how far every experiment of a workspace is, the newest first."""
    found = []
    for path in sorted((workspace.root / _FOLDER).glob(f"*/{STATUS_FILE}"), reverse=True):
        try:
            found.append(experiment_status(path.parent))
        except RunError as error:
            on_damaged(error)
    return found


def experiment_status(folder: Path) -> ExperimentStatus:
    """Return how far an experiment is; "lost" where its process is gone without a last word.

    Raises:
        RunError: There is none.
    """
    now = read_status(folder)
    if not now.working or _is_alive(folder, now):
        return now
    now = read_status(folder)  # it may have written its last word meanwhile
    if not now.working:
        return now
    return replace(now, state="lost", message=f"Its process ended after {now.done} of {now.total} trainings.")


def _is_alive(folder: Path, now: ExperimentStatus) -> bool:
    if (child := _children.get(folder)) is not None:  # however long it takes to load where much else goes on
        return child.poll() is None
    if now.pid == 0:  # it has not reported yet
        return time.time() - now.started < jobs.SILENCE
    return jobs.process_of(now.pid, now.process_started) is not None


def stop_experiment(workspace: Workspace, experiment_id: str) -> None:
    """Ask an experiment to stop: the training at work is stopped, and what is done is kept.

    Raises:
        RunError: There is none.
    """
    write_atomic(experiment_folder(workspace, experiment_id) / CANCEL_FILE, "")


def experiment_folder(workspace: Workspace, experiment_id: str) -> Path:
    """Return the folder of an experiment.

    Raises:
        RunError: There is none.
    """
    folder = workspace.root / _FOLDER / (experiment_id if is_folder_name(experiment_id) else "?")
    if not folder.is_dir():
        raise RunError("There is no such experiment", "Choose one from the list")
    return folder
