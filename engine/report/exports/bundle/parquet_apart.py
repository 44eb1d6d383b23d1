"""Parquet that somebody sent, read in a process of its own: damaged bytes can end the reader, and us with it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.kept_files import parse_json
from engine.storage import bound_memory

SECONDS = 120
MOST_MEMORY = 8 << 30


@dataclass(frozen=True, slots=True)
class Table:
    """What a Parquet holds, or why it cannot be read."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    damaged: str = ""


def read_apart(files: Mapping[str, bytes]) -> dict[str, Table]:
    """Read tables: name → what is in each. After one has ended the reader, the others are read one by one."""
    if not files:
        return {}
    found = _read(files)
    if found is not None:
        return found
    if len(files) == 1:
        return {name: Table(damaged="its reader ended while reading it") for name in files}
    return {name: table for name, data in files.items() for name, table in read_apart({name: data}).items()}


def _read(files: Mapping[str, bytes]) -> dict[str, Table] | None:
    """Read tables in one process; None where it ended before all were read."""
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(files.values()):
            (Path(folder) / str(number)).write_bytes(data)
        try:
            subprocess.run(
                [sys.executable, "-m", __name__, folder],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS, check=True,
                cwd=Path(__file__).parents[4],
            )  # fmt: skip
            told = parse_json((Path(folder) / "told.json").read_bytes())
        except (subprocess.SubprocessError, OSError, ValueError):
            return None
    return {
        name: Table(tuple(columns), tuple(map(tuple, rows)), damaged)
        for name, (columns, rows, damaged) in zip(files, told, strict=True)
    }


def _main(folder: Path) -> None:
    from engine.errors import ReportError
    from engine.report.exports.parquet import read_parquet

    bound_memory(MOST_MEMORY)
    told: list[tuple[Any, Any, str]] = []
    for number in range(len(list(folder.iterdir()))):
        try:
            told.append((*read_parquet((folder / str(number)).read_bytes()), ""))
        except ReportError as error:
            told.append(((), (), error.problem))
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
