"""How long a person waits: for the command line to answer, and for the window to be served."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import LeftOut, Row, Setting, interleaved

ROOT = Path(__file__).parents[1]
LONGEST = 60.0


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    rounds = 1 if setting.quick else 5
    taken = interleaved(
        {
            "help": lambda: _run("-m", "gui", "--help"),
            "python": lambda: _run("-c", "pass"),
        },
        rounds=rounds,
    )
    yield Row(
        work="overread --help",
        ours=taken["help"],
        unit="s",
        peer="an empty Python program",
        theirs=taken["python"],
        ratio=taken["help"] / taken["python"],
        budget="< .5 s",
        met=taken["help"] < 0.5,
    )
    windows = [_window(setting.scratch / f"{turn}") for turn in range(rounds + 1)][1:]
    seconds = statistics.median(windows)
    gradio = interleaved({"gradio": lambda: _run("-c", "import gradio")}, rounds=1 if setting.quick else 3)[
        "gradio"
    ]
    yield Row(
        work="window ready: from the command to the page being served",
        ours=seconds,
        unit="s",
        peer="import gradio alone",
        theirs=gradio,
        ratio=seconds / gradio,
        budget="< 6 s",
        met=seconds < 6,
    )


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)


def _window(workspace: Path) -> float:
    """Open a window, ask for its page until it answers, close it; return the seconds."""
    log = workspace.with_suffix(".log")
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor()
    )  # the address leads on by a cookie
    started = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "gui", "gui", "--workspace", str(workspace), "--no-browser"],
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            while time.perf_counter() - started < LONGEST and process.poll() is None:
                found = re.search(r"http://127\.0\.0\.1:\d+/\?key=\S+", log.read_text(errors="replace"))
                if found:
                    try:
                        with browser.open(found[0], timeout=5) as answer:
                            answer.read()
                        return time.perf_counter() - started
                    except urllib.error.URLError:
                        pass
                time.sleep(0.02)
        finally:
            process.terminate()
            process.wait(20)
    raise RuntimeError(f"The window did not open: {log.read_text(errors='replace')[-1500:]}")
