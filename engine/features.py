"""The feature bank: what is frozen of a net runs once per image and per augmented view, never once per epoch.

A bank is one file a view, (N, ...) float32, keyed by the images (in the order of the image cache), the frozen
weights, the cut, the kind of device, the augmentation, its seed and the view. Another head, rate or balance on the
same data finds it there. View `PLAIN` is the image as it is; without augmentation a phase on the bank gives exactly
what a phase through the net would give.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from engine.augment import Augmenter
from engine.cut import Cut
from engine.errors import WorkspaceError
from engine.image_cache import ImageCache
from engine.inference import fast_features
from engine.records import Augmentation
from engine.weights import state_digest
from engine.workspace import storage_error

PLAIN = -1
VERSION = 1
MAX_BYTES = 8 << 30
IMAGES_BETWEEN_MARKS = 1024  # a process that is killed loses so many at most

Progress = Callable[[int, int], None]
Features = np.memmap[tuple[int, ...], np.dtype[np.float32]]


class FeatureBank:
    """Pooled features of every image in a cache, made when first asked for.

    Args:
        folder: Where banks lie: `cache/features`; converted nets lie beside it.
        cache: Decoded images (N, H, W, C) uint8.
        cut: What lies before it is run as it is, in eval mode.
        augmentation: What the views other than `PLAIN` differ by.
        seed: Of the augmentation.
        device: Where to run.
        batch_size: Images a batch.
    """

    def __init__(
        self,
        folder: Path,
        cache: ImageCache,
        cut: Cut,
        *,
        augmentation: Augmentation,
        seed: int,
        device: str,
        batch_size: int = 64,
    ) -> None:
        self._cache = cache
        self._cut = cut
        self._augmenter = Augmenter(augmentation, seed)
        self._device = device
        self._batch_size = batch_size
        self._plain_key = "|".join(
            (
                str(VERSION),
                device.partition(":")[0],  # another device may run in another precision
                cache.folder.name,
                state_digest(cut.frozen.state_dict()),
                repr((cut.frozen, cut.pool)),
            )
        )
        self._view_key = json.dumps([dataclasses.asdict(augmentation), seed], sort_keys=True)
        self._folder = folder

    def view(
        self, view: int, rows: NDArray[np.int64], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Return a view's features as a memory map, with at least `rows` filled in.

        Args:
            view: `PLAIN`, or a number from 0 on.
            rows: (n,) rows of the image cache.
            progress: Called with images done and images to do; may raise to stop.

        Raises:
            WorkspaceError: The disk is full.
        """
        key = self._plain_key if view == PLAIN else f"{self._plain_key}|{self._view_key}|{view}"
        folder = self._folder / hashlib.sha256(key.encode()).hexdigest()[:24]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)  # eviction goes by last use
            with FileLock(folder / "lock"):
                features, done = self._open(folder)
                missing = rows[~done[rows]]
                self._fill(features, done, np.unique(missing), view, progress)
        except OSError as error:
            raise storage_error(error, folder) from error
        return features

    def _open(self, folder: Path) -> tuple[Features, NDArray[np.bool_]]:
        count = len(self._cache.images)
        shape = (count, *self._shape())
        values, marks = folder / "features.f32", folder / "done.u8"
        if not values.exists() or values.stat().st_size != 4 * int(np.prod(shape)) or not marks.exists():
            marks.unlink(missing_ok=True)
            _reserve(values, 4 * int(np.prod(shape)))
            marks.write_bytes(bytes(count))
        return (
            np.memmap(values, dtype=np.float32, mode="r+", shape=shape),
            np.memmap(marks, dtype=np.bool_, mode="r+", shape=(count,)),
        )

    def _shape(self) -> tuple[int, ...]:
        _, height, width, channels = self._cache.images.shape
        blank = torch.zeros(1, channels, height, width, device=self._device)
        with torch.no_grad():
            return tuple(self._cut.pool(self._cut.frozen.eval()(blank)).shape[1:])

    def _fill(
        self,
        features: Features,
        done: NDArray[np.bool_],
        rows: NDArray[np.int64],
        view: int,
        progress: Progress | None,
    ) -> None:
        # The file has holes where nothing was written yet: filling them on a full disk would kill the process.
        needed, free = 4 * len(rows) * int(np.prod(features.shape[1:])), shutil.disk_usage(self._folder).free
        if needed > free:
            raise WorkspaceError(
                f"The feature bank needs {needed / 1e9:.1f} GB, and the disk that holds {self._folder} has "
                f"{free / 1e9:.1f} GB free",
                "Free some space, choose another workspace with --workspace, or set the recipe's views lower",
            )
        size, pool = self._cache.images.shape[1], self._cut.pool
        frozen = fast_features(
            self._cut.frozen.eval(),
            device=self._device,
            images=len(rows),
            size=size,
            cache_dir=self._folder.parent,
        )
        start = marked = 0

        def mark() -> None:
            # After they are on the disk: else a power cut could leave marks without features, read as noughts.
            features.flush()
            done[rows[marked:start]] = True

        try:
            while start < len(rows):
                chosen = rows[start : start + self._batch_size]
                with torch.inference_mode():
                    images = images_of(self._cache, chosen, self._device)
                    images = images.float() / 255 if view == PLAIN else self._augmenter(images, chosen, view)
                    features[chosen] = pool(frozen(images)).float().cpu().numpy()
                start += len(chosen)
                if start - marked >= IMAGES_BETWEEN_MARKS:
                    mark()
                    marked = start
                if progress is not None:
                    progress(start, len(rows))
        finally:
            mark()


def _reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose space is really there.

    A disk that fills up while a memory map is written to kills the process without a word.
    """
    try:
        with path.open("wb") as stream:
            if size > shutil.disk_usage(path.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            if size and hasattr(os, "posix_fallocate"):  # not on macOS
                os.posix_fallocate(stream.fileno(), 0, size)
            stream.truncate(size)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def images_of(cache: ImageCache, rows: NDArray[np.int64], device: str) -> torch.Tensor:
    """Return images as (B, C, H, W) uint8 on a device, channels last in memory."""
    batch = torch.from_numpy(cache.images[rows])
    if device != "cpu":
        batch = batch.pin_memory().to(device, non_blocking=True)
    return batch.permute(0, 3, 1, 2)


def evict(folder: Path, max_bytes: int = MAX_BYTES) -> None:
    """Delete the banks that were used longest ago until the rest fits."""
    if not folder.is_dir():
        return
    banks = sorted(
        (bank for bank in folder.iterdir() if bank.is_dir()), key=lambda bank: bank.stat().st_mtime
    )
    sizes = {bank: sum(file.stat().st_size for file in bank.iterdir()) for bank in banks}
    total = sum(sizes.values())
    for bank in banks:
        if total <= max_bytes:
            return
        shutil.rmtree(bank, ignore_errors=True)
        total -= sizes[bank]
