"""The finished run that a training begins with, where its recipe's `weights` names one."""

from __future__ import annotations

from pathlib import Path

from engine.errors import RunError
from engine.records import Run
from engine.runs.folder import load_run

RUN = "run:"  # what a recipe's `weights` begins with


def run_to_begin_with(runs: Path, weights: str) -> Run | None:
    """Return the run that `weights` names; None where it names none.

    Args:
        runs: The workspace's folder of runs.
        weights: Of a recipe.

    Raises:
        RunError: There is no such finished run, or it has not one network of its own.
    """
    if not weights.startswith(RUN):
        return None
    run_id = weights.removeprefix(RUN)
    folder = runs / run_id
    if folder.parent != runs or not (folder / "run.json").is_file():
        raise RunError(
            f"There is no finished run “{run_id}” to begin with",
            "Name the whole id of a finished run",
            option="overread runs",
        )
    run = load_run(folder)
    if run.recipe is None:
        raise RunError(
            f"Run {run_id} holds another model's predictions and has no network that a training could begin with",
            "Name a run that was trained here, or have the other model's weights added",
            option="overread weights add FILE",
        )
    if run.folds:
        raise RunError(
            f"Run {run_id} is a cross-validation of {run.folds} models, and a training begins with one",
            "Name a run that was trained without folds",
        )
    return run
