"""The wheels of a bundle: this checkout's own, and all that it asks for, in the versions the tests were run with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.storage import check_room
from gui.installing.checking.packages import asked_for

CHECKOUT = Path(__file__).parents[3]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "engine", "gui", "sample_data")
ROOM = 10 * 1024**3
"""Bytes that PyTorch with its CUDA libraries takes as wheels, and again in the zip."""


def gather(folder: Path, *, extras: Sequence[str] = (), checkout: Path = CHECKOUT) -> None:
    """Fill a folder with wheels, from wherever pip is set to find packages.

    Args:
        folder: Where they go.
        extras: Of Overread.
        checkout: Of the repository.

    Raises:
        EngineError: This is no checkout, or pip did not find or build something.
        WorkspaceError: There is no room for them.
    """
    unknown = [each for each in extras if each not in asked_for()[1]]
    if unknown:
        raise EngineError(
            f"There is no extra “{unknown[0]}”", f"Choose of: {', '.join(sorted(asked_for()[1]))}"
        )
    check_room("A bundle needs", ROOM, folder, "Free some space, or choose another disk with --out")
    own = own_wheel(folder, checkout)
    wanted = f"overread[{','.join(extras)}] @ {own.as_uri()}" if extras else str(own)
    constraints = ("--constraint", str(checkout / "constraints.txt"))
    pip("wheel", *constraints, "--no-cache-dir", "--wheel-dir", str(folder), wanted)


def own_wheel(folder: Path, checkout: Path = CHECKOUT) -> Path:
    """Build the wheel of a checkout from a copy of it: what an earlier build left behind does not come in.

    Raises:
        EngineError: This is no checkout, or it cannot be built.
    """
    if not (checkout / "pyproject.toml").is_file():
        raise EngineError(
            "A bundle is made from a checkout of the repository, and this Overread is installed without one",
            "Clone the repository, and type the same there",
        )
    with tempfile.TemporaryDirectory() as scratch:
        for name in SOURCES:
            source, copy = checkout / name, Path(scratch) / name
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy)
        pip("wheel", "--no-deps", "--wheel-dir", str(folder), scratch)
    return next(folder.glob("overread-*.whl"))


def pip(*words: str) -> None:
    """Run pip.

    Raises:
        EngineError: It did not do it; the sentence is its own.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        why = said[-1].removeprefix("ERROR: ") if said else f"exit code {done.returncode}"
        raise EngineError(
            f"pip could not get the wheels ({why})", "Look at its settings (pip config list), and try again"
        )
