"""Threads that wait for work leave their core to others soon."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

LOADED = "import ctypes, sys, engine; ctypes.CDLL(sys.argv[1])"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "GOMP_SPINCOUNT = '10000'"),
        ({"GOMP_SPINCOUNT": "7"}, "GOMP_SPINCOUNT = '7'"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "OMP_WAIT_POLICY = 'ACTIVE'"),
    ],
)
def test_libgomp_is_told_how_long_to_spin_unless_somebody_has_said_it(
    asked: dict[str, str], told: str
) -> None:
    torch = find_spec("torch")
    assert torch is not None and torch.origin is not None
    library = next((Path(torch.origin).parent / "lib").glob("libgomp*"), None)
    if library is None:
        pytest.skip("PyTorch shares its work by another library here")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    said = subprocess.run(
        [sys.executable, "-c", LOADED, str(library)],
        env={**kept, "OMP_DISPLAY_ENV": "VERBOSE", **asked},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stderr
    assert told in said
    assert not asked or "GOMP_SPINCOUNT = '10000'" not in said
