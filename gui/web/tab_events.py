"""When a page is come to: its own tab is opened, so that a page nobody looks at costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.context import Context


def arrival() -> Callable[..., Any]:
    """Return the event of the tab being built; of the whole window where a page is built without a tab.

    Raises:
        RuntimeError: Nothing is being built.
    """
    if isinstance(Context.block, gr.Tab):
        return Context.block.select
    if Context.root_block is None:
        raise RuntimeError("A page is built inside gr.Blocks")
    return Context.root_block.load
