"""Pieces of HTML that the pages show: every name, path and message goes through `escape`, none is trusted.

The pieces are for `gr.HTML(value=...)`, whose value is data: only `html_template` is evaluated by the
browser, and no page builds one. Colours come from the theme's variables, so that light and dark both work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape as escape
from pathlib import Path

from engine.records import PART_NAMES

STYLE = f"<style>{Path(__file__).with_name('markup.css').read_text(encoding='utf-8')}</style>"
"""To be placed once in each page."""

PART_COLOURS: Mapping[str, str] = {
    "train": "#2f7fb5",
    "val": "#c98a00",
    "test": "#2e9e6b",
    "no part": "#7a8793",
}
PART_TITLES: Mapping[str, str] = {**PART_NAMES, "no part": "no part yet"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One picture of a grid.

    Attributes:
        source: A URL of ours or a data URI; empty where the picture cannot be shown.
        caption: Lines under it.
        overlay: A second picture on top, e.g. the heatmap; empty for none.
        tone: "wrong", "right" or "" for no frame.
        about: Address of what the large view shows; empty where the picture cannot be opened.
    """

    source: str
    caption: str
    overlay: str = ""
    tone: str = ""
    about: str = ""


def pictures(items: Iterable[Picture], *, large: bool = False) -> str:
    """Return a grid of pictures."""
    cells = []
    for item in items:
        alt = escape(item.caption.splitlines()[0] if item.caption else "image", quote=True)
        if item.source:
            picture = f'<img src="{escape(item.source, quote=True)}" alt="{alt}" loading="lazy">'
        else:
            picture = '<div class="or-missing">cannot be shown</div>'
        if item.overlay:
            picture += f'<img class="or-fill" src="{escape(item.overlay, quote=True)}" alt="" loading="lazy">'
        caption = "<br>".join(escape(line) for line in item.caption.splitlines())
        tone = f" or-{item.tone}" if item.tone in ("wrong", "right") else ""
        opens = ""
        if item.about:
            about = escape(item.about, quote=True)
            opens = f' tabindex="0" role="button" aria-label="{alt}, large" data-about="{about}"'
        cells.append(
            f'<figure class="or-picture{tone}"{opens}><div class="or-box">{picture}</div>'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return f'<div class="or-pictures{" or-large" if large else ""}">{"".join(cells)}</div>'


def bars(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return one stacked bar a class, by part of the data.

    Args:
        counts: Class name → part → number of images.
    """
    largest = max((sum(parts.values()) for parts in counts.values()), default=0)
    rows, used = [], []
    for name, parts in counts.items():
        pieces = []
        for part, number in parts.items():
            if number:
                used.append(part)
                width = 100 * number / largest
                colour = PART_COLOURS.get(part, "#7a8793")
                pieces.append(f'<div style="width:{width:.2f}%;background:{colour}"></div>')
        rows.append(
            f'<div class="or-name">{escape(name)}</div><div class="or-track">{"".join(pieces)}</div>'
            f'<div class="or-number">{sum(parts.values()):,}</div>'
        )
    key = "".join(
        f'<span><i style="background:{PART_COLOURS[part]}"></i>{escape(PART_TITLES[part])}</span>'
        for part in PART_TITLES
        if part in used
    )
    return f'<div class="or-bars">{"".join(rows)}</div><div class="or-key">{key}</div>'


def figures(items: Iterable[tuple[str, str]]) -> str:
    """Return figures as tiles: (value, what it counts)."""
    tiles = (
        f'<div class="or-figure"><b>{escape(value)}</b><span>{escape(what)}</span></div>'
        for value, what in items
    )
    return f'<div class="or-figures">{"".join(tiles)}</div>'


def note(message: str, *, tone: str = "plain", more: Sequence[str] = (), inner: str = "") -> str:
    """Return a boxed remark.

    Args:
        message: One or two sentences.
        tone: "plain", "good", "mild" or "serious".
        more: Lines of a list under it.
        inner: Markup made by this module that stands at the end.
    """
    lines = "".join(f"<li>{escape(line)}</li>" for line in more)
    listed = f"<ul>{lines}</ul>" if lines else ""
    return f'<div class="or-note or-{escape(tone, quote=True)}"><p>{escape(message)}</p>{listed}{inner}</div>'


def progress(fraction: float, line: str) -> str:
    """Return a bar of progress, `fraction` in [0, 1], with one line under it."""
    percent = 100 * min(1.0, max(0.0, fraction))
    return (
        '<div class="or-progress" role="progressbar" aria-label="progress" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent:.0f}"><div style="width:{percent:.1f}%"></div></div>'
        f'<div class="or-sub">{escape(line)}</div>'
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> str:
    """Return a small table; the first column is text, the others are figures unless told otherwise."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in headers)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    kind = "or-table or-numbers" if numbers else "or-table"
    top = f"<thead><tr>{head}</tr></thead>" if any(headers) else ""
    return f'<table class="{kind}">{top}<tbody>{body}</tbody></table>'
