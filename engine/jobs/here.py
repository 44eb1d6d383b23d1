"""A run that this very process keeps the status of, because its training is elsewhere: on a cluster."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from engine.jobs.files import JobReporter, JobRequest, JobStatus, State, save_request, write_status
from engine.records import TrainingRequest
from engine.runs import new_run_id
from engine.storage import storage_error
from engine.workspace import Workspace


class RunHere(JobReporter, Protocol):
    """What keeps a run's status from here: with a sign of life each second, until its end."""

    folder: Path

    def end(self, state: State, message: str) -> None:
        """Write the last word."""


def begin_here(workspace: Workspace, training: TrainingRequest) -> RunHere:
    """Make a run's folder as `submit` does, and return what keeps its status.

    Whoever calls holds `training_lock`.

    Raises:
        WorkspaceError: The folder cannot be written.
    """
    from engine.jobs.__main__ import (
        StatusReporter,
    )  # the program of a training process: not when a chapter loads

    folder = workspace.runs / new_run_id(workspace.runs)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise storage_error(error, folder) from error
    save_request(folder, JobRequest(workspace=workspace.root, training=training))
    now = time.time()
    write_status(
        JobStatus(
            job_id=folder.name,
            folder=folder,
            state="starting",
            message="Waiting for a worker of the cluster.",
            epochs=sum(phase.epochs for phase in training.recipe.phases),
            started=now,
            heartbeat=now,
        )
    )
    return StatusReporter(folder)
