"""`overread gui`: the window, and the link for guests where it was asked for."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from pathlib import Path

from engine.errors import EngineError
from engine.reading import open_store
from engine.runs import find_run
from engine.workspace import Workspace, open_workspace
from gui.app import serve
from gui.cli.terminal import remarks, say
from gui.sharing import Share, share

GRADIO = "Gradio's server gradio.live"


def gui(
    workspace_root: Path | None,
    *,
    port: int | None,
    open_browser: bool,
    share_minutes: int | None,
    through_ssh: bool,
    share_server: str | None,
    sure: bool,
) -> None:
    """See `gui.cli.main.gui`."""
    workspace = open_workspace(workspace_root)
    link = None
    if share_minutes is not None and _agreed(sure, share_server or ("" if through_ssh else GRADIO)):
        try:
            link = open_link(workspace, minutes=share_minutes, through_ssh=through_ssh, server=share_server)
        except EngineError as error:
            say(f"{error} The window on this computer opens all the same.")
    with closing(link) if link is not None else nullcontext():
        serve(workspace, port=port, open_browser=open_browser)


def open_link(workspace: Workspace, *, minutes: int, through_ssh: bool, server: str | None) -> Share:
    """Open a link to a copy of the newest run's cases, and say how guests get in.

    Raises:
        ShareError: No link can be had.
        RunError: There is no finished run to share.
    """
    run = find_run(workspace, "latest")
    with open_store(workspace.database) as store:
        link = share(
            workspace,
            store,
            run.run_id,
            minutes=minutes,
            through="ssh" if through_ssh else "tunnel",
            server=server,
        )
    say(f"Guests: {link.url}")
    if link.command:
        say(f"Let them in with: {link.command}")
    say(f"User {link.user}, password {link.password}.")
    say(f"It closes by itself at {link.expires_at.astimezone():%H:%M}, and with this window.")
    return link


def _agreed(sure: bool, server: str) -> bool:
    if sure:
        return True
    if not sys.stdin.isatty():
        say("A link needs your consent: add --yes. The window on this computer opens all the same.")
        return False
    how = (
        f"reachable from the internet through {server}"
        if server
        else "served here, for your own server to pass on"
    )
    remarks().print(
        "A read-only copy of some of the newest run's test films, without file names, dates and patient ids, will be "
        f"{how}. A name burned into a film is NOT removed. May you show these films, and is no name burned in? "
        "[y/N] ",
        end="",
        markup=False,
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
