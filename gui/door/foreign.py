"""Where a request comes from, and what the browser may do with the answer.

A page on another site can make a browser send requests to 127.0.0.1, and a hostile name server can make its
own name point there (DNS rebinding). So every request must name a Host we serve, and must not come from
another origin. The content-security policy then keeps the page from loading or sending anything elsewhere:
"nothing leaves" is enforced by the browser, not hoped for.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from engine.language import N_, _

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio starts from inline scripts, and builds its HTML components with new Function
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not "no-referrer": a browser then sends "Origin: null" with same-origin posts, which is refused below
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=()",
}
OTHER_SITE = N_("Requests from other sites are refused.")


def local_hosts(port: int) -> frozenset[str]:
    """Return the Host headers of a browser on this computer."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def refusal(scope: Scope, hosts: Collection[str]) -> str | None:
    """Return why a request is refused for where it comes from, or None when it may pass.

    Args:
        scope: Of an HTTP request.
        hosts: Host headers that may be served, in lower case.
    """
    headers = Headers(scope=scope)
    named = headers.getlist("host")
    host = named[0].lower() if len(named) == 1 else ""
    if host not in hosts:
        return _("There is no page at this address.")
    if any(urlsplit(origin).netloc.lower() != host for origin in headers.getlist("origin")):
        return _(OTHER_SITE)
    site = headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none") and not opens_the_page(scope):
        return _(OTHER_SITE)
    return None


def opens_the_page(scope: Scope) -> bool:
    """Tell whether a person follows a link to the page itself, which may stand anywhere."""
    mode = Headers(scope=scope).get("sec-fetch-mode")
    return scope["path"] == "/" and scope["method"] == "GET" and mode == "navigate"


def comes_from_elsewhere(scope: Scope) -> bool:
    """Tell whether the browser says that another site led here, so that it holds back our cookie."""
    return Headers(scope=scope).get("sec-fetch-site") in ("cross-site", "same-site")
