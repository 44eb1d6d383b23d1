"""Name it, note something, archive it, delete it: the same for the run of the Train page and the data set of Data.

place        the fields and buttons, in an accordion
Keeping      what they are, and the handlers behind them
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from engine.errors import EngineError, WorkspaceError
from engine.managing import Dependents, delete_data, delete_run, dependents_of_data, dependents_of_run
from engine.naming import LONGEST_NAME, LONGEST_NOTE, give, given_of
from engine.reading import Store
from engine.records import Run
from engine.workspace import Workspace
from gui.web import AppSession, markup, shown

# Comes to a page again; what is gone is no longer named in the address.
COME_AGAIN = """(one) => {
  if (!one) window.overread.go({ %s });
  document.getElementById('again-%s')?.click();
}"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is kept: a run or a data set.

    Attributes:
        noun: For people.
        folders: Where they lie.
        dependents: What depends on one.
        delete: Deletes one.
    """

    noun: str
    folders: Callable[[Workspace], Path]
    dependents: Callable[[Workspace, Store, str], Dependents]
    delete: Callable[[Workspace, Store, str], Dependents]


RUN = Kind(
    noun="run", folders=lambda workspace: workspace.runs, dependents=dependents_of_run, delete=delete_run
)
DATA = Kind(
    noun="data set",
    folders=lambda workspace: workspace.datasets,
    dependents=dependents_of_data,
    delete=delete_data,
)


def named(folder: Path, otherwise: str) -> str:
    """Return what a run or data set is called: by the name it was given, and whether it is archived."""
    given = given_of(folder)
    return (given.name or otherwise) + (" (archived)" if given.archived else "")


def run_title(run: Run) -> str:
    """Return how a finished run stands where one is chosen."""
    return f"{run.created.astimezone():%d %b %Y %H:%M} · {named(run.folder, run.title)} · {run.dataset_name}"


def offered(folder: Path, also: str | None = None) -> bool:
    """Return whether a run or data set is offered where one is chosen: what is put away only where it is named."""
    return folder.name == also or not given_of(folder).put_away


def place(
    session: AppSession, kind: Kind, chosen: gr.Dropdown, again: Callable[[Any], Any], *, prefix: str
) -> None:
    """Place the accordion.

    Args:
        session: The window.
        kind: Of what is chosen.
        chosen: The drop-down in which it is.
        again: Given an event, makes the page show after it what there is now.
        prefix: Of the ids of its parts: two pages have one.
    """
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    with gr.Accordion(
        f"Name, note, archive or delete this {kind.noun}", open=False, elem_id=f"{prefix}-keeping"
    ):
        with gr.Row():
            name = gr.Textbox(label="Name", max_length=LONGEST_NAME, elem_id=f"{prefix}-name", scale=2)
            note = gr.Textbox(
                label="Note", max_length=LONGEST_NOTE, lines=1, elem_id=f"{prefix}-note", scale=3
            )
        with gr.Row():
            keep = gr.Button("Keep name and note", elem_id=f"{prefix}-keep", min_width=150)
            away = gr.Button("Archive", elem_id=f"{prefix}-archive", min_width=120)
            ask = gr.Button("Delete…", elem_id=f"{prefix}-delete", min_width=120)
        said = gr.HTML(elem_id=f"{prefix}-kept", padding=False)
        with gr.Row(visible=False) as sure:
            really = gr.Button("Delete for good", variant="stop", elem_id=f"{prefix}-really", min_width=150)
            leave = gr.Button("Keep it", elem_id=f"{prefix}-leave", min_width=120)
    told = [name, note, away, said, sure]
    chosen.change(partial(shown(look), session, kind), chosen, told, api_name=f"{prefix}_given", **quiet)
    kept = keep.click(
        partial(shown(keep_given), session, kind),
        [chosen, name, note],
        told,
        api_name=f"{prefix}_keep",
        **quiet,
    )
    put = away.click(
        partial(shown(put_away), session, kind), chosen, told, api_name=f"{prefix}_archive", **quiet
    )
    ask.click(
        partial(shown(ask_first), session, kind), chosen, [said, sure], api_name=f"{prefix}_ask", **quiet
    )
    leave.click(partial(shown(look), session, kind), chosen, told, api_name=f"{prefix}_leave", **quiet)
    gone = really.click(
        partial(shown(delete), session, kind), chosen, [chosen, *told], api_name=f"{prefix}_delete", **quiet
    )
    for done in (kept, put, gone):
        again(done)


def come_again(page: str, chosen: gr.Dropdown, forget: str) -> Callable[[Any], Any]:
    """Return what makes a page be come to again after an event; `forget` is what the address then names no more."""
    return lambda done: done.then(None, chosen, None, js=COME_AGAIN % (forget, page))


def look(session: AppSession, kind: Kind, chosen: str | None, said: str = "") -> tuple[Any, ...]:
    """Return what the accordion shows of a run or data set."""
    given = given_of(_folder(session, kind, chosen)) if chosen else given_of(Path())
    return (
        gr.Textbox(value=given.name),
        gr.Textbox(value=given.note),
        gr.Button("Offer it again" if given.archived else "Archive"),
        said,
        gr.Row(visible=False),
    )


def keep_given(session: AppSession, kind: Kind, chosen: str | None, name: str, note: str) -> tuple[Any, ...]:
    """Keep a name and a note.

    Raises:
        EngineError: The window is read-only, nothing is chosen, or it is too long.
    """
    give(_folder(session, kind, chosen), name=name, note=note)
    return look(session, kind, chosen, markup.note("Kept.", tone="good"))


def put_away(session: AppSession, kind: Kind, chosen: str | None) -> tuple[Any, ...]:
    """Archive what is chosen, or offer it again."""
    folder = _folder(session, kind, chosen)
    given = give(folder, archived=not given_of(folder).archived)
    words = (
        f"This {kind.noun} is archived: it is left out where one is chosen, and a link to it opens it as before."
        if given.archived
        else f"This {kind.noun} is offered again."
    )
    return look(session, kind, chosen, markup.note(words, tone="good"))


def ask_first(session: AppSession, kind: Kind, chosen: str | None) -> tuple[Any, ...]:
    """Return what depends on what is chosen, and whether it may be deleted after that."""
    _folder(session, kind, chosen)
    known = kind.dependents(session.workspace, session.store, str(chosen))
    if known.forbids:
        return (
            markup.note(
                f"This {kind.noun} cannot be deleted. Archive it instead.", tone="serious", more=known.forbids
            ),
            gr.Row(visible=False),
        )
    more = [*(f"Deleted with it: {one}." for one in known.goes), *(f"Stays: {one}" for one in known.stays)]
    return markup.note(f"Delete this {kind.noun} for good?", tone="mild", more=more), gr.Row(visible=True)


def delete(session: AppSession, kind: Kind, chosen: str | None) -> tuple[Any, ...]:
    """Delete what is chosen, and choose nothing.

    Raises:
        EngineError: Something forbids it.
    """
    folder = _folder(session, kind, chosen)
    what = named(folder, folder.name)
    kind.delete(session.workspace, session.store, folder.name)
    return gr.Dropdown(value=None), *look(
        session, kind, None, markup.note(f"The {kind.noun} {what} is deleted.", tone="good")
    )


def _folder(session: AppSession, kind: Kind, chosen: str | None) -> Path:
    if session.read_only:
        raise WorkspaceError("This window is read-only", "Ask the owner to do that")
    if not chosen:
        raise EngineError(f"No {kind.noun} is chosen", "Choose one above")
    return kind.folders(session.workspace) / chosen
