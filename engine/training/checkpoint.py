"""The state of an unfinished training run as safetensors and JSON, so that resuming gives the same curve.

Randomness is not stored: every draw of an epoch is a function of the recipe's seed and the epoch's number.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from annotated_types import Interval
from torch import Tensor

from engine.errors import TrainingError
from engine.kept_files import parse_json, typed
from engine.records import Seconds
from engine.storage import check_regular, storage_error, write_atomic
from engine.training.packing import pack, unpack

FILE = "checkpoint.safetensors"

State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class _Optimizer:
    """What of an optimiser's state is no tensor."""

    scalars: dict[int, dict[str, Any]]
    groups: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What of a checkpoint is no tensor."""

    phase: Annotated[int, Interval(ge=0)]
    epochs: Annotated[int, Interval(ge=0)]
    has_best: bool
    progress: dict[str, Any]
    seconds: Seconds
    optimizer: _Optimizer | None = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that the next epoch depends on.

    Attributes:
        phase: Index of the phase the run is in.
        epochs: Epochs done in that phase.
        model: State of the classifier.
        best: State of the best classifier so far; None before the first improvement.
        progress: Numbers of the phase: best value, epochs since it, the scheduler's state.
        average: Moving average of the weights, where the phase keeps one.
        optimizer: As `torch.optim.Optimizer.state_dict` gives it; None at a phase's beginning.
        seconds: Training time so far.
    """

    phase: int
    epochs: int
    model: State
    best: State | None
    average: State | None
    progress: Mapping[str, Any]
    optimizer: Mapping[str, Any] | None
    seconds: float


def copy_state(module: torch.nn.Module) -> State:
    """Return a copy of a module's state on the CPU that later training does not change."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in module.state_dict().items()}


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the last one; a crash in between leaves the last one whole.

    Raises:
        WorkspaceError: The disk is full.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors: State = {f"model/{name}": value for name, value in checkpoint.model.items()}
    tensors |= {f"best/{name}": value for name, value in (checkpoint.best or {}).items()}
    tensors |= {f"average/{name}": value for name, value in (checkpoint.average or {}).items()}
    facts: dict[str, Any] = {
        "phase": checkpoint.phase,
        "epochs": checkpoint.epochs,
        "has_best": checkpoint.best is not None,
        "progress": checkpoint.progress,
        "seconds": checkpoint.seconds,
    }
    if checkpoint.optimizer is not None:
        scalars: dict[str, dict[str, Any]] = {}
        for number, values in checkpoint.optimizer["state"].items():
            for name, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer/{number}/{name}"] = value.detach().cpu()
                else:
                    scalars.setdefault(str(number), {})[name] = value
        facts["optimizer"] = {"scalars": scalars, "groups": checkpoint.optimizer["param_groups"]}
    temporary, packed = folder / f".{FILE}", pack(tensors)
    try:
        save_file(packed, temporary, metadata={"overread": json.dumps(facts)})
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(folder / FILE)
    except (SafetensorError, OSError) as error:
        temporary.unlink(missing_ok=True)
        size = sum(value.nbytes for value in packed.values())
        raise storage_error(_of_the_disk(error, folder, size), folder) from error


def _of_the_disk(error: Exception, folder: Path, size: int) -> OSError:
    """Return what the disk did; safetensors has one error for all that a disk may do to so many bytes."""
    if isinstance(error, OSError):
        return error
    try:
        full = shutil.disk_usage(folder).free < size
    except OSError as gone:
        return gone
    return OSError(errno.ENOSPC if full else errno.EIO, str(error))


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the last checkpoint of an unfinished run; None where there is none.

    Raises:
        TrainingError: The file is cut short.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.exists():
        return None
    try:
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            facts = typed(_Facts, parse_json(file.metadata()["overread"]))
            tensors = unpack({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118  not a dict
        model = _below(tensors, "model/")
        return Checkpoint(
            phase=facts.phase,
            epochs=facts.epochs,
            model=model,
            # An earlier version wrote of the best model what is not in the present one.
            best={**model, **_below(tensors, "best/")} if facts.has_best else None,
            average=_below(tensors, "average/") or None,
            progress=facts.progress,
            optimizer=None if facts.optimizer is None else _optimizer(facts.optimizer, tensors),
            seconds=facts.seconds,
        )
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, zlib.error) as error:
        raise TrainingError(
            f"The checkpoint of run {folder.name} is cut short or damaged",
            f"Delete {FILE} from the run's folder and resume: training then begins again with the same recipe",
        ) from error


def _optimizer(kept: _Optimizer, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {number: dict(values) for number, values in kept.scalars.items()}
    for name, value in tensors.items():
        if name.startswith("optimizer/"):
            _, number, key = name.split("/", 2)
            state.setdefault(int(number), {})[key] = value
    return {"state": state, "param_groups": list(kept.groups)}


def remove_checkpoint(folder: Path) -> None:
    """Delete the checkpoint of a run that is finished."""
    (folder / FILE).unlink(missing_ok=True)


def save_model(folder: Path, state: State) -> None:
    """Write model.safetensors, whole or not at all.

    Raises:
        WorkspaceError: The disk is full.
    """
    from safetensors.torch import save

    write_atomic(folder / "model.safetensors", save(state))


def _below(tensors: Mapping[str, Tensor], prefix: str) -> State:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
