"""The server in a thread of its own, whose connections keep to a clock.

uvicorn waits for ever for the head of a request and for somebody to read an answer. Here a head comes whole within
seconds, an answer is read, and when there are too many connections the one that has waited longest for nothing
gives way: whoever opens hundreds shuts nobody out.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.errors import EngineError
from gui.door.guard import LARGEST_HEAD

HEAD_SECONDS = 5.0
IDLE_SECONDS = 75
"""Seconds that a connection may wait for its next question. Pages ask every five seconds at least while they watch: a
connection that was closed at that very moment would lose what it was just asked."""
READ_SECONDS = 60.0
"""Seconds for which somebody may leave an answer unread."""
MOST_CONNECTIONS = 300
START_SECONDS = 60.0
CLOSE_SECONDS = 0.5


class Connection(H11Protocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._idle_since = time.monotonic()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Send small parts at once; make room where there is none, and begin to wait for a head."""
        super().connection_made(transport)
        # asyncio does so for sockets that it made itself alone. Else the second part of an answer may wait 40 ms until
        # the browser says that it has the first.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [one for one in self.connections if isinstance(one, Connection) and one.idle]
            min(waiting, key=lambda one: one._idle_since).transport.abort()
        self._keep_time()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once the head is whole."""
        super().data_received(data)
        self._keep_time()

    def on_response_complete(self) -> None:
        """Note since when the connection waits for nothing."""
        self._idle_since = time.monotonic()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        _stop(self._head)
        _stop(self._unread)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for an answer to be read."""
        super().pause_writing()
        self._unread = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting: it is being read."""
        _stop(self._unread)
        super().resume_writing()

    def _keep_time(self) -> None:
        """Wait for a head, and no longer once it is whole; between requests uvicorn's own clock runs."""
        if self.idle and self.conn.their_state is h11.SEND_BODY:  # answered early: the rest is thrown away
            _stop(self._head)
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)
        elif not self.idle:
            _stop(self._head)
            self._head = None
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)


def _stop(clock: asyncio.TimerHandle | None) -> None:
    if clock is not None:
        clock.cancel()


class BackgroundServer:
    """A server that runs until it is closed.

    Args:
        app: What it serves.
        listening: The socket, bound; closed with the server.

    Raises:
        EngineError: The application does not start.
    """

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="on",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the door says what is believed of a proxy: `gui.door.public`
            h11_max_incomplete_event_size=LARGEST_HEAD,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, daemon=True, name="server"
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.close()
                raise EngineError("The window's server did not start", "Try again; the log says more")
            time.sleep(0.002)

    def close(self) -> None:
        """End it: what is being answered may be finished within a moment, a stream is cut off."""
        self._server.should_exit = True
        self._thread.join(timeout=CLOSE_SECONDS)
        for one in tuple(self._server.server_state.connections):
            if isinstance(one, Connection) and not one.loop.is_closed():
                one.loop.call_soon_threadsafe(one.transport.abort)
        self._thread.join(timeout=5)
