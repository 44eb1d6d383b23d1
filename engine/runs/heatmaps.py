"""A run's saliency maps, in heatmaps.npz, and how they are made and read, in maps.json."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import RunError
from engine.kept_files import JsonFile, read_arrays, read_json
from engine.language import N_
from engine.records import Explanation, MapSettings
from engine.storage import versioned, write_atomic

MAPS_FILE = "maps.json"
NOT_THESE = N_("The heatmaps of run {run_id} are damaged: they do not fit its images")
HEATMAPS_VERSION = 2
"""Of heatmaps.npz. Version 1 held one method for all, maps of one size relative to their own maxima, and no number."""

_ARRAYS = {
    "version": "f", "image_ids": "U", "targets": "U", "methods": "U", "shapes": "f", "numbers": "f", "cells": "f",
}  # fmt: skip
_FIRST_ARRAYS = {"image_ids": "U", "targets": "U", "method": "U", "maps": "f"}


def save_explanations(folder: Path, explanations: Iterable[Explanation]) -> None:
    """Write heatmaps.npz: float16, a few kilobytes a case; NaN stands for a scale or rest that there is not.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    write_atomic(folder / "heatmaps.npz", packed(list(explanations)))


def packed(items: Sequence[Explanation]) -> bytes:
    """Return explanations as an .npz file."""
    largest = float(np.finfo(np.float16).max)
    cells = [np.clip(item.heatmap, -largest, largest).astype(np.float16).ravel() for item in items]
    numbers = [[np.nan if n is None else n for n in (item.scale, item.rest)] for item in items]
    arrays = {
        "version": np.array(float(HEATMAPS_VERSION)),
        "image_ids": np.array([item.image_id for item in items], dtype=np.str_),
        "targets": np.array([item.target for item in items], dtype=np.str_),
        "methods": np.array([item.method for item in items], dtype=np.str_),
        "shapes": np.array([item.heatmap.shape for item in items], dtype=np.float64).reshape(-1, 2),
        "numbers": np.array(numbers, dtype=np.float64).reshape(-1, 2),
        "cells": np.concatenate(cells) if cells else np.zeros(0, dtype=np.float16),
    }
    stream = io.BytesIO()
    # As `numpy.savez_compressed` has it, at its quickest: a twentieth larger, in half the time.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return stream.getvalue()


def load_explanations(folder: Path) -> Mapping[str, Explanation]:
    """Read heatmaps.npz by image id; empty where there is none.

    Raises:
        RunError: The file is damaged.
    """
    remedy = (
        f"Delete heatmaps.npz from the folder of run {folder.name}; its cases are then read without heatmaps until "
        "they are predicted again"
    )
    option = f"overread predict {folder.name} IMAGES --review"
    path = folder / "heatmaps.npz"
    try:
        return {each.image_id: each for each in unpacked(path, remedy, option=option)}
    except FileNotFoundError:
        return {}


def unpacked(path: Path, remedy: str, *, option: str = "") -> list[Explanation]:
    """Read an .npz file of explanations.

    Args:
        path: The file.
        remedy: What to do where it is damaged, as in `EngineError`.
        option: What is typed for it, as in `EngineError`.

    Raises:
        FileNotFoundError: It is not there.
        RunError: It is damaged.
    """
    run_id = path.parent.name
    try:
        found = read_arrays(path, _ARRAYS, RunError, remedy, option=option)
    except RunError:  # it may be of the first version, which is damaged where it is not that either
        found = read_arrays(path, _FIRST_ARRAYS, RunError, remedy, option=option)
        return list(_first(found, run_id, remedy, option))
    if found["version"].ndim == 0 and found["version"] > HEATMAPS_VERSION:
        raise RunError(f"The heatmaps of run {run_id} were written by a newer version", "Update Overread")
    if not _fit(found):
        raise RunError(NOT_THESE.format(run_id=run_id), remedy, option=option)
    return list(_read(found))


def _fit(found: Mapping[str, NDArray[Any]]) -> bool:
    """Tell whether the arrays belong together."""
    shapes, count = found["shapes"], len(found["image_ids"]) if found["image_ids"].ndim == 1 else -1
    if shapes.shape != (count, 2) or found["numbers"].shape != (count, 2) or found["cells"].ndim != 1:
        return False
    if any(found[name].shape != (count,) for name in ("targets", "methods")):
        return False
    if not (np.isfinite(shapes).all() and (shapes >= 1).all() and (shapes == np.round(shapes)).all()):
        return False
    scales = found["numbers"][:, 0]
    return bool(shapes.prod(axis=1).sum() == len(found["cells"])) and not (scales <= 0).any()


def _read(found: Mapping[str, NDArray[Any]]) -> Iterator[Explanation]:
    shapes = found["shapes"].astype(np.int64)
    cells, begin = found["cells"].astype(np.float32), 0
    columns = (found["image_ids"], found["targets"], found["methods"], shapes, found["numbers"])
    for image_id, target, method, shape, numbers in zip(*columns, strict=True):
        end = begin + int(shape.prod())
        scale, rest = (None if np.isnan(number) else float(number) for number in numbers)
        yield Explanation(
            image_id=str(image_id),
            heatmap=cells[begin:end].reshape(shape),
            target=str(target),
            method=str(method),
            scale=scale,
            rest=rest,
        )
        begin = end


def _first(found: Mapping[str, NDArray[Any]], run_id: str, remedy: str, option: str) -> Iterator[Explanation]:
    ids, targets, maps = found["image_ids"], found["targets"], found["maps"]
    if not (ids.shape == targets.shape == maps.shape[:1] and maps.ndim == 3 and found["method"].ndim == 0):
        raise RunError(NOT_THESE.format(run_id=run_id), remedy, option=option)
    for image_id, target, heatmap in zip(ids, targets, maps.astype(np.float32), strict=True):
        yield Explanation(
            image_id=str(image_id), heatmap=heatmap, target=str(target), method=str(found["method"])
        )


def save_map_settings(folder: Path, settings: MapSettings) -> None:
    """Write how a run's maps are made and read into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    facts = versioned(dataclasses.asdict(settings))
    write_atomic(folder / MAPS_FILE, json.dumps(facts, indent=2, allow_nan=False) + "\n")


def load_map_settings(folder: Path) -> MapSettings | None:
    """Read how a run's maps are made and read; None in a run of an earlier version.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return read_json(folder / MAPS_FILE, MAPS)
    except FileNotFoundError:
        return None


MAPS = JsonFile(
    record=MapSettings,
    error=RunError,
    remedy="Delete {file} from the folder of run {folder}; new maps are then relative to their own maximum",
)
