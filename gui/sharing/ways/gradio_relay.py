"""Gradio's relay, gradio.live: the only use of Gradio's tunnel.

`networking.setup_tunnel` is not documented API, can wait for ever, and leaves its program running when Python is
killed. So what is used of it is looked at first (`parts_of_gradio`; a test pins the same), it runs in a thread with a
time limit, and the caller owns what it left. Gradio's `share=True` is never used: its page loads a script from
somebody else's server.
"""

from __future__ import annotations

import atexit
import hashlib
import inspect
import logging
import secrets
import socket
import subprocess
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from engine.errors import ShareError
from engine.language import N_, _, isolated, number
from gui.sharing.tunnel import Order, Tunnel, Way, no_tunnel

log = logging.getLogger("overread.tunnel")

# What is used of Gradio beyond its documentation: module → names; and the arguments of the one function that is called.
USED = {
    "gradio.networking": ("setup_tunnel", "GRADIO_API_SERVER", "GRADIO_SHARE_SERVER_ADDRESS"),
    "gradio.tunneling": ("CURRENT_TUNNELS", "CHECKSUMS", "BINARY_URL", "BINARY_PATH"),
}
ARGUMENTS = [
    "local_host", "local_port", "share_token", "share_server_address", "share_server_tls_certificate",
]  # fmt: skip

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Parts:
    """The two modules of Gradio that are used."""

    networking: Any
    tunneling: Any


def parts_of_gradio() -> Parts:
    """Return what is used of Gradio, if this release still has it.

    Raises:
        ShareError: It has not.
    """
    try:
        networking, tunneling = (import_module(name) for name in USED)
        for module in (networking, tunneling):
            for name in USED[module.__name__]:
                getattr(module, name)
        known = list(inspect.signature(networking.setup_tunnel).parameters) == ARGUMENTS
        known = known and isinstance(tunneling.CURRENT_TUNNELS, list)
        known = known and hasattr(tunneling.CHECKSUMS, "get")
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        log.warning("Gradio's tunnel is not as it was", exc_info=error)
        known = False
    if not known:
        raise no_tunnel(
            _("the installed release of Gradio opens its tunnel in a way that Overread does not know"),
            _("Install the release of Gradio that Overread's constraints name"),
        )
    return Parts(networking, tunneling)


class RelayTunnel(Tunnel):
    """A tunnel that lives as long as Gradio's program, which is ours from here on."""

    def __init__(self, url: str, program: subprocess.Popen[bytes]) -> None:
        super().__init__(url)
        self._program = program
        for stream in (program.stdout, program.stderr):  # a full pipe would stop the program
            threading.Thread(target=_drain, args=(stream,), daemon=True).start()
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._program.pid

    @property
    def open(self) -> bool:
        """Whether the program runs."""
        return self._program.poll() is None

    def close(self) -> None:
        """End the program, in good order or not."""
        atexit.unregister(self.close)
        _end(self._program)


def knock(server: str | None, *, timeout: float = 5.0) -> None:
    """See whether the relay is there at all, before anything is prepared for it.

    Args:
        server: See `dig`.
        timeout: Seconds after which it is not.

    Raises:
        ShareError: It cannot be reached, or this Gradio has no tunnel that is known.
    """
    networking = parts_of_gradio().networking
    server = server or networking.GRADIO_SHARE_SERVER_ADDRESS
    if server is None and getproxies().get("https"):
        return  # only the proxy knows who can be reached
    address = urlsplit(f"//{server}" if server else networking.GRADIO_API_SERVER)
    answer: Future[None] = Future()

    def reach() -> None:
        try:
            socket.create_connection((address.hostname, address.port or 443), timeout).close()
        except (OSError, UnicodeError, ValueError) as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)

    threading.Thread(target=reach, daemon=True, name="knock").start()  # a name server may keep us waiting
    try:
        answer.result(timeout)
    except (OSError, UnicodeError, ValueError) as error:  # TimeoutError is an OSError
        raise _no_relay(_("the relay cannot be reached")) from error


def dig(order: Order) -> Tunnel:
    """Have Gradio's program give the port a public address; `server` is `host:port` of a share server of one's own.

    Raises:
        ShareError: No tunnel can be had, for whatever reason.
    """
    parts, server = parts_of_gradio(), order.server
    if server is None:
        _check_program(parts.tunneling)
    tunnels: list[Any] = parts.tunneling.CURRENT_TUNNELS
    answer: Future[str] = Future()
    given_up = threading.Event()

    def ask() -> None:
        try:
            token = secrets.token_urlsafe(32)
            url = parts.networking.setup_tunnel("127.0.0.1", order.port, token, server, None)
        except BaseException as error:  # noqa: BLE001  not documented API: whatever it is goes to the asking thread
            answer.set_exception(error)
        else:
            answer.set_result(url)
        if given_up.is_set():  # a download that ended after all must not open a door that nobody watches
            _end_all(tunnels[before:])

    with _one_at_a_time:
        before = len(tunnels)
        threading.Thread(target=ask, daemon=True, name="tunnel").start()
        try:
            url = answer.result(order.timeout)
            program, tunnels[before].proc = tunnels[before].proc, None  # ours to end, not Gradio's
        except BaseException as error:
            given_up.set()
            _end_all(tunnels[before:])
            if not isinstance(error, Exception):
                raise
            log.warning("No tunnel", exc_info=error)
            raise _no_relay(_reason(error, order.timeout)) from error
    tunnel = RelayTunnel(url.strip(), program)
    if not tunnel.host or (server is None and not tunnel.url.startswith("https://")):
        tunnel.close()
        raise _no_relay(_("the relay answered without a safe address"))
    return tunnel


def _no_relay(reason: str) -> ShareError:
    return no_tunnel(reason, _("Check the internet connection"))


def _reason(error: Exception, timeout: float) -> str:
    match type(error).__name__:
        case "TimeoutError":
            return _("the relay did not answer within {timeout} seconds").format(timeout=number(timeout))
        case "ChecksumMismatchError":
            return _("the tunnel program that was downloaded is not the right one")
        case "PermissionError":
            return _("the tunnel program may not be run here")
        case "ValueError":
            return _("the relay refused")
        case _:
            return _("the relay cannot be reached")


def _check_program(tunneling: Any) -> None:
    """Run no tunnel program but the known one: Gradio looks at it only in the moment of downloading.

    Raises:
        ShareError: The program in the cache is another one.
    """
    path, expected = Path(tunneling.BINARY_PATH), tunneling.CHECKSUMS.get(tunneling.BINARY_URL)
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ShareError(
            _("No link can be had: the tunnel program on this computer is not the expected one"),
            _("Delete {path}, so that it is downloaded again").format(path=path),
        )


def _end_all(tunnels: list[Any]) -> None:
    for tunnel in tunnels:
        program, tunnel.proc = tunnel.proc, None  # without it, Gradio's loop ends with an error at once
        if program is not None:
            _end(program)


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(3)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def _drain(stream: IO[bytes] | None) -> None:
    while stream is not None and stream.read(4096):
        pass


GRADIO_RELAY = Way(
    title=N_("Public link through Gradio (gradio.live)"),
    operator=lambda server: (
        _("the share server {server}").format(server=isolated(server))
        if server
        else _("servers of Gradio, that is Hugging Face, Inc. (gradio.live)")
    ),
    missing=lambda: "",
    dig=dig,
    knock=knock,
    server=N_("host:port of a share server of your own"),
)
