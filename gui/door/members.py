"""The entrance of a department: a name and a password, then a cookie whose session stands in the database.

Who is let in is known to every handler by `visitor_now`. What a role may do is the table in `gui.roles`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from starlette.requests import cookie_parser
from starlette.types import Scope

from engine.language import _, ngettext, number
from engine.reading import Reader
from gui.door.entrances import Visitor, fields_of
from gui.door.languages import PAGES
from gui.door.throttle import Throttle

FRESH_SECONDS = 5.0
"""For so long an answer of the database holds: a browser asks for many things at once."""
MOST_KEPT = 1_000


class KnowsAccounts(Protocol):
    """What is asked of `engine.reading.accounts.Accounts`."""

    def sign_in(self, name: str, password: str) -> str | None:
        """Return a session's token, or None."""

    def signed_in(self, token: str) -> Reader | None:
        """Return who a token stands for."""

    def sign_out(self, token: str) -> None:
        """End a session."""

    def sign_out_everywhere(self, name: str) -> None:
        """End every session of a reader."""


class Members:
    """The entrance, and who came in by it.

    Args:
        accounts: Of the store.
        cookie: Its name.
        prefix: What stands before every address: see `gui.door.public.Public`.
        address_of: Returns where a request comes from.
    """

    def __init__(
        self,
        accounts: KnowsAccounts,
        *,
        prefix: str = "",
        address_of: Callable[[Scope], str] = lambda scope: (scope.get("client") or ("",))[0],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cookie = ""
        self._accounts, self._prefix, self._address_of, self._clock = accounts, prefix, address_of, clock
        self._throttle = Throttle(clock)
        self._known: dict[str, tuple[float, Visitor]] = {}

    # ------------------------------------------------------------------------------------ as an entrance

    def sentence(self, *, displaced: bool) -> str:
        """See `Entrance`."""
        return _("You are no longer signed in. Load the page again and sign in, then repeat what you did.")

    def asks(self, scope: Scope) -> bool:
        """See `Entrance`."""
        return bool(scope["path"] == "/login" and scope["method"] == "POST")

    def admits(self, scope: Scope, body: bytes) -> str | None:
        """Return the token of a new session."""
        typed = fields_of(body)
        name, password = typed.get("username", "").strip(), typed.get("password", "")
        address = self._address_of(scope)
        if self._throttle.wait(name, address):
            return None
        token = self._accounts.sign_in(name, password) if name and password else None
        if token is None:
            self._throttle.wrong(name, address)
        else:
            self._throttle.right(name, address)
        return token

    def page(self, *, refused: bool, scope: Scope | None = None, body: bytes = b"") -> str:
        """See `Entrance`."""
        said = ""
        if refused:
            name = fields_of(body).get("username", "").strip()
            seconds = self._throttle.wait(name, self._address_of(scope)) if scope is not None else 0
            said = _wait(seconds) if seconds else _("This name and password do not open it.")
        return PAGES.get_template("sign_in.html").render(said=said, prefix=self._prefix)

    def leaves(self, scope: Scope) -> bool:
        """Tell whether a request asks to be signed out."""
        return scope["method"] == "POST" and scope["path"] in ("/logout", "/logout-everywhere")

    def let_out(self, scope: Scope, cookies: str, visitor: Visitor) -> None:
        """End the session, or all of its reader's."""
        token = self._token(cookies)
        if scope["path"] == "/logout":
            self._accounts.sign_out(token)
            self._known.pop(token, None)
            return
        self._accounts.sign_out_everywhere(visitor.name)
        self._known = {one: each for one, each in self._known.items() if each[1].name != visitor.name}

    # ------------------------------------------------------------------------------------- as who is known

    def welcome(self, admitted: str) -> str:
        """Return the cookie's value: the token."""
        return admitted

    def lately(self, cookies: str) -> Visitor | None:
        """Return who a Cookie header names, where that was asked within the last seconds."""
        at, visitor = self._known.get(self._token(cookies), (0.0, None))
        return visitor if visitor is not None and self._clock() - at < FRESH_SECONDS else None

    def known(self, cookies: str) -> Visitor | None:
        """Ask the database who a Cookie header names."""
        token = self._token(cookies)
        reader = self._accounts.signed_in(token) if token else None
        if reader is None:
            self._known.pop(token, None)
            return None
        before = self._known.get(token)
        visitor = before[1] if before else Visitor()
        visitor.name, visitor.role = reader.name, reader.role
        while len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[token] = (self._clock(), visitor)
        return visitor

    def _token(self, cookies: str) -> str:
        return cookie_parser(cookies).get(self.cookie, "")


def _wait(seconds: int) -> str:
    minutes = max(1, round(seconds / 60))
    return ngettext(
        "Too many wrong passwords were tried. Wait a minute and try again.",
        "Too many wrong passwords were tried. Wait {count} minutes and try again.",
        minutes,
    ).format(count=number(minutes))
