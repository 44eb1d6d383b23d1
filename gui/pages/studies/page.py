"""The studies page: the list of studies, one in full, the form of a new one, and the reading screen.

Handlers take the open rounds and what the page sent, and return what the page draws.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from gui.pages.review import IMAGE_SCRIPTS, on_stage, read_part
from gui.pages.studies import desk, reading
from gui.pages.studies.rounds import Rounds
from gui.web import AppSession, answered, static_pane, worded

Handler = Callable[[Rounds, Mapping[str, Any]], dict[str, Any]]
ROOM = "gui.pages.studies.room"


def build(session: AppSession) -> None:
    """Place the page inside the current `gr.Blocks`."""
    rounds = Rounds(session)
    static_pane(
        "gui.pages.studies.list_pane",
        "studies",
        ["studies.js", "making.js", "changing.js"],
        server_functions=_server_functions(desk.HANDLERS, rounds),
        elem_id="studies-desk",
    )
    place_room(rounds)


def place_room(rounds: Rounds) -> None:
    """Place the reading screen, which an event of the page opens."""
    shared = [read_part(name) for name in (*IMAGE_SCRIPTS, "image_keys.js")]
    scripts = [*shared, read_part("room.js", ROOM), read_part("keyboard.js")]
    gr.HTML(
        html_template=worded(on_stage(read_part("room.html", ROOM))),
        css_template=read_part("viewer.css") + read_part("room.css", ROOM),
        js_on_load="\n".join(scripts),
        apply_default_css=False,
        padding=False,
        server_functions=_server_functions(reading.HANDLERS, rounds),
        elem_id="studies-room",
    )


def _server_functions(handlers: Sequence[Handler], rounds: Rounds) -> list[Callable[[Any], dict[str, Any]]]:
    def served(handler: Handler) -> Callable[[Any], dict[str, Any]]:
        def call(asked: Any = None) -> dict[str, Any]:
            return answered(functools.partial(handler, rounds))(asked if isinstance(asked, dict) else {})

        call.__name__ = handler.__name__
        return call

    return [served(handler) for handler in handlers]
