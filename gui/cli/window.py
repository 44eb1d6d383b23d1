"""`overread gui` and `docs`: what opens in the browser, and the link for guests where it was asked for."""

from __future__ import annotations

import sys
import webbrowser
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from engine import reading, runs
from engine.errors import EngineError, ShareError
from engine.workspace import Workspace, open_workspace, remarks as about
from gui import door, sharing
from gui.cli.options import LOOK, START, BrowserOption, PortOption, WorkspaceOption
from gui.cli.terminal import remarks, say
from gui.documentation import site_of

if TYPE_CHECKING:
    from gui.sharing import Share

app = typer.Typer()


@app.command(rich_help_panel=START)
def gui(
    root: WorkspaceOption = None,
    port: PortOption = None,
    no_browser: BrowserOption = False,
    share: Annotated[
        bool, typer.Option("--share", help="Also make a link for guests to a read-only copy without names.")
    ] = False,
    minutes: Annotated[int, typer.Option(metavar="N", help="How long the link lives.")] = 60,
    via: Annotated[
        str | None,
        typer.Option(metavar="WAY", help=f"Share, and how guests connect: {', '.join(sharing.WAYS)}."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="SERVER", help="A server of your own: you@server for ssh, host:port for gradio."
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="What guests open, where your server passes it on.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sharing.")] = False,
    auth: Annotated[
        bool, typer.Option("--auth", help="Readers sign in, each by an account: see overread accounts.")
    ] = False,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; beyond this computer with --auth alone.")
    ] = "127.0.0.1",
    public_address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="What people open, where a proxy serves it: https://host/overread/"),
    ] = None,
    trust_proxy: Annotated[
        bool, typer.Option("--trust-proxy", help="Believe the proxy's X-Forwarded-For: who it was asked by.")
    ] = False,
) -> None:
    """Open the pages: Data, Train, Review, Report, Share. They are served to this computer only, but for --auth.

    Example: [bold]overread gui --workspace ~/study[/bold]
    """
    from gui.app import serve  # with it comes Gradio

    workspace = open_workspace(root)
    for remark in about(workspace):
        say(f"{remark}.")
    public = door.public_address(public_address, trusts_proxy=trust_proxy) if public_address else None
    if auth and (public is None or public.scheme != "https") and host != "127.0.0.1":
        say(
            "Passwords and images go through the network as they are: put a proxy with TLS in front and name what "
            "people open with --public-address https://…"
        )
    link = None
    way = via or next(iter(sharing.WAYS))
    if (share or via) and _agreed(yes, way, server):
        try:
            link = open_link(workspace, minutes=minutes, via=way, server=server, address=address)
        except EngineError as error:
            say(f"{error} The window on this computer opens all the same.")
    with closing(link) if link is not None else nullcontext():
        serve(
            workspace,
            port=port,
            open_browser=not no_browser,
            host=host,
            accounts=auth,
            public=public,
        )


@app.command(rich_help_panel=LOOK)
def docs(no_browser: BrowserOption = False) -> None:
    """Open this documentation in the browser, from this disk and without a network.

    Example: [bold]overread docs[/bold]
    """
    address = site_of(say=say).as_uri()
    print(address)
    if not no_browser:
        webbrowser.open(address)


def open_link(
    workspace: Workspace, *, minutes: int, via: str, server: str | None, address: str | None
) -> Share:
    """Open a link to a copy of the newest run's cases, and say how guests get in.

    Raises:
        ShareError: No link can be had.
        RunError: There is no finished run to share.
    """
    run = runs.find_run(workspace, "latest")
    with reading.open_store(workspace.database) as store:
        link = sharing.share(
            workspace,
            store,
            run.run_id,
            minutes=minutes,
            via=via,
            server=server,
            address=address,
            tell=say,
        )
    say(f"Guests: {link.url}")
    if link.command:
        say(f"Let them in with: {link.command}")
    say(f"User {link.user}, password {link.password}.")
    say(f"It closes automatically at {link.expires_at.astimezone():%H:%M}, or with this window.")
    return link


def _agreed(sure: bool, via: str, server: str | None) -> bool:
    """Ask, naming whose computers the images pass through.

    Raises:
        ShareError: There is no such way.
    """
    if via not in sharing.WAYS:
        raise ShareError(
            f"There is no way “{via}” for guests to connect", f"Choose one of: {', '.join(sharing.WAYS)}"
        )
    way = sharing.WAYS[via]
    say(f"{way.title}: the images will pass through {way.operator(server)}.")
    if sure:
        return True
    if not sys.stdin.isatty():
        say("A link needs your consent: add --yes. The window on this computer opens all the same.")
        return False
    remarks().print(
        "Guests will see a read-only copy of some of the newest run's test images, without file names, dates and "
        "patient ids. A name burned into an image is NOT removed. Are you allowed to show these images, and is no name "
        "burned in? [y/N] ",
        end="",
        markup=False,
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
