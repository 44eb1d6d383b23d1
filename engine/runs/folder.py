"""A finished training run as a folder, and back.

runs/<run_id>/
  recipe.json        as run
  run.json           classes, operating point, calibration, provenance
  split.csv          every image, its patient and its side
  history.csv        one line an epoch
  model.safetensors  the best checkpoint
  environment.json   versions and device
  heatmaps.npz       saliency of the predicted cases, float16
  uncertainty.json   how a prediction's uncertainty is found
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from engine.data import load_split
from engine.errors import RecipeError, RunError
from engine.recipes import load_recipe
from engine.records import (
    Calibration,
    Conformal,
    Estimate,
    Injection,
    OperatingFigures,
    Run,
    Split,
    UncertaintyModel,
)
from engine.storage import versioned, write_atomic
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.models import Classifier


RUN_TIME = "%Y%m%d-%H%M%S"
UNCERTAINTY_FILE = "uncertainty.json"
FIGURES = ("sensitivity", "specificity")  # at the operating point


def new_run_id(runs: Path) -> str:
    """Return an id, e.g. 20261121-224715-9f3c, that sorts by time: behind every run there is, whatever the clock says.

    Args:
        runs: `Workspace.runs`.
    """
    begun = datetime.now(UTC)
    for folder in runs.iterdir():
        with suppress(ValueError):  # a folder of another name is no run of ours
            before = datetime.strptime(folder.name[: len("20261121-224715")], RUN_TIME).replace(tzinfo=UTC)
            begun = max(begun, before + timedelta(seconds=1))
    return f"{begun:{RUN_TIME}}-{token_hex(2)}"


def save_run(run: Run) -> None:
    """Write run.json; with it the folder is a finished run."""
    facts = dataclasses.asdict(run)
    del facts["folder"], facts["recipe"]
    facts["created"] = run.created.isoformat()
    if run.validated is not None:
        for name in FIGURES:
            facts["validated"][name] = {
                key: None if isinstance(value, float) and math.isnan(value) else value
                for key, value in facts["validated"][name].items()
            }
    write_atomic(run.folder / "run.json", json.dumps(versioned(facts), indent=2, ensure_ascii=False) + "\n")


def load_run(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        RunError: There is no finished run in the folder, or it is damaged.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        facts.pop("schema_version", None)  # absent in version 1, whose names are the same
        facts["classes"] = tuple(facts["classes"])
        calibration = facts.pop("calibration")
        validated = facts.pop("validated", None)  # absent in runs of an earlier version
        return Run(
            **{**facts, "created": datetime.fromisoformat(facts["created"])},
            folder=folder,
            recipe=load_recipe(folder / "recipe.json"),
            calibration=Calibration(**{**calibration, "bias": tuple(calibration["bias"])}),
            validated=None if validated is None else _operating_figures(validated),
        )
    except FileNotFoundError as error:
        raise RunError(
            f"There is no finished run in {folder.name}",
            "Wait until its training is done, or choose another run",
        ) from error
    except RecipeError as error:
        raise RunError(
            f"The run {folder.name} has a recipe that cannot be used ({error.problem})",
            "Restore its recipe.json from a backup, or train again",
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"The run {folder.name} is damaged: its run.json is cut short or was changed",
            "Restore run.json from a backup, or train again; its reviews are kept",
        ) from error


def _operating_figures(facts: Mapping[str, Any]) -> OperatingFigures:
    """Read what `save_run` wrote; a number that is none was written as null."""
    found = {}
    for name in FIGURES:
        told: dict[str, Any] = dict(facts[name])
        found[name] = Estimate(
            **told | {key: math.nan for key in ("value", "low", "high") if told[key] is None}
        )
    return OperatingFigures(**found, note=facts["note"])


def list_runs(workspace: Workspace) -> list[Run]:
    """Return the finished runs that can be read, newest first."""
    runs: list[Run] = []
    for folder in sorted(workspace.runs.iterdir(), reverse=True):
        if (folder / "run.json").is_file():
            try:
                runs.append(load_run(folder))
            except RunError:
                continue  # `find_run` says what is wrong with it when somebody asks for it by name
    return runs


def find_run(workspace: Workspace, run_id: str) -> Run:
    """Return a run by id, by the start of an id, or the newest one by "latest".

    Raises:
        RunError: There is none, or several begin so.
    """
    names = [folder.name for folder in sorted(workspace.runs.iterdir()) if folder.is_dir()]
    if run_id == "latest":
        finished = [name for name in names if (workspace.runs / name / "run.json").is_file()]
        if not finished:
            raise RunError(
                "There is no finished run in this workspace", "Train one first: overread train DATASET"
            )
        return load_run(workspace.runs / finished[-1])
    matching = [name for name in names if name == run_id] or [
        n for n in names if run_id and n.startswith(run_id)
    ]
    if len(matching) != 1:
        problem = "There is no run" if not matching else f"{len(matching)} runs begin with"
        known = ", ".join(names[-3:]) or "none yet"
        raise RunError(
            f"{problem} “{run_id}”", f"Choose one of the runs there are (newest: {known}), or “latest”"
        )
    return load_run(workspace.runs / matching[0])


def load_classifier(run: Run, device: str = "cpu") -> Classifier:
    """Build a run's net and load its checkpoint, in eval mode.

    Raises:
        RunError: The checkpoint is missing, cut short or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engine.models import build_classifier

    classifier = build_classifier(run.recipe, len(run.classes))
    path = run.folder / "model.safetensors"
    try:
        classifier.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise RunError(
            f"The checkpoint of run {run.run_id} cannot be read: it is missing, cut short or of another network",
            "Copy model.safetensors into the run's folder again, or train again; its reviews are kept",
        ) from error
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    return classifier.to(device).eval()


# ----------------------------------------------------------------------------------------- history and split


def split_of(run: Run) -> Split:
    """Read the split a run was trained on.

    Raises:
        DataError: split.csv cannot be read.
    """
    return load_split(run.folder / "split.csv")


# ------------------------------------------------------------------------------------------------ explanations


def save_uncertainty(folder: Path, uncertainty: UncertaintyModel) -> None:
    """Write a run's uncertainty into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    write_atomic(
        folder / UNCERTAINTY_FILE,
        json.dumps(versioned(dataclasses.asdict(uncertainty)), indent=2, allow_nan=False) + "\n",
    )


def load_uncertainty(folder: Path) -> UncertaintyModel | None:
    """Read a run's uncertainty; None where none was fitted.

    Raises:
        RunError: The file is damaged.
    """
    if not (folder / UNCERTAINTY_FILE).exists():
        return None
    try:
        facts = json.loads((folder / UNCERTAINTY_FILE).read_text(encoding="utf-8"))
        injection, conformal = facts["injection"], facts["conformal"]
        injection["likelihoods"] = tuple((rate, value) for rate, value in injection["likelihoods"])
        conformal["thresholds"] = tuple(conformal["thresholds"])
        conformal["patients_by_class"] = tuple(conformal.get("patients_by_class", ()))
        return UncertaintyModel(injection=Injection(**injection), conformal=Conformal(**conformal))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"The run {folder.name} has a damaged {UNCERTAINTY_FILE} ({error})",
            f"Delete {UNCERTAINTY_FILE}; the run's predictions then come without uncertainty",
        ) from error
