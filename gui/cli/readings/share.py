"""`overread share`: a link by which guests look at chosen cases, or one reader by name reads a study."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from engine import reading, runs
from engine.errors import ShareError
from engine.workspace import Workspace, open_workspace
from gui import sharing
from gui.cli.options import (
    LOOK,
    AddressOption,
    MinutesOption,
    ServerOption,
    WorkspaceOption,
    YesOption,
    named,
    whole,
)
from gui.cli.terminal import remarks, say

if TYPE_CHECKING:
    from gui.sharing import Access, Share

app = typer.Typer()
LOOKED_AT = "the chosen cases"


@app.command("share", rich_help_panel=LOOK)
def share(
    run: Annotated[
        str,
        typer.Argument(parser=named, metavar="[RUN]", help="Whose cases guests look at: a run, or latest."),
    ] = "latest",
    cases: Annotated[
        int,
        typer.Option(
            parser=whole(1), metavar="N", help="How many are drawn at random, or taken from the queue."
        ),
    ] = sharing.USUAL_CASES,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole(0), metavar="N", help="Draws the same cases again; others each time without it."
        ),
    ] = None,
    queue: Annotated[
        str, typer.Option(metavar="QUEUE", help="Takes the first cases of a queue of the Review page.")
    ] = "",
    reader: Annotated[
        str,
        typer.Option(metavar="NAME", help="Whose queue it is; with --study, who is invited to read it."),
    ] = "",
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="CASE", help="A case by hand: file name or id, or its start; may be repeated."),
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="Show guests the labels that came with the data.")
    ] = False,
    study: Annotated[
        str,
        typer.Option(metavar="STUDY", help="Invite --reader to read this study, and to see nothing else."),
    ] = "",
    minutes: MinutesOption = 60,
    via: Annotated[
        str, typer.Option(metavar="WAY", help=f"How guests connect: {', '.join(sharing.WAYS)}.")
    ] = next(iter(sharing.WAYS)),
    server: ServerOption = None,
    address: AddressOption = None,
    yes: YesOption = False,
    root: WorkspaceOption = None,
) -> None:
    """Open a link for guests to a copy of cases without names, or for one reader to a study; Ctrl-C ends it.

    Example: [bold]overread share --study Pilot --reader Ada --via ssh[/bold]
    """
    workspace = open_workspace(root)
    if bool(study) and not reader:
        raise ShareError("It is not said who is invited", "Add --reader NAME, one of the study's readers")
    what = f"the images of “{study}”" if study else LOOKED_AT
    if not agreed(yes, via, server, what, invited=reader if study else ""):
        raise ShareError("Nothing was shared", "A link needs your consent: answer y, or add --yes")
    access = sharing.Access(minutes=minutes, via=via, server=server, address=address, tell=say)
    with reading.open_store(workspace.database) as store:
        if study:
            link = sharing.invite(workspace, store, study, reader, access=access)
        else:
            run_id = runs.find_run(workspace, run).run_id
            chosen = sharing.chosen_cases(
                store, run_id, queue=queue, reader=reader, named="\n".join(case or ()), cases=cases
            )
            link = sharing.share(
                workspace, store, run_id, chosen, cases=cases, seed=seed, labels=labels, access=access
            )
    with closing(told(link, "with this program")):
        while link.is_open:
            time.sleep(0.2)


def newest_shared(workspace: Workspace, access: Access) -> Share:
    """Open a link to a copy of the newest run's cases.

    Raises:
        ShareError: No link can be had.
        RunError: There is no finished run to share.
    """
    run = runs.find_run(workspace, "latest")
    with reading.open_store(workspace.database) as store:
        return sharing.share(workspace, store, run.run_id, access=access)


def told(link: Share, ends_with: str) -> Share:
    """Say how guests get in by a link, and return it."""
    say(f"Guests: {link.url}")
    if link.command:
        say(f"Let them in with: {link.command}")
    say(f"User {link.user}, password {link.password}.")
    say(f"It closes automatically at {link.expires_at.astimezone():%H:%M}, or {ends_with}.")
    return link


def agreed(sure: bool, via: str, server: str | None, what: str, *, invited: str = "") -> bool:
    """Ask, naming whose computers the images pass through.

    Args:
        sure: Whether that was agreed to beforehand.
        via: A key of `WAYS`.
        server: Of one's own.
        what: Is shared.
        invited: The reader who is to read it; empty where guests look at a copy.

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
        say("A link needs your consent, so that none is opened: add --yes.")
        return False
    seen = (
        f"{invited} will read {what} and see nothing else of this workspace; the answers are stored in it. "
        if invited
        else f"Guests will see a read-only copy of {what}, without file names, dates and patient ids. "
    )
    remarks().print(
        f"{seen}A name burned into an image is NOT removed. Are you allowed to show these images, and is no name "
        "burned in? [y/N] ",
        end="",
        markup=False,
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
