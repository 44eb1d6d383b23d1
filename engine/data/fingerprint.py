"""Every file read once: its sha256, whether all of it can be decoded, its size, and what it looks like.

The only step of indexing that touches the bytes. Reading, hashing and decoding release the interpreter's
lock, so threads share the work; only a few hundred files are under way at a time, so memory does not grow
with the folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.copies.looks import HASH_SIDE, look_of
from engine.errors import ImageError
from engine.images import FILES_PER_TASK, Remark, decode, in_order, read_bytes

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """What was read of one file.

    Attributes:
        path: The file.
        image_id: sha256 of its bytes; empty where it could not be read.
        width: Pixels across, upright.
        height: Pixels down.
        patient_id: From DICOM.
        meta: From DICOM.
        look: 32 bytes of perceptual hash and 1,024 of thumbnail; empty where not asked for, tiny, or where the
            image is flat.
        remarks: What is odd about it although it can be used.
        problem: Why it cannot be used; None if it can.
    """

    path: Path
    image_id: str = ""
    width: int = 0
    height: int = 0
    patient_id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    look: bytes = b""
    remarks: tuple[Remark, ...] = ()
    problem: ImageError | None = None


def scan(path: Path, *, look: bool = True) -> Scanned:
    """Read one file; never raises for what is in it.

    Args:
        path: The file.
        look: Whether to compute what near duplicates are found by.
    """
    try:
        data = read_bytes(path)
        # A JPEG cut short is noticed at 1/8 size as well: all of its entropy-coded data must be there.
        decoded = decode(path, data=data, at_least=4 * HASH_SIDE, grey=True)
    except ImageError as problem:
        return Scanned(path=path, problem=problem)
    return Scanned(
        path=path,
        image_id=hashlib.sha256(data).hexdigest(),
        width=decoded.width,
        height=decoded.height,
        patient_id=decoded.patient_id,
        meta=decoded.meta,
        look=look_of(decoded.image) if look else b"",
        remarks=decoded.remarks,
    )


def scan_all(
    paths: Iterable[Path],
    count: int,
    *,
    look: bool = True,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Iterator[Scanned]:
    """Read many files, in parallel, and yield them in the order given.

    Args:
        paths: The files, asked for as they are read.
        count: How many there are.
        look: See `scan`.
        progress: Called with files done and files in all, now and then.
        workers: Threads; None means one a core, at most 16.
    """
    workers = workers or min(16, os.cpu_count() or 1)
    scanning = in_order(lambda path: scan(path, look=look), paths, workers=workers)
    for done, scanned in enumerate(scanning, start=1):
        if progress is not None and (done % FILES_PER_TASK == 0 or done == count):
            progress(done, count)
        yield scanned
