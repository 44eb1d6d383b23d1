"""Anchors: the chain's head, written down outside the database.

A chain alone does not show that its last rows are gone: what is left is a shorter chain that is whole. An anchor is
the number and hash of a row that was the newest at some moment, in a file beside the database and in every report.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import StoreError
from engine.reading.ledger.chain import Head
from engine.spreadsheet import BYTE_ORDER_MARK, read_csv
from engine.storage import open_private, storage_error

FILE = "anchors.csv"
HEADINGS = ("time", "row", "hash", "occasion")


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the newest row of the chain was at some moment.

    Attributes:
        seq: Its number.
        hash: Its hash.
        when: When, and on what occasion, in words.
    """

    seq: int
    hash: str
    when: str


def write_anchor(path: Path, head: Head, occasion: str) -> None:
    """Add the chain's head to the file of anchors, unless it is the last one in it already.

    Raises:
        WorkspaceError: It cannot be written.
    """
    line = f"{datetime.now(UTC).isoformat(timespec='seconds')},{head.seq},{head.hash},{occasion}\n"
    try:
        before = path.read_bytes() if path.exists() else b""
        if f",{head.seq},{head.hash},".encode() in before:
            return
        if not before:
            line = f"{BYTE_ORDER_MARK}{','.join(HEADINGS)}\n{line}"
        elif not before.endswith(b"\n"):  # the power failed while a line was written
            line = f"\n{line}"
        with os.fdopen(open_private(path, os.O_APPEND), "ab") as stream:
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise storage_error(error, path) from error


def read_anchors(path: Path) -> list[Anchor]:
    """Return the anchors of a file; none where there is no file.

    Raises:
        StoreError: It holds something else.
    """
    if not path.exists():
        return []
    try:
        names, lines = read_csv(path.read_bytes())
        if tuple(names) != HEADINGS:
            raise ValueError("other columns")
        whole = [
            line for line in lines if len(line) == len(HEADINGS)
        ]  # not one that a power failure cut short
        return [Anchor(int(row), digest, f"{occasion}, {time}") for time, row, digest, occasion in whole]
    except (OSError, ValueError, csv.Error) as error:
        raise StoreError(
            f"{path} is not a file of anchors",
            "Restore it from a backup, or check against the row and hash that a report prints",
        ) from error
