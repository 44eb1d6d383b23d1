"""The confusion matrix, legible from two to fifty classes and more."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from engine.language import _, isolated, number
from engine.report.figures.drawing import draw, scale_beside, short_names, worded
from engine.report.named.names import share_words, standard_words

FEW, MANY, CROWDED = (
    4,
    9,
    26,
)  # classes from which names turn, order is by likeness, cells are too small for counts
BESIDE = 36  # letters of the names of few classes, each as long as the longest, that stand beside each other
TAKEN_FOR = 5  # wrong classes that are named of a class, where classes are many
LABEL = 40  # letters of the name of the rows that stand beside them on one line
ISOLATED = re.compile("\u2068[^\u2069]*\u2069")
BOUND = "\u00a0"
DARKEST = 0.75  # share of a row from which ink on it is white


def confusion_matrix_svg(confusion: ArrayLike, classes: Sequence[str], *, standard: str = "") -> Markup:
    """Draw a confusion matrix with counts and the share of each row.

    Many classes stand in the order of `by_likeness`, and their shares are told by a scale of colour.

    Args:
        confusion: (C, C) int, rows by reference standard, columns by prediction.
        classes: C names.
        standard: Name of the rows; empty for one that has none.
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    order = by_likeness(matrix)
    matrix, classes = matrix[np.ix_(order, order)], [classes[each] for each in order]
    names = short_names(classes)
    side = 3.6 if _fit(names) else min(7.0, 3.2 + 0.35 * max(FEW, len(classes)))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        shares = _shares(matrix)
        edges = np.arange(len(classes) + 1) - 0.5
        # Never so dark that ink cannot be read on it.
        line = 0.6 if len(classes) < CROWDED else 0.25
        look: dict[str, Any] = {"cmap": mpl.colormaps["Blues"].resampled(25), "vmin": 0, "vmax": 1.25}
        mesh = axes.pcolormesh(edges, edges, shares, edgecolors="#9ca3af", linewidth=line, **look)
        if len(classes) >= MANY:
            scale_beside(figure, axes, mesh, worded(_("share of the row")), top=1)
        _names(axes, names, standard_words(standard) or _("reference standard"))
        if len(classes) < CROWDED:
            _counts(axes, matrix, shares)

    counts = _("; ").join(
        _("of {count} {name}: {predicted}").format(
            count=number(int(matrix[row].sum())),
            name=isolated(name),
            predicted=_(", ").join(_row_in_words(matrix[row], row, classes)),
        )
        for row, name in enumerate(classes)
    )
    return draw(paint, _("Confusion matrix: {counts}.").format(counts=counts), (side, side * 0.94))


def _row_in_words(counts: NDArray[np.int64], own: int, classes: Sequence[str]) -> Iterator[str]:
    """Yield what a class was predicted as; of many classes what it is and what it was most often taken for.

    Nobody listens to fifty times fifty counts that are nearly all 0, and no PDF holds a sentence of them.
    """
    told = list(range(len(classes)))
    if len(classes) >= MANY:
        wrong = sorted((at for at in told if at != own and counts[at]), key=lambda at: (-int(counts[at]), at))
        told = [own, *wrong[:TAKEN_FOR]]
    for at in told:
        yield _("{count} predicted {name}").format(count=number(int(counts[at])), name=isolated(classes[at]))
    if others := int(counts.sum() - counts[told].sum()):
        yield _("{count} predicted as one of the other classes").format(count=number(others))


def by_likeness(confusion: NDArray[np.int64]) -> list[int]:
    """Return the order of classes in which those confused with each other stand side by side.

    Average linkage of 1 less the mean of both shares of confusion, leaves in the order that leaves neighbours closest.
    Few classes keep their order, and so do those never confused.

    Args:
        confusion: (C, C) counts.
    """
    n = len(confusion)
    if n < MANY:
        return list(range(n))
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    shares = _shares(confusion)
    apart = 1 - (shares + shares.T) / 2
    np.fill_diagonal(apart, 0)
    if np.all(apart[~np.eye(n, dtype=bool)] == 1):
        return list(range(n))
    pairs = squareform(apart, checks=False)
    return [int(each) for each in leaves_list(optimal_leaf_ordering(linkage(pairs, "average"), pairs))]


def most_confused(
    confusion: ArrayLike, classes: Sequence[str], most: int = 10
) -> list[tuple[str, str, int, float]]:
    """Return the pairs of classes that are confused most often: reference, predicted, cases, share of the reference.

    Args:
        confusion: (C, C) counts, rows by reference standard.
        classes: C names.
        most: Pairs at most; those confused never are left out.
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    shares = _shares(matrix)
    pairs = [
        (int(matrix[row, column]), float(shares[row, column]), row, column)
        for row, column in np.argwhere((matrix > 0) & ~np.eye(len(matrix), dtype=bool))
    ]
    pairs.sort(key=lambda pair: (-pair[0], -pair[1], pair[2], pair[3]))
    return [(classes[row], classes[column], count, share) for count, share, row, column in pairs[:most]]


def _shares(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))


def _fit(names: Sequence[str]) -> bool:
    """Return whether each name has room along its row and its column, so that none turns."""
    return len(names) < FEW and len(names) * max(map(len, names), default=0) <= BESIDE


def _names(axes: Axes, names: Sequence[str], standard: str) -> None:
    """Name rows and columns; of very many, smaller and upright."""
    roomy = _fit(names)
    across: dict[str, Any] = {} if roomy else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    size: dict[str, Any] = {}
    if len(names) >= CROWDED:
        size = {"fontsize": max(3.0, min(6.5, 300 / len(names)))}
        across = {"rotation": 90}
    axes.set_xticks(range(len(names)), names, **across, **size)
    axes.set_yticks(range(len(names)), names, rotation=90 if roomy else 0, va="center", **size)
    axes.set(xlabel=worded(_("predicted")), ylabel="\n".join(map(worded, _lines(standard))), aspect="equal")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _lines(standard: str) -> list[str]:
    """Part the name of the rows into lines, a name in it that runs another way into none."""
    whole = ISOLATED.sub(lambda name: name[0].replace(" ", BOUND), standard)
    lines = textwrap.wrap(whole, LABEL, max_lines=3, placeholder="…")
    return [line.replace(BOUND, " ") for line in lines]


def _counts(axes: Axes, matrix: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    """Write the count into each cell, of few classes with its share of the row; of many, where there is any."""
    many, roomy = len(matrix) >= MANY, len(matrix) < FEW
    for (row, column), count in np.ndenumerate(matrix):
        ink = "white" if shares[row, column] > DARKEST else "black"
        where: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
        if many:
            if count:
                axes.text(column, row, number(int(count)), fontsize=6 if len(matrix) < 16 else 5, **where)
            continue
        axes.text(column, row - 0.08, number(int(count)), fontsize=13 if roomy else 9, weight="bold", **where)
        if matrix[row].sum():
            share = share_words(float(shares[row, column]), 0)
            axes.text(column, row + 0.24, share, fontsize=8 if roomy else 6, **where)
