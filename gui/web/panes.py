"""A piece of a page that is drawn by its own script: markup and style without a single value in them but our words.

Gradio evaluates `html_template` and `css_template` as JavaScript templates after filling them in: a file name such
as `${...}` in them would run as code. So they are files, read as they are, and the scripts write every value with
`textContent` or `src`. The component's value is never set: the scripts call the server functions and draw what
comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import gradio as gr
from jinja2 import Environment, StrictUndefined

from engine.language import _, ngettext, number

_WORDS = Environment(autoescape=True, undefined=StrictUndefined)
_WORDS.globals.update(_=_, ngettext=ngettext, number=number)


def static_pane(
    package: str,
    name: str,
    scripts: Sequence[str],
    *,
    server_functions: Sequence[Callable[..., Any]] = (),
    **settings: Any,
) -> gr.HTML:
    """Place a pane made of the files `<name>.html`, `<name>.css` and the scripts, which share one scope.

    Args:
        package: Where the files are.
        name: Of the pane.
        scripts: File names, in their order.
        server_functions: What the scripts may call as `server.<name>(value)`; each takes one value.
        settings: Passed on to `gr.HTML`.
    """

    def read(file: str) -> str:
        return (files(package) / file).read_text(encoding="utf-8")

    return gr.HTML(
        html_template=worded(read(f"{name}.html")),
        css_template=read(f"{name}.css"),
        js_on_load="\n".join(read(script) for script in scripts),
        apply_default_css=False,
        padding=False,
        server_functions=list(server_functions),
        **settings,
    )


def worded(template: str) -> str:
    """Return markup that is a template of words alone, in the language that is spoken: `{{ _("Close") }}`."""
    return _WORDS.from_string(template).render()


def web_file(name: str) -> str:
    """Return a script or style of this chapter, as it is."""
    return (files("gui.web") / name).read_text(encoding="utf-8")
