"""Cloudflare's quick tunnel: the double says line for line what the program says, and a real tunnel is dug."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.errors import ShareError
from gui.sharing.tunnel import Order
from gui.sharing.ways.cloudflare import CLOUDFLARE, dig
from tests.doubles.relay import Relay
from tests.gui.sharing.conftest import children, fetch


def test_the_address_is_found_and_leads_to_the_port_until_it_is_closed(
    programs: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double itself refuses a configuration or a variable of the user's, and a program that updates itself."""
    monkeypatch.setenv("TUNNEL_TOKEN", "of the hospital's own tunnel")
    before = children()
    with Relay() as relay:
        (programs / "relay").write_text(relay.server)
        tunnel = dig(Order(port=port))
        name = tunnel.host.partition("-")[0]
        assert tunnel.url == f"https://{name}-double.trycloudflare.com" and tunnel.open
        (at_the_relay,) = relay.tunnels
        assert at_the_relay.startswith(f"{name}.")
        assert fetch(relay, at_the_relay) == at_the_relay.encode()
        tunnel.close()
        assert not tunnel.open
    assert children() <= before


def test_when_the_program_ends_the_tunnel_is_not_open(programs: Path, port: int) -> None:
    with Relay() as relay:
        (programs / "relay").write_text(relay.server)
        tunnel = dig(Order(port=port))
    deadline = time.monotonic() + 60
    while tunnel.open:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    tunnel.close()


@pytest.mark.parametrize("trouble", ["refused", "nobody there", "silent"])
def test_without_a_tunnel_there_is_one_sentence_in_time_and_no_program_left(
    programs: Path, port: int, trouble: str
) -> None:
    """`https://api.trycloudflare.com` in the program's complaint is not taken for an address."""
    before = children()
    with Relay(refusing=trouble == "refused") as relay:
        (programs / "relay").write_text("127.0.0.1:9" if trouble == "nobody there" else relay.server)
        if trouble == "silent":
            (programs / "silent").touch()
        words = "did not answer within 2 seconds" if trouble == "silent" else "could not open a tunnel"
        with pytest.raises(ShareError, match=words) as caught:
            dig(Order(port=port, timeout=2.0 if trouble == "silent" else 20.0))
    assert "another way" in caught.value.remedy
    assert children() <= before


def test_where_it_is_not_installed_this_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in CLOUDFLARE.missing()
    with pytest.raises(ShareError, match="not installed"):
        dig(Order(port=1))


def test_its_operator_is_named() -> None:
    assert "Cloudflare, Inc." in CLOUDFLARE.operator(None)
