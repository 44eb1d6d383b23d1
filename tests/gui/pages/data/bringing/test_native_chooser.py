"""The system's own window: its choice comes back by a process of its own, and no window outlives who asked for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gui.pages.data.bringing.native_chooser import NativeChooser

ANSWERS = "import json, sys; print(json.dumps({'folder': sys.argv[1]}))"
NO_CHOICE = "print('{\"folder\": null}')"
FAILS = "import sys; sys.exit(1)"
WAITS = "import sys; sys.stdin.read()"


def chooser(program: str) -> NativeChooser:
    return NativeChooser(command=(sys.executable, "-c", program))


def test_what_is_chosen_comes_back_whatever_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "films\nof “Zoë” فیلم"
    assert chooser(ANSWERS).choose(odd) == {"desktop": True, "folder": str(odd)}
    assert chooser(NO_CHOICE).choose(tmp_path) == {"desktop": True, "folder": None}


def test_a_toolkit_that_fails_or_is_missing_means_no_desktop(tmp_path: Path) -> None:
    assert chooser(FAILS).choose(tmp_path) == {"desktop": False, "folder": None}
    missing = NativeChooser(command=("/no/such/program",))
    assert missing.choose(tmp_path) == {"desktop": False, "folder": None}


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a desktop")
def test_without_a_display_the_real_window_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert NativeChooser().choose(tmp_path)["desktop"] is False


def test_who_asks_again_or_closes_it_ends_the_window_before(tmp_path: Path) -> None:
    waiting, ended = chooser(WAITS), []
    first = threading.Thread(target=lambda: ended.append(waiting.choose(tmp_path)))
    first.start()
    while waiting._child is None:
        time.sleep(0.01)
    child = waiting._child
    waiting.close()
    first.join(60)
    assert ended == [{"desktop": True, "folder": None}]
    assert child.poll() is not None


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")
def test_the_real_window_opens_and_takes_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    read, write = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    ) as display:
        os.close(write)
        try:
            with os.fdopen(read) as told:
                monkeypatch.setenv("DISPLAY", f":{told.readline().strip()}")
            chosen = []
            asking = threading.Thread(target=lambda: chosen.append(NativeChooser().choose(tmp_path)))
            asking.start()
            window = ["xdotool", "search", "--sync", "--name", "Choose the folder"]
            subprocess.run(window, check=True, timeout=20, stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            while asking.is_alive() and time.monotonic() < deadline:
                subprocess.run(["xdotool", "key", "Return"], check=True)
                asking.join(0.5)
            assert chosen == [{"desktop": True, "folder": str(tmp_path)}]
        finally:
            display.terminate()
