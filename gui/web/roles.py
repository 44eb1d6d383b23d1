"""Who may do what in a department: one table for pages, for what their scripts call, and for routes of ours.

A window without accounts belongs to the person at this computer, who may do everything. With accounts each role has
pages of its own, and of them only what it may call: the rest is not there to be asked for. What stands in no table is
the administrator's alone, and a test fails until somebody has said whose it is.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from threading import Lock
from typing import Any, Final

import gradio as gr

from engine.errors import ReviewError
from engine.language import _
from engine.records import READER_ROLES
from gui.web.error_messages import answered

MOST_TOKENS = 10_000
ADMINISTRATOR: Final = "administrator"
ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
ADJUDICATORS: Final = ADMINISTRATORS | {"adjudicator"}
READERS: Final = ADJUDICATORS | {"reader"}
EVERYONE: Final = READERS | {"guest"}
INVITED: Final = "invited"
"""Not a reader's role: whoever reads one study by an invitation, in a window of their own."""
WHO_READ: Final = READERS | {INVITED}
NOBODY: Final[frozenset[str]] = frozenset()
"""Only in a window without accounts: who reads is then chosen from a list."""

ROLES: Final = tuple(READER_ROLES)
ROLES_OF_PAGES: Mapping[str, Collection[str]] = {
    "data": ADMINISTRATORS,
    "train": ADMINISTRATORS,
    "review": EVERYONE,
    "studies": READERS,
    "report": ADMINISTRATORS,
    "share": ADMINISTRATORS,
    "reading": frozenset({INVITED}),
}
"""Keys of `gui.app.PAGES`. A page's Gradio events belong to whoever has the page, if that is administrators alone."""

FUNCTIONS: Mapping[str, Collection[str]] = {
    # the review page
    "open_reading": EVERYONE,
    "show_case": EVERYONE,
    "leave": EVERYONE,
    "explain": READERS,
    "stop_explaining": READERS,
    "decide": READERS,
    "reveal_label": READERS,
    "beside": WHO_READ,
    "remember": READERS,
    "find_images": ADMINISTRATORS,
    "save_reader": NOBODY,
    "flag_case": READERS,
    "summarise": READERS,
    "export_readings": READERS,
    # the report page
    "report_part": ADMINISTRATORS,
    "write_prevalence": ADMINISTRATORS,
    "cases_behind": ADMINISTRATORS,
    "write_item": ADMINISTRATORS,
    "runs_to_compare": ADMINISTRATORS,
    "compare": ADMINISTRATORS,
    "compared_bundle": ADMINISTRATORS,
    # the studies page: making them
    "list_studies": READERS,
    "show_study": READERS,
    "offer_choices": ADMINISTRATORS,
    "plan_study": ADMINISTRATORS,
    "make_study": ADMINISTRATORS,
    "add_reader": ADMINISTRATORS,
    "show_report": ADMINISTRATORS,
    "write_study_item": ADMINISTRATORS,
    "lock_study": ADMINISTRATORS,
    "close_study": ADMINISTRATORS,
    "change_study": ADMINISTRATORS,
    "reread_labels": ADMINISTRATORS,
    # and reading them
    "open_study": WHO_READ,
    "answer": WHO_READ,
    "undo": WHO_READ,
    "go_to": WHO_READ,
    "go_on": WHO_READ,
    "leave_study": WHO_READ,
}
"""What a page's script may call (its server functions), by name."""

ROUTES: Mapping[str, Collection[str]] = {
    "/image/{run_id}/{image_id}/{layer}/{signed}": EVERYONE,
    "/data-image/{dataset_id}/{image}/{layer}/{signed}": ADMINISTRATORS,
    "/study-image/{study_id}/{image_id}/{signed}": WHO_READ,
    "/study-depth/{study_id}/{image_id}/{signed}": WHO_READ,
    "/study-export/{study_id}/{signed}": ADMINISTRATORS,
    "/study-report/{study_id}/{kind}/{signed}": ADMINISTRATORS,
    "/take/{when}/{signed}": ADMINISTRATORS,
    "/who": EVERYONE,
    "/words/{code}.js": EVERYONE | {INVITED},
}


def may(role: str, table: Mapping[str, Collection[str]], name: str) -> bool:
    """Tell whether a role has something of a table; what is not in it is the administrator's."""
    return role in table.get(name, ADMINISTRATORS)


def rights_of(role: str) -> frozenset[tuple[str, bool]]:
    """Return all that a role may; two with the same rights can have the same pages."""
    tables = (ROLES_OF_PAGES, FUNCTIONS, ROUTES)
    return frozenset((name, role in table[name]) for table in tables for name in table)


def keep_to(role: str, pages: gr.Blocks, signed_in: Callable[[], str]) -> None:
    """Take from built pages what a role may not call, and let it act under its own name alone.

    Args:
        role: Whose pages they are.
        pages: They, built.
        signed_in: Returns the name of whoever asks.
    """
    tokens = Tokens()
    for block in pages.blocks.values():
        for function in getattr(block, "server_fns", ()):
            allowed = may(role, FUNCTIONS, function.__name__)
            served = _under_own_name(function, signed_in, tokens) if allowed else _refused(function.__name__)
            served.__name__ = function.__name__
            served._is_server_fn = True  # type: ignore[attr-defined]  # as Gradio marks what may be called
            setattr(block, function.__name__, served)


class Tokens:
    """Whose reading a page goes on with: what was opened by one reader answers nobody else."""

    def __init__(self) -> None:
        self._whose: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def keep(self, token: object, name: str) -> None:
        """Remember who opened it."""
        if not isinstance(token, str):
            return
        with self._lock:
            self._whose[token] = name
            while len(self._whose) > MOST_TOKENS:
                self._whose.popitem(last=False)

    def is_of(self, token: object, name: str) -> bool:
        """Tell whether it may be gone on with by somebody; what nobody opened is the page's own to refuse."""
        with self._lock:
            return not isinstance(token, str) or self._whose.get(token, name) == name


def _under_own_name(
    function: Callable[..., Any], signed_in: Callable[[], str], tokens: Tokens
) -> Callable[..., Any]:
    @functools.wraps(function)  # which may take the request as well
    def call(asked: Any = None, *request: Any) -> Any:
        told, name = asked if isinstance(asked, dict) else {}, signed_in()
        if not tokens.is_of(told.get("reading"), name):
            return answered(_not_yours)()
        answer = function({**told, "reader": name}, *request)
        if isinstance(answer, dict):
            tokens.keep(answer.get("reading"), name)
        return answer

    return call


def _not_yours() -> dict[str, Any]:
    raise ReviewError(
        _("This reading was opened by somebody else, and nothing was stored"), _("Reload the page")
    )


def _refused(name: str) -> Callable[[Any], Any]:
    def refuse() -> dict[str, Any]:
        if FUNCTIONS.get(name) == NOBODY:
            raise ReviewError(
                _("Readers are added and changed by whoever administers this workspace"),
                _("Ask them"),
            )
        raise ReviewError(_("Your role may not do that"), _("Ask whoever administers this workspace"))

    def call(asked: Any = None) -> dict[str, Any]:
        return answered(refuse)()

    return call
