"""How long a run was expected to take, kept in its folder, and how long it then took.

What earlier trainings of a workspace took corrects what is expected of the next: a measured rate does not know what
else this computer has to do.
"""

from __future__ import annotations

import json
import statistics
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import RunError
from engine.jobs.control import list_jobs
from engine.jobs.files import JobStatus, load_outline
from engine.kept_files import JsonFile, read_json
from engine.records import Seconds
from engine.storage import versioned, write_atomic
from engine.workspace import Workspace

EXPECTED_FILE = "expected.json"
RECENT = 5  # runs that correct the next estimate
MOST = 10.0  # times: what lies further off was disturbed, and corrects nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What was expected of a run.

    Attributes:
        measured: Seconds, from the measured rate alone.
        said: Seconds, as it was told: corrected by earlier runs.
    """

    measured: Seconds
    said: Seconds


_EXPECTED = JsonFile(
    record=Expected,
    error=RunError,
    remedy="Delete {file} from the folder of run {folder}; nothing else is lost",
)


def keep_expected(folder: Path, expected: Expected) -> None:
    """Write into a run's folder what was expected of it."""
    write_atomic(folder / EXPECTED_FILE, json.dumps(versioned(asdict(expected))))


def expected_of(folder: Path) -> Expected | None:
    """Return what was expected of a run; None where nothing was, or it cannot be read."""
    with suppress(FileNotFoundError, RunError):
        return read_json(folder / EXPECTED_FILE, _EXPECTED)
    return None


def took(status: JobStatus) -> float | None:
    """Return how many seconds a finished run took from its start; None where it is not finished.

    Nor is it known of a run that was resumed: between its start and its end lies the time in which nothing was done.
    """
    if status.state != "done" or not status.started:
        return None
    with suppress(RunError):
        if load_outline(status.folder).resume:
            return None
    return status.heartbeat - status.started


def correction(workspace: Workspace) -> float:
    """Return what measured seconds are multiplied by: the middle of what the last runs took of theirs; 1 at first."""
    shares = []
    for status in list_jobs(workspace):
        expected, seconds = expected_of(status.folder), took(status)
        if expected is None or seconds is None or not expected.measured:
            continue
        share = seconds / expected.measured
        if 1 / MOST <= share <= MOST:
            shares.append(share)
        if len(shares) == RECENT:
            break
    return statistics.median(shares) if shares else 1.0
