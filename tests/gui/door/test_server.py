"""Attacks by raw sockets on a real server: bodies, heads, clocks and numbers are bounded, and memory stays flat."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import gradio as gr
import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gui.door import bodies, guard as guard_module, local_hosts, server as server_module
from gui.door.entrances import Key
from gui.door.guard import LARGEST_HEAD, MOST_HEADERS, Guard
from gui.door.openings import LARGEST_QUESTION, OwnRoute, openings_of
from gui.door.server import BackgroundServer

COOKIE = "overread-test"
LARGE = 64 * 1024 * 1024


class Place:
    """A server behind the door: it echoes, takes a stream of any size, and has a stream without an end."""

    def __init__(self) -> None:
        self.taken = 0
        self.broken = self.taken_in = False
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        routes = [
            OwnRoute(route=Route("/echo", self._echo, methods=["GET", "POST"])),
            OwnRoute(route=Route("/take", self._take, methods=["PUT"]), largest_body=10**12),
            OwnRoute(route=Route("/endless", self._endless)),
            OwnRoute(route=Route("/large", self._large)),
        ]
        with gr.Blocks() as empty:
            pass
        self.guard = Guard(
            Starlette(routes=[one.route for one in routes]),
            hosts=lambda: local_hosts(self.port),
            entrance=Key(),
            openings=openings_of(empty, routes, Path("/nowhere")),
            cookie=COOKIE,
        )
        self.known = f"{COOKIE}={self.guard.visitors.welcome()}"
        self._server = BackgroundServer(self.guard, listening)

    async def _echo(self, request: Request) -> Response:
        return PlainTextResponse(f"{len(await request.body())} bytes")

    async def _take(self, request: Request) -> Response:
        self.taken = 0
        try:
            async for part in request.stream():
                self.taken += len(part)
        except Exception:
            self.broken = True
            raise
        return PlainTextResponse(f"{self.taken} bytes")

    async def _endless(self, request: Request) -> Response:
        async def stream() -> AsyncIterator[bytes]:
            while not await request.is_disconnected():
                yield b"data: ALIVE\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def _large(self, request: Request) -> Response:
        self.taken_in = True
        return Response(bytes(LARGE))

    def head(self, line: str, *, known: bool = True, **headers: str) -> bytes:
        named = {"Host": f"127.0.0.1:{self.port}"} | ({"Cookie": self.known} if known else {})
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return (f"{line} HTTP/1.1\r\n" + "".join(f"{a}: {b}\r\n" for a, b in named.items()) + "\r\n").encode()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def ask(self, *sent: bytes) -> str:
        """Send, and return what comes until the other side has said all."""
        with self.connect() as one:
            for part in sent:
                one.sendall(part)
            return read(one)

    def close(self) -> None:
        self._server.close()


def read(one: socket.socket) -> str:
    """Return one answer: its head and as much of the body as it promises."""
    came = b""
    while True:
        try:
            part = one.recv(65536)
        except ConnectionResetError:
            part = b""
        came += part
        head, found, body = came.partition(b"\r\n\r\n")
        length = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ]
        if not part or (found and length and len(body) >= length[0]):
            return came.decode(errors="replace")


def status(answer: str) -> int:
    return int(answer.split()[1]) if answer else 0


@pytest.fixture
def place() -> Iterator[Place]:
    opened = Place()
    yield opened
    opened.close()


def seconds_until_closed(one: socket.socket) -> float:
    began = time.monotonic()
    try:
        while one.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - began


# ------------------------------------------------------------------------------------------------- bodies


def chunked(size: int, part: int = 65536) -> Iterator[bytes]:
    block = f"{part:x}\r\n".encode() + bytes(part) + b"\r\n"
    yield from (block for _ in range(size // part))
    yield b"0\r\n\r\n"


def pushed(place: Place, head: bytes, parts: Iterator[bytes]) -> tuple[str, int]:
    """Send until the other side has had enough; return its answer and how much it let in."""
    sent = 0
    with place.connect() as one:
        one.sendall(head)
        try:
            for part in parts:
                one.sendall(part)
                sent += len(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read(one), sent


@pytest.mark.parametrize("path", ["/", "/echo", "/nowhere", "/gradio_api/cancel", "/take"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("known", [True, False])
def test_no_route_reads_a_large_body_whatever_its_method(
    place: Place, path: str, method: str, known: bool
) -> None:
    """The length is said at the beginning: the answer comes while not a byte of the body was sent."""
    if (method, path, known) == ("PUT", "/take", True):
        return
    answer = place.ask(place.head(f"{method} {path}", known=known, Content_Length="700000000"))
    assert status(answer) in ((404, 413) if known else (401,))
    assert "connection: close" in answer


def test_memory_stays_flat_while_hundreds_of_megabytes_are_pushed_at_it(place: Place) -> None:
    process = psutil.Process()
    place.ask(place.head("GET /echo"))
    before = process.memory_info().rss
    for line, known in (("POST /gradio_api/cancel", False), ("POST /echo", True), ("GET /echo", True)):
        for extra, parts in (
            ({"Content_Length": str(200_000_000)}, (bytes(65536) for _ in range(200_000_000 // 65536))),
            ({"Transfer_Encoding": "chunked"}, chunked(200_000_000)),
        ):
            answer, _ = pushed(place, place.head(line, known=known, **extra), parts)
            assert status(answer) in (0, 401, 413)
    assert process.memory_info().rss - before < 20e6


def test_a_body_is_measured_where_its_length_is_not_said(place: Place) -> None:
    for size, expected in ((LARGEST_QUESTION - 65536, 200), (LARGEST_QUESTION + 65536, 413)):
        answer, _ = pushed(place, place.head("POST /echo", Transfer_Encoding="chunked"), chunked(size))
        assert status(answer) == expected


def test_a_stranger_may_send_64_kilobytes_where_a_password_is_asked_for(place: Place) -> None:
    answer = place.ask(place.head("GET /?key=x", known=False, Content_Length="65537"))
    assert status(answer) == 413


def test_who_waits_to_be_told_to_send_is_told_unless_it_is_too_much(place: Place) -> None:
    head = place.head("POST /echo", Content_Length="700000000", Expect="100-continue")
    assert status(place.ask(head)) == 413
    with place.connect() as one:
        one.sendall(place.head("POST /echo", Content_Length="3", Expect="100-continue"))
        assert status(one.recv(65536).decode()) == 100
        one.sendall(b"all")
        assert read(one).endswith("3 bytes")


@pytest.mark.parametrize(
    "lengths", [("10", "chunked"), ("-1", ""), ("1e3", ""), ("9" * 40, ""), ("1, 2", "")]
)
def test_a_length_that_is_said_in_two_ways_or_is_none_is_refused(
    place: Place, lengths: tuple[str, str]
) -> None:
    length, coding = lengths
    extra = {"Transfer_Encoding": coding} if coding else {}
    answer = place.ask(place.head("POST /echo", Content_Length=length, **extra), b"0\r\n\r\n")
    assert status(answer) in (400, 413)


def test_an_image_may_be_as_large_as_it_is(place: Place) -> None:
    answer, _ = pushed(place, place.head("PUT /take", Transfer_Encoding="chunked"), chunked(100 * 65536))
    assert status(answer) == 200 and place.taken == 100 * 65536


# -------------------------------------------------------------------------------------------------- heads


def test_no_part_of_an_answer_waits_for_word_that_the_part_before_has_come(place: Place) -> None:
    with place.connect() as one:
        one.sendall(place.head("GET /endless"))
        assert one.recv(1) == b"H"
        (connection,) = place._server._server.server_state.connections
        taken = connection.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_large_head_is_refused(place: Place) -> None:
    many = {f"X_{number}": "1" for number in range(MOST_HEADERS + 1)}
    assert status(place.ask(place.head("GET /echo", **many))) == 431
    for one in (
        place.head("GET /echo", X_Large="x" * LARGEST_HEAD),
        place.head("GET /echo?" + "x" * LARGEST_HEAD),
        place.head("GET /" + "x" * LARGEST_HEAD),
        b"GET / HTTP/1.1\r\nX: " + b"x" * (4 * LARGEST_HEAD),  # without an end
    ):
        assert status(place.ask(one)) in (400, 431)


def test_no_websocket_is_opened(place: Place) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    key = {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for path in ("/", "/ws", "/gradio_api/queue/join"):
        assert status(place.ask(place.head(f"GET {path}", **upgrade, **key))) in (200, 404)
        assert status(place.ask(place.head(f"GET {path}", known=False, **upgrade, **key))) == 401


# --------------------------------------------------------------------------------------------------- time


def test_a_hundred_half_open_heads_are_closed_and_keep_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 2.0)
    place = Place()
    half = [place.connect() for _ in range(100)]
    for number, one in enumerate(half):
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n"[: 5 + number % 18])
    began = time.monotonic()
    assert status(place.ask(place.head("GET /echo"))) == 200
    assert time.monotonic() - began < 2.0
    assert max(seconds_until_closed(one) for one in half) < 15.0
    place.close()


def test_a_head_that_comes_byte_by_byte_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.6)
    place = Place()
    with place.connect() as one:
        began = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - began < 15:
                one.sendall(b"G")
                time.sleep(0.05)
    with place.connect() as one:
        one.sendall(place.head("GET /echo"))
        assert status(read(one)) == 200
        one.sendall(b"GET /echo HTTP/1.1\r\n")
        assert seconds_until_closed(one) < 15
    place.close()


@pytest.mark.parametrize("path", ["POST /echo", "PUT /take"])
def test_a_body_that_trickles_is_given_up(path: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.5)
    with place.connect() as one:
        one.sendall(place.head(path, Content_Length="100000"))
        began = time.monotonic()
        try:
            while time.monotonic() - began < 20:
                one.sendall(b"x")
                time.sleep(0.05)
                if path == "POST /echo" and time.monotonic() - began > 1.5:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - began < 15
        assert status(read(one)) in (0, 408, 500)
    assert path == "POST /echo" or place.broken


def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "READ_SECONDS", 0.5)
    place = Place()
    with place.connect() as one:
        one.sendall(place.head("GET /large"))
        wait_until(lambda: place.taken_in and not place._server._server.server_state.connections)
        came = 0
        with contextlib.suppress(ConnectionResetError):
            while part := one.recv(1 << 20):
                came += len(part)
        assert came < LARGE
    assert place.guard._under_way == 0
    place.close()


# ------------------------------------------------------------------------------------------------ numbers


def test_streams_are_counted_for_each_visitor_and_given_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "AT_ONCE", 5)
    streams = []
    for _ in range(5):
        one = place.connect()
        one.sendall(place.head("GET /endless"))
        assert status(one.recv(65536).decode()) == 200
        streams.append(one)
    assert status(place.ask(place.head("GET /echo"))) == 503
    other = f"{COOKIE}={place.guard.visitors.welcome()}"
    assert status(place.ask(place.head("GET /echo", known=False, Cookie=other))) == 200
    for one in streams:
        one.close()
    wait_until(lambda: place.guard._under_way == 0)
    assert status(place.ask(place.head("GET /echo"))) == 200


def test_streams_of_all_visitors_are_counted_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "AT_ONCE_IN_ALL", 3)
    streams = [place.connect() for _ in range(3)]
    for one in streams:
        mine = f"{COOKIE}={place.guard.visitors.welcome()}"
        one.sendall(place.head("GET /endless", known=False, Cookie=mine))
        assert status(one.recv(65536).decode()) == 200
    assert status(place.ask(place.head("GET /echo"))) == 503
    for one in streams:
        one.close()


def test_where_there_are_too_many_connections_the_one_that_waits_longest_gives_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 20)
    busy = place.connect()
    busy.sendall(place.head("GET /endless"))
    assert status(busy.recv(65536).decode()) == 200
    idle = [place.connect() for _ in range(60)]
    assert status(place.ask(place.head("GET /echo"))) == 200
    assert seconds_until_closed(idle[0]) < 15
    assert b"ALIVE" in busy.recv(65536)
    for one in (*idle, busy):
        one.close()


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
