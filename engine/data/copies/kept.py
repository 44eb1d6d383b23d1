"""What images look like, kept while all of them are read: hashes in memory, thumbnails in a file.

A thumbnail takes a kilobyte, a hash with what it is found by takes 40 bytes; of a hundred thousand images only the
latter are all needed at once.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import IO

import numpy as np
from numpy.typing import NDArray

from engine.data.copies.looks import HASH_BYTES, THUMBNAIL

PIECE = 2048
"""Thumbnails that are written at a time; fewer never leave the memory."""
_PIXELS = THUMBNAIL**2


class Looks:
    """Looks by image id.

    Where nothing can be written, as on a full disk, thumbnails stay in memory.
    """

    def __init__(self) -> None:
        self._keys, self._hashes, self._waiting = array("Q"), bytearray(), bytearray()
        self._pieces: list[bytes | None] = []  # None: it is in the file, at its place
        self._file: IO[bytes] | None = None
        self._may_write = True
        self._reading = threading.Lock()  # a file has one place at which it is read

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def of(cls, looks: Mapping[str, bytes]) -> Looks:
        """Return looks that are all there; empty ones are left out."""
        kept = cls()
        for image_id, look in looks.items():
            kept.add(image_id, look)
        return kept

    def add(self, image_id: str, look: bytes) -> None:
        """Add what `look_of` gave of one image; nothing where that is empty."""
        if not look:
            return
        self._keys.append(_key(image_id))
        self._hashes += look[:HASH_BYTES]
        self._waiting += look[HASH_BYTES:]
        if len(self._waiting) == PIECE * _PIXELS:
            self._pieces.append(None if self._written() else bytes(self._waiting))
            self._waiting.clear()

    def places(self, image_ids: Iterable[str]) -> NDArray[np.int64]:
        """Return (N,) where the looks of images are; -1 for one without."""
        wanted = np.fromiter(map(_key, image_ids), np.uint64)
        if not self._keys:
            return np.full(len(wanted), -1)
        keys = np.array(self._keys, np.uint64)
        order = np.argsort(keys, kind="stable")
        found = order[np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)]
        return np.where(keys[found] == wanted, found, -1)

    def hashes(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (N, 32) the hashes at some places."""
        return np.frombuffer(bytes(self._hashes), np.uint8).reshape(-1, HASH_BYTES)[places]

    def thumbnails(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (N, 32, 32) the thumbnails at some places."""
        found = np.empty((len(places), _PIXELS), np.uint8)
        with self._reading:
            for row, place in enumerate(places.tolist()):
                number, inside = divmod(place, PIECE)
                piece = self._pieces[number] if number < len(self._pieces) else self._waiting
                if piece is not None:
                    found[row] = np.frombuffer(piece, np.uint8, _PIXELS, inside * _PIXELS)
                elif self._file is not None:
                    self._file.seek(place * _PIXELS)
                    found[row] = np.frombuffer(self._file.read(_PIXELS), np.uint8)
        return found.reshape(-1, THUMBNAIL, THUMBNAIL)

    def _written(self) -> bool:
        """Write the thumbnails that wait; tell whether they lie in the file."""
        if self._may_write:
            self._may_write = False
            with suppress(OSError):
                self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  it is needed to the end
                self._file.seek(len(self._pieces) * PIECE * _PIXELS)
                self._may_write = self._file.write(self._waiting) == len(self._waiting)
        return self._may_write


class Thumbnails:
    """Thumbnails of some images in their order, (N, 32, 32): read when they are asked for.

    Args:
        looks: Of these and perhaps other images.
        places: (N,) where theirs are.
    """

    def __init__(self, looks: Looks, places: NDArray[np.int64]) -> None:
        self._looks, self._places = looks, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return those of some rows."""
        return self._looks.thumbnails(self._places[rows])


def _key(image_id: str) -> int:
    """Return 64 bits: that two of a million images share them happens once in forty million folders."""
    return int.from_bytes(hashlib.sha256(image_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
