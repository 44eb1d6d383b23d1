"""The window is for this computer alone, says so when its port is taken, and ends when it is told to."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio.routes import App

from engine.errors import EngineError
from engine.workspace import Workspace
from gui import serving
from gui.app import PAGES
from gui.cli import window as window_command
from gui.door import Password
from gui.door.foreign import CONTENT_SECURITY_POLICY
from gui.listening import FIRST_PORT, LAST_PORT, choose_port
from gui.web.image_routes import image_url
from gui.web.session import AppSession
from tests.chromium import PATIENCE
from tests.gui.conftest import Room, free_port, let_in


def test_the_pages_stand_in_clinical_order() -> None:
    assert [page.title for page in PAGES.values()] == [
        "Data",
        "Train",
        "Review",
        "Studies",
        "Report",
        "Share",
    ]


def test_a_port_in_use_is_said_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EngineError, match=r"in use by another program\. Choose another with --port"):
            choose_port(taken.getsockname()[1])


def test_no_port_asked_for_takes_the_next_free_one() -> None:
    port = choose_port(None)
    with socket.socket() as taken:
        taken.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # a connection of before may still be closing
        taken.bind(("127.0.0.1", port))
        taken.listen()
        other = choose_port(None)
    assert other != port
    assert FIRST_PORT <= port <= LAST_PORT


@pytest.mark.parametrize("port", [70_000, -1])
def test_a_number_that_is_no_port_is_said(port: int) -> None:
    with pytest.raises(EngineError, match="from 1 to 65535"):
        choose_port(port)


def test_the_server_listens_to_this_computer_alone_and_behind_the_guard(
    room: Room, opened: Callable[..., Any]
) -> None:
    window = opened(room.session)
    with let_in(window) as owner:
        answer = owner.get("/")
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert owner.get("/", headers={"Host": "evil.example"}).status_code == 403
        assert owner.get("/config", headers={"Origin": "http://evil.example"}).status_code == 403
        for closed in ("docs", "openapi.json", "gradio_api/monitoring", "gradio_api/file=http://example.org"):
            assert owner.get(f"/{closed}").status_code == 404
    with socket.socket() as other:  # the address that other computers would use
        other.settimeout(2)
        assert other.connect_ex((socket.gethostbyname(socket.gethostname()), window.port)) != 0 or (
            socket.gethostbyname(socket.gethostname()).startswith("127.")
        )
    elsewhere = {"Host": "public.example.live"}
    assert httpx.get(window.address, headers=elsewhere).status_code == 403
    room.session.hosts.add("Public.example.live")
    assert httpx.get(window.address, headers=elsewhere).status_code == 303


def test_a_window_makes_the_application_that_answers_and_no_other(
    room: Room, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    configure = App.configure_app
    monkeypatch.setattr(App, "configure_app", lambda app, blocks: (made.append(app), configure(app, blocks)))

    opened(room.session)

    assert len(made) == 1


def test_before_the_password_nothing_of_the_cases_is_told(room: Room, opened: Callable[..., Any]) -> None:
    guest = AppSession(workspace=room.session.workspace, store=room.session.store, read_only=True)
    window = opened(guest, entrance=Password(lambda user, password: (user, password) == ("guest", "right")))
    pages = [httpx.get(f"{window.url}{path}", headers={"Accept": "text/html"}) for path in ("/", "/config")]
    assert {page.status_code for page in pages} == {401}
    told = pages[0].text + pages[1].text
    for secret in (room.run.run_id, room.run.dataset_name, "pneumonia", room.predictions[0].image_id):
        assert secret not in told
    ask = {"data": {}, "component_id": 1, "fn_name": "open_reading", "session_hash": "x"}
    assert httpx.post(window.url + "/gradio_api/component_server/", json=ask).status_code == 401
    film = image_url(guest, room.run.run_id, room.predictions[0].image_id)
    assert httpx.get(window.url + film).status_code == 401


@pytest.mark.slow
def test_a_guests_window_starts_without_what_training_needs() -> None:
    seen = "import sys, gui.guest_app, gui.pages.review.page; print({'torch', 'scipy', 'matplotlib'} & {*sys.modules})"
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_the_window_opens_though_there_is_no_run_to_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[Workspace] = []
    monkeypatch.setattr(serving, "serve", lambda workspace, **_: opened.append(workspace))
    window_command.gui(
        tmp_path,
        no_browser=True,
        minutes=5,
        via="ssh",
        yes=True,
    )
    assert opened[0].root == tmp_path
    said = " ".join("".join(capsys.readouterr()).split())
    assert "no finished run" in said and "opens all the same" in said


def test_what_the_program_consists_of_is_out_of_the_collectors_sight_once_it_is_all_there() -> None:
    try:
        serving._settle(threading.Event(), after=0)
        assert gc.get_freeze_count() > 100_000
        assert len(gc.get_objects(generation=2)) < 10_000
    finally:
        gc.unfreeze()


SERVE = """
from pathlib import Path
import sys
from engine.workspace import open_workspace
from gui.serving import serve
import webbrowser
webbrowser.open = lambda address: print(f"opened {address}", flush=True)
serve(open_workspace(Path(sys.argv[1])), port=int(sys.argv[2]))
"""
WHEN_TOLD = """
import sys
class Late:
    def find_spec(name, *_):
        if name == "gui.app":  # what takes seconds to load
            sys.stdin.readline()
sys.meta_path.insert(0, Late)
"""


@pytest.mark.browser
def test_a_browser_shows_that_it_starts_and_then_the_window_without_anybody_doing_anything(
    room: Room, page: Any
) -> None:
    port = free_port()
    command = [sys.executable, "-c", WHEN_TOLD + SERVE, str(room.session.workspace.root), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            page.goto(process.stdout.readline().split()[1], wait_until="commit")
            told = page.context.new_cdp_session(page)  # which waits for no page that is on its way
            body = {"expression": "document.body?.innerText ?? ''"}
            until = time.monotonic() + PATIENCE / 1000  # what is committed may have no body yet
            while "Overread is starting" not in told.send("Runtime.evaluate", body)["result"].get(
                "value", ""
            ):
                assert time.monotonic() < until
                page.wait_for_timeout(20)
            process.stdin.write("\n")
            process.stdin.flush()
            page.wait_for_selector(".rv[data-shown]")
            page.goto("about:blank")  # a page that still asks would be told that its window is gone
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_a_signal_ends_the_server_in_order(room: Room) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(room.session.workspace.root), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            leads = room.session.workspace.root / f"open-{port}.html"
            # before anything heavy is loaded; and no key for the list of processes
            assert process.stdout.readline() == f"opened {leads.as_uri()}\n"
            with socket.create_connection(("127.0.0.1", port)):  # is waited with, and answered later
                pass
            said = process.stdout.readline()
            assert said.startswith(f"Overread is open at http://127.0.0.1:{port}/?key=")
            assert httpx.get(said.split()[4]).status_code == 303
            assert said.split()[4] in leads.read_text()
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert not leads.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}")
