"""The window: the pages in clinical order, and the server that shows them on this computer alone.

    session.open_session(workspace) -> AppSession
    build_app(session) -> gr.Blocks         Data · Train · Review · Report · Share
    start(session) -> Window                serving in the background, until Window.close()
    serve(workspace)                        both, until Ctrl-C

To add a page, write its module with a `build(session)` and add a line to `PAGES`. A page is imported when it is
placed: a window for guests has one of them, and starts without what the others need.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
from fastapi import FastAPI

from engine.errors import EngineError
from engine.workspace import Workspace
from gui.door import (
    LARGEST_FILE,
    BackgroundServer,
    Entrance,
    Guard,
    Key,
    OwnRoute,
    local_hosts,
    openings_of,
    way_in,
)
from gui.pages.data import MOST_BYTES, picture_route, take_route
from gui.web import AppSession, image_route, open_session

ADDRESS = "127.0.0.1"
FIRST_PORT, LAST_PORT = 7860, 7959


@dataclass(frozen=True, kw_only=True)
class Page:
    """One tab.

    Attributes:
        title: On the tab.
        module: Its `build(session)` places the page inside the current `gr.Blocks`.
        for_guests: Whether a read-only window has it.
    """

    title: str
    module: str
    for_guests: bool = False


PAGES: dict[str, Page] = {
    "data": Page(title="Data", module="gui.pages.data.page"),
    "train": Page(title="Train", module="gui.pages.train.page"),
    "review": Page(title="Review", module="gui.pages.review.page", for_guests=True),
    "report": Page(title="Report", module="gui.pages.report.page"),
    "share": Page(title="Share", module="gui.pages.share.page"),
}

# Gradio's own colours fail AA on the primary and the stop button, on quiet text and in empty fields.
THEME = gr.themes.Default(
    primary_hue="sky",
    neutral_hue="slate",
    radius_size="md",
    font=["system-ui", "Segoe UI", "Liberation Sans", "sans-serif"],
    font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
).set(
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_600",
    button_primary_text_color="white",
    button_cancel_background_fill="#b91c1c",
    button_cancel_background_fill_dark="#b91c1c",
    button_cancel_background_fill_hover="#991b1b",
    button_cancel_background_fill_hover_dark="#991b1b",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
)
CSS = """
.gradio-container > main, .gradio-container .main { padding: 6px 10px !important; max-width: none !important; }
#page-review { padding: 0 !important; border: 0 !important; }
#reading .html-container { padding: 0 !important; }
#pages button[role=tab] { font-size: 15px; }
#pages button[role=tab][aria-selected=true] { color: #0369a1; }
.dark #pages button[role=tab][aria-selected=true] { color: #7dd3fc; }
#not-known { position: fixed; inset: 0 0 auto 0; z-index: 2000; margin: 0; padding: 10px 16px; background: #b91c1c;
             color: white; font: 15px/1.4 system-ui, sans-serif; }
"""
# A reload comes back to the page that was open.
HEAD = """<script>
document.addEventListener('click', (event) => {
  const tab = event.target.closest && event.target.closest('#pages button[role=tab]');
  if (tab && tab.id) sessionStorage.setItem('overread.page', tab.id);
});
(() => {
  const wanted = sessionStorage.getItem('overread.page');
  if (!wanted) return;
  const watcher = new MutationObserver(() => {
    const tab = document.getElementById(wanted);
    if (!tab) return;
    watcher.disconnect();
    if (tab.getAttribute('aria-selected') !== 'true') tab.click();
  });
  watcher.observe(document, { childList: true, subtree: true });
  setTimeout(() => watcher.disconnect(), 20000);
})();
// Whoever is not known any more is told so, and loses nothing that is on the page.
(() => {
  const ask = window.fetch;
  window.fetch = async (...what) => {
    const answer = await ask(...what);
    if (answer.status === 401) answer.clone().text().then(say);
    return answer;
  };
  const say = (sentence) => {
    if (document.getElementById('not-known')) return;
    const bar = document.createElement('p');
    bar.id = 'not-known';
    bar.setAttribute('role', 'alert');
    bar.textContent = sentence;
    document.body.append(bar);
  };
})();
</script>"""


def import_pages() -> None:
    """Import every page now: whoever has seconds to spare before the window opens spends them here."""
    for page in PAGES.values():
        import_module(page.module)


def build_app(session: AppSession, *, page: str = "review", run_id: str | None = None) -> gr.Blocks:
    """Place every page.

    Args:
        session: The open window.
        page: A key of `PAGES`: the tab that is open first.
        run_id: The run that the review page begins with; None means the newest.
    """
    app: gr.Blocks = gr.Blocks(
        title="Overread", analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    )
    with app:
        pages = {name: one for name, one in PAGES.items() if one.for_guests or not session.read_only}
        with gr.Tabs(selected=page if page in pages else "review", elem_id="pages"):
            for name, one in pages.items():
                with gr.Tab(one.title, id=name, elem_id=f"page-{name}"):
                    build = import_module(one.module).build
                    if name == "review":
                        build(session, run_id)
                    else:
                        build(session)
    return app


@dataclass(frozen=True, kw_only=True)
class Window:
    """A running server.

    Attributes:
        url: Where it is, for the browser on this computer.
        address: What a person opens: with the key where the window has one.
        port: On 127.0.0.1.
        session: What it shows.
        app: The pages.
        guard: Who is let in, and what answers.
    """

    url: str
    address: str
    port: int
    session: AppSession
    app: gr.Blocks
    guard: Guard

    def close(self) -> None:
        """End the server, and the sittings that are open; training goes on in its own process."""
        self.app.close(verbose=False)
        for end in self.session.endings:
            end()
        self.session.endings.clear()
        self.session.explaining.close()


def start(
    session: AppSession,
    *,
    port: int | None = None,
    page: str = "review",
    run_id: str | None = None,
    entrance: Entrance | None = None,
) -> Window:
    """Serve the pages in the background, to this computer alone.

    Args:
        session: The open window.
        port: The port to use; None takes the first free one from 7860.
        page: The tab that is open first.
        run_id: The run that the review page begins with.
        entrance: How somebody is let in; None means by a new key.

    Raises:
        EngineError: The port is in use or may not be used.
    """
    entrance = entrance or Key()
    files = _keep_to_ourselves(session.workspace)
    listening = _bound(choose_port(port))
    number = int(listening.getsockname()[1])
    app = build_app(session, page=page, run_id=run_id)
    own = [one for one in own_routes(session) if one.for_guests or not session.read_only]
    hosts = local_hosts(number)
    guard = Guard(
        _mounted(app, own),
        hosts=lambda: hosts | {host.lower() for host in session.hosts},
        entrance=entrance,
        openings=openings_of(app, own, files),
        cookie=f"overread-{number}",
    )
    app.server = BackgroundServer(guard, listening)  # type: ignore[assignment]  # Gradio knows its own alone
    app.is_running = True  # so that `close` ends the queue, the streams and the server
    url = f"http://{ADDRESS}:{number}"
    address = url + (entrance.query if isinstance(entrance, Key) else "")
    return Window(url=url, address=address, port=number, session=session, app=app, guard=guard)


def own_routes(session: AppSession) -> list[OwnRoute]:
    """Return every route of ours: to add one, add a line."""
    return [
        OwnRoute(route=image_route(session), for_guests=True),
        OwnRoute(route=picture_route(session)),
        OwnRoute(route=take_route(session), largest_body=MOST_BYTES),
    ]


def _mounted(app: gr.Blocks, own: Sequence[OwnRoute]) -> FastAPI:
    """Return the application: our routes, and behind them Gradio's."""
    closed: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    outer = FastAPI(routes=[one.route for one in own], **closed)
    app.queue(default_concurrency_limit=4)
    gr.mount_gradio_app(
        outer,
        app,
        path="",
        run_history=False,
        footer_links=[],
        mcp_server=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=LARGEST_FILE,
        theme=THEME,
        css=CSS,
        head=HEAD,
        app_kwargs=closed,
    )
    app.app = outer.routes[-1].app  # type: ignore[attr-defined]  # whose streams end when the window does
    return outer


def serve(
    workspace: Workspace,
    *,
    port: int | None = None,
    open_browser: bool = True,
    page: str = "review",
    run_id: str | None = None,
) -> None:
    """Open the window and wait until Ctrl-C or a signal ends it.

    Args:
        workspace: What it shows.
        port: See `start`.
        open_browser: Whether to open it in the browser of this computer.
        page: See `start`.
        run_id: See `start`.

    Raises:
        EngineError: The port is in use, or the workspace's database cannot be used.
    """
    session = open_session(workspace)
    window = start(session, port=port, page=page, run_id=run_id)
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signals = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    heeded = [number for number in signals if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        print(f"Overread is open at {window.address} (Ctrl-C ends it)", flush=True)
        with way_in(workspace.root, window.port, window.address) as leads:
            if open_browser:
                webbrowser.open(leads.as_uri() if leads else window.url)
            while not ended.wait(1.0):  # a wait without an end cannot be interrupted on Windows
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        window.close()
        session.store.close()


def choose_port(wanted: int | None) -> int:
    """Return the port to serve on.

    Args:
        wanted: The one asked for; None takes the first free one from 7860, or any.

    Raises:
        EngineError: The one asked for is in use or may not be used.
    """
    if wanted is not None:
        _try(wanted)
        return wanted
    for port in range(FIRST_PORT, LAST_PORT + 1):
        try:
            return _try(port)
        except EngineError:
            continue
    return _try(0)


def _try(port: int) -> int:
    """Bind and let go."""
    with _bound(port) as probe:
        return int(probe.getsockname()[1])


def _bound(port: int) -> socket.socket:
    """Return a socket bound to a port of this computer, which its owner closes."""
    remedy = "Choose another with --port, or leave it out to get a free one"
    probe = socket.socket()
    if sys.platform != "win32":  # a port let go a moment ago is free; Windows means something else by it
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((ADDRESS, port))
        return probe
    except OverflowError as error:
        probe.close()
        raise EngineError(f"{port} is not a port: they run from 1 to 65535", remedy) from error
    except OSError as error:
        probe.close()
        reason = "may not be used by you" if error.errno == errno.EACCES else "is in use by another program"
        raise EngineError(f"Port {port} {reason}", remedy) from error


def _keep_to_ourselves(workspace: Workspace) -> Path:
    """Close Gradio's doors to the outside before anything is built; return the folder of ours that it writes to."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    for name in (
        "GRADIO_SHARE",
        "GRADIO_MCP_SERVER",
        "GRADIO_ALLOWED_PATHS",
        "GRADIO_VIBE_MODE",
        "GRADIO_SSR_MODE",
    ):
        os.environ.pop(name, None)
    uploads = workspace.cache / "uploads"
    uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    return uploads
