"""Heatmaps that were asked for one by one, in the workspace's cache: cache/maps/<key>.npz.

The key is a hash of all that a map depends on: run, weights, how the run's maps are made, image, method and class. What
was not used for longest leaves first. Nothing rests on them: one that is damaged or gone is made again, and where
nothing can be written nothing is kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from engine.errors import RunError, WorkspaceError
from engine.images import VERSION as IMAGES_VERSION
from engine.language import N_
from engine.records import Explanation, Run
from engine.runs.folds import models_of
from engine.runs.heatmaps import load_map_settings, packed, unpacked
from engine.storage import KEPT_BYTES, make_room, write_atomic

MAPS_VERSION = 2
"""To be raised when a method changes, so that what was kept before is not taken for it."""
TRIMMED_EVERY = 64  # maps that are kept


class KeptMaps:
    """The maps that were made on demand.

    Args:
        cache_dir: `Workspace.cache`.
        max_bytes: What may stay.
    """

    def __init__(self, cache_dir: Path, max_bytes: int = KEPT_BYTES["maps"]) -> None:
        self.folder = cache_dir / "maps"
        self._max_bytes = max_bytes
        self._written = 0

    def find(self, run: Run, image_id: str, method: str, target: str) -> Explanation | None:
        """Return a map that was kept; None where there is none that can be read.

        Raises:
            RunError: How the run's maps are made cannot be read.
        """
        path = self._path(run, image_id, method, target)
        try:
            (found,) = unpacked(path, N_("Delete it"))
        except (FileNotFoundError, RunError, ValueError):
            return None
        if (found.image_id, found.method, found.target) != (image_id, method, target):
            return None
        with suppress(OSError):
            os.utime(path)  # what leaves first goes by last use
        return found

    def keep(self, run: Run, explanation: Explanation) -> bool:
        """Keep a map where that is possible, and return whether it was."""
        path = self._path(run, explanation.image_id, explanation.method, explanation.target)
        try:
            self.folder.mkdir(exist_ok=True)
            write_atomic(path, packed([explanation]))
        except (OSError, WorkspaceError):  # a full disk, a cache that may not be written to
            return False
        if self._written % TRIMMED_EVERY == 0:
            self._trim()
        self._written += 1
        return True

    def _path(self, run: Run, image_id: str, method: str, target: str) -> Path:
        settings = load_map_settings(run.folder)
        stamps = [_stamp(model.folder / "model.safetensors") for model in models_of(run)]
        told = [
            MAPS_VERSION,
            IMAGES_VERSION,
            run.run_id,
            stamps,
            None if settings is None else dataclasses.asdict(settings),
            image_id,
            method,
            target,
        ]
        return self.folder / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]}.npz"

    def _trim(self) -> None:
        entries = []
        for file in self.folder.glob("*.npz"):
            with suppress(OSError):
                status = file.stat()
                entries.append((status.st_mtime, status.st_size, file))
        make_room(entries, self._max_bytes, _removed)


def _stamp(weights: Path) -> list[int]:
    try:
        status = weights.stat()
    except OSError:  # whoever makes the map says so
        return []
    return [status.st_size, status.st_mtime_ns]


def _removed(file: Path) -> bool:
    with suppress(OSError):
        file.unlink(missing_ok=True)
        return True
    return False
