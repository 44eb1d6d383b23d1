"""`overread gui`: something to see within a second, and the window itself as soon as Gradio is loaded.

The port is taken and listened at before anything heavy is imported, and a page on the disk says that Overread is
starting and leads there. A browser shows a page until the next one answers: the waiting connection is answered when
the window is there.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

from engine.workspace import Workspace
from gui.door import Key, Public, way_in
from gui.listening import ADDRESS, bound, check_alone, choose_port, url_of

TURN_SECONDS = 0.0005
"""How long a thread keeps others waiting that could go on; Python's own 5 ms is too long where answers are given.

Who stores an answer asks the database ten times and more, and after each of its replies waits again until the thread
that computes at the moment has had its turn. Fifty readers on PostgreSQL waited half as long with this.
"""
WARM_AFTER = 6.0
"""Seconds after the window is open, when it loads what computes reports: the Review page's first image comes first."""


def serve(
    workspace: Workspace,
    *,
    port: int | None = None,
    open_browser: bool = True,
    page: str = "review",
    run_id: str | None = None,
    host: str = ADDRESS,
    accounts: bool = False,
    public: Public | None = None,
) -> None:
    """Open the window and wait until Ctrl-C or a signal ends it.

    Args:
        workspace: What it shows.
        port: The port to use; None takes the first free one from 7860.
        open_browser: Whether to open it in the browser of this computer.
        page: The tab that is open first.
        run_id: The run that the review page begins with.
        host: Where to listen.
        accounts: Whether readers sign in.
        public: The address by which the window is reached through a proxy.

    Raises:
        EngineError: The port is in use, the workspace's database cannot be used, or nobody could administer it.
    """
    if not accounts:
        check_alone(host)
    sys.setswitchinterval(TURN_SECONDS)
    key = None if accounts else Key()
    with (
        _heeded() as (ended, is_open),
        bound(host, choose_port(port, host)) as listening,
        _led_in(workspace, listening, host, key, open_browser),
    ):
        from gui.app import start  # with it comes Gradio
        from gui.mounting import members_of
        from gui.web import open_session

        session = open_session(workspace)
        window = start(
            session,
            page=page,
            run_id=run_id,
            host=host,
            entrance=key or members_of(session, public),
            public=public,
            listening=listening,
        )
        try:
            is_open.set()
            print(f"Overread is open at {window.address} (Ctrl-C ends it)", flush=True)
            if accounts and open_browser:
                webbrowser.open(window.url)
            threading.Thread(target=_settle, args=[ended], name="settling", daemon=True).start()
            while not ended.wait(1.0):  # a wait without an end cannot be interrupted on Windows
                pass
        finally:
            is_open.clear()  # who asks again does not wait for what is closed
            window.close()
            session.store.close()


@contextmanager
def _led_in(
    workspace: Workspace, listening: socket.socket, host: str, key: Key | None, open_browser: bool
) -> Iterator[None]:
    """Show the page that leads in; where readers sign in there is no key to lead anybody in with."""
    port = int(listening.getsockname()[1])
    url = url_of(host, port)
    with nullcontext() if key is None else way_in(workspace.root, port, url + key.query) as leads:
        if open_browser and key is not None:
            shown = leads.as_uri() if leads else url
            asking = threading.Thread(target=webbrowser.open, args=[shown], daemon=True)
            asking.start()
            asking.join(
                1.0
            )  # most are asked in a moment, before imports take the processor; some never return
        yield


@contextmanager
def _heeded() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Give what is set by the signals that ask for an end, and what is to be set when the window is open.

    Until then they interrupt what is done. A library that is loaded may swallow that: the window ends as it opens.
    """
    ended, is_open = threading.Event(), threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()
        if not is_open.is_set():
            interrupt = before[signal.Signals(number)]
            if callable(interrupt):
                interrupt(number, frame)
            raise KeyboardInterrupt(signal.Signals(number))

    signals = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    heeded = [number for number in signals if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in heeded}
    try:
        for number in heeded:
            signal.signal(number, end)
        yield ended, is_open
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _settle(ended: threading.Event, after: float = WARM_AFTER) -> None:
    """Take what the program consists of out of sight of Python's collector of garbage, once it is all there.

    With Gradio and what computes reports that is half a million objects. The collector walks over all of them whenever
    a fourth as many have come, and nobody is answered meanwhile: .2 s of a processor each time.
    """
    from gui.pages.report import load_what_computes

    if not ended.wait(after):
        load_what_computes()
        gc.collect()
        gc.freeze()
