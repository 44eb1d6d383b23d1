"""The files in a run's folder by which a training run and whoever watches it speak.

    job.json      what was asked for: `JobRequest`
    status.json   the last heartbeat: `JobStatus`; replaced, never edited
    cancel        is there when somebody pressed stop
    job.log       whatever the process printed

"lost" is never written: it is what `engine.jobs.control.status` concludes of a process that is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

from annotated_types import Interval

from engine.errors import RunError
from engine.kept_files import JsonFile, plain, read_json
from engine.records import Epoch, FilePath, Seconds, TrainingRequest
from engine.storage import versioned, write_atomic
from engine.workspace import fold_folder

JOB_FILE, STATUS_FILE, CANCEL_FILE, LOG_FILE = "job.json", "status.json", "cancel", "job.log"

State = Literal["starting", "training", "calibrating", "predicting", "done", "stopped", "failed", "lost"]
WORKING: frozenset[State] = frozenset({"starting", "training", "calibrating", "predicting"})
RESUMABLE: frozenset[State] = frozenset({"stopped", "failed", "lost"})

Record = TypeVar("Record")
Count = Annotated[int, Interval(ge=0, le=10**12)]
Moment = Annotated[float, Interval(ge=0, le=10**11)]  # seconds since 1970


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run that was submitted."""

    job_id: str
    folder: Path


class JobReporter(Protocol):
    """What the work calls to say how far it is; cheap enough for every step."""

    def stage(self, state: State, message: str) -> None:
        """Enter a stage of the work and say in a sentence what it is doing."""

    def fold(self, number: int, of: int) -> None:
        """The training of a fold of a cross-validation begins, counted from 1."""

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
        on: The cluster that trains it (`engine.cluster.check_address`); empty means this computer, in one process.
        workers: How many processes there; 0 means one a GPU, or one a core.
    """

    workspace: FilePath
    training: TrainingRequest
    resume: bool = False
    on: str = ""
    workers: Count = 0


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
        fold: Of a cross-validation, the one in training; epochs are of this fold. 0 where one model is trained.
        folds: Of a cross-validation.
        batch: Steps done of the present epoch.
        batches: Steps of the present epoch.
        seconds_left: Estimate of the training time left; None while nothing is known.
        last_epoch: The figures of the last epoch.
        started: Seconds since 1970.
        heartbeat: Seconds since 1970.
        pid: Of the run's process; 0 before it has reported.
        process_started: When the process began, by `engine.jobs.control.began`: another one with the same pid is not
            taken for it.
    """

    job_id: str
    folder: Path
    state: State
    message: str = ""
    phase: str = ""
    epoch: Count = 0
    epochs: Count = 0
    fold: Count = 0
    folds: Count = 0
    batch: Count = 0
    batches: Count = 0
    seconds_left: Seconds | None = None
    last_epoch: Epoch | None = None
    started: Moment = 0.0
    heartbeat: Moment = 0.0
    pid: Annotated[int, Interval(ge=0, le=2**31 - 1)] = 0
    process_started: Moment = 0.0

    @property
    def working(self) -> bool:
        """Whether there is still something to wait for."""
        return self.state in WORKING

    @property
    def reached(self) -> str:
        """How far the training is: "epoch 3 of 20", with the fold before it where there are several."""
        epochs = f"epoch {self.epoch} of {self.epochs}"
        return f"fold {self.fold} of {self.folds}, {epochs}" if self.folds else epochs

    @property
    def share_trained(self) -> float:
        """How much of all epochs of all folds is done, in [0, 1]."""
        within = self.batch / self.batches if self.batches else 0.0
        here = min(1.0, (self.epoch + within) / max(self.epochs, 1))
        return (self.fold - 1 + here) / self.folds if self.folds else here

    @property
    def progress(self) -> str:
        """The same for a table: "3 / 20", and of a cross-validation "2 of 5: 3 / 20"."""
        epochs = f"{self.epoch} / {self.epochs}"
        return f"fold {self.fold} of {self.folds}: {epochs}" if self.folds else epochs

    @property
    def trained_in(self) -> Path:
        """Where the training curve grows: the run's folder, or the folder of the present fold."""
        return fold_folder(self.folder, self.fold) if self.fold else self.folder

    @property
    def resumable(self) -> bool:
        """Whether `resume` may be offered."""
        return self.state in RESUMABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOutline:
    """What of a request is known without reading its recipe: its workspace, name and epochs of each phase, and whether
    the run was resumed."""

    workspace: FilePath
    phases: tuple[tuple[str, Count], ...]
    resume: bool = False


def save_request(folder: Path, request: JobRequest) -> None:
    """Write down what is asked for.

    Raises:
        WorkspaceError: The disk is full, or the folder cannot be written to.
    """
    fields = {"workspace": str(request.workspace), "resume": request.resume, **plain(request.training)}
    if request.on:
        fields |= {"on": request.on, "workers": request.workers}
    write_atomic(folder / JOB_FILE, json.dumps(versioned(fields), indent=1))


def load_request(folder: Path) -> JobRequest:
    """Read what was asked for.

    Raises:
        RunError: The folder holds no job, or it is damaged.
        RecipeError: The recipe in it is not one this version can run.
    """
    return _read(folder / JOB_FILE, JOB)


def load_outline(folder: Path) -> JobOutline:
    """Read what was asked for, its recipe unread; raises as `load_request`."""
    return _read(folder / JOB_FILE, OUTLINE)


def write_status(now: JobStatus) -> None:
    """Replace a run's status file; for the run's own process and for `submit`.

    Raises:
        WorkspaceError: The disk is full, or the folder cannot be written to.
    """
    write_atomic(now.folder / STATUS_FILE, json.dumps(versioned(asdict(now) | {"folder": now.folder.name})))


def read_status(folder: Path) -> JobStatus:
    """Read the last heartbeat, true or not; `engine.jobs.control.status` judges it.

    Raises:
        RunError: The folder holds no job, or its status is damaged.
    """
    return _read(folder / STATUS_FILE, STATUS, job_id=folder.name, folder=folder)


def _read(path: Path, kind: JsonFile[Record], **more: object) -> Record:
    try:
        return read_json(path, kind, **more)
    except FileNotFoundError as error:
        raise RunError(
            f"There is no run in {path.parent}", "Choose one of the runs there are", option="overread runs"
        ) from error


def _request(fields: dict[str, Any]) -> Mapping[str, Any]:
    from engine.recipes import recipe_from_values  # not at top: watching a run needs no recipe

    recipe = recipe_from_values(fields.pop("recipe"))
    kept: dict[str, Any] = {
        name: fields.pop(name) for name in ("workspace", "resume", "on", "workers") if name in fields
    }
    return {**kept, "training": {**fields, "recipe": recipe}}


def _outline(fields: dict[str, Any]) -> Mapping[str, Any]:
    phases = [(phase["name"], phase["epochs"]) for phase in fields["recipe"]["phases"]]
    return {"workspace": fields["workspace"], "phases": phases, "resume": fields.get("resume", False)}


_AGAIN = "Restore {file} in the folder of run {folder} from a backup, or train again"
JOB = JsonFile(record=JobRequest, error=RunError, remedy=_AGAIN, former=_request)
OUTLINE = JsonFile(record=JobOutline, error=RunError, remedy=_AGAIN, former=_outline)
STATUS = JsonFile(
    record=JobStatus,
    error=RunError,
    remedy="Delete {file} from the folder of run {folder}: a finished run can still be reviewed and reported, "
    "one that is not finished has to be trained again",
)
