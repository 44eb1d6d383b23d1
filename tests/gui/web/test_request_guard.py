"""The door refuses foreign hosts and origins, and tells the browser to load nothing from elsewhere."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gui.web.request_guard import CONTENT_SECURITY_POLICY, Guard, local_hosts

HERE = "127.0.0.1:7860"


def ask(
    path: str = "/", method: str = "GET", hosts: frozenset[str] | None = None, **headers: str
) -> tuple[int, dict[str, str]]:
    """Send one request through a guarded application; return status and headers."""

    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def run() -> tuple[int, dict[str, str]]:
        inner = Starlette(routes=[Route("/{rest:path}", page, methods=["GET", "POST", "PUT", "DELETE"])])
        guarded = Guard(inner, hosts=lambda: local_hosts(7860) if hosts is None else hosts)
        names = {"host": HERE} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in names.items()],
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        await guarded(scope, receive, send)
        return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}

    # In a thread of its own: a browser that an earlier test has opened keeps an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST:7860", "[::1]:7860"])
def test_a_browser_on_this_computer_is_served(host: str) -> None:
    assert ask(host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1:7861", "127.0.0.1", "", "127.0.0.1:7860.evil.example"]
)
def test_another_host_is_refused(host: str) -> None:
    assert ask(host=host)[0] == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:3000", "http://127.0.0.1:7860.evil.example", "file://"],
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    assert ask("/gradio_api/queue/join", "POST", origin=origin)[0] == 403


def test_our_own_page_may_post() -> None:
    assert (
        ask("/gradio_api/queue/join", "POST", origin=f"http://{HERE}", sec_fetch_site="same-origin")[0] == 200
    )


def test_another_site_may_not_embed_a_film() -> None:
    assert ask("/image/r/i/image/s", sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403
    assert ask("/image/r/i/image/s", sec_fetch_site="same-site", sec_fetch_mode="no-cors")[0] == 403


def test_a_link_to_the_page_may_be_followed_from_anywhere_but_nothing_else() -> None:
    assert ask("/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 200
    assert ask("/config", sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 403
    assert ask("/", "POST", sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://example.org/x",
        "/gradio_api/file=https://example.org",
        "/gradio_api/proxy=https://x",
        "/gradio_api/deep_link",
        "/gradio_api/monitoring",
        "/monitoring/summary",
        "/gradio_api/vibe-edit/",
    ],
)
def test_what_could_fetch_or_write_elsewhere_is_closed(path: str) -> None:
    assert ask(path)[0] == 403


def test_files_are_taken_at_one_place_alone_and_from_our_own_page_alone() -> None:
    assert (
        ask("/take/batch/signature", "PUT", origin=f"http://{HERE}", sec_fetch_site="same-origin")[0] == 200
    )
    assert ask("/take/batch/signature", "PUT", origin="http://evil.example")[0] == 403
    assert ask("/take/batch/signature", "DELETE")[0] == 403
    for elsewhere in ("/", "/takes", "/gradio_api/upload", "/film/r/i/film/s"):
        assert ask(elsewhere, "PUT")[0] == 403


def test_a_tunnels_name_can_be_let_in_and_shut_out_again_while_running() -> None:
    public = {HERE, "abc.example.live"}
    assert ask(host="abc.example.live", hosts=frozenset(public), origin="https://abc.example.live")[0] == 200
    assert ask(host="abc.example.live")[0] == 403


def test_every_answer_carries_the_policy_even_a_refusal() -> None:
    for status, headers in (ask(), ask(host="evil.example")):
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert status in (200, 403)


def test_the_policy_names_no_other_host() -> None:
    for rule in CONTENT_SECURITY_POLICY.split("; "):
        name, *sources = rule.split()
        assert set(sources) <= {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}, (
            name
        )
