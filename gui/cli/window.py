"""`overread gui` and `docs`: what opens in the browser, and the link for guests where it was asked for."""

from __future__ import annotations

import webbrowser
from contextlib import closing, nullcontext
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.workspace import open_workspace, remarks as about
from gui import door, sharing
from gui.cli.options import (
    LOOK,
    START,
    AddressOption,
    BrowserOption,
    MinutesOption,
    PortOption,
    ServerOption,
    WorkspaceOption,
    YesOption,
)
from gui.cli.readings.share import agreed, newest_shared, told
from gui.cli.terminal import say
from gui.documentation import site_of

app = typer.Typer()


@app.command(rich_help_panel=START)
def gui(
    root: WorkspaceOption = None,
    port: PortOption = None,
    no_browser: BrowserOption = False,
    share: Annotated[
        bool, typer.Option("--share", help="Also make a link for guests to a read-only copy without names.")
    ] = False,
    minutes: MinutesOption = 60,
    via: Annotated[
        str | None,
        typer.Option(metavar="WAY", help=f"Share, and how guests connect: {', '.join(sharing.WAYS)}."),
    ] = None,
    server: ServerOption = None,
    address: AddressOption = None,
    yes: YesOption = False,
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
    from gui.serving import serve

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
    if (share or via) and agreed(yes, way, server, "some of the newest run's test images"):
        try:
            access = sharing.Access(minutes=minutes, via=way, server=server, address=address, tell=say)
            link = told(newest_shared(workspace, access), "with this window")
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
