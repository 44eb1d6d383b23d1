"""What a tunnel is: a way from an address that guests open to one port of this computer.

Each way is one file of `gui.sharing.ways` and one line there: a `Way`, whose `dig` returns a `Tunnel`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.errors import ShareError
from engine.language import _


class Tunnel:
    """A tunnel that is open, or was. A way with more to do than this makes a class of its own of it.

    Attributes:
        url: What guests open, with scheme and host.
        command: What the owner has to run for it, or empty.
        note: What the owner should know of it now, or empty.
    """

    def __init__(self, url: str, *, command: str = "") -> None:
        self.url = url
        self.command = command
        self.note = ""

    @property
    def host(self) -> str:
        """What a browser sends as Host."""
        return urlsplit(self.url).netloc.lower()

    @property
    def pid(self) -> int | None:
        """Process id of the program that must not outlive the link, if there is one."""
        return None

    @property
    def open(self) -> bool:
        """Whether guests can still come through."""
        return True

    def close(self) -> None:
        """End it. Ending it twice does nothing."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a way is asked for.

    Attributes:
        port: On 127.0.0.1: where the copy is served.
        server: What the way takes as a server of one's own; None means its usual one.
        address: What guests open, where a server of one's own passes it on; None means the way's own address.
        timeout: Seconds after which there is no tunnel.
    """

    port: int
    server: str | None = None
    address: str | None = None
    timeout: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way by which guests can come.

    Attributes:
        title: For a choice.
        operator: Says whose computers the images pass through, given the server of one's own or None.
        missing: Says what this computer lacks for it; empty when nothing.
        dig: Opens the tunnel, or raises `ShareError`.
        knock: Raises `ShareError` where it is known at once that there will be no tunnel.
        server: What may be given as a server of one's own; empty when nothing.
        address: What may be given as the address that guests open; empty when nothing.
    """

    title: str
    operator: Callable[[str | None], str]
    missing: Callable[[], str]
    dig: Callable[[Order], Tunnel]
    knock: Callable[[str | None], None] = lambda server: None
    server: str = ""
    address: str = ""


def no_tunnel(reason: str, remedy: str) -> ShareError:
    """Return the error of a way that cannot be had, which names the other ways.

    Args:
        reason: Why, without a full stop.
        remedy: What to do, without a full stop.
    """
    return ShareError(
        _("No link can be had: {reason}").format(reason=reason),
        _("{remedy}, or choose another way for guests to connect").format(remedy=remedy),
        option="--via; overread doctor lists the ways",
        fields=("How guests connect",),
    )
