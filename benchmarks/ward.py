"""A department for the benchmarks: the real server in a process of its own, and readers who ask it over HTTP.

A reader here does what the page's script does: signs in, opens a reading, gives each answer a name, and gives it again
by that name where nothing was heard of it.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from benchmarks.synthetic import RUN_ID, synthetic_predictions, synthetic_run
from engine.reading import Audit, Reader, open_store
from engine.workspace import DATABASE_VARIABLE, Workspace, open_workspace

PASSWORD = "correct horse battery"
ROOT = Path(__file__).parents[1]
START_SECONDS = 120.0
PATIENCE = 600.0
"""Seconds after which a reader gives an answer up of which nothing was heard: on a busy machine the program alone may
take half a minute to start."""


def prepared(root: Path, *, readers: int, cases: int) -> Workspace:
    """Make a workspace with a run and an account for each reader; its database is where the environment says."""
    workspace = open_workspace(root)
    with open_store(workspace.database) as store:
        store.add_run(synthetic_run(workspace.runs / RUN_ID))
        store.add_cases(RUN_ID, synthetic_predictions(cases))
        people = ["Administrator", *map(name_of, range(readers))]
        for number, name in enumerate(people):
            role = "reader" if number else "administrator"
            store.add_reader(Reader(reader_id="", name=name, role=role))
            store.accounts.set_password(name, PASSWORD)
    return workspace


def name_of(number: int) -> str:
    """Return the name of a reader."""
    return f"reader {number}"


class Server:
    """`overread gui --auth` in a process of its own, which can be killed and started again on the same port.

    Args:
        workspace: What it shows.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "gui", "gui", "--auth", "--no-browser", "--port", str(self.port)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OVERREAD_WORKSPACE": str(self._workspace.root),
            "OMP_NUM_THREADS": "1",
        }
        log = (self._workspace.root / "server.log").open("ab")
        self._process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._workspace.root / "server.log").read_text()[-2000:]) from None
                time.sleep(0.05)

    def settle(self) -> None:
        """Wait until it has loaded what it loads some seconds after its start, as one that has run for a day."""
        until, spent = time.monotonic() + START_SECONDS, -1.0
        while self.processor_seconds - spent > 0.1 and time.monotonic() < until:
            spent = self.processor_seconds
            time.sleep(1.0)

    @property
    def processor_seconds(self) -> float:
        """How much of a processor it has used since it was started."""
        assert self._process is not None
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def kill(self) -> None:
        """Kill it as a loss of power would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@dataclass
class Told:
    """What a reader was told.

    Attributes:
        stored: Cases of which the page said that the answer is stored.
        given: Every case that an answer was given to.
        seconds: How long each answer took that was stored at its first try.
        refused: What was said of an answer that was not taken, but for a server or database that was away.
        again: How often an answer was given again.
    """

    stored: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    again: int = 0


class AwayError(Exception):
    """Nothing was heard of a question: the server, or its database, is away."""


class Page:
    """One reader's page of a browser.

    Args:
        port: Of the server.
        name: Of the reader.
        patience: Seconds after which an answer is given up of which nothing was heard.
    """

    def __init__(self, port: int, name: str, *, patience: float = PATIENCE) -> None:
        self._port, self._name, self._patience = port, name, patience
        self._names: dict[str, str] = {}
        self._line: http.client.HTTPConnection | None = None
        self._cookie = ""
        self._component = 0
        self._page = uuid.uuid4().hex
        self._reading: dict[str, Any] = {}
        self.told = Told()

    def read(self, until: float, *, pause: tuple[float, float], most: int = 10**9) -> None:
        """Answer one case after another.

        Args:
            until: When to begin no further answer, by `time.monotonic`.
            pause: Seconds before each answer, in which a person would look: at least and at most.
            most: Answers.
        """
        while not self._reading and time.monotonic() < until:
            self._tried(self.open)
        while time.monotonic() < until and len(self.told.stored) < most and self._reading.get("case"):
            time.sleep(random.uniform(*pause))
            if time.monotonic() > until:
                return
            self._answer(self._reading["case"], until + self._patience)

    def open(self, case: str = "") -> None:
        """Sign in where that is needed, and open a reading.

        Raises:
            AwayError: Nothing was heard.
        """
        if not self._cookie:
            typed = urlencode({"username": self._name, "password": PASSWORD})
            kind = {"content-type": "application/x-www-form-urlencoded"}
            status, headers, _ = self._ask("POST", "/login", typed, kind)
            if status != 303:
                raise AwayError
            self._cookie = headers["set-cookie"].partition(";")[0]
        _, _, page = self._ask("GET", "/", "", {"accept": "text/html"})
        found = re.search(r"window\.gradio_config = (\{.*?\});\s*</script>", page, re.DOTALL)
        if found is None:
            raise AwayError
        for component in json.loads(found[1])["components"]:
            if "decide" in component["props"].get("server_fns", ()):
                self._component = component["id"]
        told = self._call("open_reading", page=self._page, queue="not yet read", case=case)
        if not told["ok"]:
            raise AwayError
        self._reading = told

    def _answer(self, case: dict[str, Any], until: float) -> None:
        """Agree with a case, and again by the same name, until something is heard of it.

        An answer that was given up keeps its name, as the page's does: by another name it would be a second answer, and
        nobody could tell whether the program had stored one twice.
        """
        named = {"shown": case["id"], "predicted": case["predicted"], "verdict": "agree"}
        named["name"] = self._names.setdefault(case["id"], uuid.uuid4().hex)
        self.told.given.add(case["id"])
        first, began = True, time.monotonic()
        while time.monotonic() < until:
            try:
                told = self._call("decide", reading=self._reading["reading"], seconds=1.0, **named)
                if told["ok"]:
                    self.told.stored.append(case["id"])
                    if first:
                        self.told.seconds.append(time.monotonic() - began)
                    # stored, and where the next case could not be had, the page is opened again
                    self._reading = {} if "trouble" in told else self._reading | {"case": told.get("case")}
                    return
                if told["kind"] == "StaleCaseError":  # the program was started again
                    self.open(case["id"])
                elif told["kind"] != "ServerAway":
                    self.told.refused.append(told["problem"])
                    return
            except AwayError:
                time.sleep(0.1)
            first = False
            self.told.again += 1
        self.told.refused.append(f"nothing was heard of an answer for {self._patience:g} s")

    def _tried(self, work: Any) -> None:
        try:
            work()
        except AwayError:
            time.sleep(0.2)

    def _call(self, function: str, **asked: Any) -> dict[str, Any]:
        sent = {
            "component_id": self._component,
            "fn_name": function,
            "session_hash": self._page,
            "data": asked,
        }
        kind = {"content-type": "application/json"}
        status, _, text = self._ask("POST", "/gradio_api/component_server", json.dumps(sent), kind)
        if status != 200:
            raise AwayError
        return dict(json.loads(text))

    def _ask(
        self, method: str, path: str, body: str, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, str]:
        try:
            if self._line is None:
                self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            self._line.request(method, path, body or None, {**headers, "cookie": self._cookie})
            answer = self._line.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            if self._line is not None:
                self._line.close()
            self._line = None
            raise AwayError from error


@dataclass(frozen=True)
class Outcome:
    """What became of all answers.

    Attributes:
        stored: How many rows there are.
        lost: How many were said to be stored and are not there.
        doubled: How many cases have two rows by one reader.
        unheard: How many are there of which nobody heard.
        audit: Of the chain.
    """

    stored: int
    lost: int
    doubled: int
    unheard: int
    audit: Audit

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing doubled, and the chain is whole."""
        return not (self.lost or self.doubled or self.audit.found)


def outcome(workspace: Workspace, pages: dict[str, Page]) -> Outcome:
    """Hold what was told to the readers against what is in the database."""
    with open_store(workspace.database) as store:
        there = [(one.reader, one.image_id) for one in store.reviews(RUN_ID)]
        audited = store.audit()
    told = [(name, case) for name, page in pages.items() for case in page.told.stored]
    return Outcome(
        stored=len(there),
        lost=len(set(told) - set(there)),
        doubled=len(there) - len(set(there)),
        unheard=len(set(there) - set(told)),
        audit=audited,
    )


def on_database(address: str | None) -> None:
    """Let this process and its children keep readings on a server, or in the workspace."""
    os.environ.pop(DATABASE_VARIABLE, None)
    if address:
        os.environ[DATABASE_VARIABLE] = address
