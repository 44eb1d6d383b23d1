"""What a hand waits for, in Chromium: the first page, the next film after a verdict, another tab; the tab's memory."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.film import CHROMIUM, ReadingWindow
from benchmarks.measuring import LeftOut, Row, Setting, percentile

ROOT = Path(__file__).parents[1]
READY = ".rv[data-shown]:not([data-busy]):not([data-guard])"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TABS = ("data", "train", "studies", "report", "share", "review")
# Painted: the first task after the frame in which the new image stands on the stage.
WATCH = """() => {
  const sheet = document.querySelector('.rv-sheet');
  const after = (work) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = work;
    channel.port2.postMessage(null);
  });
  window.taken = [];
  let pressed = null;
  document.addEventListener('keydown', (event) => { pressed ??= event.timeStamp; }, true);
  new MutationObserver((changes) => {
    if (pressed === null || !changes.some(({ addedNodes }) => addedNodes.length)) return;
    const began = pressed;
    pressed = null;
    after(() => {
      const asked = performance.getEntriesByType('resource')
        .find(({ name, startTime }) => name.includes('component_server') && startTime >= began);
      window.taken.push([performance.now() - began, asked.responseEnd - asked.requestStart, asked.responseEnd - began]);
      performance.clearResourceTimings();
    });
  }).observe(sheet, { childList: true });
}"""
SWITCH = """async (tab) => {
  const began = performance.now(), panel = () => document.getElementById(`page-${tab}`);
  document.getElementById(`page-${tab}-button`).click();
  while (!panel()?.offsetHeight) await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - began;
}"""
PAINTED = """() => new Promise((resolve) => new PerformanceObserver((list) => {
  for (const { name, startTime } of list.getEntries())
    if (name === 'first-contentful-paint') resolve((performance.timeOrigin + startTime) / 1000);
}).observe({ type: 'paint', buffered: true }))"""
LEAF = """async (count) => {
  const root = document.querySelector('.rv');
  for (let turn = 0; turn < count; turn++) {
    const before = root.dataset.shown;
    document.dispatchEvent(new KeyboardEvent('keydown', { code: 'ArrowRight', key: 'ArrowRight', bubbles: true }));
    while (root.dataset.shown === before) await new Promise((resolve) => setTimeout(resolve));
    while (root.hasAttribute('data-busy')) await new Promise((resolve) => setTimeout(resolve));
  }
}"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    path = next((found for found in CHROMIUM if Path(found).exists()), None)
    if path is None:
        yield LeftOut(work="a hand in a browser", reason="no Chromium is installed")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield from _read(setting, browser)
        yield from _leafed(setting, browser)
        browser.close()


def _read(setting: Setting, browser: Any) -> Iterator[Row]:
    """Measure the opening, the verdicts and the tabs of one workspace."""
    count = 8 if setting.quick else 120
    with ReadingWindow(setting.scratch / "read", browser, count=count + 2, size=(1024, 1024)) as window:
        yield from _verdicts(window.page, count)
        yield from _tabs(window.page, rounds=1 if setting.quick else 5)
        root = window.workspace.root
    seen: list[float] = []
    painted: list[float] = []
    for _ in range(1 if setting.quick else 5):
        for times, one in zip((seen, painted), _opened(root, browser), strict=True):
            times.append(one)
    yield Row(
        work="from overread gui to something to see",
        ours=statistics.median(seen),
        unit="s",
        budget="≤ 1 s",
        met=statistics.median(seen) <= 1,
        quality=f"the slowest of {len(seen)} starts {max(seen):.2f} s",
        note="until Chromium, open already, has painted that Overread is starting",
    )
    yield Row(
        work="first film after the server is up",
        ours=statistics.median(painted),
        unit="s",
        budget="≤ 2.5 s",
        met=statistics.median(painted) <= 2.5,
        quality=f"the slowest of {len(painted)} starts {max(painted):.2f} s",
        note="with nothing in the browser's cache",
    )


def _verdicts(page: Any, count: int) -> Iterator[Row]:
    page.evaluate(WATCH)
    for _ in range(count):
        page.wait_for_selector(READY)
        page.wait_for_timeout(300)
        shown = page.get_attribute(".rv", "data-shown")
        page.keyboard.press("a")
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=shown)
    whole, server, answered = ([*each] for each in zip(*page.evaluate("window.taken")[2:], strict=True))
    for work, times, budgets in (
        ("server's answer to a verdict, as the browser waits for it", server, (10, 30)),
        ("key of a verdict to the next film painted", whole, (42, 60)),
    ):
        p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
        yield Row(
            work=work,
            ours=p50,
            unit="ms",
            budget=f"p50 ≤ {budgets[0]} ms, p95 ≤ {budgets[1]} ms",
            met=p50 <= budgets[0] and p95 <= budgets[1],
            quality=f"p95 {p95:.1f} ms of {len(times)} verdicts",
            note=f"1,024 × 1,024, 12 bits; load {os.getloadavg()[0]:.1f}"
            + (f"; the answer was there after {percentile(answered, 0.5):.1f} ms" if times is whole else ""),
        )


def _tabs(page: Any, *, rounds: int) -> Iterator[Row]:
    for when, times in (
        ("first opened", [page.evaluate(SWITCH, tab) for tab in TABS]),
        ("come back to", [page.evaluate(SWITCH, tab) for _ in range(rounds) for tab in TABS]),
    ):
        p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
        yield Row(
            work=f"click on a tab to its page painted, {when}",
            ours=p50,
            unit="ms",
            budget="p95 ≤ 300 ms",
            met=p95 <= 300,
            quality=f"p95 {p95:.0f} ms of {len(times)} clicks",
        )


def _opened(root: Path, browser: Any) -> tuple[float, float]:
    """Start the program as a person does; return the seconds to something to see, and from server to first film."""
    told = root / "opened"
    told.unlink(missing_ok=True)
    opens = root / "browser.sh"
    opens.write_text(f'#!/bin/sh\nprintf %s "$1" > "{told}.part" && mv "{told}.part" "{told}"\n')
    opens.chmod(0o700)
    context = browser.new_context(viewport={"width": 1280, "height": 820})
    page = context.new_page()
    began = time.time()
    with subprocess.Popen(
        [sys.executable, "-m", "gui", "gui", "--workspace", str(root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BROWSER": f"{opens} %s"},
    ) as process:
        assert process.stdout is not None
        try:
            while not told.exists() and process.poll() is None and time.time() - began < 60:
                time.sleep(0.005)
            page.goto(told.read_text(), wait_until="commit")
            client = context.new_cdp_session(page)  # which waits for no page that is on its way
            asked = client.send("Runtime.evaluate", {"expression": f"({PAINTED})()", "awaitPromise": True})
            seen = asked["result"]["value"]
            assert re.match("Overread is open at", process.stdout.readline())
            up = time.time()
            page.wait_for_selector(".rv[data-shown]", timeout=60_000)
            return seen - began, time.time() - up
        finally:
            context.close()
            process.terminate()


def _leafed(setting: Setting, browser: Any) -> Iterator[Row]:
    """Measure the memory of a tab in which thousands of cases are looked at."""
    first, last = (5, 20) if setting.quick else (200, 2000)
    with ReadingWindow(setting.scratch / "leafed", browser, count=last + 1, size=(256, 256)) as window:
        client = window.page.context.new_cdp_session(window.page)

        def held() -> float:
            client.send("HeapProfiler.collectGarbage")
            return float(client.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

        window.page.set_default_timeout(0)
        window.page.evaluate(LEAF, first)
        before = held()
        window.page.evaluate(LEAF, last - first)
        after = held()
    yield Row(
        work=f"memory of the tab after {last:,} cases",
        ours=after,
        unit="MB",
        peer=f"after {first:,}",
        theirs=before,
        ratio=after / before,
        budget="≤ 1.1 times",
        met=after <= 1.1 * before,
        quality="the heap after a collection",
        note="films of 256 × 256; the ratio is growth",
    )
