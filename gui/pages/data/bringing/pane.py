"""The piece of the data page where images are brought in; the files beside say what the browser does.

bring.html bring.css    markup and style, without a single value in them
words.js                every word that the scripts show
state.js                asks where things stand, and shows it
send.js                 what is dropped or chosen is sent, file by file, as the tree it is
choose.js               the system's window for choosing a folder, or the list where there is none
proposal.js             how the images would be read, and what the person says of it
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from engine.data import ARCHIVE_SUFFIXES, TABLE_SUFFIXES, answers_to_json, load_answers
from engine.images import IMAGE_SUFFIXES
from engine.language import _, isolated, number
from engine.records import Answers
from engine.retelling import retold
from gui.pages.data.bringing import folders, uploads
from gui.pages.data.bringing.flow import Bringing, State, name_of, named
from gui.pages.data.bringing.native_chooser import NativeChooser
from gui.pages.data.bringing.proposal_form import answers_of, columns_form, drawn
from gui.web import AppSession, answered, static_pane

Question = Mapping[str, Any]
Answer = dict[str, Any]
SCRIPTS = ("words.js", "state.js", "send.js", "choose.js", "proposal.js")
SOON = 0.4
"""Seconds that an answer may wait for what was just begun, so that quick things do not flicker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What the handlers work on, and where the person who asks is sitting.

    Attributes:
        session: The window.
        bringing: What is being brought in.
        chooser: The system's window for choosing a folder.
        local: Whether the request came by an address of this computer, so that its screen is the person's own.
    """

    session: AppSession
    bringing: Bringing
    chooser: NativeChooser
    local: bool = False


def bring_pane(session: AppSession) -> gr.HTML:
    """Place the pane; its event `submit` says that a data set was read, with `dataset` in its data."""
    desk = Desk(session=session, bringing=Bringing(session), chooser=NativeChooser())
    return static_pane(
        "gui.pages.data.bringing",
        "bring",
        SCRIPTS,
        server_functions=[_called(handler, desk) for handler in HANDLERS],
        elem_id="data-bring",
    )


def _called(handler: Callable[[Desk, Question], Answer], desk: Desk) -> Callable[[Any, gr.Request], Answer]:
    def call(asked: Any, request: gr.Request) -> Answer:
        here = replace(desk, local=is_local(request.headers.get("host", "")))
        return answered(partial(handler, here))(asked if isinstance(asked, dict) else {})

    call.__name__ = handler.__name__
    return call


def is_local(host: str) -> bool:
    """Tell whether a Host header is an address of this computer."""
    return urlsplit(f"//{host}").hostname in ("127.0.0.1", "localhost", "::1")


# ---------------------------------------------------------------------------------- what the scripts may call


def formats(desk: Desk, question: Question) -> Answer:
    """Return what can be brought in, as the engine knows it: (kind, endings)."""
    endings = {
        _("Images"): _("{endings}, and DICOM files of any name").format(endings=_endings(IMAGE_SUFFIXES)),
        _("Tables"): _endings(TABLE_SUFFIXES),
        _("Archives"): _endings(ARCHIVE_SUFFIXES),
    }
    return {"kinds": list(endings.items())}


def _endings(suffixes: Iterable[str]) -> str:
    return isolated(", ".join(sorted(suffix.removeprefix(".") for suffix in suffixes)))


def _thing(question: Question) -> int | None:
    """Return what the tab shows, which is what it acts on; a tab that was just opened shows the latest."""
    said = question.get("thing")
    return said if isinstance(said, int) else None


def where(desk: Desk, question: Question) -> Answer:
    """Return where things stand."""
    return drawn_state(desk.bringing.state(thing=_thing(question)), seen=question.get("seen"))


def look(desk: Desk, question: Question) -> Answer:
    """Begin to look at what is named or was sent, and return where that stands soon after."""
    left_out = [str(told) for told in question.get("leftOut") or ()]
    source = named(desk.session, str(question.get("typed") or ""), str(question.get("batch") or ""), left_out)
    said = question.get("answers")
    answers = answers_of(said) if said else load_answers(desk.session.workspace, source.path)
    thing = desk.bringing.look(source, answers, _thing(question))
    return drawn_state(desk.bringing.state(thing, SOON, thing))


def read(desk: Desk, question: Question) -> Answer:
    """Begin to read the images as proposed."""
    desk.bringing.read(_thing(question))
    return where(desk, question)


def cancel(desk: Desk, question: Question) -> Answer:
    """Stop and forget what is going on."""
    desk.bringing.cancel(_thing(question))
    return drawn_state(State())


def begin(desk: Desk, question: Question) -> Answer:
    """Make ready for files that the browser will send."""
    tops = [str(top) for top in question.get("tops") or ()]
    return uploads.begin(desk.session, tops, int(question.get("files") or 0), int(question.get("size") or 0))


def discard(desk: Desk, question: Question) -> Answer:
    """Remove files that were sent in vain."""
    uploads.discard(desk.session.workspace, str(question.get("batch") or ""))
    return {}


def choose(desk: Desk, question: Question) -> Answer:
    """Open the system's window for choosing a folder, and wait for it."""
    uploads.refuse_guests(desk.session)
    return desk.chooser.choose(Path.home()) if desk.local else {"desktop": False, "folder": None}


def close(desk: Desk, question: Question) -> Answer:
    """Close that window."""
    desk.chooser.close()
    return {}


def entries(desk: Desk, question: Question) -> Answer:
    """Return what can be chosen in a folder."""
    uploads.refuse_guests(desk.session)
    return folders.list_entries(str(question.get("folder") or ""))


HANDLERS: tuple[Callable[[Desk, Question], Answer], ...] = (
    formats,
    where,
    look,
    read,
    cancel,
    begin,
    discard,
    choose,
    close,
    entries,
)


# -------------------------------------------------------------------------------------------- what it draws


def drawn_state(state: State, *, seen: object = None) -> Answer:
    """Return what the page draws; of what it has seen already, the number alone."""
    if state.number == seen:
        return {"number": state.number}
    return {
        "number": state.number,
        "thing": state.thing,
        "stage": state.stage,
        "typed": state.source.typed if state.source else "",
        "batch": state.source.batch if state.source else "",
        "name": name_of(state.source, Answers()) if state.source else "",
        "columns": columns_form(state.headers, state.answers.columns),
        "answers": answers_to_json(state.answers),
        "leftOut": state.source.left_out if state.source else (),
        "problem": retold(state.problem),
        "doing": state.doing(),
        "done": state.done,
        "total": state.total,
        "told": progress_words(state),
        "proposal": drawn(state.proposal) if state.proposal else None,
        "dataset": state.dataset_id,
    }


def progress_words(state: State) -> str:
    """Return how far reading is, and how long it will take once that can be told."""
    if not state.total:
        return ""
    words = _("{n} of {total} images").format(n=number(state.done), total=number(state.total))
    spent = time.monotonic() - state.began
    left = spent * (state.total - state.done) / state.done if state.done else 0.0
    if spent < 3 or left < 2:
        return words
    if left < 90:
        return _("{words}, about {count} s left").format(words=words, count=number(left))
    return _("{words}, about {count} min left").format(words=words, count=number(left / 60))
