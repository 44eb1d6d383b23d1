"""Where are they now? Asked on every page that misses images: the folder that they were moved to.

place        the question, hidden while no image is missed
missed       whether it is asked, and about what
look_there   what comes of an answer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from engine.errors import DataError, ReviewError
from engine.language import _
from engine.relocation import Relocated, lost, relocate
from gui.web import AppSession, markup


@dataclass(frozen=True)
class Question:
    """The question on a page.

    Attributes:
        group: Shown while images are missed.
        note: Which.
        folder: Where the answer is typed.
        button: Looks there.
        answer: What came of it.
    """

    group: Any
    note: Any
    folder: Any
    button: Any
    answer: Any

    @property
    def asking(self) -> list[Any]:
        """What `missed` returns."""
        return [self.group, self.note]


ASKING = 2
"""How many outputs `missed` returns."""


def place(name: str) -> Question:
    """Place the question on a page; `name` is the page's."""
    with gr.Group(visible=False, elem_id=f"{name}-where") as group:
        note = gr.HTML(padding=False)
        with gr.Row():
            folder = gr.Textbox(
                label=_("Where are they now?"),
                info=_(
                    "The folder they were moved to. They are known by their contents, so names may have changed."
                ),
                elem_id=f"{name}-where-folder",
                scale=4,
            )
            button = gr.Button(_("Look there"), elem_id=f"{name}-where-look", scale=1, min_width=120)
    answer = gr.HTML(elem_id=f"{name}-where-answer", padding=False)
    return Question(group, note, folder, button, answer)


def missed(session: AppSession, paths: Sequence[Path]) -> tuple[Any, ...]:
    """Return the question's outputs: shown where images are no longer where they were."""
    gone = None if session.read_only else lost(paths)
    return gr.Group(visible=gone is not None), "" if gone is None else markup.note(
        markup.told(f"{gone}."), tone="serious"
    )


def look_there(session: AppSession, name: str | None, folder: str) -> Relocated:
    """Look for the images of a data set or run in a folder, and keep where they are.

    Raises:
        EngineError: The window is read-only, nothing is chosen or named, or there is no such folder.
    """
    if session.read_only:
        raise ReviewError(_("Guests cannot look for images on this computer"), _("Ask the owner to do so"))
    if not name or not folder.strip():
        raise DataError(_("No folder was named"), _("Type the path of the folder that holds the images now"))
    return relocate(session.workspace, session.store, name, Path(folder.strip()))


def found(session: AppSession, name: str | None, folder: str) -> str:
    """Look there, and return what came of it for the page."""
    done = look_there(session, name, folder)
    whole = done.found and not (done.missing or done.unread)
    first, *more = (markup.told(one) for one in done.sentences())
    return markup.note(first, tone="good" if whole else "mild" if done.found else "serious", more=more)
