"""A run's saliency maps, in heatmaps.npz."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import RunError
from engine.kept_files import read_arrays
from engine.records import Explanation
from engine.storage import write_atomic

if TYPE_CHECKING:
    pass


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


def load_explanations(folder: Path) -> Mapping[str, Explanation]:
    """Read heatmaps.npz by image id; empty where there is none.

    Raises:
        RunError: The file is damaged.
    """
    remedy = (
        f"Delete heatmaps.npz from the folder of run {folder.name}; its cases are then read without heatmaps until "
        f"they are predicted again: overread predict {folder.name} IMAGES --review"
    )
    kinds = {"image_ids": "U", "targets": "U", "method": "U", "maps": "f"}
    try:
        found = read_arrays(folder / "heatmaps.npz", kinds, RunError, remedy)
    except FileNotFoundError:
        return {}
    ids, targets, maps = found["image_ids"], found["targets"], found["maps"]
    if not (ids.shape == targets.shape == maps.shape[:1] and maps.ndim == 3 and found["method"].ndim == 0):
        raise RunError(f"The heatmaps of run {folder.name} are damaged: they do not fit its images", remedy)
    return {
        str(image_id): Explanation(
            image_id=str(image_id),
            heatmap=heatmap,
            target=str(target),
            method=str(found["method"]),
        )
        for image_id, target, heatmap in zip(ids, targets, maps.astype(np.float32), strict=True)
    }
