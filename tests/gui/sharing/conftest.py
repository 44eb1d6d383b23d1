"""Doubles of the tunnel programs, and something to dig to."""

from __future__ import annotations

import http.server
import os
import shutil
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.doubles.relay import Relay

DOUBLE = Path(__file__).parents[2] / "doubles" / "tunnel_program.py"


def install_program(path: Path) -> Path:
    """Put the double of a tunnel program, which its name tells, where it is looked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{DOUBLE.read_text()}")
    path.chmod(0o755)
    return path


def install_double(home: Path) -> Path:
    """Put the double of Gradio's program where Gradio looks for the real one."""
    from gradio import tunneling

    return install_program(home / "gradio" / "frpc" / tunneling.BINARY_FILENAME)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of PATH with doubles of cloudflared and ssh; the file "relay" in it says where they dig to."""
    if sys.platform == "win32":
        pytest.skip("the doubles need a first line that names the interpreter")
    folder = tmp_path / "programs"
    for name in ("cloudflared", "ssh"):
        install_program(folder / name)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert shutil.which("ssh") == str(folder / "ssh")
    return folder


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
    with urllib.request.urlopen(request, timeout=60) as response:
        return bytes(response.read())


def children() -> set[psutil.Process]:
    """The processes that this one has started; what an earlier test has started may end at any moment."""
    found = set()
    for one in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.add(one)
    return found
