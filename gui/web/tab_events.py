"""When a page is come to, and what it is come to for: the data set and the run in the address (`here.js`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.context import Context

# What the address names, by the first of the names that it has, and where somebody was who asks (`question`).
_NAMED = """(...given) => [
  [%s].map((name) => window.overread.here(name)).find(Boolean) ?? '', window.overread.question(), ...given.slice(2)
]"""
_ANSWERED = "(asked, one) => {{ if (one) window.overread.answered('{tab}', asked, {{ {name}: one }}); }}"
# What a person chose is in the address at once, and what is asked for then is what the address names.
_CHOSEN = {
    "data": "(one) => { if (one) window.overread.go({ data: one }); }",
    "run": "(one) => { if (one) window.overread.go({ run: one, data: '' }); }",  # it brings its own data set along
}
_MEANT = "(one) => {{ if (one && window.overread.here('tab') === '{tab}') window.overread.go({{ {name}: one }}); }}"
_OF_ADDRESS = "(one, ...more) => [window.overread.here('%s') || one, ...more]"

_ARRIVED = "() => window.overread.arrived('%s')"
_OPEN_AGAIN = """() => {
  for (const id of %s) {
    const button = document.getElementById(`again-${id}`);
    if (button?.closest('[role=tabpanel]').offsetHeight) button.click();
  }
}"""


def arrival() -> Callable[..., Any]:
    """Return what to call with a handler, for when the tab being built is opened, or its address changes.

    A page nobody looks at costs nothing, and one that is opened is painted before it is asked for. A page that is
    built without a tab is come to when the window opens. With `named=("data", "run")` the handler's first argument is
    the data set in the address, else the run, else ""; with `says=("run", choice)` what its answer put into that
    drop-down goes into the address, unless a person has chosen something else meanwhile: then the answer is late, and
    what they chose is asked for.

    Raises:
        RuntimeError: Nothing is being built.
    """
    if Context.root_block is None:
        raise RuntimeError("A page is built inside gr.Blocks")
    tab = Context.block.id if isinstance(Context.block, gr.Tab) else ""
    if isinstance(Context.block, gr.Tab):
        again = gr.Button(visible="hidden", elem_id=f"again-{tab}")
        Context.block.select(None, None, None, js=_ARRIVED % tab)
        events = [again.click]
    else:
        events = [Context.root_block.load]

    def come_to(
        handler: Callable[..., Any],
        inputs: list[Any],
        outputs: list[Any],
        *,
        named: Sequence[str] = (),
        says: tuple[str, gr.Dropdown] | None = None,
        **settings: Any,
    ) -> Any:
        # Come to again while the answer is on its way, it is asked once more: another run may be meant by then.
        settings["trigger_mode"] = "always_last"
        if not named:
            return gr.on(events, handler, inputs, outputs, **settings)

        def with_question(meant: str, asked: str, *given: Any) -> tuple[Any, ...]:
            return *handler(meant, *given), asked

        asked = gr.Textbox(visible="hidden")
        come = gr.on(
            events,
            with_question,
            [gr.Textbox(visible="hidden"), asked, *inputs],
            [*outputs, asked],
            js=_NAMED % ", ".join(f"'{name}'" for name in named),
            **settings,
        )
        if says:
            name, choice = says
            come.then(None, [asked, choice], None, js=_ANSWERED.format(tab=tab, name=name))
        return come

    return come_to


def chosen_here(name: str, choice: gr.Dropdown) -> Callable[..., Any]:
    """Return what to call with a handler, for when a person chooses a data set or a run in a drop-down of a page.

    The choice goes into the address at once, before anything is asked, and the handler is asked for what the address
    names: its first input is that, whatever an answer to an older question has put into the drop-down meanwhile.
    Chosen again while the answer is on its way, it is asked once more.

    Args:
        name: "data" or "run".
        choice: The drop-down.
    """
    said = choice.input(None, choice, None, js=_CHOSEN[name])

    def follow(handler: Callable[..., Any], inputs: list[Any], outputs: list[Any], **settings: Any) -> Any:
        js = _OF_ADDRESS % name
        return said.then(handler, [choice, *inputs], outputs, js=js, trigger_mode="always_last", **settings)

    return follow


def meant_now(event: Any, name: str, choice: gr.Dropdown) -> None:
    """Put what is in a drop-down into the address when something that a person began has ended, such as an import.

    Not where they are on another page by then: nobody who reads is thrown to other images.
    """
    tab = Context.block.id if isinstance(Context.block, gr.Tab) else ""
    event.then(None, choice, None, js=_MEANT.format(tab=tab, name=name))


def tab_again(event: Any, *tabs: gr.Tab) -> None:
    """Ask again, after an event of a page, what stands in those of its inner tabs that are open now.

    A closed one asks when it is opened (`arrival`): each event costs the browser a walk over every component.
    """
    event.then(None, None, None, js=_OPEN_AGAIN % [tab.id for tab in tabs])
