"""The address by which a window is reached from elsewhere, and what is believed of a proxy in front of it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from engine.errors import EngineError

FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Public:
    """Where people open the window.

    Attributes:
        scheme: "https" where a proxy in front ends TLS; empty where nothing was said.
        host: As a browser sends it; empty where nothing was said.
        prefix: What stands before every address, such as "/overread", or nothing.
        trusts_proxy: Whether X-Forwarded-For says where a request comes from.
    """

    scheme: str = ""
    host: str = ""
    prefix: str = ""
    trusts_proxy: bool = False

    @property
    def url(self) -> str:
        """What people open; empty where nothing was said."""
        return f"{self.scheme}://{self.host}{self.prefix}/" if self.host else ""

    def received(self, scope: Scope) -> Scope:
        """Return a request as the pages are to see it: without the prefix, and without what nobody vouches for.

        Gradio builds addresses from X-Forwarded-Host and X-Forwarded-Proto, which anybody can send: they are taken
        out, and what was said of the public address stands in their place.
        """
        headers = Headers(scope=scope)
        changed = dict(scope)
        changed["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if not name.decode("latin-1").lower().startswith(FORWARDED)
        ]
        if self.trusts_proxy and headers.getlist("x-forwarded-for"):
            # each proxy adds whom it was asked by at the end: what stands before it anybody may have sent
            last = headers.getlist("x-forwarded-for")[-1].rpartition(",")[2].strip()
            changed["client"] = (last, 0)
        if self.host and headers.get("host", "").lower() == self.host:
            changed["scheme"] = self.scheme
        path = scope["path"]
        if self.prefix and (path == self.prefix or path.startswith(f"{self.prefix}/")):
            changed["path"] = path[len(self.prefix) :] or "/"
            if scope.get("raw_path", b"").startswith(self.prefix.encode()):
                changed["raw_path"] = scope["raw_path"][len(self.prefix) :] or b"/"
        return changed


def public_address(written: str, *, trusts_proxy: bool = False) -> Public:
    """Return what an address says, such as https://hospital.example/overread/.

    Raises:
        EngineError: It is no address of a page.
    """
    try:
        parts = urlsplit(written.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    prefix = parts.path.rstrip("/")
    plain = all(each.isalnum() or each in "-._~/" for each in prefix) and "//" not in prefix
    odd = parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme not in ("http", "https") or not parts.hostname or odd or not plain:
        raise EngineError(
            "The public address is no address of a page",
            "Write what people open in the browser, such as https://hospital.example/overread/",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = name if port in (None, usual) else f"{name}:{port}"
    return Public(parts.scheme, host.lower(), prefix, trusts_proxy)
