"""A server of one's own: against a real sshd on loopback where there is one, and against a double of ssh."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from engine.errors import ShareError
from gui.sharing.tunnel import Order
from gui.sharing.ways import own_server
from gui.sharing.ways.own_server import OWN_SERVER, Forward, command, dig
from tests.doubles.relay import Relay
from tests.gui.conftest import free_port
from tests.gui.sharing.conftest import children, fetch

if sys.platform == "win32":
    pytest.skip("the programs of these tests need a first line", allow_module_level=True)


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


# ----------------------------------------------------------------------------------------------- a real sshd


@dataclass
class Server:
    """An sshd on loopback that `ssh bastion` leads to."""

    folder: Path
    port: int = field(default_factory=free_port)

    def start(self) -> None:
        program = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
        assert program is not None
        settings = {
            "ListenAddress": f"127.0.0.1:{self.port}",
            "HostKey": self.folder / "host_key",
            "AuthorizedKeysFile": self.folder / "key.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
        }
        (self.folder / "sshd").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.process = subprocess.Popen(
            [program, "-D", "-f", str(self.folder / "sshd")], start_new_session=True
        )
        wait_until(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it and every connection that it has."""
        for one in (*psutil.Process(self.process.pid).children(recursive=True), self.process):
            one.kill()
        self.process.wait()


@pytest.fixture
def bastion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    real = shutil.which("ssh")
    if real is None or shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin") is None:
        pytest.skip("OpenSSH's client and server are not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it refuses to run as root without
    server = Server(tmp_path)
    for name in ("host_key", "key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    kind, key, _ = (tmp_path / "host_key.pub").read_text().split()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    (tmp_path / "config").write_text(
        f"Host bastion\n HostName 127.0.0.1\n Port {server.port}\n User {getpass.getuser()}\n"
        f" IdentityFile {tmp_path / 'key'}\n IdentitiesOnly yes\n UserKnownHostsFile {tmp_path / 'known_hosts'}\n"
        " GlobalKnownHostsFile /dev/null\n ForwardAgent yes\n StrictHostKeyChecking no\n"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {real} -F {tmp_path / "config"} "$@"\n')
    (tmp_path / "bin" / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    server.start()
    yield server
    server.stop()


def ask(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        return bytes(response.read())


def test_a_real_server_opens_a_port_that_leads_here_and_closes_it(bastion: Server, port: int) -> None:
    tunnel = dig(Order(port=port, server="bastion"))
    assert ask(tunnel.url) == tunnel.host.encode() and tunnel.open and tunnel.note == ""
    assert f":{port}" not in tunnel.url  # the server's own port
    (ssh,) = [one for one in children() if one.pid == tunnel.pid]
    assert (
        "StrictHostKeyChecking=yes" in ssh.cmdline() and "ForwardAgent=no" in ssh.cmdline()
    )  # against the config
    tunnel.close()
    assert not ssh.is_running()
    with pytest.raises(OSError, match=r"refused|reset"):
        ask(tunnel.url)


def test_after_a_lost_connection_the_same_address_leads_here_again(
    bastion: Server, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tunnel = dig(Order(port=port, server="bastion", timeout=5))
    before = tunnel.pid
    bastion.stop()
    wait_until(lambda: "was lost" in tunnel.note or "trying again" in tunnel.note)
    assert tunnel.open
    bastion.start()
    wait_until(lambda: tunnel.note == "")
    assert ask(tunnel.url) == tunnel.host.encode() and tunnel.pid != before
    tunnel.close()
    assert tunnel.pid not in [one.pid for one in children()]


def test_a_host_whose_key_is_not_known_or_another_one_is_refused(bastion: Server, port: int) -> None:
    known = bastion.folder / "known_hosts"
    other = (bastion.folder / "key.pub").read_text().split()[1]
    for lines in ("", f"[127.0.0.1]:{bastion.port} ssh-ed25519 {other}\n"):
        known.write_text(lines)
        with pytest.raises(ShareError, match=r"host key of bastion.*compare its fingerprint"):
            dig(Order(port=port, server="bastion"))
        assert known.read_text() == lines  # and it is not remembered


def test_a_server_that_wants_a_password_and_a_port_in_use_are_said(bastion: Server, port: int) -> None:
    with pytest.raises(ShareError, match="does not open port"):
        dig(Order(port=port, server=f"bastion,{bastion.port}"))
    (bastion.folder / "key.pub").write_text("")
    with pytest.raises(ShareError, match=r"without a password.*ssh-add"):
        dig(Order(port=port, server="bastion"))


# ---------------------------------------------------------------------------------------- a double of ssh


def test_the_double_digs_with_the_same_command(programs: Path, port: int) -> None:
    before = children()
    with Relay() as relay:
        (programs / "relay").write_text(relay.server)
        tunnel = dig(Order(port=port, server="you@bastion,8088", address="https://films.clinic.example"))
        assert tunnel.url == "https://films.clinic.example" and tunnel.host == "films.clinic.example"
        (at_the_relay,) = relay.tunnels
        assert fetch(relay, at_the_relay) == at_the_relay.encode()
        tunnel.close()
        anywhere = dig(Order(port=port, server="you@bastion"))
        assert anywhere.url == "http://127.0.0.1:40123"
        anywhere.close()
    assert children() <= before


def test_who_does_not_come_back_ends_the_link(
    programs: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_server, "LONGEST_OUTAGE", 1.5)
    with Relay() as relay:
        (programs / "relay").write_text(relay.server)
        tunnel = dig(Order(port=port, server="you@bastion"))
        (programs / "relay").write_text("127.0.0.1:9")  # nobody
    wait_until(lambda: "trying again" in tunnel.note)
    wait_until(lambda: not tunnel.open)
    assert "cannot be reached" in tunnel.note
    tunnel.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ssh: Could not resolve hostname bastion: Name or service not known", "no server named you@bastion"),
        ("ssh: connect to host bastion port 22: Connection timed out", "cannot be reached by ssh"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "host key of",
        ),
        ("you@bastion: Permission denied (publickey,password).", "without a password"),
        ("Error: remote port forwarding failed for listen port 8088", "does not open a port"),
        ("debug1: x\nssh: something new\ndebug1: y", "ended and said: ssh: something new"),
    ],
)
def test_what_ssh_says_becomes_one_sentence(programs: Path, said: str, words: str) -> None:
    (programs / "said").write_text(said)
    before = children()
    with pytest.raises(ShareError, match=words) as caught:
        dig(Order(port=1, server="you@bastion"))
    assert "another way" in caught.value.remedy and children() <= before


def test_a_server_that_never_answers_is_not_waited_for(programs: Path) -> None:
    (programs / "silent").touch()
    before = children()
    with pytest.raises(ShareError, match="cannot be reached"):
        dig(Order(port=1, server="you@bastion", timeout=0.5))
    assert children() <= before


def test_without_a_server_the_command_is_told() -> None:
    tunnel = dig(Order(port=7861))
    assert tunnel.command == "ssh -N -R 127.0.0.1:7861:127.0.0.1:7861 you@your-server"
    assert tunnel.url == "http://127.0.0.1:7861" and tunnel.open and tunnel.pid is None


@pytest.mark.parametrize("server", ["-oProxyCommand=id", "a b", "you@host;id", "", "you@host,port", "$(id)"])
def test_nothing_that_is_no_server_reaches_the_command(server: str) -> None:
    with pytest.raises(ShareError, match="is no server"):
        dig(Order(port=1, server=server))


@pytest.mark.parametrize("address", ["http://films.clinic.example", "ftp://x.example", "films", "https://"])
def test_guests_passwords_go_over_no_open_network(address: str) -> None:
    with pytest.raises(ShareError, match="no safe address"):
        dig(Order(port=1, server="you@bastion", address=address))


def test_ssh_may_ask_nothing_and_carries_nothing_else() -> None:
    words = command(Forward(destination="you@bastion", outside=0, inside=7861, timeout=20))
    assert words[-2:] == ["--", "you@bastion"]
    for setting in ("BatchMode=yes", "StrictHostKeyChecking=yes", "ForwardAgent=no", "ForwardX11=no",
                    "ExitOnForwardFailure=yes", "ControlPath=none", "PermitLocalCommand=no"):  # fmt: skip
        assert words[words.index(setting) - 1] == "-o"


def test_its_operator_is_named() -> None:
    assert "you@bastion" in OWN_SERVER.operator("you@bastion")
