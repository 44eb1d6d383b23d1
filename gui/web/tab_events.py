"""When a page is come to, and what it is come to for: the data set and the run in the address (`here.js`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.context import Context

# What the address names, by the first of the names that it has.
_NAMED = """(...given) => [[%s].map((name) => window.overread.here(name)).find(Boolean) ?? '', ...given.slice(1)]"""

_OPEN_AGAIN = """() => {
  for (const id of %s) {
    const button = document.getElementById(`again-${id}`);
    if (button?.closest('[role=tabpanel]').offsetHeight) button.click();
  }
}"""


def arrival() -> Callable[..., Any]:
    """Return what to call with a handler, for when the tab being built is opened, or its address changes.

    A page nobody looks at costs nothing. A page that is built without a tab is come to when the window opens. With
    `named=("data", "run")` the handler's first argument is the data set in the address, else the run, else "".

    Raises:
        RuntimeError: Nothing is being built.
    """
    if Context.root_block is None:
        raise RuntimeError("A page is built inside gr.Blocks")
    if isinstance(Context.block, gr.Tab):
        again = gr.Button(visible="hidden", elem_id=f"again-{Context.block.id}")
        events = [Context.block.select, again.click]
    else:
        events = [Context.root_block.load]

    def come_to(
        handler: Callable[..., Any],
        inputs: list[Any],
        outputs: list[Any],
        *,
        named: Sequence[str] = (),
        **settings: Any,
    ) -> Any:
        if named:
            inputs = [gr.Textbox(visible="hidden"), *inputs]
            settings["js"] = _NAMED % ", ".join(f"'{name}'" for name in named)
        # Come to again while the answer is on its way, it is asked once more: another run may be meant by then.
        return gr.on(events, handler, inputs, outputs, trigger_mode="always_last", **settings)

    return come_to


def tab_again(event: Any, *tabs: gr.Tab) -> None:
    """Ask again, after an event of a page, what stands in those of its inner tabs that are open now.

    A closed one asks when it is opened (`arrival`): each event costs the browser a walk over every component.
    """
    event.then(None, None, None, js=_OPEN_AGAIN % [tab.id for tab in tabs])


def say_where(name: str, choice: gr.Dropdown) -> None:
    """Put what is chosen into the address: a data set or a run, whoever chose it."""
    choice.change(None, choice, None, js=f"(one) => {{ if (one) window.overread.go({{ {name}: one }}); }}")
    if name == "run":  # it brings its own data set along
        choice.input(None, choice, None, js="(one) => window.overread.go({ run: one, data: '' })")
