"""How somebody is let in: by a key in the address on this computer, by a password as a guest.

Whoever is let in gets a cookie, and is a `Visitor` from then on. A key and a cookie are new with every start, known
to the browser that was let in and to this process, and written to no log.
"""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.requests import cookie_parser
from starlette.types import Scope

from engine.language import N_, _
from gui.door.languages import PAGES

MOST_VISITORS = 1_000
"""Browsers that are known at once; whoever came first is forgotten for the next."""
NO_LONGER = N_("You are no longer logged in. Load the page again and log in, then repeat what you did.")
ELSEWHERE = N_(
    "This link was opened on another device since, and this page can answer nothing more. What you had answered is "
    "kept: continue there, or load this page again and log in to continue here."
)


@dataclass(slots=True)
class Visitor:
    """A browser that was let in.

    Attributes:
        under_way: How many of its requests are being answered, streams among them.
        name: Of the reader who has signed in; empty where nobody signs in.
        role: Theirs; empty where nobody signs in.
    """

    under_way: int = 0
    name: str = ""
    role: str = ""


_now: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


def visitor_now() -> Visitor | None:
    """Return whose request is being answered; None outside one, such as in an event that waited in a queue."""
    return _now.get()


def answering(visitor: Visitor) -> None:
    """Say whose request is answered from here on, in this task and the threads that it starts."""
    _now.set(visitor)


class Visitors:
    """Who was let in since the start.

    Args:
        cookie: Its name: browsers keep one jar for every port of a computer, so that it carries ours.
        most: How many are known at once; whoever came first is forgotten for the next.
    """

    def __init__(self, cookie: str, most: int = MOST_VISITORS) -> None:
        self.cookie = cookie
        self._most = most
        self._known: dict[bytes, Visitor] = {}
        self._displaced: deque[bytes] = deque(maxlen=MOST_VISITORS)

    def welcome(self, admitted: object = True) -> str:
        """Return the cookie's value for a new visitor."""
        token = secrets.token_urlsafe(32)
        while len(self._known) >= self._most:
            self._displaced.append(first := next(iter(self._known)))
            del self._known[first]
        self._known[_digest(token)] = Visitor()
        return token

    def lately(self, cookies: str) -> Visitor | None:
        """Return the visitor that a Cookie header names, as far as it is known without waiting: all of it."""
        return self.known(cookies)

    def known(self, cookies: str) -> Visitor | None:
        """Return the visitor that a Cookie header names.

        Looked up by the hash: how long it takes says nothing about a token that would be right.
        """
        return self._known.get(self._named(cookies))

    def displaced(self, cookies: str) -> bool:
        """Tell whether a Cookie header names a visitor in whose place another came."""
        return self._named(cookies) in self._displaced

    def _named(self, cookies: str) -> bytes:
        return _digest(cookie_parser(cookies).get(self.cookie, ""))


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()


class Entrance(Protocol):
    """A way in. Every request of somebody unknown is answered with `page`, whatever it asks for."""

    def asks(self, scope: Scope) -> bool:
        """Tell whether a request asks to be let in."""

    def admits(self, scope: Scope, body: bytes) -> Any:
        """Return what a new visitor is known by where such a request is right; nothing where it is wrong."""

    def page(self, *, refused: bool, scope: Scope | None = None, body: bytes = b"") -> str:
        """Return what somebody outside reads, as HTML; `refused` after a wrong try, with what was sent."""

    def sentence(self, *, displaced: bool) -> str:
        """Return what a script of a page reads that is no longer known; `displaced` where another came in its place."""


class Key:
    """The entrance of the window on this computer: whoever opens the address with the key.

    Args:
        key: New with every start.
    """

    def __init__(self, key: str | None = None) -> None:
        self.key = key or secrets.token_urlsafe(32)

    def sentence(self, *, displaced: bool) -> str:
        """See `Entrance`."""
        return _(
            "Overread does not know this page any more: it was started again, or the address was opened without its "
            "key. Open the address that the terminal shows, then repeat what you did."
        )

    @property
    def query(self) -> str:
        """What stands behind the address of the page."""
        return f"/?key={self.key}"

    def asks(self, scope: Scope) -> bool:
        """See `Entrance`."""
        return scope["path"] == "/" and scope["method"] == "GET" and "key" in fields_of(scope["query_string"])

    def admits(self, scope: Scope, body: bytes) -> bool:
        """Compare the keys; it takes the same time however much is right."""
        return hmac.compare_digest(
            fields_of(scope["query_string"]).get("key", "").encode(), self.key.encode()
        )

    def page(self, *, refused: bool, scope: Scope | None = None, body: bytes = b"") -> str:
        """See `Entrance`."""
        return PAGES.get_template("outside.html").render(guests=False, told="", refused=refused)


class Password:
    """The entrance for guests.

    Args:
        check: Says whether a user and a password are right.
        told: Says what is inside, in a sentence.
        one_device: Whether it is for one person, at one device at a time: the last that logs in goes on.

    Attributes:
        left: Returns the seconds for which anybody is let in; None where nobody has set an end.
    """

    def __init__(
        self, check: Callable[[str, str], bool], told: Callable[[], str] = str, *, one_device: bool = False
    ) -> None:
        self.check = check
        self.told = told
        self.one_device = one_device
        self.left: Callable[[], float] | None = None

    def sentence(self, *, displaced: bool) -> str:
        """See `Entrance`."""
        return _(ELSEWHERE if displaced and self.one_device else NO_LONGER)

    def asks(self, scope: Scope) -> bool:
        """See `Entrance`."""
        return bool(scope["path"] == "/login" and scope["method"] == "POST")

    def admits(self, scope: Scope, body: bytes) -> bool:
        """Ask whether what was typed is right."""
        typed = fields_of(body)
        return self.check(typed.get("username", "").strip(), typed.get("password", "").strip())

    def page(self, *, refused: bool, scope: Scope | None = None, body: bytes = b"") -> str:
        """See `Entrance`."""
        return PAGES.get_template("outside.html").render(guests=True, told=self.told(), refused=refused)


def fields_of(encoded: bytes) -> dict[str, str]:
    """Return the fields of a query or a form, the last where one stands twice; none of what is none."""
    try:
        fields = parse_qs(encoded.decode("ascii"), max_num_fields=20, errors="replace")
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def without_key(query: bytes) -> str:
    """Return what stands behind an address but for a key, ready to stand behind another; "" where nothing is left."""
    try:
        told = parse_qsl(query.decode("ascii"), max_num_fields=20, errors="replace")
    except ValueError:
        return ""
    rest = urlencode([(name, value) for name, value in told if name != "key"])
    return f"?{rest}" if rest else ""
