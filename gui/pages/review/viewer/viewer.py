"""One Gradio component that shows a case and takes a verdict; the files beside say what the browser does.

    viewer.html verdict.html    markup without a single value in it
    maps.js                     another method or class for the heatmap
    case.js                     one case on the screen, the next ones fetched ahead
    drafts.js                   what is written but not stored on Review
    hand.js                     an answer taken back, a flag, another case found, the summary
    readers.js                  who reads: chosen from the list, added, named once
    keys.js                     keys and buttons, one table

and what the reading screen of a study is made of as well:

    stage.html                  the image on its stage, and the tools below it
    viewer.css                  a dark reading room
    heat.js                     the heatmap: colours, threshold, evidence against, the colour bar
    screen.js                   words and images put in place, trouble said, seconds counted, drafts kept
    guard.js                    no verdict in the first half second of an image
    stage.js                    the image: zoom, move, turn, mirror
    film/                       the film in the depth of its file: worker.js fetches it, film.js draws it, window.js
                                sets window and level, lens.js magnifies, gestures.js takes mouse and fingers,
                                regions.js draws boxes, ellipses, polygons and rulers,
                                beside.js shows a second image next to it
    image_keys.js keyboard.js   keys for the image; what any table of keys does

Gradio evaluates `html_template` and `css_template` as JavaScript templates after filling them in: a file name
such as `${...}` in them would run as code. So they are static, and the scripts write every value with
`textContent` or `src`. The component's value is never set: the scripts call the server functions and draw
what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any

import gradio as gr

from engine.records import Review
from gui.web import worded

HERE = "gui.pages.review.viewer"
FILM_SCRIPTS = ("worker.js", "film.js", "window.js", "lens.js")
IMAGE_SCRIPTS = (
    *("heat.js", "screen.js", "guard.js"),
    *(f"film/{name}" for name in FILM_SCRIPTS),
    *("stage.js", "film/gestures.js", "film/regions.js", "film/beside.js"),
)
KEY_SCRIPTS = ("image_keys.js", "keys.js", "keyboard.js")
SCRIPTS = (*IMAGE_SCRIPTS, "case.js", "drafts.js", "hand.js", "maps.js", "readers.js", *KEY_SCRIPTS)


def read_part(name: str, package: str = HERE) -> str:
    """Return the text of one of the files that a reading screen is made of."""
    return (files(package) / name).read_text(encoding="utf-8")


def on_stage(markup: str) -> str:
    """Return a screen's markup with the stage and its tools in their place."""
    return markup.replace("<!-- stage -->", read_part("stage.html"))


def verdict_markup() -> str:
    """Return the controls of a verdict, each of a review's fields with the field's own bounds."""
    markup = read_part("verdict.html")
    names = {"longest": "maxlength", "least": "min", "most": "max"}
    for field in fields(Review):
        bounds = " ".join(f'{names[name]}="{value}"' for name, value in field.metadata.items())
        marked = f'data-field="{field.name}"'
        markup = markup.replace(marked, f"{marked} {bounds}".strip())
    return markup


class ReviewPane(gr.HTML):
    """The reading screen.

    Args:
        server_functions: What the scripts may call: see `gui.pages.review.page`.
        read_only: Leave out everything that gives a verdict.
        settings: Passed on to `gr.HTML`.
    """

    def __init__(
        self,
        value: Any = None,
        *,
        server_functions: Sequence[Callable[..., Any]] = (),
        read_only: bool = False,
        **settings: Any,
    ) -> None:
        markup = on_stage(read_part("viewer.html")).replace(
            "<!-- verdict -->", "" if read_only else verdict_markup()
        )
        super().__init__(
            value or {},
            html_template=worded(markup),
            css_template=read_part("viewer.css"),
            js_on_load="\n".join(read_part(name) for name in SCRIPTS),
            apply_default_css=False,
            server_functions=list(server_functions),
            **settings,
        )

    def api_info(self) -> dict[str, Any]:
        """Say what Gradio's schema shall say of the value."""
        return {"type": "object"}
