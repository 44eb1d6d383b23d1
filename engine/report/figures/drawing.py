"""The figures of a report as SVG: readable in grey, by the colour-blind, on paper and by a screen reader.

Every function returns one `<svg>` element, ready to stand inside a page: no prolog, no dates, no ids that
another figure on the page could have too. Equal numbers give equal text. Only matplotlib's object interface
is used, never pyplot, and its settings are changed under a lock: a server draws for several people at once.
"""

from __future__ import annotations

import hashlib
import html
import io
import math
import re
import threading
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.language import ENGLISH, _, language, number, right_to_left, shorn
from engine.records import Estimate
from engine.report.formatting import figure, interval
from engine.report.paper.directions import isolated, with_minus

# Okabe and Ito's colours, in an order that also differs in grey, with a dash each.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
MOST_CURVES = 10
FEW_CURVES = 4  # whose legend finds room between them
GREY = "#6b7280"
FILLS = ("#1f5f99", "#7fb2d9", "#d5dde5")  # dark, middle and light: told apart without colour

STYLE: Any = {
    # Letters stay letters: searchable, and names in any script are drawn by the browser.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#374151",
    "axes.linewidth": 0.8,
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "legend.frameon": False,
    "text.usetex": False,
    "text.parse_math": False,  # a class named "$x" is a name, not a formula
}
JOINERS = "\u200c\u200d"  # that Persian and Indic names are written with
LETTERS = re.compile(r"(<(?:text|tspan)\b[^>]*>)([^<]*)")
PIECES = re.compile(r"<g\b[^>]*(?<!/)>|</g>|(<text\b[^>]*>)([-\u2212]?\d+(?:\.\d+)?)(</text>)")
"""Groups, and texts that are a number."""
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_SETTINGS = threading.Lock()


def draw(paint: Callable[[Figure], None], alt: str, size: tuple[float, float] = (3.6, 3.4)) -> Markup:
    """Let `paint(figure)` draw; return one `<svg>` element with a text for the blind."""
    salt = hashlib.sha256(alt.encode()).hexdigest()[:8]
    stream = io.StringIO()
    with _SETTINGS, mpl.rc_context({**STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        # Letters stay letters: a script that matplotlib's own font lacks is drawn by the browser and by Typst.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        figure.savefig(stream, format="svg", transparent=True, metadata=NO_METADATA)
        where = _places(figure.axes)
    svg = stream.getvalue()
    # The numbers of a scale are told from those that a figure prints.
    svg = re.sub(r'<g id="([xy]tick_\d+)">', '<g class="scale">', svg)
    svg = _in_digits(svg)
    svg = LETTERS.sub(lambda text: text[1] + with_minus(text[2]), svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    # matplotlib names every group ("axes_1"): only what is pointed at keeps its name, with the figure's own
    # prefix.
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    mark = f"f{hashlib.sha256(svg.encode()).hexdigest()[:10]}"
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{mark}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(url\(|href=")#([^")]+)', rf"\1#{mark}-\2", svg)
    svg = svg.replace("font: ", "font:").replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, Arial")
    # On a page from right to left an anchor at the start of a text would be its right end.
    said = f'<svg role="img" direction="ltr" {where}aria-label="{html.escape(isolated(alt))}" '
    return Markup(svg.replace("<svg ", said, 1))


def _in_digits(svg: str) -> str:
    """Write the numbers of scales as the language that is spoken does."""
    within: list[bool] = []

    def write(found: re.Match[str]) -> str:
        if found[0] == "</g>":
            within.pop()
        elif found[2] is None:
            within.append('class="scale"' in found[0])
        elif any(within):
            plain = found[2].replace("\u2212", "-")
            if language() == ENGLISH:
                return f"{found[1]}{shorn(found[2]) if float(plain) else 0}{found[3]}"
            return f"{found[1]}{number(float(plain), len(plain.partition('.')[2]))}{found[3]}"
        return found[0]

    return PIECES.sub(write, svg)


def worded(said: str) -> str:
    """Return words of ours for a figure: in a language from right to left they run so, whatever they begin with."""
    return f"\u2067{said}\u2069" if right_to_left(language()) else said


def _places(panels: Sequence[Axes]) -> str:
    """Say where in the figure its axes lie and in which units, so that a click on them can be understood."""
    edges, limits = [], []
    for axes in panels:
        box = axes.get_position()
        edges.append(
            (box.x0, 1 - box.y1, box.x1, 1 - box.y0)
        )  # from the left and the top, in shares of the figure
        limits.append((*axes.get_xlim(), *axes.get_ylim()))
    told = (";".join(" ".join(f"{each:.5g}" for each in one) for one in of) for of in (edges, limits))
    return 'data-axes="{}" data-limits="{}" '.format(*told)


def unit_square(axes: Axes, x: str, y: str) -> None:
    """Let both axes run from 0 to 1, with a grid."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y, aspect="equal")
    grid(axes)


def grid(axes: Axes) -> None:
    """Put a light grid behind what is drawn."""
    axes.grid(color="#e5e7eb", linewidth=0.6)
    axes.set_axisbelow(True)


def legend(figure: Figure, axes: Axes, curves: int, where: Literal["lower left", "lower right"]) -> None:
    """Put the legend between few curves, below the axes for more, with a word on those that are not drawn."""
    if curves > MOST_CURVES:
        axes.plot([], [], " ", label=_more(curves - MOST_CURVES))
    if 0 < curves <= FEW_CURVES:
        axes.legend(loc=where, fontsize=7)
    elif curves:  # below the axes, where it hides no curve, and the figure grows by its lines
        handles, labels = axes.get_legend_handles_labels()
        inches = 0.5 + 0.075 * max(len(label) for label in labels)  # of an entry of wide letters
        columns = max(1, int(figure.get_figwidth() / inches))
        figure.set_size_inches(
            figure.get_figwidth(), figure.get_figheight() + 0.17 * math.ceil(len(labels) / columns)
        )
        look: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "handlelength": 3.5}
        figure.legend(handles, labels, fontsize=7, **look)


def _more(count: int) -> str:
    return worded(_("and {count} more, not drawn").format(count=number(count)))


def interval_words(estimate: Estimate | None) -> str:
    """Return an estimate with its interval as a legend says it; empty where there is none."""
    if estimate is None or not np.isfinite(estimate.value):
        return ""
    if not np.isfinite(estimate.low):
        return figure(estimate.value)
    return f"{figure(estimate.value)} ({interval(estimate)})"


def scale_beside(figure: Figure, axes: Axes, mesh: Any, label: str, *, top: float | None = None) -> None:
    """Put a scale of colour beside a mesh, as lines and fills and not as a picture of dots."""
    bar = figure.colorbar(mesh, ax=axes, shrink=0.5, aspect=25, label=label)
    assert bar.solids is not None  # of a mesh it always is
    bar.solids.set(rasterized=False, edgecolor="face")
    if top is not None:
        bar.ax.set_ylim(0, top)


def line_look(place: int) -> dict[str, Any]:
    """Return colour and dash of the line at a place: two lines differ in both."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "linewidth": 1.6,
    }


def short(name: str, most: int = 22) -> str:
    """Fit a name of any length, script and characters on one line of a figure."""
    line = " ".join(name.split()) or _("(no name)")
    line = "".join(letter for letter in line if letter.isprintable() or letter in JOINERS)
    line = line if len(line) <= most else line[: most - 1] + "…"
    # Numbers that follow a name from right to left stay behind it, and are not turned round.
    return f"\u200e\u2068{line}\u2069" if any(map(_runs_left, line)) else line


def short_names(names: Sequence[str], most: int = 22) -> list[str]:
    """Fit names on one line of a figure each; long ones that begin alike keep their ends too, so that they differ."""
    begin = (most - 1) // 2
    lines = [" ".join(name.split()) for name in names]
    alike = Counter(line[:begin] for line in lines)
    cut = [
        f"{line[:begin]}…{line[1 + begin - most :]}" if len(line) > most and alike[line[:begin]] > 1 else line
        for line in lines
    ]
    made = [short(line, most) for line in (cut if len(set(cut)) == len(set(lines)) else lines)]
    told = Counter(made)
    return [f"{each} ({place + 1})" if told[each] > 1 else each for place, each in enumerate(made)]


def _runs_left(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in ("R", "AL", "AN")
