"""Gradio's relay: a real reverse tunnel on loopback, one sentence when there is none, nothing left running."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ShareError
from gui.sharing.tunnel import Order
from gui.sharing.ways import WAYS
from gui.sharing.ways.gradio_relay import dig, knock, parts_of_gradio
from tests.doubles.relay import Relay
from tests.gui.sharing.conftest import children, fetch, install_double

pytest.importorskip("gradio")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Path) -> Path:
    from gradio import tunneling

    path = install_double(tmp_path / "hf")
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(path))
    return path


def test_what_is_used_of_this_gradio_is_still_there() -> None:
    """Fails with a release that changes its private parts; `test_a_release_…` shows what a user is told then."""
    from gradio import tunneling

    used = parts_of_gradio()
    assert len(used.tunneling.CHECKSUMS[next(iter(used.tunneling.CHECKSUMS))]) == 64
    assert Path(tunneling.BINARY_PATH).name == tunneling.BINARY_FILENAME and tunneling.BINARY_URL
    made = tunneling.Tunnel("host", 1, "127.0.0.1", 2, "token", None)
    assert made.proc is None and callable(made.start_tunnel)


def without(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def change(patch: pytest.MonkeyPatch) -> None:
        from gradio import networking, tunneling

        patch.delattr(tunneling if hasattr(tunneling, name) else networking, name)

    return change


def with_another_signature(patch: pytest.MonkeyPatch) -> None:
    from gradio import networking

    patch.setattr(networking, "setup_tunnel", lambda port, **more: "https://x.gradio.live")


def without_the_module(patch: pytest.MonkeyPatch) -> None:
    import sys

    patch.setitem(sys.modules, "gradio.tunneling", None)


@pytest.mark.parametrize(
    "change",
    [
        without("setup_tunnel"), without("CURRENT_TUNNELS"), without("CHECKSUMS"), without("BINARY_PATH"),
        without("GRADIO_API_SERVER"), with_another_signature, without_the_module,
    ],
)  # fmt: skip
def test_a_release_that_changed_its_private_parts_is_said_and_the_other_ways_are_offered(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    change(monkeypatch)
    for attempt in (lambda: knock(None), lambda: dig(Order(port=port, server="127.0.0.1:9"))):
        with pytest.raises(ShareError, match=r"release of Gradio .* another way .*--via"):
            attempt()


def test_the_public_address_leads_to_the_port_until_it_is_closed(program: Path, port: int) -> None:
    before = children()
    with Relay() as relay:
        tunnel = dig(Order(port=port, server=relay.server))
        assert tunnel.url == f"http://{tunnel.host}" and tunnel.open
        assert fetch(relay, tunnel.host) == tunnel.host.encode()
        tunnel.close()
        assert not tunnel.open
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(relay, tunnel.host)
    assert children() <= before


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("nobody there", "refused"),
        ("relay is mute", "did not answer"),
        ("program is silent", "did not answer"),
    ],
)
def test_without_a_tunnel_there_is_one_sentence_in_time_and_no_program_left(
    program: Path, port: int, trouble: str, words: str
) -> None:
    if trouble == "program is silent":
        program.with_name("silent").touch()
    before = children()
    began = time.monotonic()
    with Relay(mute=trouble == "relay is mute") as relay:
        server = "127.0.0.1:9" if trouble == "nobody there" else relay.server
        with pytest.raises(ShareError, match=words) as caught:
            dig(Order(port=port, timeout=2.0, server=server))
    assert time.monotonic() - began < 25
    assert "another way" in caught.value.remedy
    assert children() <= before


def test_a_service_that_says_no_is_said(program: Path, port: int) -> None:
    with Relay(refusing=True) as relay, pytest.raises(ShareError, match="refused"):
        dig(Order(port=port, server=relay.server))


def test_without_internet_the_public_service_is_not_reached(
    program: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio import networking

    program.unlink()
    monkeypatch.setattr(networking, "GRADIO_API_SERVER", "http://127.0.0.1:9/v3/tunnel-request")
    monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", None)
    with pytest.raises(ShareError, match="cannot be reached"):
        dig(Order(port=port, timeout=5.0))


def test_an_unknown_program_in_the_cache_is_not_run_for_the_public_service(program: Path, port: int) -> None:
    with pytest.raises(ShareError, match="not the expected one"):
        dig(Order(port=port))


@pytest.mark.parametrize("server", ["nowhere.invalid", "host:port:7", "127.0.0.1:x"])
def test_a_server_that_is_none_is_said(program: Path, port: int, server: str) -> None:
    attempts: list[Callable[[], Any]] = [lambda: knock(server), lambda: dig(Order(port=port, server=server))]
    for attempt in attempts:
        with pytest.raises(ShareError, match="No link can be had"):
            attempt()


def test_its_operator_is_named() -> None:
    assert "gradio.live" in WAYS["gradio"].operator(None)
    assert (
        WAYS["gradio"].operator("share.clinic.example:7000") == "the share server share.clinic.example:7000"
    )
