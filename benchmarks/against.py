"""Today's rows at another commit beside the present one: `python -m benchmarks [name…] --against REV`.

The other commit is checked out beside this one, with the benchmarks of today, and both are run one after the other by
the same Python: the program alone differs. A row that the other commit cannot give is left out, with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import LeftOut, Row

HERE = Path(__file__).parents[1]
Rows = Sequence[Mapping[str, Any]]


def measure(revision: str, name: str, options: Sequence[str] = ()) -> Iterator[Row | LeftOut]:
    """Run a benchmark at a commit and here, and yield each row of here beside that of there.

    Args:
        revision: A commit, branch or tag.
        name: Of the benchmark.
        options: Of `python -m benchmarks`, for both.

    Raises:
        RuntimeError: There is no such commit, or the benchmark fails here.
    """
    with tempfile.TemporaryDirectory(prefix="overread-against-") as scratch:
        there = Path(scratch) / "there"
        _git("worktree", "add", "--detach", str(there), revision)
        try:
            if not _is_equal(there / "constraints.txt", HERE / "constraints.txt"):
                reason = (
                    f"{revision} asks for other packages; both sides ran with those that are installed here"
                )
                yield LeftOut(work="an environment of its own", reason=reason)
            shutil.rmtree(there / "benchmarks", ignore_errors=True)
            compiled = shutil.ignore_patterns("__pycache__")  # another process may be writing there
            shutil.copytree(HERE / "benchmarks", there / "benchmarks", ignore=compiled)
            try:
                before = _rows(there, name, options)
            except RuntimeError as error:
                last = str(error).strip().splitlines()[-1]
                yield LeftOut(work=name, reason=f"{revision} cannot run it ({last})")
                return
            yield from beside(_rows(HERE, name, options), before, revision)
        finally:
            _git("worktree", "remove", "--force", str(there))


def beside(now: Rows, before: Rows, revision: str) -> Iterator[Row | LeftOut]:
    """Yield each row of now with the same row's figure of before."""
    known = {(row["work"], row.get("peer")): row for row in before if "ours" in row}
    seen: set[str] = set()
    for row in now:
        if "reason" in row:
            yield LeftOut(work=row["work"], reason=row["reason"])
            continue
        old = known.get((row["work"], row["peer"]))
        if old is None:
            yield LeftOut(work=row["work"], reason=f"{revision} has no such row")
        elif row["work"] not in seen:  # a work stands beside several peers with one figure of ours
            seen.add(row["work"])
            ours, theirs = row["ours"], old["ours"]
            better = ours / theirs if row["unit"].endswith("/s") else theirs / ours
            yield Row(
                work=row["work"],
                ours=ours,
                unit=row["unit"],
                peer=f"at {revision}",
                theirs=theirs,
                ratio=better,
                quality=" was ".join(
                    dict.fromkeys(text for text in (row["quality"], old["quality"]) if text)
                ),
            )


def _rows(folder: Path, name: str, options: Sequence[str]) -> Rows:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--json", "--unkept", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:] or f"python -m benchmarks {name} ended with {done.returncode}")
    rows: Rows = json.loads(done.stdout)["benchmarks"][name]
    return rows


def _is_equal(one: Path, other: Path) -> bool:
    return one.exists() and one.read_bytes() == other.read_bytes()


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
