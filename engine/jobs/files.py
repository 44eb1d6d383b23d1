"""The files in a run's folder by which a training run and whoever watches it speak.

    job.json      what was asked for: `JobRequest`
    status.json   the last heartbeat: `JobStatus`; replaced, never edited
    cancel        is there when somebody pressed stop
    job.log       whatever the process printed

"lost" is never written: it is what `engine.jobs.control.status` concludes of a process that is gone or silent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from engine.errors import RunError
from engine.records import Epoch, TrainingRequest
from engine.storage import write_atomic

JOB_FILE, STATUS_FILE, CANCEL_FILE, LOG_FILE = "job.json", "status.json", "cancel", "job.log"

State = Literal["starting", "training", "calibrating", "predicting", "done", "stopped", "failed", "lost"]
WORKING: frozenset[State] = frozenset({"starting", "training", "calibrating", "predicting"})
RESUMABLE: frozenset[State] = frozenset({"stopped", "failed", "lost"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run that was submitted."""

    job_id: str
    folder: Path


class JobReporter(Protocol):
    """What the work calls to say how far it is; cheap enough for every step."""

    def stage(self, state: State, message: str) -> None:
        """Enter a stage of the work and say in a sentence what it is doing."""

    def epoch(self, epoch: Epoch, epochs_total: int) -> None:
        """One epoch is done, out of at most so many."""

    def batch(self, done: int, total: int) -> None:
        """So many steps of the present epoch (or of predicting) are done."""

    def should_stop(self) -> bool:
        """Whether somebody pressed stop: leave by raising `TrainingStopped`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRequest:
    """A training request on its way to a process of its own.

    Attributes:
        workspace: Its root folder.
        training: What shall be trained.
        resume: Go on from the last checkpoint in the run's folder.
    """

    workspace: Path
    training: TrainingRequest
    resume: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStatus:
    """How far a run is.

    Attributes:
        job_id: The run's id.
        folder: The run's folder.
        state: Where in the line; "done", "stopped", "failed" and "lost" are ends.
        message: One sentence for the person at the screen.
        phase: The recipe's phase.
        epoch: Epochs done in all phases.
        epochs: Epochs at most in all phases.
        batch: Steps done of the present epoch.
        batches: Steps of the present epoch.
        seconds_left: Estimate of the training time left; None while nothing is known.
        last_epoch: The figures of the last epoch.
        started: Seconds since 1970.
        heartbeat: Seconds since 1970.
        pid: Of the run's process; 0 before it has reported.
        process_started: When the process began: another one with the same pid is not taken for it.
    """

    job_id: str
    folder: Path
    state: State
    message: str = ""
    phase: str = ""
    epoch: int = 0
    epochs: int = 0
    batch: int = 0
    batches: int = 0
    seconds_left: float | None = None
    last_epoch: Epoch | None = None
    started: float = 0.0
    heartbeat: float = 0.0
    pid: int = 0
    process_started: float = 0.0

    @property
    def working(self) -> bool:
        """Whether there is still something to wait for."""
        return self.state in WORKING

    @property
    def resumable(self) -> bool:
        """Whether `resume` may be offered."""
        return self.state in RESUMABLE


def save_request(folder: Path, request: JobRequest) -> None:
    """Write down what is asked for.

    Raises:
        WorkspaceError: The disk is full, or the folder cannot be written to.
    """
    from engine.recipes import recipe_to_json  # not at top: watching a run needs no recipe

    training = asdict(request.training) | {"recipe": json.loads(recipe_to_json(request.training.recipe))}
    fields = {"workspace": str(request.workspace), "resume": request.resume, **training}
    write_atomic(folder / JOB_FILE, json.dumps(fields, indent=1))


def load_request(folder: Path) -> JobRequest:
    """Read what was asked for.

    Raises:
        RunError: The folder holds no job.
        RecipeError: The recipe in it is not one this version can run.
    """
    from engine.recipes import recipe_from_json

    fields = dict(read_json(folder / JOB_FILE))
    try:
        workspace, resume = Path(fields.pop("workspace")), bool(fields.pop("resume", False))
        fields |= {
            "recipe": recipe_from_json(json.dumps(fields["recipe"])),
            "ratios": tuple(fields["ratios"]),
        }
        return JobRequest(workspace=workspace, training=TrainingRequest(**fields), resume=resume)
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder / JOB_FILE} is not a job of this version", "Submit the run again") from error


def write_status(now: JobStatus) -> None:
    """Replace a run's status file; for the run's own process and for `submit`.

    Raises:
        WorkspaceError: The disk is full, or the folder cannot be written to.
    """
    write_atomic(now.folder / STATUS_FILE, json.dumps(asdict(now) | {"folder": now.folder.name}))


def read_status(folder: Path) -> JobStatus:
    """Read the last heartbeat, true or not; `engine.jobs.control.status` judges it.

    Raises:
        RunError: The folder holds no job.
    """
    return _status_of(folder, read_json(folder / STATUS_FILE))


def _status_of(folder: Path, fields: Mapping[str, Any]) -> JobStatus:
    try:
        last = fields["last_epoch"]
        return JobStatus(**{**fields, "folder": folder, "last_epoch": Epoch(**last) if last else None})
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder / STATUS_FILE} is not of this version", "Submit the run again") from error


def read_json(path: Path) -> Mapping[str, Any]:
    """Read one of these files.

    Raises:
        RunError: It is not there, or not readable.
    """
    for attempt in (1, 2, 3):
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise RunError(f"There is no run in {path.parent}", "Choose one of `overread runs`") from error
        except (
            PermissionError,
            ValueError,
            TypeError,
        ) as error:  # Windows: the very moment of being replaced
            if attempt == 3:
                raise RunError(f"{path} cannot be read", "Submit the run again") from error
            time.sleep(0.05)
    raise AssertionError("unreachable")
