"""Every image decoded and brought to one size once, kept as one memory map of uint8.

    cache/images/<key>/pixels.bin    (N, size, size, channels) uint8, nothing else
    cache/images/<key>/about.json    rows, failures, a checksum for each block

The key is a sha256 over the size and the images' own hashes in order, so a changed image makes another
cache, never a wrong one. Pixels stream to disk as they are decoded: memory does not grow with the folder. A
cache that was cut short or damaged is noticed when it is opened, and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from filelock import FileLock
from numpy.typing import NDArray

from engine.errors import ImageError, WorkspaceError
from engine.images.decoder import VERSION, decode
from engine.images.files import read_unchanged
from engine.images.tensors import to_array
from engine.images.threads import in_order
from engine.kept_files import MIB, JsonFile, read_json
from engine.records import DataIssue, DataIssueKind, Fit, Sample
from engine.storage import check_room, make_room, remove_unless_locked, storage_error, versioned

_BLOCK = 4 * 1024 * 1024
_CHECKED_BLOCKS = 32  # at each opening; so much is read anyway before the first epoch
_ABOUT = "about.json"
_PIXELS = "pixels.bin"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """An image that could not be decoded, and whether its file was the one that was indexed."""

    image_id: str
    there: bool
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _About:
    """What about.json holds."""

    rows: Annotated[int, Interval(ge=0)]
    failed: tuple[_Entry, ...]
    checksums: tuple[int, ...]


ABOUT = JsonFile(record=_About, error=WorkspaceError, remedy="Delete {folder}", largest=256 * MIB)


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageCache:
    """Decoded images, read from disk as they are touched.

    Attributes:
        images: (N, size, size, channels) uint8, read-only memory map.
        row: image_id → row of `images`.
        failed: One data issue for each image that could not be decoded; it has no row.
        folder: Where it lies.
        fit: As `load_image`'s.
    """

    images: NDArray[np.uint8]
    row: Mapping[str, int]
    failed: tuple[DataIssue, ...]
    folder: Path
    fit: Fit = "squash"

    def rows(self, samples: Sequence[Sample]) -> NDArray[np.int64]:
        """Return the rows of samples, in their order, without those that failed; (M,) int64."""
        return np.array([self.row[s.image_id] for s in samples if s.image_id in self.row], dtype=np.int64)


def open_cache(
    workspace_cache_dir: Path,
    samples: Sequence[Sample],
    *,
    size: int,
    channels: int,
    fit: Fit = "squash",
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImageCache:
    """Open the decoded images of some samples, decoding them first if that was not done before.

    Two processes that ask for the same images at once decode them once: the second waits.

    Args:
        workspace_cache_dir: `Workspace.cache`.
        samples: Each image_id once.
        size: Height and width to bring them to, as `load_image` does.
        channels: 1 or 3.
        fit: As `load_image`'s.
        workers: Threads; None means one a core, at most 16.
        progress: Called with images done and images in all while decoding.

    Raises:
        WorkspaceError: The disk is full or cannot be written to; nothing half made is left.
    """
    ids = [sample.image_id for sample in samples]
    way = [VERSION, size, channels] if fit == "squash" else [VERSION, size, channels, fit]
    name = json.dumps(way) + "".join(ids)
    key = hashlib.sha256(name.encode()).hexdigest()[:32]
    folder = workspace_cache_dir / "images" / key
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f"{key}.lock"):
            cache = _open(folder, samples, size, channels, fit)
            if cache is None:
                shutil.rmtree(folder, ignore_errors=True)
                _build(folder, samples, size, channels, fit, workers, progress)
                cache = _open(folder, samples, size, channels, fit)
    except OSError as error:
        raise storage_error(error, folder) from error
    if cache is None:
        raise WorkspaceError(
            f"The decoded images in {folder} were damaged as they were written",
            "Check the disk, and try again",
        )
    return cache


def _open(folder: Path, samples: Sequence[Sample], size: int, channels: int, fit: Fit) -> ImageCache | None:
    """Map a cache; None where there is none or it is not as it was written."""
    try:
        about = read_json(folder / _ABOUT, ABOUT)
        failed = {entry.image_id: entry for entry in about.failed}
        paths = {sample.image_id: sample.path for sample in samples}
        if any(not entry.there and _is_back(paths[name], name) for name, entry in failed.items()):
            return None  # a drive that was not connected, a file that was put back or moved: it counts again
        ids = [sample.image_id for sample in samples]
        if len(failed) + about.rows != len(ids):
            return None
        shape = (about.rows, size, size, channels)
        if not _whole(folder / _PIXELS, about.checksums, about.rows * size * size * channels):
            return None
    except (FileNotFoundError, KeyError, WorkspaceError):
        return None
    os.utime(folder / _ABOUT)  # what `trim_images` goes by
    good = [image_id for image_id in ids if image_id not in failed]
    pixels: NDArray[np.uint8] = np.empty(shape, dtype=np.uint8)  # an empty file cannot be mapped
    if shape[0]:
        pixels = np.memmap(folder / _PIXELS, dtype=np.uint8, mode="r", shape=shape)
    issues = tuple(
        DataIssue(kind=DataIssueKind.UNREADABLE, message=entry.message, paths=(paths[entry.image_id],))
        for entry in failed.values()
    )
    row = {image_id: number for number, image_id in enumerate(good)}
    return ImageCache(images=pixels, row=row, failed=issues, folder=folder, fit=fit)


def _whole(pixels: Path, checksums: Sequence[int], length: int) -> bool:
    """Check the length, and the checksums of the first, the last and some random blocks (of all, if few)."""
    if pixels.stat().st_size != length or len(checksums) != -(-length // _BLOCK):
        return False
    blocks: Sequence[int] = range(len(checksums))
    if len(blocks) > _CHECKED_BLOCKS:
        blocks = sorted({0, len(checksums) - 1, *random.sample(blocks, _CHECKED_BLOCKS - 2)})
    with pixels.open("rb") as stream:
        for block in blocks:
            stream.seek(block * _BLOCK)
            if zlib.crc32(stream.read(_BLOCK)) != checksums[block]:
                return False
    return True


def _build(
    folder: Path,
    samples: Sequence[Sample],
    size: int,
    channels: int,
    fit: Fit,
    workers: int | None,
    progress: Progress | None,
) -> None:
    needed = len(samples) * size * size * channels
    check_room(
        "The decoded images need",
        needed,
        folder.parent,
        "Free some space, or choose another workspace",
        option="--workspace",
    )

    def load(sample: Sample) -> NDArray[np.uint8] | _Failed:
        there = False
        try:
            data = read_unchanged(sample.path, sample.image_id)
            there = True
            image = decode(sample.path, data=data, at_least=2 * size, grey=channels == 1).image
            return to_array(image, size=size, channels=channels, fit=fit)
        except ImageError as problem:
            return _Failed(problem, there)

    working = _working(folder)
    shutil.rmtree(working, ignore_errors=True)  # of a process that was killed: the lock is ours now
    working.mkdir()
    try:
        failed, rows = [], 0
        with (working / _PIXELS).open("wb") as stream:
            loading = in_order(load, samples, workers=workers or min(16, os.cpu_count() or 1))
            for done, (sample, loaded) in enumerate(zip(samples, loading, strict=True), start=1):
                if isinstance(loaded, _Failed):
                    entry = {"image_id": sample.image_id, "there": loaded.there}
                    failed.append({**entry, "message": f"{loaded.problem.problem}; it was left out"})
                else:
                    stream.write(loaded.tobytes())
                    rows += 1
                if progress is not None and (done % 32 == 0 or done == len(samples)):
                    progress(done, len(samples))
            stream.flush()
            os.fsync(stream.fileno())
        about = {"rows": rows, "failed": failed, "checksums": _checksums(working / _PIXELS)}
        (working / _ABOUT).write_text(json.dumps(versioned(about)))
        working.replace(folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Failed:
    problem: ImageError
    there: bool  # whether the file was the one that was indexed, so that trying again is of no use


def _is_back(path: Path, image_id: str) -> bool:
    try:
        read_unchanged(path, image_id)
    except ImageError:
        return False
    return True


def _working(folder: Path) -> Path:
    return folder.with_name(f".making-{folder.name}")


def _checksums(pixels: Path) -> list[int]:
    checksums = []
    with pixels.open("rb") as stream:
        while block := stream.read(_BLOCK):
            checksums.append(zlib.crc32(block))
    return checksums


def trim_images(cache_dir: Path, max_bytes: int) -> int:
    """Delete the decoded images, films and thumbnails that were not used for longest, until the rest fits.

    Decoded images that another process is making or opening at this moment stay.

    Args:
        cache_dir: `Workspace.cache`.
        max_bytes: What may stay.

    Returns:
        Bytes freed.
    """
    for working in (cache_dir / "images").glob(".making-*"):  # of a process that was killed, unless it lives
        _remove(working)
    entries: list[tuple[float, int, Path]] = []
    for about in (cache_dir / "images").glob(f"*/{_ABOUT}"):
        with suppress(FileNotFoundError):
            size = (about.parent / _PIXELS).stat().st_size + about.stat().st_size
            entries.append((about.stat().st_mtime, size, about.parent))
    for kind in ("films", "thumbnails"):
        for file in (cache_dir / kind).glob("*/*"):
            with suppress(FileNotFoundError):
                entries.append((file.stat().st_mtime, file.stat().st_size, file))
    return make_room(entries, max_bytes, _remove_entry)


def _remove_entry(path: Path) -> bool:
    if path.parent.name == "images":
        return _remove(path)
    path.unlink(missing_ok=True)
    return True


def _remove(folder: Path) -> bool:
    key = folder.name.removeprefix(".making-")
    return remove_unless_locked(folder, folder.parent / f"{key}.lock")
