"""A request of another host or another site is refused, and the browser is told to load nothing from elsewhere."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from gui.door.foreign import CONTENT_SECURITY_POLICY, local_hosts, refusal

HERE = "127.0.0.1:7860"


def refused(
    path: str = "/", method: str = "GET", hosts: frozenset[str] | None = None, **headers: str
) -> bool:
    names = {"host": HERE} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in names.items()],
    }
    return refusal(scope, local_hosts(7860) if hosts is None else hosts) is not None


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST:7860", "[::1]:7860"])
def test_a_browser_on_this_computer_is_served(host: str) -> None:
    assert not refused(host=host)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1:7861", "127.0.0.1", "", "127.0.0.1:7860.evil.example"]
)
def test_another_host_is_refused(host: str) -> None:
    assert refused(host=host)


def test_two_hosts_are_none() -> None:
    both = [(b"host", HERE.encode()), (b"host", b"evil.example")]
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": both}
    assert refusal(scope, local_hosts(7860)) is not None


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:3000", "http://127.0.0.1:7860.evil.example", "file://"],
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    assert refused("/gradio_api/queue/join", "POST", origin=origin)


def test_our_own_page_may_post() -> None:
    ours = {"origin": f"http://{HERE}", "sec_fetch_site": "same-origin"}
    assert not refused("/gradio_api/queue/join", "POST", **ours)


def test_another_site_may_not_embed_a_film() -> None:
    for site in ("cross-site", "same-site"):
        assert refused("/image/r/i/image/s", sec_fetch_site=site, sec_fetch_mode="no-cors")


def test_a_link_to_the_page_may_be_followed_from_anywhere_but_nothing_else() -> None:
    followed = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert not refused("/", **followed)
    assert refused("/config", **followed)
    assert refused("/", "POST", **followed)


def test_a_tunnels_name_can_be_let_in_and_shut_out_again_while_running() -> None:
    public = frozenset({HERE, "abc.example.live"})
    assert not refused(host="abc.example.live", hosts=public, origin="https://abc.example.live")
    assert refused(host="abc.example.live")


def test_the_policy_names_no_other_host() -> None:
    for rule in CONTENT_SECURITY_POLICY.split("; "):
        name, *sources = rule.split()
        assert set(sources) <= {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}, (
            name
        )
