"""The door: which requests may reach the server, and what the browser may do with the answers.

A page on another site can make a browser send requests to 127.0.0.1, and a hostile name server can make its
own name point there (DNS rebinding). So every request must name a Host we serve, and must not come from
another origin. The content-security policy then keeps the page from loading or sending anything elsewhere:
"nothing leaves" is enforced by the browser, not hoped for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
# Parts of Gradio that fetch from elsewhere or write to disk on a visitor's word; no page of ours uses them.
CLOSED = (
    "file=http",
    "file=%",
    "proxy=",
    "deep_link",
    "vibe-",
    "undo-vibe",
    "monitoring",
    "profiling",
    "dev/",
)

# Questions and forms are for every path; files are taken at one alone, see `gui.pages.data.bringing.uploads`.
METHODS = frozenset({"GET", "HEAD", "POST"})
TAKES_FILES = "/take/"


def local_hosts(port: int) -> frozenset[str]:
    """Return the Host headers of a browser on this computer."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def refusal(scope: Scope, hosts: Collection[str]) -> str | None:
    """Return why a request is refused, or None when it may pass.

    Args:
        scope: Of an HTTP or WebSocket connection.
        hosts: Host headers that may be served, in lower case.
    """
    headers = Headers(scope=scope)
    host = headers.get("host", "").lower()
    if host not in hosts:
        return "There is no page at this address."
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host:
        return "Requests from other sites are refused."
    path: str = scope["path"]
    site = headers.get("sec-fetch-site", "same-origin")
    opening_the_page = (
        path == "/" and headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"
    )
    if site not in ("same-origin", "none") and not opening_the_page:
        return "Requests from other sites are refused."
    method = scope.get("method", "GET")  # a WebSocket has none
    if method not in METHODS and not (method == "PUT" and path.startswith(TAKES_FILES)):
        return "This is not how the server is asked."
    endpoint = path.removeprefix("/gradio_api").lstrip("/").lower()
    if endpoint.startswith(CLOSED):
        return "This part of the server is not available."
    return None


class Guard:
    """ASGI middleware: refuses foreign requests and adds the security headers to every answer.

    Args:
        app: The application behind the door.
        hosts: Called for each request, so that a tunnel's public name can be let in while the server runs.
    """

    def __init__(self, app: ASGIApp, hosts: Callable[[], Collection[str]]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to what is refused, pass the rest on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        reason = refusal(scope, self.hosts())
        if reason is None:
            await self.app(scope, receive, send_guarded)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await PlainTextResponse(reason, status_code=403)(scope, receive, send_guarded)
