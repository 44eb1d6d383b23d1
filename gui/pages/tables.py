"""Rows for a table whose headings are in the language that is spoken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from engine.language import ENGLISH, language


def headed(rows: list[list[str]], headings: Sequence[str]) -> Any:
    """Return what a table shows; with its headings in another language, for Gradio sends those of the first build."""
    return rows if language() == ENGLISH else gr.Dataframe(value=rows, headers=list(headings))


def placed(headings: Sequence[str], label: str, elem_id: str, widths: Sequence[int]) -> gr.Dataframe:
    """Place a table that shows all its columns, however long the names in the first; `widths` are shares in percent."""
    return gr.Dataframe(
        headers=list(headings),
        datatype="str",
        interactive=False,
        label=label,
        wrap=True,
        column_widths=[f"{width}%" for width in widths],
        elem_id=elem_id,
        elem_classes="or-tight",
    )
