"""The review page: one case fills the screen; a verdict is one key, and on the disk before the next case.

Each handler takes the desk (`reading_session`: who reads what) and what the page sent, and returns what the page
draws. The scripts in `viewer/` call the handlers as Gradio server functions: no queue, about 15 ms.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from gui.pages.review.answering import decide, find_images, leave, remember, reveal_label, show_case
from gui.pages.review.beside import beside
from gui.pages.review.hand.summary import export_readings, summarise
from gui.pages.review.maps import explain, stop_explaining
from gui.pages.review.opening import open_reading
from gui.pages.review.reading_session import Desk
from gui.pages.review.screen import Answer
from gui.pages.review.second_thoughts import flag_case, go_to, undo
from gui.pages.review.viewer.viewer import ReviewPane
from gui.pages.review.who_reads import save_reader
from gui.web import AppSession, answered

HANDLERS: tuple[Callable[[Desk, Mapping[str, Any]], Answer], ...] = (
    open_reading,
    show_case,
    decide,
    undo,
    flag_case,
    go_to,
    summarise,
    export_readings,
    reveal_label,
    beside,
    save_reader,
    leave,
    remember,
    find_images,
    explain,
    stop_explaining,
)


def build(session: AppSession, run_id: str | None = None) -> gr.HTML:
    """Place the reading screen.

    Args:
        session: The open window.
        run_id: The run to begin with; None means the newest.
    """
    desk = Desk(session, run_id)
    return ReviewPane(
        read_only=session.read_only,
        server_functions=[_server_function(handler, desk) for handler in HANDLERS],
        elem_id="reading",
    )


def _server_function(
    handler: Callable[[Desk, Mapping[str, Any]], Answer], desk: Desk
) -> Callable[[Any], Answer]:
    def call(asked: Any = None) -> Answer:
        return answered(functools.partial(handler, desk))(asked if isinstance(asked, dict) else {})

    call.__name__ = handler.__name__
    return call
