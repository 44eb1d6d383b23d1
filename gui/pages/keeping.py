"""Name it, note something, archive it, delete it: the same for the run of the Train page and the data set of Data.

place        the fields and buttons, in an accordion
Keeping      what they are, and the handlers behind them
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import bidirectional

import gradio as gr

from engine.errors import EngineError, WorkspaceError
from engine.language import _, isolated, language, moment, right_to_left
from engine.managing import Dependents, delete_data, delete_run, dependents_of_data, dependents_of_run
from engine.naming import LONGEST_NAME, LONGEST_NOTE, Given, give, given_of
from engine.reading import Store
from engine.recipes import recipe_words
from engine.records import Run
from engine.retelling import retold
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
        words: Returns what is said of one, by what is said.
        folders: Where they lie.
        dependents: What depends on one.
        delete: Deletes one.
    """

    words: Callable[[], dict[str, str]]
    folders: Callable[[Workspace], Path]
    dependents: Callable[[Workspace, Store, str], Dependents]
    delete: Callable[[Workspace, Store, str], Dependents]


def _of_run() -> dict[str, str]:
    return {
        "title": _("Name, note, archive or delete this run"),
        "archived": _(
            "This run is archived: it is left out where one is chosen, and a link to it opens it as before."
        ),
        "offered": _("This run is offered again."),
        "kept": _("This run cannot be deleted. Archive it instead."),
        "delete": _("Delete this run for good?"),
        "deleted": _("The run {name} is deleted."),
        "none": _("No run is chosen"),
    }


def _of_data() -> dict[str, str]:
    return {
        "title": _("Name, note, archive or delete this data set"),
        "archived": _(
            "This data set is archived: it is left out where one is chosen, and a link to it opens it as before."
        ),
        "offered": _("This data set is offered again."),
        "kept": _("This data set cannot be deleted. Archive it instead."),
        "delete": _("Delete this data set for good?"),
        "deleted": _("The data set {name} is deleted."),
        "none": _("No data set is chosen"),
    }


RUN = Kind(
    words=_of_run, folders=lambda workspace: workspace.runs, dependents=dependents_of_run, delete=delete_run
)
DATA = Kind(
    words=_of_data,
    folders=lambda workspace: workspace.datasets,
    dependents=dependents_of_data,
    delete=delete_data,
)


LONGEST_IN_A_FIELD = 36


def named(folder: Path, otherwise: str) -> str:
    """Return what a run or data set is called: by the name it was given, and whether it is archived."""
    given = given_of(folder)
    name = given.name or otherwise
    return _("{name} (archived)").format(name=isolated(name)) if given.archived else name


def named_in_a_field(folder: Path, otherwise: str) -> str:
    """Return what `named` does as one line of a choice holds it: a long name is cut, and not that it is archived."""
    given = given_of(folder)
    name = in_a_field(given.name or otherwise)
    return _("{name} (archived)").format(name=name) if given.archived else name


def run_title(run: Run) -> str:
    """Return how a finished run stands where one is chosen."""
    began = moment(run.created.astimezone(), "%d %b %Y %H:%M")
    return (
        f"{began} · {named_in_a_field(run.folder, recipe_words(run.title))} · {in_a_field(run.dataset_name)}"
    )


def in_a_field(name: str) -> str:
    """Return a name as one line of a choice holds it.

    A field that is too narrow cuts its line where the line ends, which is where a name begins that runs against the
    page. A long one is cut at its own end before; one that runs with the page is the field's to cut.
    """
    begins = next((side for side in map(bidirectional, name) if side in ("L", "R", "AL")), "")
    against = bool(begins) and (begins == "L") == right_to_left(language())
    long = against and len(name) > LONGEST_IN_A_FIELD
    held = f"{name[: LONGEST_IN_A_FIELD - 1].rstrip()}…" if long else name
    return f"\u2068{held}\u2069" if against else isolated(held)


def told_apart(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return names as a field shows them, each with itself: whole where two would be cut to the same."""
    shown = list(map(in_a_field, names))
    return list(zip(shown if len(set(shown)) == len(names) else map(isolated, names), names, strict=True))


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
    with gr.Accordion(kind.words()["title"], open=False, elem_id=f"{prefix}-keeping"):
        with gr.Row():
            name = gr.Textbox(label=_("Name"), max_length=LONGEST_NAME, elem_id=f"{prefix}-name", scale=2)
            note = gr.Textbox(
                label=_("Note"), max_length=LONGEST_NOTE, lines=1, elem_id=f"{prefix}-note", scale=3
            )
        with gr.Row():
            keep = gr.Button(_("Keep name and note"), elem_id=f"{prefix}-keep", min_width=150)
            away = gr.Button(_("Archive"), elem_id=f"{prefix}-archive", min_width=120)
            ask = gr.Button(_("Delete…"), elem_id=f"{prefix}-delete", min_width=120)
        said = gr.HTML(elem_id=f"{prefix}-kept", padding=False)
        with gr.Row(visible=False) as sure:
            really = gr.Button(
                _("Delete for good"), variant="stop", elem_id=f"{prefix}-really", min_width=150
            )
            leave = gr.Button(_("Keep it"), elem_id=f"{prefix}-leave", min_width=120)
    seen = gr.State()  # what this tab shows; another may have kept something since
    told = [name, note, away, said, sure, seen]
    chosen.change(
        partial(shown(follow), session, kind),
        [chosen, name, note, seen],
        told,
        api_name=f"{prefix}_given",
        **quiet,
    )
    kept = keep.click(
        partial(shown(keep_given), session, kind),
        [chosen, name, note, seen],
        told,
        api_name=f"{prefix}_keep",
        **quiet,
    )
    put = away.click(
        partial(shown(put_away), session, kind), [chosen, seen], told, api_name=f"{prefix}_archive", **quiet
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


def look(
    session: AppSession,
    kind: Kind,
    chosen: str | None,
    name: str | None = None,
    note: str | None = None,
    *,
    said: str = "",
) -> tuple[Any, ...]:
    """Return what the accordion shows of a run or data set.

    A field that shows it already (`name`, `note`) is left alone: a person may type while the answer is on its way.
    """
    given = given_of(_folder(session, kind, chosen)) if chosen else given_of(Path())
    return (
        gr.skip() if name == given.name else gr.Textbox(value=given.name),
        gr.skip() if note == given.note else gr.Textbox(value=given.note),
        gr.Button(_("Offer it again") if given.archived else _("Archive")),
        said,
        gr.Row(visible=False),
        given if chosen else None,
    )


def follow(
    session: AppSession,
    kind: Kind,
    chosen: str | None,
    name: str | None,
    note: str | None,
    seen: Given | None = None,
) -> tuple[Any, ...]:
    """Return what the accordion shows of what is chosen now; a field that was never drawn (None) is an empty one.

    What was said of the one before goes, but for that it is deleted: another is chosen at once in its place.
    """
    answer = look(session, kind, chosen, name or "", note or "")
    return answer if seen else (*answer[:3], gr.skip(), *answer[4:])


def keep_given(
    session: AppSession, kind: Kind, chosen: str | None, name: str, note: str, seen: Given | None = None
) -> tuple[Any, ...]:
    """Keep a name and a note; a field that was left as it was `seen` takes back nothing that was kept elsewhere since.

    Raises:
        EngineError: The window is read-only, nothing is chosen, or it is too long.
    """
    folder = _folder(session, kind, chosen)
    give(
        folder,
        name=None if seen and name == seen.name else name,
        note=None if seen and note == seen.note else note,
    )
    return look(session, kind, chosen, said=markup.note(_("Kept."), tone="good"))


def put_away(
    session: AppSession, kind: Kind, chosen: str | None, seen: Given | None = None
) -> tuple[Any, ...]:
    """Archive what is chosen, or offer it again: what the button said, whatever was done elsewhere since."""
    folder = _folder(session, kind, chosen)
    given = give(folder, archived=not (seen or given_of(folder)).archived)
    words = kind.words()["archived" if given.archived else "offered"]
    return look(session, kind, chosen, said=markup.note(words, tone="good"))


def ask_first(session: AppSession, kind: Kind, chosen: str | None) -> tuple[Any, ...]:
    """Return what depends on what is chosen, and whether it may be deleted after that."""
    _folder(session, kind, chosen)
    known = kind.dependents(session.workspace, session.store, str(chosen))
    if known.forbids:
        return (
            markup.note(
                kind.words()["kept"], tone="serious", more=[markup.told(one) for one in known.forbids]
            ),
            gr.Row(visible=False),
        )
    goes, stays = _("Deleted with it: {what}."), _("Stays: {what}")
    more = [
        *(goes.format(what=isolated(retold(one))) for one in known.goes),
        *(stays.format(what=isolated(retold(one))) for one in known.stays),
    ]
    return markup.note(kind.words()["delete"], tone="mild", more=more), gr.Row(visible=True)


def delete(session: AppSession, kind: Kind, chosen: str | None) -> tuple[Any, ...]:
    """Delete what is chosen, and choose nothing.

    Raises:
        EngineError: Something forbids it.
    """
    folder = _folder(session, kind, chosen)
    what = named(folder, folder.name)
    kind.delete(session.workspace, session.store, folder.name)
    said = kind.words()["deleted"].format(name=isolated(what))
    return gr.Dropdown(value=None), *look(session, kind, None, said=markup.note(said, tone="good"))


def _folder(session: AppSession, kind: Kind, chosen: str | None) -> Path:
    if session.read_only:
        raise WorkspaceError(_("This window is read-only"), _("Ask the owner to do that"))
    if not chosen:
        raise EngineError(kind.words()["none"], _("Choose one above"))
    return kind.folders(session.workspace) / chosen
