"""Films packed for the viewer, in the workspace's cache (cache/depth): packed once, for the first who looks.

The key is a hash of which bytes are meant: the image's id, and the file's place, size and times as the disk has them at
this moment, so that a file that was changed is read anew, and refused if it is not the one that was meant. What was not
used for longest leaves first. Nothing rests on it: where nothing can be written nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

from engine.errors import WorkspaceError
from engine.images.decoder import VERSION
from engine.images.pictures import film_levels
from engine.storage import KEPT_BYTES, make_room, write_atomic

PACKING_VERSION = 1
"""To be raised when `film_levels` packs in another way."""
LEAST_KEPT = 128 << 10
"""Bytes; what is smaller is packed again before it is found."""
_TURNS = [Lock() for _ in range(16)]  # two readers who open one film at once wait for one packing


def kept_film_levels(cache_dir: Path, path: Path, image_id: str, *, unchanged: bool = False) -> bytes:
    """Return what `film_levels` does, from the cache where it is there; raises as that does.

    Args:
        cache_dir: `Workspace.cache`.
        path: The image.
        image_id: See `film_levels`.
        unchanged: See `film_levels`.
    """
    folder = cache_dir / "depth"
    try:
        found = path.stat()
    except OSError:
        return film_levels(path, image_id, unchanged=unchanged)  # which says what is wrong
    stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    told = [PACKING_VERSION, VERSION, image_id, unchanged, str(path), *stamp]
    key = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    kept = folder / f"{key[:32]}.depth"
    with _TURNS[int(key[0], 16)]:
        with suppress(OSError):
            packed = kept.read_bytes()
            os.utime(kept)  # what leaves first goes by last use
            return packed
        packed = film_levels(path, image_id, unchanged=unchanged)
        if len(packed) >= LEAST_KEPT:
            _keep(kept, packed)
    return packed


def _keep(kept: Path, packed: bytes) -> None:
    entries = []
    with suppress(OSError, WorkspaceError):  # a full disk, a cache that may not be written to
        kept.parent.mkdir(parents=True, exist_ok=True)
        for file in kept.parent.glob("*.depth"):
            with suppress(FileNotFoundError):
                entries.append((file.stat().st_mtime, file.stat().st_size, file))
        make_room(entries, KEPT_BYTES["depth"] - len(packed), _removed)
        write_atomic(kept, packed)


def _removed(file: Path) -> bool:
    file.unlink(missing_ok=True)
    return True
