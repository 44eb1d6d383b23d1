"""A finished training run as a folder, and back.

runs/<run_id>/
  recipe.json        as run
  run.json           classes, operating point, calibration, provenance
  split.csv          every image, its patient and its side
  history.csv        one line an epoch
  model.safetensors  the best checkpoint
  environment.json   versions and device
  heatmaps.npz       saliency of the predicted cases, float16
  uncertainty.json   how a prediction's doubt is found
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import platform
import sys
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import RecipeError, RunError
from engine.recipe import load_recipe
from engine.records import Calibration, Conformal, Doubt, Epoch, Explanation, Injection, Run, Split
from engine.split import load_split
from engine.workspace import Workspace, storage_error, write_atomic

if TYPE_CHECKING:
    from engine.backbone import Classifier

_PACKAGES = (
    "overread",
    "torch",
    "torchvision",
    "timm",
    "captum",
    "scikit-learn",
    "numpy",
    "pillow",
    "pydicom",
)


DOUBT_FILE = "uncertainty.json"


def new_run_id() -> str:
    """Return an id that sorts by time: e.g. 20261121-224715-9f3c."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"


def save_run(run: Run) -> None:
    """Write run.json; with it the folder is a finished run."""
    facts = dataclasses.asdict(run)
    del facts["folder"], facts["recipe"]
    facts["created"] = run.created.isoformat()
    write_atomic(run.folder / "run.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def load_run(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        RunError: There is no finished run in the folder, or it is damaged.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        facts["classes"] = tuple(facts["classes"])
        calibration = facts.pop("calibration")
        return Run(
            **{**facts, "created": datetime.fromisoformat(facts["created"])},
            folder=folder,
            recipe=load_recipe(folder / "recipe.json"),
            calibration=Calibration(**{**calibration, "bias": tuple(calibration["bias"])}),
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
        RunError: The checkpoint is missing, cut short or of another net.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engine.backbone import build_classifier

    classifier = build_classifier(run.recipe, len(run.classes))
    path = run.folder / "model.safetensors"
    try:
        classifier.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise RunError(
            f"The checkpoint of run {run.run_id} cannot be read: it is missing, cut short or of another net",
            "Copy model.safetensors into the run's folder again, or train again; its reviews are kept",
        ) from error
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    return classifier.to(device).eval()


# ----------------------------------------------------------------------------------------- history and split


def append_epoch(folder: Path, epoch: Epoch) -> None:
    """Add a line to history.csv.

    Raises:
        WorkspaceError: The disk is full.
    """
    path = folder / "history.csv"
    try:
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [field.name for field in dataclasses.fields(Epoch)])
            if fresh:
                writer.writeheader()
            writer.writerow(dataclasses.asdict(epoch))
    except OSError as error:
        raise storage_error(error, path) from error


def write_history(folder: Path, epochs: Iterable[Epoch]) -> None:
    """Write history.csv anew: a resumed run forgets the epochs after its checkpoint."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(Epoch)])
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in epochs)
    write_atomic(folder / "history.csv", text.getvalue())


def load_history(folder: Path) -> list[Epoch]:
    """Read history.csv; an empty list where there is none yet. A line cut short by a crash is left out.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / "history.csv"
    if not path.exists():
        return []
    epochs: list[Epoch] = []
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if any(value is None for value in row.values()):
                    continue
                epochs.append(
                    Epoch(
                        number=int(row["number"]),
                        phase=row["phase"],
                        best=row["best"] == "True",
                        **{name: float(row[name]) for name in _FIGURES},
                    )
                )
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RunError(
            f"The training curves of run {folder.name} are damaged",
            "Restore history.csv in the run's folder from a backup, or delete it to go on without curves",
        ) from error
    return epochs


_FIGURES = (
    "train_loss",
    "val_loss",
    "val_accuracy",
    "val_auc",
    "learning_rate",
    "seconds",
    "images_per_second",
)


def split_of(run: Run) -> Split:
    """Read the split a run was trained on.

    Raises:
        DataError: split.csv cannot be read.
    """
    return load_split(run.folder / "split.csv")


# ------------------------------------------------------------------------------------------------ explanations


def save_explanations(folder: Path, explanations: Iterable[Explanation]) -> None:
    """Write heatmaps.npz: float16 at the method's own resolution, a few hundred bytes a case."""
    items = list(explanations)
    stream = io.BytesIO()
    maps = np.stack([item.heatmap for item in items]).astype(np.float16) if items else np.zeros((0, 1, 1))
    np.savez_compressed(
        stream,
        image_ids=np.array([item.image_id for item in items], dtype=np.str_),
        targets=np.array([item.target for item in items], dtype=np.str_),
        method=np.array(items[0].method if items else "none", dtype=np.str_),
        maps=maps,
    )
    write_atomic(folder / "heatmaps.npz", stream.getvalue())


def save_doubt(folder: Path, doubt: Doubt) -> None:
    """Write a run's doubt into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    write_atomic(folder / DOUBT_FILE, json.dumps(dataclasses.asdict(doubt), indent=2, allow_nan=False) + "\n")


def load_doubt(folder: Path) -> Doubt | None:
    """Read a run's doubt; None where none was fitted.

    Raises:
        RunError: The file is damaged.
    """
    if not (folder / DOUBT_FILE).exists():
        return None
    try:
        facts = json.loads((folder / DOUBT_FILE).read_text(encoding="utf-8"))
        injection, conformal = facts["injection"], facts["conformal"]
        injection["likelihoods"] = tuple((rate, value) for rate, value in injection["likelihoods"])
        conformal["thresholds"] = tuple(conformal["thresholds"])
        return Doubt(injection=Injection(**injection), conformal=Conformal(**conformal))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"The run {folder.name} has a damaged {DOUBT_FILE} ({error})",
            f"Delete {DOUBT_FILE}; the run's predictions then come without uncertainty",
        ) from error


def load_explanations(folder: Path) -> Mapping[str, Explanation]:
    """Read heatmaps.npz by image id; empty where there is none.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / "heatmaps.npz"
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as data:
            method = str(data["method"])
            maps = data["maps"].astype(np.float32)
            rows = zip(data["image_ids"], data["targets"], maps, strict=True)
            return {
                str(image_id): Explanation(
                    image_id=str(image_id), heatmap=heatmap, target=str(target), method=method
                )
                for image_id, target, heatmap in rows
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(
            f"The heatmaps of run {folder.name} are damaged",
            "Delete heatmaps.npz from the run's folder; its cases are then read without heatmaps until they are "
            f"predicted again: overread predict {folder.name} IMAGES --review",
        ) from error


# ------------------------------------------------------------------------------------------------- environment


def environment(device: str) -> dict[str, object]:
    """Return versions and device, for environment.json and the report's methods section."""
    versions: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed as a package"
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "device": device,
        "packages": versions,
    }
