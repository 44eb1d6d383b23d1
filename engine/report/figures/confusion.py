"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from engine.report.figures.drawing import draw, short


def confusion_matrix_svg(
    confusion: ArrayLike, classes: Sequence[str], *, standard: str = "reference standard"
) -> str:
    """Draw a confusion matrix with counts and the share of each row.

    Args:
        confusion: (C, C) int, rows by reference standard, columns by prediction.
        classes: C names.
        standard: Name of the rows.
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    total = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shares, many, roomy = matrix / total, len(classes) > 8, len(classes) < 4
    across: dict[str, Any] = {} if roomy else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    names = [short(name) for name in classes]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        edges = np.arange(len(names) + 1) - 0.5
        # Never so dark that ink cannot be read on it.
        axes.pcolormesh(
            edges, edges, shares, cmap="Blues", vmin=0, vmax=1.25, edgecolors="#9ca3af", linewidth=0.6
        )
        axes.set_xticks(range(len(names)), names, **across)
        axes.set_yticks(range(len(names)), names, rotation=90 if roomy else 0, va="center")
        axes.set(xlabel="predicted", ylabel=standard, aspect="equal")
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for (row, column), count in np.ndenumerate(matrix):
            ink = "white" if shares[row, column] > 0.75 else "black"
            where: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
            if many:
                axes.text(column, row, f"{count}", fontsize=6, **where)
                continue
            axes.text(column, row - 0.08, f"{count:,}", fontsize=13 if roomy else 9, weight="bold", **where)
            if matrix[row].sum():
                share = f"{shares[row, column]:.0%}"
                axes.text(column, row + 0.24, share, fontsize=8 if roomy else 6, **where)

    counts = "; ".join(
        f"of {matrix[row].sum():,} {name}: "
        + ", ".join(f"{matrix[row, c]:,} predicted {other}" for c, other in enumerate(classes))
        for row, name in enumerate(classes)
    )
    side = 3.6 if len(classes) < 4 else min(7.0, 3.2 + 0.35 * len(classes))
    return draw(paint, f"Confusion matrix: {counts}.", (side, side * 0.94))
