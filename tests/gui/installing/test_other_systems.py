"""What Windows and macOS have otherwise, as far as it can be had here; what was not is told in docs/installing.md."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
LONGEST = 150  # of the 260 that Windows allows; the rest is where a checkout lies

AS_ON_WINDOWS = """
import os, signal, sys
import asyncio, multiprocessing.util, psutil, shutil, subprocess, tempfile  # which ask for this system's own
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGALRM", "pthread_kill", "alarm"):
    delattr(signal, name)
for module in ("fcntl", "grp", "pwd", "resource", "termios", "tty"):
    sys.modules[module] = None
for name in ("fchmod", "nice", "sched_getaffinity", "getpgrp", "killpg", "geteuid", "getuid", "fork", "setsid"):
    delattr(os, name)
from gui.cli.main import main
from gui.__main__ import SIGNALS
assert [each.name for each in SIGNALS] == ["SIGINT", "SIGTERM"]
sys.exit(main(sys.argv[1:]))
"""


def test_no_file_of_the_repository_has_a_name_that_another_system_cannot_hold() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [name for name in listed.decode().split("\0") if name]
    assert len(files) > 500
    folded = {}
    for name in files:
        assert folded.setdefault(name.casefold(), name) == name, "one file where capitals count for nothing"
        assert not [part for part in name.split("/") if RESERVED.match(part) or part.endswith((".", " "))], (
            name
        )
        assert not re.search(r'[<>:"|?*\\\x00-\x1f]', name) and len(name) <= LONGEST, name


@pytest.mark.skipif(sys.platform == "win32", reason="it is Windows")
def test_commands_run_without_what_only_posix_has(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", AS_ON_WINDOWS, *words, "--workspace", str(tmp_path / "a workspace")],
            cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    for number, film in enumerate(sorted((ROOT / "sample_data" / "cohort" / "films").glob("*.jpg"))[:6]):
        (folder := tmp_path / "films" / ("normal", "opacity")[number % 2]).mkdir(parents=True, exist_ok=True)
        shutil.copy(film, folder)
    assert json.loads(run("doctor", "--json"))["good"]
    indexed = json.loads(run("index", str(tmp_path / "films"), "--json"))
    assert indexed["dataset_id"]
    assert indexed["dataset_id"] in run("data", "list", "--json")
