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
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from engine.errors import EngineError
from engine.workspace import Workspace
from gui.pages.data import picture_route, take_route
from gui.web import AppSession, Guard, image_route, local_hosts, open_session

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
        url: For the browser on this computer.
        port: On 127.0.0.1.
        session: What it shows.
        app: The pages.
    """

    url: str
    port: int
    session: AppSession
    app: gr.Blocks

    def close(self) -> None:
        """End the server; training goes on in its own process."""
        self.app.close(verbose=False)


def start(
    session: AppSession,
    *,
    port: int | None = None,
    page: str = "review",
    run_id: str | None = None,
    auth: Callable[[str, str], bool] | None = None,
) -> Window:
    """Serve the pages in the background, to this computer alone.

    Args:
        session: The open window.
        port: The port to use; None takes the first free one from 7860.
        page: The tab that is open first.
        run_id: The run that the review page begins with.
        auth: Says whether a user and password may enter; None asks for none.

    Raises:
        EngineError: The port is in use or may not be used.
    """
    _keep_to_ourselves(session.workspace)
    number = choose_port(port)
    hosts = local_hosts(number)
    app = build_app(session, page=page, run_id=run_id)
    app.queue(default_concurrency_limit=4).launch(
        server_name=ADDRESS,
        server_port=number,
        share=False,
        inbrowser=False,
        prevent_thread_lock=True,
        quiet=True,
        auth=auth,
        run_history=False,
        footer_links=[],
        mcp_server=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        _frontend=False,  # no second look whether we answer: on a busy computer it gives up after three seconds
        max_file_size="16mb",  # of Gradio's own uploads: recipes; images come by `take_route`
        theme=THEME,
        css=CSS,
        head=HEAD,
        app_kwargs={
            "routes": [image_route(session), picture_route(session), take_route(session)],
            "middleware": [Middleware(Guard, hosts=lambda: hosts | {host.lower() for host in session.hosts})],
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
    )
    return Window(url=f"http://{ADDRESS}:{number}", port=number, session=session, app=app)


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

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        print(f"Overread is open at {window.url} (Ctrl-C ends it)", flush=True)
        if open_browser:
            webbrowser.open(window.url)
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
    """Bind and let go; the port may be taken by another program in between, which launching then says."""
    remedy = "Choose another with --port, or leave it out to get a free one"
    with socket.socket() as probe:
        if sys.platform != "win32":  # a port let go a moment ago is free; Windows means something else by it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
            return int(probe.getsockname()[1])
        except OverflowError as error:
            raise EngineError(f"{port} is not a port: they run from 1 to 65535", remedy) from error
        except OSError as error:
            reason = (
                "may not be used by you" if error.errno == errno.EACCES else "is in use by another program"
            )
            raise EngineError(f"Port {port} {reason}", remedy) from error


def _keep_to_ourselves(workspace: Workspace) -> None:
    """Close Gradio's doors to the outside before anything is built, and give it a folder of ours to write to."""
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
    # launch() asks its own server whether it is up; a proxy must not be asked instead
    reached: list[Any] = [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "localhost", ADDRESS]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, reached))
