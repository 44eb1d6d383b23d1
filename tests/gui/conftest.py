"""A real Chromium, and a workspace with films, heatmaps and predictions to read, without any training."""

from __future__ import annotations

import io
import json
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.reading.store import open_store
from engine.records import Calibration, Explanation, Prediction, Recipe, Run
from engine.runs.heatmaps import save_explanations
from engine.workspace import Workspace, open_workspace
from gui.web.session import AppSession
from tests.chromium import PATIENCE
from tests.readers import with_readers

CLASSES = ("normal", "pneumonia")


@dataclass
class Traffic:
    """What a page asked for, and what it complained of."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", self._look_at)

    def _look_at(self, response: Any) -> None:
        gone = response.status == 404 and urlsplit(response.url).path.startswith(("/image/", "/data-image/"))
        if (
            response.status in (401, 403, 404, 405, 413, 431, 503) and not gone
        ):  # an image that is gone is said
            self.refused.append(f"{response.status} {response.request.method} {response.url}")

    def settle(self, page: Any) -> int:
        """Wait until nothing has been asked for a second: what is fetched ahead is there. Return how much was asked."""
        asked = -1
        while asked != len(self.requests):
            asked = len(self.requests)
            page.wait_for_timeout(1000)
        return asked

    @property
    def elsewhere(self) -> list[str]:
        """Requests to anything but this machine."""
        local = ("127.0.0.1", "localhost")
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in ("data", "blob", "file") and urlsplit(url).hostname not in local
        ]


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def page(browser: Any, traffic: Traffic) -> Iterator[Any]:
    """A fresh page of 1366×768. Every test that uses it promises: nothing was asked of another machine, and our own
    refused nothing that a page asked for."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    traffic.watch(opened)
    yield opened
    context.close()
    assert traffic.elsewhere == []
    assert traffic.errors == []
    assert traffic.refused == []


def free_port() -> int:
    """Return a port that nobody has: below those the system gives to callers, and of this worker's own share."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = 20_000 + 1_500 * (worker % 8) + secrets.randbelow(1_500)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def draw_film(
    path: Path, seed: int, *, side: int = 384, opacity: bool = False, info: PngInfo | None = None
) -> None:
    """Draw something like a chest film: two dark lungs in a bright chest, and an opacity in one of them."""
    path.write_bytes(_film(seed, side, opacity) if info is None else _png(_pixels(seed, side, opacity), info))


@cache  # the same twelve are drawn for hundreds of tests
def _film(seed: int, side: int, opacity: bool) -> bytes:
    return _png(_pixels(seed, side, opacity))


def _png(pixels: NDArray[np.uint8], info: PngInfo | None = None) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG", pnginfo=info)
    return written.getvalue()


def _pixels(seed: int, side: int, opacity: bool) -> NDArray[np.uint8]:
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    grey: NDArray[np.float64] = 150 - 60 * np.abs(x - 0.5) + 20 * y
    for centre in (0.3, 0.7):
        grey -= 110 * np.exp(-(((x - centre) / 0.15) ** 4) - ((y - 0.5) / 0.33) ** 4)
    grey += 14 * np.sin(y * 42 + 6 * (x - 0.5) ** 2) * (np.abs(x - 0.5) > 0.08)
    if opacity:
        grey += 90 * np.exp(-(((x - 0.68) / 0.08) ** 2) - ((y - 0.62) / 0.1) ** 2)
    grey += generator.normal(0, 5, grey.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def make_run(
    workspace: Workspace, *, run_id: str = "20260101-120000-abcd", classes: tuple[str, ...] = CLASSES
) -> Run:
    return Run(
        run_id=run_id,
        folder=workspace.runs / run_id,
        dataset_id="0123456789ab",
        dataset_name="drawn films",
        recipe=Recipe(name="drawn", title="Drawn", source="none", backbone="none"),
        classes=classes,
        positive=classes[1],
        threshold=0.42 if len(classes) == 2 else math.nan,
        calibration=Calibration(),
        weights_source="none",
        device="cpu",
        created=datetime(2026, 1, 1, 12, tzinfo=UTC),
        seconds=1.0,
        parameters=1,
        trained_parameters=1,
    )


def fill(
    session: AppSession,
    folder: Path,
    names: list[str],
    *,
    run: Run,
    side: int = 384,
    info: PngInfo | None = None,
) -> list[Prediction]:
    """Draw a film for each name and store what a machine might say of it, with heatmaps."""
    folder.mkdir(parents=True, exist_ok=True)
    run.folder.mkdir(parents=True, exist_ok=True)
    predictions, heatmaps = [], []
    for number, name in enumerate(names):
        ill = number % 3 == 0
        path = folder / name
        draw_film(path, number, opacity=ill, side=side, info=info)
        rest = np.random.default_rng(number).dirichlet(np.ones(len(run.classes)))
        sure = 0.3 + 0.1 * (number % 7) if ill else 0.02 + 0.05 * (number % 9)
        shares = np.array([1 - sure, sure]) if len(run.classes) == 2 else rest
        predicted = run.classes[int(shares[1] >= 0.42) if len(run.classes) == 2 else int(shares.argmax())]
        image_id = sha256(path.read_bytes()).hexdigest()
        predictions.append(
            Prediction(
                image_id=image_id,
                path=path,
                label=run.classes[1 if ill else 0],
                patient_id=f"P{number // 2:03d}",
                part="test",
                probabilities=tuple(float(share) for share in shares / shares.sum()),
                predicted=predicted,
                entropy=float(-(shares * np.log(np.clip(shares, 1e-12, 1))).sum()),
            )
        )
        y, x = np.mgrid[0:1:7j, 0:1:7j]
        heat = np.exp(-(((x - 0.68) / 0.2) ** 2) - ((y - 0.62) / 0.2) ** 2).astype(np.float32)
        heatmaps.append(Explanation(image_id=image_id, heatmap=heat, target=predicted, method="grad-cam"))
    save_explanations(run.folder, heatmaps)
    session.store.add_run(run)
    session.store.add_cases(run.run_id, predictions)
    return predictions


def answer_now(page: Any, address: str, answer: Callable[[Any], Any]) -> None:
    """Answer a page's requests from now on, also those of a page that is open.

    Chromium gives them out of its hands a while after `page.route` has returned: a page that was busy asked the server
    itself for what was pressed next. So one is asked for nothing until its answer comes from here.
    """
    page.route(address, answer)
    page.route(re.compile("[?]routed$"), lambda asked: asked.fulfill(status=204))
    page.wait_for_function("fetch('?routed').then(({ status }) => status === 204)")


class Held:
    """Questions of a page that are on their way for as long as a test wants, so that their answers come late.

    Gradio's events are held by their `api_name`, what a page's own script calls by the name of the function.
    """

    def __init__(self, page: Any) -> None:
        self._page = page
        self._names: set[str] = set()
        self._waiting: list[tuple[str, Any]] = []
        self._events: dict[int, str] = {}
        page.route(re.compile("/queue/join|/component_server"), self._take)

    def _take(self, route: Any) -> None:
        asked = json.loads(route.request.post_data)
        if not self._events:
            config = "window.gradio_config.dependencies.map(({ id, api_name }) => [id, api_name])"
            self._events = dict(self._page.evaluate(config))
        name = asked["fn_name"] if "fn_name" in asked else self._events.get(asked.get("fn_index"), "")
        if name in self._names:
            self._waiting.append((name, route))
        else:
            route.continue_()

    def hold(self, *names: str) -> None:
        """Keep from now on every question of these names."""
        self._names |= {*names}

    def wait_for(self, name: str) -> None:
        """Wait until a question of this name is held."""
        until = time.monotonic() + PATIENCE / 1000
        while not any(held == name for held, _ in self._waiting):
            assert time.monotonic() < until, f"{name} is not asked"
            self._page.wait_for_timeout(20)

    def release(self) -> None:
        """Let everything go on, in the order in which it was asked."""
        self._names.clear()
        waiting, self._waiting = self._waiting, []
        for _name, route in waiting:
            route.continue_()


@contextmanager
def let_in(window: Any) -> Iterator[httpx.Client]:
    """Give a client that has opened the window's address."""
    with httpx.Client(base_url=window.url, timeout=60) as client:
        assert client.get(window.address).status_code == 303
        yield client


@dataclass
class Room:
    """A workspace with films to read and a session on it."""

    session: AppSession
    run: Run
    predictions: list[Prediction]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Twelve films with predictions and heatmaps."""
    workspace = open_workspace(tmp_path / "workspace")
    # half a second: a test of a locked database need not wait longer
    session = AppSession(
        workspace=workspace, store=open_store(workspace.database, busy_seconds=0.5), reader="anna"
    )
    with_readers(session.store, "anna", "ben")
    run = make_run(session.workspace)
    predictions = fill(
        session, tmp_path / "films", [f"film_{number:02d}.png" for number in range(12)], run=run
    )
    yield Room(session=session, run=run, predictions=predictions)
    session.store.close()


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Start windows on sessions; all are closed at the end of the test.

    A test's browser is let in by the key at once, so that it can go to `window.url`.
    """
    from gui.app import start

    # asked for here, so that it outlives this fixture, whichever the test names first
    page = request.getfixturevalue("page") if "page" in request.fixturenames else None
    windows: list[Any] = []

    def open_window(session: AppSession, *, guided: bool = False, **settings: Any) -> Any:
        window = start(session, port=free_port(), **settings)
        windows.append(window)
        if page is not None:
            page.context.request.get(window.address)
            if not guided:  # somebody who has seen the guide
                page.context.add_cookies([{"name": "overread-guide", "value": "seen", "url": window.url}])
        return window

    yield open_window
    if page is not None:  # a page that still asks would be told that its window is gone
        for still_open in page.context.pages:
            still_open.goto("about:blank")
    for window in windows:
        window.close()
