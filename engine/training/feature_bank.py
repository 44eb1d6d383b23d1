"""The feature bank: what is frozen of a net runs once per image and per augmented view, never once per epoch.

A bank is one folder a view, keyed by the frozen weights, the cut, the images' size, the kind of device, the
augmentation, its seed and the view:

    images.sha256    32 bytes an image: whose features these are
    features.f32     their features (N, ...) float32, in the same order

Features are found by an image's own hash and appended, so that another head, rate, balance or split finds them all
there, and a folder that grew pays for its new images alone. View `PLAIN` is the image as it is; without augmentation
a phase on the bank gives exactly what a phase through the net would give.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import nn

from engine.images import VERSION as PIXELS_VERSION, ImageCache
from engine.models import WORTH_CONVERTING, FrozenPart, fast_features, kept_shape, state_digest
from engine.recipes import Augmenter
from engine.records import Augmentation
from engine.storage import check_room, make_room, remove_unless_locked, storage_error

PLAIN = -1
VERSION = 2
VALUES, NAMES, HASH = "features.f32", "images.sha256", 32
IMAGES_BETWEEN_MARKS = 1024  # a process that is killed loses so many at most

Progress = Callable[[int, int], None]


class View:
    """One view's features, by row of the image cache.

    Args:
        features: (M, ...) float32, as they lie in the bank.
        places: (N,) where each row of the image cache lies in it; -1 means it was not asked for.
    """

    def __init__(self, features: NDArray[np.float32], places: NDArray[np.int64]) -> None:
        self._features, self._places = features, places
        self.shape = (len(places), *features.shape[1:])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the features of rows of the image cache, (B, ...)."""
        places = self._places[rows]
        if (places < 0).any():
            raise IndexError("These images were not asked for when the view was made")
        return self._features[places]


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
        below: The bank of a net's first layers, and the layers from there to the cut: they are run on what it holds.
    """

    def __init__(
        self,
        folder: Path,
        cache: ImageCache,
        cut: FrozenPart,
        *,
        augmentation: Augmentation,
        seed: int,
        device: str,
        batch_size: int = 64,
        below: tuple[FeatureBank, nn.Module] | None = None,
    ) -> None:
        self._cache = cache
        self._cut = cut
        self._augmenter = Augmenter(augmentation, seed)
        self._device = device
        self._batch_size = batch_size
        self._ids = [bytes.fromhex(image_id) for image_id in sorted(cache.row, key=cache.row.__getitem__)]
        # An image is changed in the same way whatever lies around it in its folder.
        self._numbers = np.frombuffer(b"".join(name[:8] for name in self._ids), dtype=np.int64)
        self._plain_key = "|".join(
            (
                f"{VERSION}.{PIXELS_VERSION}",
                device.partition(":")[0],  # another device may run in another precision
                repr(cache.images.shape[1:]) + ("" if cache.fit == "squash" else cache.fit),
                state_digest(cut.frozen.state_dict()),
                repr((cut.frozen, cut.pool)),
            )
        )
        self._view_key = json.dumps([dataclasses.asdict(augmentation), seed], sort_keys=True)
        self._folder = folder
        _, height, _, channels = cache.images.shape
        self._shape = kept_shape(cut, channels, height, device)
        self._below = below
        self._frozen: tuple[int, Callable[[torch.Tensor], torch.Tensor]] | None = (
            None  # made for so many images
        )

    def view(self, view: int, rows: NDArray[np.int64], progress: Progress | None = None) -> View:
        """Return a view's features, with at least `rows` filled in.

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
            with FileLock(folder.with_suffix(".lock")):  # beside it: Windows deletes no open file
                known = _opened(folder, 4 * math.prod(self._shape))
                missing = np.array(
                    [row for row in np.unique(rows) if self._ids[row] not in known], dtype=np.int64
                )
                if len(missing):
                    self._fill(folder, missing, view, progress)
                    known |= {self._ids[row]: len(known) + place for place, row in enumerate(missing)}
                features = np.memmap(
                    folder / VALUES, dtype=np.float32, mode="r", shape=(len(known), *self._shape)
                )
        except OSError as error:
            raise storage_error(error, folder) from error
        return View(features, np.array([known.get(name, -1) for name in self._ids], dtype=np.int64))

    def _fast(self, images: int) -> Callable[[torch.Tensor], torch.Tensor]:
        return fast_features(
            self._cut.frozen.eval(),
            device=self._device,
            images=images,
            size=self._cache.images.shape[1],
            cache_dir=self._folder.parent,
        )

    def _maker(
        self, rows: NDArray[np.int64], view: int, progress: Progress | None
    ) -> Callable[[NDArray[np.int64]], torch.Tensor]:
        """Return what gives the frozen part's map of some of the rows."""
        if self._below is not None:
            bank, between = self._below
            held = bank.view(view, rows, progress)
            return lambda chosen: between(torch.from_numpy(held[chosen]).to(self._device))
        if self._frozen is None or self._frozen[0] < WORTH_CONVERTING <= len(rows):  # once for all views
            self._frozen = len(rows), self._fast(len(rows))
        _, frozen = self._frozen

        def made(chosen: NDArray[np.int64]) -> torch.Tensor:
            images = images_of(self._cache, chosen, self._device)
            if view == PLAIN:
                return frozen(images)
            return frozen(self._augmenter(images, self._numbers[chosen], view))

        return made

    def _fill(
        self,
        folder: Path,
        rows: NDArray[np.int64],
        view: int,
        progress: Progress | None,
    ) -> None:
        check_room(
            "The feature bank needs",
            4 * len(rows) * math.prod(self._shape),
            folder,
            "Free some space, choose another workspace, or set the recipe's views lower",
            option="--workspace",
        )
        features_of = self._maker(rows, view, progress)
        start = marked = 0
        with (folder / VALUES).open("ab") as values, (folder / NAMES).open("ab") as names:

            def mark() -> None:
                nonlocal marked
                # After they are on the disk: else a power cut could leave names without features, read as noughts.
                values.flush()
                os.fsync(values.fileno())
                fresh, marked = rows[marked:start], start
                names.write(b"".join(self._ids[row] for row in fresh))
                names.flush()

            try:
                while start < len(rows):
                    chosen = rows[start : start + self._batch_size]
                    with torch.inference_mode():
                        made = self._cut.pool(features_of(chosen))
                        values.write(made.float().cpu().numpy().tobytes())
                    start += len(chosen)
                    if start - marked >= IMAGES_BETWEEN_MARKS:
                        mark()
                    if progress is not None:
                        progress(start, len(rows))
            finally:
                mark()


def _opened(folder: Path, width: int) -> dict[bytes, int]:
    """Return whose features a bank holds and where, and cut off what a process that was killed left half written.

    Args:
        folder: The bank's.
        width: Bytes an image.
    """
    values, names = folder / VALUES, folder / NAMES
    for file in (values, names):
        file.touch()
    said = names.read_bytes()
    count = min(len(said) // HASH, values.stat().st_size // width)
    os.truncate(names, count * HASH)
    os.truncate(values, count * width)
    return {said[at * HASH : (at + 1) * HASH]: at for at in range(count)}


def images_of(cache: ImageCache, rows: NDArray[np.int64], device: str) -> torch.Tensor:
    """Return images as (B, C, H, W) uint8 on a device, channels last in memory."""
    batch = torch.from_numpy(cache.images[rows])
    if device != "cpu":
        batch = batch.pin_memory().to(device, non_blocking=True)
    return batch.permute(0, 3, 1, 2)


def trim_banks(folder: Path, max_bytes: int) -> None:
    """Delete the banks that were used longest ago until the rest fits; one that is being filled stays."""
    banks = [bank for bank in folder.glob("*") if bank.is_dir()]
    entries = [
        (bank.stat().st_mtime, sum(file.stat().st_size for file in bank.iterdir()), bank) for bank in banks
    ]
    make_room(
        entries, max_bytes, lambda bank: remove_unless_locked(bank, bank.with_suffix(".lock"), first=VALUES)
    )
