"""The film in a browser: how smoothly it follows the hand, and how soon the next one is there after a key."""

from __future__ import annotations

import hashlib
import os
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measuring import LeftOut, Row, Setting, percentile
from benchmarks.synthetic import RUN_ID, synthetic_run
from engine.images import film_levels
from engine.reading import Reader, open_store
from engine.records import Prediction
from engine.workspace import open_workspace
from gui.app import start
from gui.web import AppSession

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SCREEN = {"width": 1280, "height": 820}
DRAGS = {"window": 2, "moving": 1}  # the button of the mouse
# A hand that moves once a frame, for two seconds; each number is how long a frame took.
DRAG = """async (button) => {
  const stage = document.querySelector('.rv-stage'), box = stage.getBoundingClientRect(), frames = [];
  const tell = (kind, x, y) => stage.dispatchEvent(new PointerEvent(kind, {
    pointerId: 7, button, buttons: 1, clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true }));
  tell('pointerdown', 300, 300);
  let last = performance.now();
  for (let turn = 0; turn < 120; turn++) {
    tell('pointermove', 300 + 80 * Math.sin(turn / 9), 300 + 80 * Math.cos(turn / 7));
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
  }
  tell('pointerup', 300, 300);
  return frames;
}"""
# From a key to the film in its depth being painted: two frames after the stage has it.
NEXT = """async () => {
  const root = document.querySelector('.rv'), before = root.dataset.shown, began = performance.now();
  document.dispatchEvent(new KeyboardEvent('keydown', { code: 'ArrowRight', key: 'ArrowRight', bubbles: true }));
  while (root.dataset.shown === before) await new Promise((resolve) => setTimeout(resolve));
  return performance.now() - began;
}"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    path = next((found for found in CHROMIUM if Path(found).exists()), None)
    if path is None:
        yield LeftOut(work="the film in a browser", reason="no Chromium is installed")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield from _dragged(setting, browser)
        yield from _next(setting, browser)
        browser.close()


def _dragged(setting: Setting, browser: Any) -> Iterator[Row]:
    side = 1000 if setting.quick else 4000
    with ReadingWindow(setting.scratch / "dragged", browser, count=1, size=(side, side)) as window:
        began = time.perf_counter()
        packed = film_levels(window.films[0], "")
        seconds = time.perf_counter() - began
        yield Row(
            work=f"a film of {side:,} × {side:,}, 12 bits, packed for the browser",
            ours=1e3 * seconds,
            unit="ms",
            quality=f"{len(packed) / 1e6:.1f} MB, {2e-6 * side * side:.1f} in the file",
        )
        shown = window.page.evaluate(
            "(({width, height}) => `${width} × ${height}`)(document.querySelector('.rv-film'))"
        )
        for name, button in DRAGS.items():
            window.page.evaluate(DRAG, button)  # compiled, and the processor awake
            frames = window.page.evaluate(DRAG, button)
            rate = 1e3 / statistics.median(frames)
            yield Row(
                work=f"dragging ({name}) a film of {side:,} × {side:,}",
                ours=rate,
                unit="frames/s",
                budget="≥ 30 frames/s",
                met=rate >= 30,
                quality=f"a frame takes p50 {percentile(frames, 0.5):.1f}, p95 {percentile(frames, 0.95):.1f} ms",
                note=f"in Chromium without a GPU, {shown} pixels on the screen, 60 frames/s at most",
            )


def _next(setting: Setting, browser: Any) -> Iterator[Row]:
    count = 5 if setting.quick else 25
    with ReadingWindow(setting.scratch / "next", browser, count=count, size=(2048, 2500)) as window:
        taken, there = [], 0
        for _ in range(count - 1):
            window.page.wait_for_timeout(1500)  # as long as a very fast reader looks
            taken.append(window.page.evaluate(NEXT))
            there += window.page.evaluate("document.querySelector('.rv').hasAttribute('data-film')")
        p50, p95 = percentile(taken, 0.5), percentile(taken, 0.95)
        yield Row(
            work="key to the next film painted, 2,048 × 2,500, 12 bits",
            ours=p50,
            unit="ms",
            budget="p50 ≤ 60 ms",
            met=p50 <= 60,
            quality=f"p95 {p95:.1f} ms; {there} of {len(taken)} were there in their full depth at once",
            note="server and browser on this machine; a key every 1.5 s",
        )


class ReadingWindow:
    """A window on films that a browser reads.

    Args:
        folder: For the workspace and the films.
        browser: Of Playwright.
        count: How many films.
        size: Width and height of each.
    """

    def __init__(self, folder: Path, browser: Any, *, count: int, size: tuple[int, int]) -> None:
        workspace = open_workspace(folder)
        self.workspace = workspace
        self._session = AppSession(workspace=workspace, store=open_store(workspace.database), reader="reader")
        self._session.store.add_reader(Reader(reader_id="", name="reader"))
        self.films = [_drawn(folder / f"film-{number}.tif", size, seed=number) for number in range(count)]
        run = synthetic_run(workspace.runs / RUN_ID)
        self._session.store.add_run(run)
        self._session.store.add_cases(RUN_ID, [_case(path) for path in self.films])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        self._window = start(self._session, port=port)
        self._context = browser.new_context(viewport=SCREEN)
        self._context.request.get(self._window.address)
        seen = {"name": "overread-guide", "value": "seen", "url": self._window.url}
        self._context.add_cookies([seen])
        self.page = self._context.new_page()
        self.page.goto(self._window.url)
        self.page.wait_for_selector(".rv[data-film][data-shown]:not([data-busy])", timeout=120_000)

    def __enter__(self) -> ReadingWindow:
        return self

    def __exit__(self, *error: object) -> None:
        self._context.close()
        self._window.close()
        self._session.store.close()


def _drawn(path: Path, size: tuple[int, int], *, seed: int) -> Path:
    """Write something like a chest film: smooth shades and noise, in 12 bits of 16."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.normal(2000, 700, (9, 7)).astype(np.float32))
    film = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) + rng.normal(0, 25, size[::-1])
    Image.fromarray(np.clip(film, 0, 4095).astype(np.uint16)).save(path)
    return path


def _case(path: Path) -> Prediction:
    return Prediction(
        image_id=hashlib.sha256(path.read_bytes()).hexdigest(),
        path=path,
        label="normal",
        patient_id=path.stem,
        part="test",
        probabilities=(0.7, 0.3),
        predicted="normal",
        entropy=0.6,
    )
