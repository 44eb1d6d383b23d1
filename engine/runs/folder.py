"""A finished training run as a folder, and back.

runs/<run_id>/
  recipe.json        as run; where the predictions were supplied, supplied.json says by whom, and there is no net
  run.json           classes, operating point, calibration, provenance
  split.csv          every image, its patient and its side
  history.csv        one line an epoch
  model.safetensors  the best checkpoint
  environment.json   versions and device
  heatmaps.npz       saliency of the predicted cases, float16
  maps.json          how those maps are made, and their scale
  passport.json      how far they can be believed
  uncertainty.json   how a prediction's uncertainty is found
  shift.npz          what images like those of training look like to the net
  distances.npz      how far each predicted image lies from them
  about.json         the name and note that a person gave, and whether it is archived (`engine.naming`)
  external/          tests on images from elsewhere
  sources.json       where images from elsewhere came from that were predicted for review
  folds/1, 2, …      of a cross-validation: a run each, and no model.safetensors above them (`folds`)
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os.path import lexists
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from engine.data import load_split
from engine.errors import RecipeError, RunError
from engine.kept_files import JsonFile, ignore, read_json
from engine.naming import given_of
from engine.recipes import load_recipe, recipe_to_json
from engine.records import (
    ENDPOINTS,
    FixedEndpoint,
    Run,
    Split,
    TrainingRequest,
    UncertaintyModel,
    recipe_of,
)
from engine.runs.supplied import SUPPLIED_FILE, load_supplied, supplied_to_json
from engine.storage import check_regular, versioned, write_atomic
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
    write_atomic(run.folder / "run.json", _run_to_json(run))


def settings_of(run: Run) -> dict[str, str]:
    """Return the files that `load_run` reads, by name."""
    files = {"run.json": _run_to_json(run)}
    if run.recipe is not None:
        files["recipe.json"] = recipe_to_json(run.recipe)
    if run.supplied is not None:
        files[SUPPLIED_FILE] = supplied_to_json(run.supplied)
    return files


def _run_to_json(run: Run) -> str:
    facts = dataclasses.asdict(run)
    del facts["folder"], facts["recipe"], facts["supplied"]  # in files of their own
    facts["created"] = run.created.isoformat()
    if run.endpoint is not None:
        facts["endpoint"]["fixed"] = run.endpoint.fixed.isoformat()
    if run.validated is not None:
        for name in FIGURES:
            facts["validated"][name] = {
                key: None if isinstance(value, float) and math.isnan(value) else value
                for key, value in facts["validated"][name].items()
            }
    return json.dumps(versioned(facts), indent=2, ensure_ascii=False) + "\n"


def load_run(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        RunError: There is no finished run in the folder, or it is damaged.
    """
    try:
        if not lexists(folder / "run.json"):
            raise FileNotFoundError
        supplied = load_supplied(folder)
        recipe = load_recipe(folder / "recipe.json") if supplied is None else None
        return read_json(folder / "run.json", RUN, folder=folder, recipe=recipe, supplied=supplied)
    except FileNotFoundError as error:
        if deleted := given_of(folder).deleted:
            raise RunError(
                f"Run {folder.name} was deleted on {deleted[:10]}",
                "Choose another run; its readings are kept",
            ) from error
        raise RunError(
            f"There is no finished run in {folder.name}",
            "Wait until its training is done, or choose another run",
        ) from error
    except RecipeError as error:
        raise RunError(
            f"The run {folder.name} has a recipe that cannot be used ({error.problem})",
            "Restore its recipe.json from a backup, or train again",
        ) from error


def _of_run(fields: dict[str, Any]) -> Mapping[str, Any]:
    """Hold fields against each other; what each may be by itself is said by its type."""
    classes, bias, threshold = fields["classes"], fields["calibration"]["bias"], fields["threshold"]
    if fields["positive"] not in classes or len(set(classes)) != len(classes):
        raise ValueError("the class of the finding is none of its classes")
    if len(bias) not in (0, len(classes)) or (len(classes) == 2 and not 0 <= threshold <= 1):
        raise ValueError("calibration or threshold do not fit its classes")
    if fields.get("validated") is not None:
        for name in FIGURES:  # a number that is none is written as null
            told = fields["validated"][name]
            told |= {key: math.nan for key in ("value", "low", "high") if told[key] is None}
    return fields


RUN = JsonFile(
    record=Run,
    error=RunError,
    remedy="Restore {file} in the folder of run {folder} from a backup, or train again; its reviews are kept",
    former=_of_run,
)


def list_runs(workspace: Workspace, *, on_damaged: Callable[[RunError], None] = ignore) -> list[Run]:
    """Return the finished runs that can be read, newest first.

    Args:
        workspace: Where the runs are.
        on_damaged: Told of each that cannot be read: it must not hide the others.
    """
    runs: list[Run] = []
    for folder in sorted(workspace.runs.iterdir(), reverse=True):
        if lexists(folder / "run.json"):
            try:
                runs.append(load_run(folder))
            except RunError as error:
                on_damaged(error)
    return runs


def endpoints_of(classes: int) -> list[str]:
    """Return the figures that a run on so many classes may be to show, of `ENDPOINTS`."""
    return [name for name in ENDPOINTS if classes == 2 or name in ("AUROC", "accuracy")]


def tested_before(workspace: Workspace, dataset_id: str) -> int:
    """Return how many runs on a data set are finished: their test parts may have been looked at."""
    return sum(run.dataset_id == dataset_id for run in list_runs(workspace))


def fix_endpoint(
    workspace: Workspace, request: TrainingRequest, figure: str, classes: int
) -> TrainingRequest:
    """Return a request that says what its run is to show; fixed now, before anything is trained.

    Args:
        workspace: Whose finished runs on the same data are counted.
        request: As it will be submitted.
        figure: One of `ENDPOINTS`.
        classes: How many the data have.

    Raises:
        RunError: There is no such figure, or not for so many classes.
    """
    choices = endpoints_of(classes)
    if figure not in choices:
        raise RunError(
            f"“{figure}” cannot be the primary endpoint of a run with {classes} classes",
            f"Choose one of: {', '.join(choices)}",
        )
    endpoint = FixedEndpoint(
        figure=figure,
        operating_point=request.recipe.operating_point,
        fixed=datetime.now(UTC).replace(microsecond=0),
        tested_before=tested_before(workspace, request.dataset_id),
    )
    return replace(request, endpoint=endpoint)


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
                "There is no finished run in this workspace",
                "Train one first",
                option="overread train DATASET",
            )
        return load_run(workspace.runs / finished[-1])
    matching = [name for name in names if name == run_id] or [
        n for n in names if run_id and n.startswith(run_id)
    ]
    if len(matching) != 1:
        known = ", ".join(names[-3:])
        raise RunError(
            f"{len(matching)} runs begin with “{run_id}”" if matching else f"There is no run “{run_id}”",
            f"Choose one of the runs there are (newest: {known}), or “latest”"
            if known
            else "Train one first",
            option="" if known else "overread train DATASET",
        )
    return load_run(workspace.runs / matching[0])


def find_trained(workspace: Workspace, run_id: str) -> Run:
    """Return a run by id as `find_run` does, for what needs its net.

    Raises:
        RunError: There is none, several begin so, or its predictions were supplied.
    """
    run = find_run(workspace, run_id)
    recipe_of(run)
    return run


def load_classifier(run: Run, device: str = "cpu") -> Classifier:
    """Build a run's net and load its checkpoint, in eval mode.

    Raises:
        RunError: The checkpoint is missing, cut short or of another network, the run has several models, or none as
            its predictions were supplied.
    """
    recipe = recipe_of(run)
    if run.folds:
        raise RunError(
            f"Run {run.run_id} is a cross-validation of {run.folds} models, and this needs one",
            "Train without folds for it",
        )
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engine.models import build_classifier

    classifier = build_classifier(recipe, len(run.classes))
    path = run.folder / "model.safetensors"
    try:
        check_regular(path)
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
    try:
        return read_json(folder / UNCERTAINTY_FILE, UNCERTAINTY)
    except FileNotFoundError:
        return None


UNCERTAINTY = JsonFile(
    record=UncertaintyModel,
    error=RunError,
    remedy="Delete {file} from the folder of run {folder}; its predictions then come without uncertainty",
)
