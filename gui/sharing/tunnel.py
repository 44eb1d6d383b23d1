"""A tunnel from a public address to one port of this computer: the only use of Gradio's tunnel.

`networking.setup_tunnel` is not documented API (a test pins what is used of it), can wait for ever, and
leaves its program running when Python is killed. So it runs in a thread with a time limit, and the caller
owns what it left. Gradio's `share=True` is never used: its page loads a script from somebody else's server.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import secrets
import socket
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from engine.errors import ShareError

log = logging.getLogger("overread.tunnel")

_one_at_a_time = threading.Lock()


def ssh_command(port: int | str) -> str:
    """Return the command that lets colleagues in through a server of one's own, without any third party."""
    return f"ssh -N -R 127.0.0.1:{port}:127.0.0.1:{port} you@your-server"


class Tunnel:
    """An open tunnel. It is closed by `close`, and when Python ends in an orderly way.

    Args:
        url: Public, with scheme and host.
        program: The running tunnel program.
    """

    def __init__(self, url: str, program: subprocess.Popen[bytes]) -> None:
        self.url = url
        self._program = program
        for stream in (program.stdout, program.stderr):  # a full pipe would stop the program
            threading.Thread(target=_drain, args=(stream,), daemon=True).start()
        atexit.register(self.close)

    @property
    def host(self) -> str:
        """What a browser sends as Host."""
        return urlsplit(self.url).netloc.lower()

    @property
    def pid(self) -> int:
        """Process id of the tunnel program."""
        return self._program.pid

    @property
    def open(self) -> bool:
        """Whether the tunnel program still runs."""
        return self._program.poll() is None

    def close(self) -> None:
        """End the tunnel program, in good order or not."""
        atexit.unregister(self.close)
        _end(self._program)


def knock(*, timeout: float = 5.0, server: str | None = None) -> None:
    """See whether the tunnel service is there at all, before anything is prepared for it.

    Args:
        timeout: Seconds after which it is not.
        server: See `open_tunnel`.

    Raises:
        ShareError: It cannot be reached.
    """
    from gradio import networking

    server = server or networking.GRADIO_SHARE_SERVER_ADDRESS
    if server is None and getproxies().get("https"):
        return  # only the proxy knows who can be reached
    address = urlsplit(f"//{server}" if server else networking.GRADIO_API_SERVER)
    answer: Future[None] = Future()

    def reach() -> None:
        try:
            socket.create_connection((address.hostname, address.port or 443), timeout).close()
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)

    threading.Thread(target=reach, daemon=True, name="knock").start()  # a name server may keep us waiting
    try:
        answer.result(timeout)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        raise _no_tunnel("the tunnel service cannot be reached", "PORT") from error


def open_tunnel(port: int, *, timeout: float = 20.0, server: str | None = None) -> Tunnel:
    """Give a port of this computer a public address.

    Args:
        port: On 127.0.0.1.
        timeout: Seconds after which there is no tunnel.
        server: `host:port` of a share server of one's own; None means Gradio's public one.

    Raises:
        ShareError: No tunnel can be had, for whatever reason.
    """
    from gradio import networking, tunneling

    if server is None:
        _check_program(tunneling)
    tunnels: list[Any] = tunneling.CURRENT_TUNNELS
    answer: Future[str] = Future()
    given_up = threading.Event()

    def ask() -> None:
        try:
            url = networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), server, None)
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
            url = answer.result(timeout)
            program, tunnels[before].proc = tunnels[before].proc, None  # ours to end, not Gradio's
        except BaseException as error:
            given_up.set()
            _end_all(tunnels[before:])
            if not isinstance(error, Exception):
                raise
            log.warning("No tunnel", exc_info=error)
            raise _no_tunnel(_reason(error, timeout), port) from error
    tunnel = Tunnel(url.strip(), program)
    if not tunnel.host or (server is None and not tunnel.url.startswith("https://")):
        tunnel.close()
        raise _no_tunnel("the tunnel service answered without a safe address", port)
    return tunnel


def _no_tunnel(reason: str, port: int | str) -> ShareError:
    return ShareError(
        f"No public link can be had: {reason}",
        "Check the internet connection, or share through a server of your own instead: choose “ssh”, "
        f"which uses `{ssh_command(port)}`",
    )


def _reason(error: Exception, timeout: float) -> str:
    match type(error).__name__:
        case "TimeoutError":
            return f"the tunnel service did not answer within {timeout:.0f} seconds"
        case "ChecksumMismatchError":
            return "the tunnel program that was downloaded is not the right one"
        case "PermissionError":
            return "the tunnel program may not be run here"
        case "ValueError":
            return "the tunnel service refused"
        case _:
            return "the tunnel service cannot be reached"


def _check_program(tunneling: Any) -> None:
    """Run no tunnel program but the known one: Gradio looks at it only in the moment of downloading.

    Raises:
        ShareError: The program in the cache is another one.
    """
    path, expected = Path(tunneling.BINARY_PATH), tunneling.CHECKSUMS.get(tunneling.BINARY_URL)
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ShareError(
            "No public link can be had: the tunnel program on this computer is not the expected one",
            f"Delete {path}, so that it is downloaded again",
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
