"""A share server for tests, on loopback: gives out addresses under share.test and passes browsers on.

It stands in for the public service, not for its protocol: one port for tunnel programs, one for browsers. A
tunnel program says OPEN and is told its address; for each browser it is told DIAL and a number, and connects
once more with JOIN and that number. Bytes then pass both ways.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from types import TracebackType

DOMAIN = "share.test"


def pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def join(one: socket.socket, other: socket.socket) -> None:
    threading.Thread(target=pour, args=(one, other), daemon=True).start()
    pour(other, one)
    one.close()
    other.close()


def line(connection: socket.socket) -> str:
    read = bytearray()
    while not read.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        read += byte
    return read.decode().strip()


class Relay:
    """Runs between `with` and its end. `mute` takes connections and never answers; `refusing` says no."""

    def __init__(self, *, mute: bool = False, refusing: bool = False) -> None:
        self.mute, self.refusing = mute, refusing
        self.tunnels: dict[str, socket.socket] = {}
        self.seen: list[str] = []
        self._waiting: dict[str, tuple[str, socket.socket, bytes]] = {}  # host, browser, what it asked
        self._numbers = itertools.count(1)
        self._control = socket.create_server(("127.0.0.1", 0))
        self._public = socket.create_server(("127.0.0.1", 0))
        self.server = f"127.0.0.1:{self._control.getsockname()[1]}"
        self.port = self._public.getsockname()[1]

    def __enter__(self) -> Relay:
        for listener, greet in ((self._control, self._program), (self._public, self._browser)):
            threading.Thread(target=self._accept, args=(listener, greet), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()
        self._public.close()
        for tunnel in list(self.tunnels.values()):
            tunnel.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener, greet) -> None:  # type: ignore[no-untyped-def]
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=greet, args=(connection,), daemon=True).start()

    def _program(self, connection: socket.socket) -> None:
        said = line(connection).split()
        if self.mute:
            return
        if said[:1] == ["JOIN"]:
            _, browser, head = self._waiting.pop(said[1])
            connection.sendall(head)
            join(browser, connection)
        elif said[:1] == ["OPEN"] and not self.refusing:
            name = f"t{next(self._numbers)}"
            host = f"{name}.{DOMAIN}:{self.port}"
            self.tunnels[host] = connection
            connection.sendall(f"http://{name}.{DOMAIN}:{self.port}\n".encode())
            with contextlib.suppress(OSError):
                connection.recv(1)  # nothing comes but the end
            self.tunnels.pop(host, None)
            # An order that was sent into a tunnel which had ended is carried out by nobody: who waits for it is told.
            for number in [number for number, (asked, *_) in list(self._waiting.items()) if asked == host]:
                self._no_tunnel(number)
        else:
            connection.sendall(b"NO\n")
            connection.close()

    def _browser(self, connection: socket.socket) -> None:
        head = bytearray()
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return
            head += data
        host = next(
            (
                row.partition(b":")[2].strip().decode()
                for row in head.split(b"\r\n")
                if row.lower().startswith(b"host:")
            ),
            "",
        )
        self.seen.append(host)
        number = str(next(self._numbers))
        asked = bytes(head).replace(b"\r\n", b"\r\nX-Forwarded-For: 203.0.113.9\r\n", 1)
        self._waiting[number] = host, connection, asked
        try:
            self.tunnels[host].sendall(f"DIAL {number}\n".encode())
        except (KeyError, OSError):
            self._no_tunnel(number)

    def _no_tunnel(self, number: str) -> None:
        if (waiting := self._waiting.pop(number, None)) is None:
            return
        with contextlib.suppress(OSError):
            waiting[1].sendall(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nno tunnel"
            )
            waiting[1].close()
