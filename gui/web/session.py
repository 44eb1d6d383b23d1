"""What one running window needs to know: the workspace, its store, who reads, and what is allowed.

It is made once when the server starts and handed to every page. Nothing in it belongs to one browser: a
reader's name comes with every verdict, never from a server-side memory of "the current user".
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from engine.jobs import Explaining
from engine.reading import Store, open_store
from engine.workspace import Workspace
from gui.web.invited import Invited


def default_reader() -> str:
    """Return the name of the person at this computer, or "reader" where the system has none to give."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no password entry, as in some containers
        return "reader"


@dataclass(frozen=True, kw_only=True)
class AppSession:
    """One running window on one workspace.

    Attributes:
        workspace: Where runs, caches and the database are.
        store: The open database.
        secret: Signs the addresses of films; new with every start, so old addresses die with the process.
        reader: The person at this computer, as its account names them, until they give their name.
        read_only: A guest's window: nothing can be written, trained or brought in.
        allow_downloads: Whether a training may fetch pretrained weights.
        hosts: Further values of the Host header that may reach this server, such as a tunnel's public name.
            May be added to while the server runs.
        prefix: What stands before every address where a proxy serves the window below one, such as "/overread".
        signed_in: Returns the name of the reader whose request is being answered; empty where nobody signs in.
        endings: What is still to be written down when the window closes.
        invited: Whom the window is for, where it was opened by an invitation to read a study.
    """

    workspace: Workspace
    store: Store
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    reader: str = field(default_factory=default_reader)
    read_only: bool = False
    allow_downloads: bool = False
    hosts: set[str] = field(default_factory=set)
    prefix: str = ""
    signed_in: Callable[[], str] = lambda: ""
    endings: list[Callable[[], None]] = field(default_factory=list, repr=False)
    invited: Invited | None = None

    @cached_property
    def explaining(self) -> Explaining:
        """What makes heatmaps that somebody asks for; closed with the window."""
        return Explaining(self.workspace.cache)


def open_session(
    workspace: Workspace, *, read_only: bool = False, allow_downloads: bool = False, reader: str | None = None
) -> AppSession:
    """Open the workspace's database and return a session on it.

    Raises:
        StoreError: The database cannot be used.
    """
    return AppSession(
        workspace=workspace,
        store=open_store(workspace.database),
        reader=reader or default_reader(),
        read_only=read_only,
        allow_downloads=allow_downloads,
    )
