"""A tunnel is had or refused within its time, and never outlives who opened it; doubles are the service."""

from __future__ import annotations

import http.server
import inspect
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.errors import ShareError
from gui.sharing.tunnel import open_tunnel, ssh_command
from tests.doubles.relay import Relay

gradio = pytest.importorskip("gradio")
DOUBLE = Path(__file__).parents[2] / "doubles" / "tunnel_program.py"


def install_double(home: Path) -> Path:
    """Put the tunnel program's double where Gradio looks for the real one."""
    from gradio import tunneling

    program = home / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\n{DOUBLE.read_text()}")
    program.chmod(0o755)
    return program


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if sys.platform == "win32":
        pytest.skip("the double of the tunnel program needs a first line that names the interpreter")
    from gradio import tunneling

    path = install_double(tmp_path / "hf")
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(path))
    return path


@pytest.fixture
def port() -> Iterator[int]:
    """Something to dig to: answers with the Host it was asked for."""

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def fetch(relay: Relay, host: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{relay.port}/", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=10) as response:
        return bytes(response.read())


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]


def test_what_is_used_of_gradio_is_still_there() -> None:
    from gradio import networking, tunneling

    assert list(inspect.signature(networking.setup_tunnel).parameters) == [
        "local_host",
        "local_port",
        "share_token",
        "share_server_address",
        "share_server_tls_certificate",
    ]
    assert isinstance(tunneling.CURRENT_TUNNELS, list)
    assert len(tunneling.CHECKSUMS[next(iter(tunneling.CHECKSUMS))]) == 64
    assert Path(tunneling.BINARY_PATH).name == tunneling.BINARY_FILENAME and tunneling.BINARY_URL


def test_the_public_address_leads_to_the_port_until_it_is_closed(program: Path, port: int) -> None:
    before = children()
    with Relay() as relay:
        tunnel = open_tunnel(port, server=relay.server)
        assert tunnel.url == f"http://{tunnel.host}" and tunnel.open
        assert fetch(relay, tunnel.host) == tunnel.host.encode()
        tunnel.close()
        assert not tunnel.open
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(relay, tunnel.host)
    assert children() == before


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
            open_tunnel(port, timeout=2.0, server=server)
    assert time.monotonic() - began < 8
    assert ssh_command(port) in caught.value.remedy
    assert children() == before


def test_a_service_that_says_no_is_said(program: Path, port: int) -> None:
    with Relay(refusing=True) as relay, pytest.raises(ShareError, match="refused"):
        open_tunnel(port, server=relay.server)


def test_without_internet_the_public_service_is_not_reached(
    program: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio import networking

    program.unlink()
    monkeypatch.setattr(networking, "GRADIO_API_SERVER", "http://127.0.0.1:9/v3/tunnel-request")
    monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", None)
    with pytest.raises(ShareError, match="cannot be reached"):
        open_tunnel(port, timeout=5.0)


def test_an_unknown_program_in_the_cache_is_not_run_for_the_public_service(program: Path, port: int) -> None:
    with pytest.raises(ShareError, match="not the expected one"):
        open_tunnel(port)
