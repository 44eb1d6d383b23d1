"""One request at the door, in the order in which it is looked at.

    head        not larger than a browser's
    foreign     a host that is ours, no other site
    entrances   a visitor who is known, or who asks to be let in
    openings    an address that answers; everything else is not there
    bodies      not larger and not slower than the address takes
    at once     not more requests than a browser makes

Somebody unknown gets one and the same answer, whatever is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.language import N_, _, speaking
from gui.door.bodies import BUFFERED, Body, BodyError, answer, check_declared, replayed
from gui.door.entrances import (
    MOST_VISITORS,
    Entrance,
    Password,
    Visitor,
    Visitors,
    answering,
    without_key,
)
from gui.door.foreign import SECURITY_HEADERS, comes_from_elsewhere, opens_the_page, refusal
from gui.door.languages import asked_by
from gui.door.members import Members
from gui.door.openings import Opening, Openings
from gui.door.public import Public

MOST_HEADERS = 100
LARGEST_HEAD = 32 * 1024
"""Bytes. A browser sends the cookies of every program on this computer along."""
STRANGERS_BODY = 64 * 1024
"""Bytes of what somebody unknown may send: a user and a password."""
AT_ONCE = 32
"""Requests of one visitor that are answered at once, streams among them; a browser makes six."""
AT_ONCE_IN_ALL = 256
CLOSES_IN = "Overread-Closes-In"
"""Seconds: a page tells by it that its time is over from a connection that is broken, whatever its own clock says."""
NOTHING_HERE = N_("There is nothing at this address.")
# A browser that was led here by another site holds our cookie back; one that leads itself here does not.
ONCE_MORE = (
    '<!doctype html><meta charset="utf-8">'
    '<meta http-equiv="refresh" content="0;url={}"><title>Overread</title>'
)


@dataclass(frozen=True, slots=True)
class Room:
    """What a role has.

    Attributes:
        app: The application behind the door.
        openings: What answers.
    """

    app: ASGIApp
    openings: Openings


class Guard:
    """ASGI middleware around everything.

    Args:
        app: The application behind the door.
        hosts: Called for each request, so that a tunnel's public name can be let in while the server runs.
        entrance: How somebody is let in.
        openings: What answers.
        cookie: Name of the cookie that a visitor is known by.
        rooms: What each role has instead of `app` and `openings`, where readers sign in.
        public: The address by which the window is reached from elsewhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Callable[[], Collection[str]],
        entrance: Entrance,
        openings: Openings,
        cookie: str,
        rooms: Mapping[str, Room] | None = None,
        public: Public | None = None,
    ) -> None:
        self.app = app
        self.rooms = rooms or {}
        self.public = public or Public()
        self.hosts = hosts
        self.entrance = entrance
        self.openings = openings
        self.visitors: Visitors | Members
        if isinstance(entrance, Members):
            self.visitors = entrance
            entrance.cookie = cookie
        else:
            one_device = isinstance(entrance, Password) and entrance.one_device
            self.visitors = Visitors(cookie, most=1 if one_device else MOST_VISITORS)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass, answer the rest."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":  # no page of ours uses one
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            scope = self.public.received(scope)
            with speaking(asked_by(scope)):
                try:
                    await self._look_at(scope, receive, self._guarded(send))
                except BodyError as error:
                    await answer(scope, receive, self._guarded(send), error.status, error.sentence)

    async def _look_at(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = len(scope["raw_path"]) + len(scope["query_string"])
        head += sum(len(name) + len(value) for name, value in scope["headers"])
        if len(scope["headers"]) > MOST_HEADERS or head > LARGEST_HEAD:
            await answer(scope, receive, send, 431, _("The head of the request is larger than a browser's."))
            return
        if reason := refusal(scope, self.hosts()):
            await answer(scope, receive, send, 403, reason)
            return
        if self.entrance.asks(scope):
            await self._let_in(scope, receive, send)
            return
        cookies = Headers(scope=scope).get("cookie", "")
        visitor = self.visitors.lately(cookies)
        if visitor is None and isinstance(self.visitors, Members):  # which asks the database
            visitor = await run_in_threadpool(self.visitors.known, cookies)
        if visitor is None:
            await self._keep_out(scope, receive, send)
            return
        room = self.rooms.get(visitor.role) or Room(self.app, self.openings)
        if isinstance(self.visitors, Members):
            if self.visitors.leaves(scope):
                await self._let_out(scope, receive, send, self.visitors, visitor)
                return
            if visitor.role not in self.rooms:
                await answer(scope, receive, send, 403, _("Your role has no pages here."))
                return
        if opening := room.openings.at(scope):
            answering(visitor)
            await self._pass_on(scope, receive, send, visitor, opening, room)
        else:
            await answer(scope, receive, send, 404, _(NOTHING_HERE))

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a cookie to whoever brings the right thing, and lead to the same address without it."""
        check_declared(scope, STRANGERS_BODY)
        body = await Body(receive, STRANGERS_BODY).read()
        admitted = await run_in_threadpool(self.entrance.admits, scope, body)
        if not admitted:
            page = self.entrance.page(refused=True, scope=scope, body=body)
            await answer(scope, receive, send, 401, page, html=True, read=True)
            return
        led = comes_from_elsewhere(scope)
        status = 200 if led else 303
        headers = [] if led else [("location", self._page_of(scope))]
        headers.append(("set-cookie", self._cookie(scope, self.visitors.welcome(admitted))))
        page = self._once_more(scope)
        await answer(scope, receive, send, status, page, headers=headers, html=True, read=True)

    async def _let_out(
        self, scope: Scope, receive: Receive, send: Send, members: Members, visitor: Visitor
    ) -> None:
        """End the session, and take the cookie back."""
        check_declared(scope, STRANGERS_BODY)
        await Body(receive, STRANGERS_BODY).read()
        cookies = Headers(scope=scope).get("cookie", "")
        await run_in_threadpool(members.let_out, scope, cookies, visitor)
        headers = [("location", f"{self.public.prefix}/"), ("clear-site-data", '"cache", "storage"')]
        headers.append(("set-cookie", self._cookie(scope, "") + "; Max-Age=0"))
        page = self._once_more(scope)
        await answer(scope, receive, send, 303, page, headers=headers, html=True, read=True)

    def _cookie(self, scope: Scope, value: str) -> str:
        """Return a cookie for our addresses alone; over TLS, for TLS alone."""
        path = self.public.prefix or "/"
        cookie = f"{self.visitors.cookie}={value}; Path={path}; HttpOnly; SameSite=Strict"
        secure = scope.get("scheme") == "https" or Headers(scope=scope).get("origin", "").startswith("https:")
        return f"{cookie}; Secure" if secure else cookie

    def _page_of(self, scope: Scope) -> str:
        """Return the page that a request names: the tab, data set, run and case stand behind its address."""
        return f"{self.public.prefix}/{without_key(scope['query_string'])}"

    def _once_more(self, scope: Scope) -> str:
        return ONCE_MORE.format(escape(self._page_of(scope)))

    async def _keep_out(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            cookies = Headers(scope=scope).get("cookie", "")
            displaced = isinstance(self.visitors, Visitors) and self.visitors.displaced(cookies)
            await answer(scope, receive, send, 401, self.entrance.sentence(displaced=displaced))
        elif opens_the_page(scope) and comes_from_elsewhere(scope):
            await answer(scope, receive, send, 401, self._once_more(scope), html=True)
        else:
            await answer(scope, receive, send, 401, self.entrance.page(refused=False), html=True)

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, visitor: Visitor, opening: Opening, room: Room
    ) -> None:
        check_declared(scope, opening.largest_body)
        if visitor.under_way >= AT_ONCE or self._under_way >= AT_ONCE_IN_ALL:
            busy = _("Too many requests are being answered. Close other tabs of Overread and try again.")
            await answer(scope, receive, send, 503, busy, headers=[("retry-after", "2")])
            return
        with self._counted(visitor):
            body = Body(receive, opening.largest_body)
            if opening.largest_body > BUFFERED:
                await room.app(scope, body.receive, send)
            else:
                await room.app(scope, replayed(await body.read(), receive), send)

    @contextmanager
    def _counted(self, visitor: Visitor) -> Iterator[None]:
        visitor.under_way += 1
        self._under_way += 1
        try:
            yield
        finally:
            visitor.under_way -= 1
            self._under_way -= 1

    def _guarded(self, send: Send) -> Send:
        """Return a `send` that adds to every answer the security headers, and when the door closes if it does."""
        left = self.entrance.left if isinstance(self.entrance, Password) else None

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                if left is not None:
                    headers[CLOSES_IN] = f"{left():.1f}"
            await send(message)

        return send_guarded
