"""The folder of an experiment: what was asked, how far it is, whether to stop, and what was found.

asked.json     `Asked`
status.json    `ExperimentStatus`; replaced, never edited
cancel         is there when somebody pressed stop
found.json     `Found`, once something is
log            whatever the process printed
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Interval, MaxLen

from engine.errors import RunError
from engine.kept_files import JsonFile, plain, read_json
from engine.records import FIRST_VERSION, FilePath, Recipe
from engine.storage import versioned, write_atomic

ASKED_FILE, STATUS_FILE, CANCEL_FILE, FOUND_FILE, LOG_FILE = (
    "asked.json",
    "status.json",
    "cancel",
    "found.json",
    "log",
)

SHARES = (0.10, 0.18, 0.32, 0.56, 1.0)
"""Each about 1.8 times the one before, as a power law is even in factors."""

State = Literal["working", "done", "stopped", "failed", "lost"]
Folds = Annotated[int, Interval(ge=0, le=100)]
Count = Annotated[int, Interval(ge=0, le=10**6)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be found out.

    Attributes:
        workspace: Its root folder.
        kind: A key of `engine.experiments.asked.work.KINDS`.
        recipe: From which it starts.
        dataset_id: On which data; split as it is kept for it.
        labels: The version of its labels.
        trainings: Of each size of a learning curve, of each recipe of a comparison (with as many seeds), or trials of a
            search in all.
        shares: Of the training part, which a learning curve trains on.
        others: Recipes that a comparison holds against the first.
        folds: Of a cross-validation of each recipe of a comparison; 0 means one model on one split.
        vary: What a search varies, as a person wrote it: see `engine.experiments.search_space`.
        allow_downloads: Whether pretrained weights may be fetched.
    """

    workspace: FilePath
    kind: str
    recipe: Recipe
    dataset_id: str
    labels: Annotated[int, Interval(ge=FIRST_VERSION, le=10**6)] = FIRST_VERSION
    trainings: Annotated[int, Interval(ge=1, le=10_000)] = 1
    shares: tuple[Annotated[float, Interval(gt=0, le=1)], ...] = SHARES
    others: Annotated[tuple[Recipe, ...], MaxLen(100)] = ()
    folds: Folds = 0
    vary: tuple[str, ...] = ()
    allow_downloads: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentStatus:
    """How far an experiment is.

    Attributes:
        experiment_id: Name of its folder.
        state: "lost" is never written: it is what is concluded of a process that is gone.
        message: One sentence: what is being done, or how it ended.
        done: Trainings done.
        total: Trainings in all; 0 until it is known.
        started: Seconds since 1970.
        pid: Of its process; 0 before it has reported.
        process_started: When that began.
    """

    experiment_id: str
    state: State = "working"
    message: str = ""
    done: Count = 0
    total: Count = 0
    started: float = 0.0
    pid: Annotated[int, Interval(ge=0, le=2**31 - 1)] = 0
    process_started: float = 0.0

    @property
    def working(self) -> bool:
        """Whether there is still something to wait for."""
        return self.state == "working"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What came of an experiment.

    Attributes:
        sentence: What was found, or why it cannot be said.
        more: What it rests on.
        headings: Of a table.
        rows: Of it.
        figure: Name of an SVG in the folder; empty for none.
        page: Name of a page in the folder; empty for none.
        recipe: Name of a recipe that was saved; empty for none.
        runs: That were compared, the first being what the others are held against.
    """

    sentence: str
    more: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    figure: str = ""
    page: str = ""
    recipe: str = ""
    runs: tuple[str, ...] = ()


Record = TypeVar("Record")

_AGAIN = "Delete the folder {folder} it is in, and ask again; the runs that were trained for it are kept"


def _asked(fields: dict[str, Any]) -> Mapping[str, Any]:
    from engine.recipes import recipe_from_values  # not at top: watching needs no recipe

    others = [recipe_from_values(one) for one in fields.get("others", ())]
    return {**fields, "recipe": recipe_from_values(fields["recipe"]), "others": others}


_ASKED = JsonFile(record=Asked, error=RunError, remedy=_AGAIN, former=_asked)
_STATUS = JsonFile(record=ExperimentStatus, error=RunError, remedy=_AGAIN)
_FOUND = JsonFile(record=Found, error=RunError, remedy=_AGAIN, largest=8 << 20)


def save_asked(folder: Path, asked: Asked) -> None:
    """Write down what is asked for."""
    fields = {**plain(asked), "workspace": str(asked.workspace)}
    write_atomic(folder / ASKED_FILE, json.dumps(versioned(fields), indent=1))


def load_asked(folder: Path) -> Asked:
    """Read what was asked for.

    Raises:
        RunError: There is none, or it is damaged.
        RecipeError: The recipe in it is not one this version can run.
    """
    return _read(folder / ASKED_FILE, _ASKED)


def write_status(folder: Path, now: ExperimentStatus) -> None:
    """Replace how far an experiment is."""
    write_atomic(folder / STATUS_FILE, json.dumps(versioned(asdict(now))))


def read_status(folder: Path) -> ExperimentStatus:
    """Read how far an experiment is, true or not.

    Raises:
        RunError: There is none, or it is damaged.
    """
    return _read(folder / STATUS_FILE, _STATUS)


def save_found(folder: Path, found: Found) -> None:
    """Write down what came of an experiment."""
    write_atomic(folder / FOUND_FILE, json.dumps(versioned(asdict(found)), ensure_ascii=False))


def load_found(folder: Path) -> Found | None:
    """Read what came of an experiment; None where nothing has yet.

    Raises:
        RunError: It is damaged.
    """
    try:
        return read_json(folder / FOUND_FILE, _FOUND)
    except FileNotFoundError:
        return None


def _read(path: Path, kind: JsonFile[Record]) -> Record:
    try:
        return read_json(path, kind)
    except FileNotFoundError as error:
        raise RunError(f"There is no experiment in {path.parent.name}", "Choose one from the list") from error
