"""Pieces of HTML that the pages show: every name, path and message in them is escaped, none is trusted.

What they look like stands in `markup.html`, which Jinja fills in. Every piece is `Markup`: put beside a piece or into
one, plain text is escaped and pieces are left as they are, so that no page writes HTML of its own.

The pieces are for `gr.HTML(value=...)`, whose value is data: only `html_template` is evaluated by the
browser, and no page builds one. Colours come from the theme's variables, so that light and dark both work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup as Markup

from engine.errors import EngineError
from engine.language import ENGLISH, _, isolated, language, moment, ngettext, number, right_to_left
from engine.report import OFFLINE_ONLY, apart, figure, section_words, with_minus
from engine.retelling import plain, retell
from engine.saliency import MapLegend, css_gradient
from gui.web.curves import Points, drawn

_HERE = Path(__file__).parent
STYLE = Markup("<style>{}</style>").format(Markup((_HERE / "markup.css").read_text(encoding="utf-8")))
"""To be placed once in each page."""

PART_COLOURS: Mapping[str, str] = {
    "train": "#2f7fb5",
    "val": "#c98a00",
    "test": "#2e9e6b",
    "no part": "#7a8793",
}
MOST_COLUMNS = 12
"""Classes whose confusion matrix fits a page as a table."""
ENGLISH_WORDS = re.compile(r"[A-Za-z]{2}.* .*[A-Za-z]{2}", re.DOTALL)
OTHER_SCRIPT = re.compile(r"[\u0590-\u065f\u066e-\u06ef\u06fa-\u08ff]")
"""A letter of a script that runs to the left; its digits and signs alone make no sentence."""


def part_title(part: str | None) -> str:
    """Return what a part of the data is called; None and "no part" where an image is in none."""
    titles = {"train": _("training"), "val": _("validation"), "test": _("test")}
    return titles[part] if part in titles else _("no part yet")


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One picture of a grid.

    Attributes:
        source: A URL of ours or a data URI; empty where the picture cannot be shown.
        caption: Lines under it.
        overlay: A second picture on top, e.g. the heatmap; empty for none.
        tone: "wrong", "right" or "" for no frame.
        legend: What the overlay's colours mean; None for no colour bar.
        about: Address of what the large view shows; empty where the picture cannot be opened.
        opens: The case that it opens on the Review page; empty where it opens none.
    """

    source: str
    caption: str
    overlay: str = ""
    tone: str = ""
    about: str = ""
    opens: str = ""
    legend: MapLegend | None = None


@cache
def _macros() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"apart": apart, "minus": with_minus}
    environment.globals.update(
        _=_,
        ngettext=ngettext,
        number=number,
        moment=moment,
        language=language,
        isolated=isolated,
        told=told,
        marked=marked,
        section=section_words,
    )
    return environment.get_template("markup.html").module


def joined(pieces: Iterable[str]) -> Markup:
    """Return pieces one after another."""
    return Markup("").join(pieces)


def pictures(items: Iterable[Picture], *, large: bool = False) -> Markup:
    """Return a grid of pictures."""
    shown = list(items)
    bar = css_gradient() if any(item.legend for item in shown) else ""
    return Markup(_macros().pictures(shown, large, bar))


def bars(counts: Mapping[str, Mapping[str, int]]) -> Markup:
    """Return one stacked bar a class, by part of the data.

    Args:
        counts: Class name → part → number of images.
    """
    largest = max((sum(parts.values()) for parts in counts.values()), default=0)
    return Markup(
        _macros().bars(counts, largest, PART_COLOURS, {part: part_title(part) for part in PART_COLOURS})
    )


def figures(items: Iterable[tuple[str, str]]) -> Markup:
    """Return figures as tiles: (value, what it counts)."""
    return Markup(_macros().figures(items))


def note(message: str, *, tone: str = "plain", more: Sequence[str] = (), inner: str = "") -> Markup:
    """Return a boxed remark.

    Args:
        message: One or two sentences.
        tone: "plain", "good", "mild" or "serious".
        more: Lines of a list under it.
        inner: A piece that stands at the end.
    """
    return Markup(_macros().note(message, tone, more, inner))


def problems(errors: Iterable[EngineError]) -> Markup:
    """Return what is wrong with some of several things, to stand above the others."""
    return joined(note(told(error), tone="serious") for error in errors)


def progress(fraction: float, line: str) -> Markup:
    """Return a bar of progress, `fraction` in [0, 1], with one line under it."""
    return Markup(_macros().progress(min(1.0, max(0.0, fraction)), line))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> Markup:
    """Return a small table; the first column is text, the others are figures unless told otherwise."""
    return Markup(_macros().table(headers, rows, numbers))


def printed(tables: Iterable[Any]) -> Markup:
    """Return numbered tables of a report; each number has the id that its files explain."""
    return Markup("").join(Markup(_macros().printed(one)) for one in tables)


def remark(line: str) -> Markup:
    """Return a line in small print."""
    return Markup(_macros().remark(line))


def in_english(text: str) -> str:
    """Return text that stays English, as such where another language is spoken."""
    return text if language() == ENGLISH else Markup(_macros().in_english(text))


def bdi(name: str) -> Markup:
    """Return a name that turns nothing beside it, nor is turned."""
    return Markup(_macros().bdi(name))


def told(said: str | EngineError) -> str:
    """Return a sentence of the engine in the language that is spoken; what the catalogue lacks as English."""
    again, text = retell(said), plain(said)
    if again is not None:
        return again
    said_already = OTHER_SCRIPT.search(text) or not re.search("[A-Za-z]{2}", text)
    return text if said_already else in_english(text)


def marked(text: str) -> str:
    """Return words of a report; as English where no letter of them is of the script that the page is in."""
    if not right_to_left(language()) or not ENGLISH_WORDS.search(text) or OTHER_SCRIPT.search(text):
        return text
    return in_english(text)


def page_title(words: str) -> Markup:
    """Return what a page is called: its only `h1`, heard and not seen, for a tab beside it says the same."""
    return Markup(_macros().page_title(words))


def skeleton() -> Markup:
    """Return what stands where something will be, until the server has answered."""
    return Markup(_macros().skeleton())


def heading(title: str, aside: str = "") -> Markup:
    """Return a heading, with a few words in small print beside it."""
    return Markup(_macros().heading(title, aside))


def box(kind: str, pieces: Iterable[str]) -> Markup:
    """Return pieces in a box; `kind` is the end of a class in markup.css, or empty."""
    return Markup(_macros().box(kind, list(pieces)))


def drawing(svg: str, caption: str, figure: str = "", standard: str = "") -> Markup:
    """Return a figure with what can be seen in it; `svg` is of our own making, with every name escaped by it.

    A figure that is named, with its reference standard, opens its cases where a script listens.
    """
    return Markup(_macros().drawing(Markup(svg), caption, figure, standard))


def part(name: str, at: int, pieces: Iterable[str]) -> Markup:
    """Return pieces in a box of the report that has a name of its own: `report-<name>-<at>`."""
    return Markup(_macros().part(name, at, list(pieces)))


def prevalence(finding: str, value: float | None, *, may_write: bool) -> Markup:
    """Return a field for how common a finding is, a share; None where none was entered."""
    return Markup(_macros().prevalence(finding, "" if value is None else f"{100 * value:.10g}", may_write))


def cells(standard: str, named: str, classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> Markup:
    """Return a confusion matrix whose counts are buttons that show their cases; of many classes, what is there.

    Args:
        standard: Key of the reference standard: the rows.
        named: What it is called on the page.
        classes: Of rows and columns.
        confusion: Counts, row by row.
    """
    made = _macros().cells if len(classes) <= MOST_COLUMNS else _macros().many_cells
    return Markup(made(standard, named, classes, confusion))


def said_at(field: str, said: str) -> Markup:
    """Return what is wrong with a field, for `fields.js` to say beside it; `field` is the id of its component."""
    return Markup(_macros().said_at(field, said))


def curves(title: str, x_title: str, lines: Mapping[str, Points], *, none_yet: str) -> Markup:
    """Return curves as a picture, with their numbers in a table below it.

    Args:
        title: Of the picture.
        x_title: What goes to the right.
        lines: Points by name; those without points are left out.
        none_yet: What is said while there is no point.
    """
    picture = drawn(title, x_title, lines)
    kept = [line.name for line in picture.lines]
    by_x = {name: dict(lines[name]) for name in kept}
    rows = [
        (number(x), *(figure(by_x[name][x]) if x in by_x[name] else "–" for name in kept))
        for x in sorted({x for points in by_x.values() for x in points})
    ]
    now = ", ".join(f"{name} {figure(lines[name][-1][1])}" for name in kept)
    said = (
        _("{figure} by {axis}, at last: {now}").format(figure=title, axis=x_title, now=now)
        if kept
        else none_yet
    )
    return Markup(_macros().curves(picture, (x_title, *kept), rows, said))


def chosen(told: Mapping[str, Any]) -> Markup:
    """Return what the controls of a page say, for a script to read."""
    return Markup(_macros().chosen(json.dumps(told)))


def checklists(answered: Iterable[Any], *, may_write: bool) -> Markup:
    """Return reporting checklists with where each item is answered, and a field for what a person can write."""
    return Markup(_macros().checklists(list(answered), OFFLINE_ONLY, may_write))


def folded(title: str, pieces: Iterable[str]) -> Markup:
    """Return pieces that are folded away behind their title."""
    return Markup(_macros().folded(title, list(pieces)))


def files(message: str, names: Sequence[str], *, listed: int) -> Markup:
    """Return a sentence; where it is about several files, it opens to their names, `listed` at most."""
    further = len(names) - listed
    return Markup(
        _macros().files(message, number(len(names)), names[:listed], number(further) if further > 0 else "")
    )
