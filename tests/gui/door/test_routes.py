"""Who gets what from every route of the real router: ours, and all that Gradio brings, wanted or not.

The lists are written down here, by hand. A route that is on none of them fails, whoever added it: then somebody has
to say who may ask for it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given, settings, strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from engine.workspace import open_workspace
from gui.app import Window, start
from gui.door import Key, Password, openings_of
from gui.door.guard import NOTHING_HERE
from gui.door.openings import Openings
from gui.web.session import open_session

HALF = {"HEAD /gradio_api/file={path_or_url:path}"}
"""Gradio's, by a method that no page of ours uses, where another is open."""
AT_ONCE = "POST /gradio_api/run/predict"
"""One address of /gradio_api/run/{api_name}: the owner's events that do not wait in the queue, named in the body."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")

PAGE = {
    "GET /",
    "HEAD /",
    "GET /assets/{path:path}",
    "GET /static/{path:path}",
    "GET /theme.css",
    "GET /favicon.ico",
    "GET /gradio_api/heartbeat/{session_hash}",
    "GET /gradio_api/app_id",
}
GUESTS = PAGE | {
    "POST /gradio_api/component_server",
    "POST /gradio_api/component_server/",
    "GET /words/{code}.js",
    "HEAD /words/{code}.js",
    "GET /image/{run_id}/{image_id}/{layer}/{signed}",
    "HEAD /image/{run_id}/{image_id}/{layer}/{signed}",
}
OWNER = GUESTS | {
    "POST /gradio_api/queue/join",
    "GET /gradio_api/queue/data",
    "POST /gradio_api/upload",
    "GET /gradio_api/upload_progress",
    "GET /gradio_api/file={path_or_url:path}",
    "GET /data-image/{dataset_id}/{image}/{layer}/{signed}",
    "HEAD /data-image/{dataset_id}/{image}/{layer}/{signed}",
    "GET /study-image/{study_id}/{image_id}/{signed}",
    "HEAD /study-image/{study_id}/{image_id}/{signed}",
    "GET /study-depth/{study_id}/{image_id}/{signed}",
    "HEAD /study-depth/{study_id}/{image_id}/{signed}",
    "GET /study-report/{study_id}/{kind}/{signed}",
    "HEAD /study-report/{study_id}/{kind}/{signed}",
    "GET /study-export/{study_id}/{signed}",
    "HEAD /study-export/{study_id}/{signed}",
    "PUT /take/{when}/{signed}",
}
NOBODY_WRITTEN = """
/config /config/ /gradio_api/api/{api_name} /gradio_api/api/{api_name}/ /gradio_api/app_id/
/gradio_api/call/v2/{api_name} /gradio_api/call/v2/{api_name}/ /gradio_api/call/v2/{api_name}/{event_id}
/gradio_api/call/{api_name} /gradio_api/call/{api_name}/ /gradio_api/call/{api_name}/{event_id}
/gradio_api/cancel /gradio_api/custom_component/{id}/{environment}/{type}/{file_name} /gradio_api/deep_link
/gradio_api/dev/reload /gradio_api/file/{path:path} /gradio_api/info /gradio_api/info/ /gradio_api/login_check
/gradio_api/login_check/ /gradio_api/openapi.json /gradio_api/process_recording
/gradio_api/proxy={url_path:path} /gradio_api/queue/status /gradio_api/reset /gradio_api/reset/
/gradio_api/run/{api_name} /gradio_api/run/{api_name}/ /gradio_api/startup-events /gradio_api/stream/{event_id}
/gradio_api/stream/{event_id}/close /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file
/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8
/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext} /gradio_api/theme.css
/gradio_api/token /gradio_api/token/ /gradio_api/undo-vibe-edit /gradio_api/undo-vibe-edit/ /gradio_api/user
/gradio_api/user/ /gradio_api/vibe-code /gradio_api/vibe-code/ /gradio_api/vibe-edit /gradio_api/vibe-edit/
/gradio_api/vibe-starter-queries /gradio_api/vibe-starter-queries/ /login /login/ /logout /manifest.json
/monitoring /monitoring/summary /monitoring/{key} /pwa_icon /pwa_icon/{size} /robots.txt
/gradio_api/runs /gradio_api/runs/ /svelte/{path:path}
"""
NOBODY = NOBODY_WRITTEN.split()
"""Gradio's, of no use to a page of ours, by whatever method."""


def routes_of(application: Any) -> Iterator[tuple[str, str]]:
    """Walk the router: (method, path) of every route, those of a mounted application among them."""
    for route in iter_route_contexts(application.routes):
        inner = getattr(route.original_route, "app", None)
        if isinstance(route.original_route, Mount):
            yield from routes_of(inner)
        else:
            assert route.path is not None, f"{route.original_route} has no path that can be walked"
            for method in sorted(route.methods or {"WEBSOCKET"}):
                yield method, route.path


def address(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "x", path)


@pytest.fixture(scope="module", params=["owner", "guest"])
def window(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    guest = request.param == "guest"
    session = open_session(open_workspace(tmp_path_factory.mktemp("workspace")), read_only=guest)
    entrance = Password(lambda user, password: password == "right") if guest else Key()
    opened = start(session, entrance=entrance)
    yield opened
    opened.close()
    session.store.close()


def may(window: Window) -> set[str]:
    return GUESTS if window.session.read_only else OWNER


@contextmanager
def outside(window: Window) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=window.url, timeout=60) as client:
        yield client


@contextmanager
def inside(window: Window) -> Iterator[httpx.Client]:
    with outside(window) as client:
        if window.session.read_only:
            typed = {"username": "guest", "password": "right"}
            assert client.post("/login", data=typed).status_code == 303
        else:
            assert client.get(window.address).status_code == 303
        yield client


def answers(window: Window, *, known: bool = False, **headers: str) -> dict[str, tuple[int, str]]:
    """Ask the door for every route by every method; what it would pass on is answered with 200.

    Args:
        window: Whose door.
        known: Whether the browser has the cookie of a visitor.
        headers: What else it says.
    """
    guard = window.guard
    cookie = {"cookie": f"{guard.visitors.cookie}={guard.visitors.welcome()}"} if known else {}
    named = {"host": f"127.0.0.1:{window.port}", **cookie}
    named |= {name.lower().replace("_", "-"): value for name, value in headers.items()}
    head = [(name.encode(), value.encode()) for name, value in named.items()]

    async def ask(method: str, path: str) -> tuple[int, str]:
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": head}
        status, text = 0, b""

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            nonlocal status, text
            status, text = message.get("status", status), text + message.get("body", b"")

        await guard(scope, receive, send)
        return status, text.decode()

    async def passed(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("passed")(scope, receive, send)

    async def ask_all() -> dict[str, tuple[int, str]]:
        paths = {path for _, path in routes_of(application)} | {"/nowhere"}
        return {f"{method} {path}": await ask(method, address(path)) for path in paths for method in METHODS}

    application, guard.app = guard.app, passed
    try:  # in a thread of its own: a browser that an earlier test has opened keeps an event loop in this one
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, ask_all()).result()
    finally:
        guard.app = application


def test_every_route_of_the_router_is_on_a_list(window: Window) -> None:
    found = {f"{method} {path}" for method, path in routes_of(window.guard.app)}
    unlisted = {one for one in found - OWNER - HALF if one.split()[1] not in NOBODY}
    assert not unlisted, f"Say who may ask for it: {unlisted}"
    assert may(window) <= found, "On a list, and not there"
    opened = {f"{one.method} {one.path}" for one in window.guard.openings.all}
    assert opened == may(window) | (set() if window.session.read_only else {AT_ONCE})


def test_whoever_is_let_in_gets_what_the_pages_need_and_nothing_else(window: Window) -> None:
    told = answers(window, known=True)
    told.pop("POST /login")  # a guest's way in
    # “x” is no file of ours, so that its address is not there either: see below
    expected = may(window) - {"GET /gradio_api/file={path_or_url:path}"}
    assert {route for route, (status, _) in told.items() if status == 200} == expected
    assert {answer for answer in told.values() if answer[0] != 200} == {(404, NOTHING_HERE)}


def test_a_stranger_gets_one_and_the_same_answer_from_every_route(window: Window) -> None:
    """So does another account on this computer: it can connect, and has no cookie."""
    for accepted in ("*/*", "text/html"):
        told = answers(window, accept=accepted)
        told.pop("POST /login")
        (one,) = set(told.values())
        assert one[0] == 401
        key = getattr(window.guard.entrance, "key", None)  # of the owner's window; guests have none
        assert (key is None or key not in one[1]) and str(window.session.workspace.root) not in one[1]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},  # another port of this computer
        {"Host": "evil.example"},  # a name that was made to point here
    ],
)
def test_another_site_gets_nothing_from_any_route_though_the_browser_sends_our_cookie(
    window: Window, headers: dict[str, str]
) -> None:
    assert {status for status, _ in answers(window, known=True, **headers).values()} == {403}


TRICKS_WRITTEN = """
//config /./config /x/../config /%2fconfig /config%2f /config;x /config%00 /CONFIG /Config /config%20
/.%2e/config /gradio_api/../config /gradio_api//config /assets/../config /assets/..%2f..%2fconfig
/static/%2e%2e/%2e%2e/x /assets//etc/passwd /assets/%2fetc%2fpasswd /gradio_api/cancel/ /gradio_api//cancel
/gradio_api/%63ancel /gradio_api/queue/join;x /gradio_api/queue%2fjoin/x /GRADIO_API/cancel
/gradio_api/file=http://127.0.0.1:9/x /gradio_api/file=HTTP://127.0.0.1:9/x
/gradio_api/file=%68ttp://127.0.0.1:9/x /gradio_api/file/http://127.0.0.1:9/x /gradio_api/file=//127.0.0.1:9/x
/gradio_api/file=/etc/passwd /gradio_api/file=../../overread.db /gradio_api/file=file:///etc/passwd
/gradio_api/file=/proc/self/environ /gradio_api/proxy=http://127.0.0.1:9
/gradio_api/proxy=https%3A%2F%2Fx.hf.space/ /?deep_link=x /?deep%5flink=x /?page=train /svelte/..%2fx
/gradio_api/component_server/x /gradio_api/stream/x/x/x/playlist.m3u8 /image/a/b/c/d/e /image/a%2fb/c/d/e
/take/x/y/z /study-image/a/b /study-image/a/b/c/d /study-export/a
"""
TRICKS = TRICKS_WRITTEN.split()


@pytest.mark.parametrize("who", ["inside", "outside"])
def test_no_way_of_writing_an_address_opens_another(window: Window, who: str) -> None:
    """Sent as they stand: a client would put most of them in order first."""
    with inside(window) if who == "inside" else outside(window) as client:
        for trick in TRICKS:
            for method in ("GET", "POST"):
                path, _, query = trick.partition("?")
                url = client.base_url.copy_with(raw_path=(path + ("?" + query if query else "")).encode())
                answer = client.send(client.build_request(method, url))
                expected = (401,) if who == "outside" else (404,)
                assert answer.status_code in expected, (method, trick, answer.status_code, answer.text[:80])
                assert answer.text in (NOTHING_HERE, "", window.guard.entrance.sentence(displaced=False))


def test_a_file_is_given_out_of_our_folder_alone(window: Window) -> None:
    if window.session.read_only:
        return
    folder = window.session.workspace.cache / "uploads"
    (folder / "ours").write_text("ours")
    (folder / "leads_out").symlink_to("/etc/hostname")
    with inside(window) as client:
        assert client.get(f"/gradio_api/file={folder}/leads_out").text == NOTHING_HERE
        assert client.get(f"/gradio_api/file={folder}/../../overread.db").text == NOTHING_HERE
        assert client.get(f"/gradio_api/file={folder}/ours").text == "ours"


HERE = Path(__file__).parent


@cache
def that_give_files() -> Openings:
    with gr.Blocks() as pages:
        gr.Button().click(lambda: None, None, gr.File())
    return openings_of(pages, [], HERE)


@settings(deadline=None)  # the pages are built in the first
@given(
    before=st.sampled_from(["/gradio_api/file=", "/assets/", "/static/", "/"]),
    written=st.text(st.sampled_from("/.\\%:;?#=abhtpfile~\x00\u202e\ud800 é"), max_size=30)
    | st.sampled_from(["http:", "HTTPS:", "file:", "//", "/etc/passwd", "/proc/self/environ"]),
)
def test_whatever_is_written_no_address_leads_out_of_its_folder(before: str, written: str) -> None:
    openings = that_give_files()
    for way in (written, f"{HERE}/{written}", f"http:/{HERE}/{written}", f"{HERE}/../{written}"):
        scope = {"method": "GET", "path": before + way, "query_string": b""}
        found = openings.at(scope)
        if found and "file=" in found.path:
            assert os.path.realpath(way).startswith(os.path.realpath(HERE))
        elif found:
            assert ".." not in way.split("/") and "\\" not in way and "//" not in before + way


def test_an_event_that_is_added_opens_the_queue_and_one_that_takes_a_file_opens_uploads() -> None:
    def open_with(*, event: bool, file: bool, queue: bool = True) -> set[str]:
        with gr.Blocks() as pages:
            thing = gr.File() if file else gr.Textbox()
            if event:
                thing.change(lambda given: None, thing, None, queue=queue)
        return {f"{one.method} {one.path}" for one in openings_of(pages, [], Path("/nowhere")).all}

    assert open_with(event=False, file=True) == PAGE
    queue = {"POST /gradio_api/queue/join", "GET /gradio_api/queue/data"}
    assert open_with(event=True, file=False) == PAGE | queue
    assert open_with(event=True, file=False, queue=False) == PAGE | queue | {AT_ONCE}
    uploads = {"POST /gradio_api/upload", "GET /gradio_api/upload_progress"}
    assert open_with(event=True, file=True) == PAGE | queue | uploads
