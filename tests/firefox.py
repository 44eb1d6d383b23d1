"""A real Firefox of the system, driven by its own protocol: Playwright drives no Firefox but its own.

Marionette is what geckodriver speaks to Firefox: a message is its length, a colon and JSON. Keys and the mouse go the
way that a person's go. https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import PATIENCE

NAMES = ("firefox-esr", "firefox")
QUIET = {
    "marionette.port": 0,  # any that is free, which it writes into the profile
    "browser.startup.page": 0,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
"""Preferences of a browser that asks nobody but the page."""


class Firefox:
    """One window of Firefox.

    Attributes:
        agent: What it calls itself.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._heard = connection.makefile("rb")
        self._asked = 0
        self._answer()  # it says first what it speaks
        self.agent: str = self._call("WebDriver:NewSession")["capabilities"]["userAgent"]
        self._call("WebDriver:SetTimeouts", script=PATIENCE, pageLoad=PATIENCE)

    def _answer(self) -> Any:
        length = b""
        while (sign := self._heard.read(1)) != b":":
            assert sign, "Firefox is gone"
            length += sign
        return json.loads(self._heard.read(int(length)))

    def _call(self, command: str, **told: Any) -> Any:
        self._asked += 1
        message = json.dumps([0, self._asked, command, told]).encode()
        self._connection.sendall(b"%d:%b" % (len(message), message))
        _kind, _number, wrong, answer = self._answer()
        assert wrong is None, wrong
        return answer

    def go(self, address: str) -> None:
        """Open an address and wait until it is loaded."""
        self._call("WebDriver:Navigate", url=address)

    def keep_cookie(self, name: str, value: str) -> None:
        """Keep a cookie for the page that is open."""
        self._call("WebDriver:AddCookie", cookie={"name": name, "value": value})

    def evaluate(self, expression: str, *values: Any) -> Any:
        """Return what an expression of JavaScript gives, promises awaited; `arguments` are the values."""
        answer = self._call("WebDriver:ExecuteScript", script=f"return {expression}", args=list(values))
        return answer["value"]

    def wait(self, expression: str, *values: Any) -> Any:
        """Wait until an expression is true, and return it."""
        until = time.monotonic() + PATIENCE / 1000
        while not (found := self.evaluate(expression, *values)):
            assert time.monotonic() < until, f"waited in vain for {expression}"
            time.sleep(0.05)
        return found

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": actions})

    def drag(self, *places: tuple[float, float], button: int = 0) -> None:
        """Press a button of the mouse at the first place, move by the others, and let it go at the last."""
        moves = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 40, "origin": "viewport"}
            for x, y in places
        ]
        down, up = ({"type": kind, "button": button} for kind in ("pointerDown", "pointerUp"))
        actions = [moves[0], down, *moves[1:], up]
        self._act(
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        )

    def _act(self, source: dict[str, Any]) -> None:
        self._call("WebDriver:PerformActions", actions=[source])

    def end(self) -> None:
        """Close it."""
        self._call("Marionette:Quit", flags=["eForceQuit"])


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """A Firefox of the system; tests that need one are skipped where there is none."""
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    if program is None:
        if os.environ.get("OVERREAD_REQUIRE_BROWSER"):
            pytest.fail("no Firefox on this machine: apt-get install firefox-esr")
        pytest.skip("no Firefox on this machine")
    profile = tmp_path_factory.mktemp("firefox")
    told = "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in QUIET.items())
    (profile / "user.js").write_text(told)
    asked = [program, "--headless", "--marionette", "--no-remote", "--width", "1366", "--height", "900"]
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(
            [*asked, "--profile", str(profile), "about:blank"],
            env={**os.environ, "HOME": str(profile)},
            stdout=log,
            stderr=log,
        )
    try:
        with socket.create_connection(("127.0.0.1", _port(profile, process)), timeout=120) as connection:
            driven = Firefox(connection)
            yield driven
            driven.end()
            process.wait(30)
    finally:
        process.kill()
        process.wait(30)


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until Firefox says where it listens."""
    said, until = profile / "MarionetteActivePort", time.monotonic() + 120
    while not (said.exists() and said.read_text().strip()):
        assert process.poll() is None and time.monotonic() < until, (profile / "log").read_text()
        time.sleep(0.1)
    return int(said.read_text())
