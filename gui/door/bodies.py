"""Bodies are refused before they are read, or read whole within a bound of bytes and of time.

A body that is short is handed on whole, so that nobody who sends slowly keeps anything but a buffer busy. One that is
long, an image, is handed on as it comes, under the same clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from engine.language import _

BUFFERED = 32 * 1024 * 1024
"""Bytes up to which a body is read whole before anything sees it."""
PATIENCE = 10.0
"""Seconds that a body may take, and longer only by what has come at `SLOWEST`."""
SLOWEST = 16 * 1024
"""Bytes a second."""
LINGER = 1.0
LINGER_BYTES = 8 * 1024 * 1024
"""Seconds, and bytes, for which what follows a refusal is thrown away: it is read before the connection ends."""


class BodyError(Exception):
    """A body is not taken.

    Args:
        status: Of HTTP.
        sentence: For whoever sent it.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def check_declared(scope: Scope, most: int) -> None:
    """Look at what the head says of the body.

    Raises:
        BodyError: It will be larger than `most` bytes, or its length is said in two ways.
    """
    headers = Headers(scope=scope)
    lengths = headers.getlist("content-length")
    if len(lengths) > 1 or (lengths and "transfer-encoding" in headers):
        raise BodyError(400, _("The length of the request is given twice."))
    if lengths and (not lengths[0].isdecimal() or int(lengths[0]) > most):
        raise _too_large()


def has_body(scope: Scope) -> bool:
    """Tell whether a body is on its way."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class Body:
    """A body that comes within its bounds; `receive` stands for the one of the server.

    Args:
        receive: Of the server.
        most: Bytes.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._bytes = 0
        self._waited = 0.0
        self._whole = False

    async def read(self) -> bytes:
        """Return all of it.

        Raises:
            BodyError: It is too large, too slow, or whoever sent it has gone.
        """
        parts = []
        while not self._whole:
            parts.append(await self._next())
        return b"".join(parts)

    async def receive(self) -> Message:
        """Hand on what comes; a body that breaks its bounds ends as if whoever sent it had gone."""
        if self._whole:
            return await self._receive()
        try:
            part = await self._next()
        except BodyError:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": not self._whole}

    async def _next(self) -> bytes:
        began = time.monotonic()
        left = PATIENCE + self._bytes / SLOWEST - self._waited
        try:
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError as error:
            raise BodyError(408, _("The request came too slowly.")) from error
        self._waited += time.monotonic() - began
        if message["type"] == "http.disconnect":
            raise BodyError(400, _("The request broke off."))
        part: bytes = message.get("body", b"")
        self._bytes += len(part)
        self._whole = not message.get("more_body", False)
        if self._bytes > self._most:
            raise _too_large()
        return part


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, and then what the server says."""
    given: list[bytes] = [body]

    async def again() -> Message:
        if given:
            return {"type": "http.request", "body": given.pop(), "more_body": False}
        return await receive()

    return again


async def answer(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    text: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    html: bool = False,
    read: bool = False,
) -> None:
    """Send a short answer. Where a body was not `read` and is on its way, the connection ends with the answer."""
    body = text.encode()
    ends = not read and has_body(scope)
    said = [
        ("content-type", f"text/{'html' if html else 'plain'}; charset=utf-8"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
        *headers,
        *([("connection", "close")] if ends else ()),
    ]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": ends})
    if ends:
        await _throw_away(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _throw_away(receive: Receive) -> None:
    count = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while count < LINGER_BYTES:
                message = await receive()
                count += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _too_large() -> BodyError:
    return BodyError(413, _("The request is larger than anything the pages send."))
