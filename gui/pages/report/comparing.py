"""A comparison of runs, as HTML: a row a run, a figure, and paired tests against the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.report import figure, interval, p_value
from gui.web import markup

if TYPE_CHECKING:
    from engine.experiments import RunComparison

NAMES = ("accuracy", "AUROC", "macro F1")


def side_by_side(comparison: RunComparison, *, title: str = "Figures", first: str = "first") -> Sequence[str]:
    """Return the comparison in pieces, below a title; `first` is what the others are compared with."""
    from engine.experiments import words
    from engine.report import forest_svg  # the window opens seconds sooner without it

    rows = [
        (
            row.name,
            *(f"{figure(row.estimates[name].value)} ({interval(row.estimates[name])})" for name in NAMES),
        )
        for row in comparison.rows
    ]
    differing = [(row.name, words(row.differs)) for row in comparison.rows[1:] if row.differs]
    left_out = [f"{count:,} {why}" for why, count in comparison.left_out.items()]
    said = comparison.reference or ("Cases that were left out:" if left_out else "")
    pieces: list[str] = [
        *([markup.note(said, more=left_out)] if said else []),
        markup.heading(title, f"{comparison.cases:,} test images that all have"),
        markup.table(("run", *NAMES), rows),
        *(
            [markup.table(("run", f"differs from the {first} in"), differing, numbers=False)]
            if differing
            else []
        ),
        markup.box(
            "drawings",
            [
                markup.drawing(
                    forest_svg({row.label: row.estimates[name] for row in comparison.rows}, name),
                    f"{name}, with 95% intervals.",
                )
                for name in NAMES[:2]
            ],
        ),
    ]
    for one in comparison.contrasts:
        told = [
            (name, figure(test.difference.value), interval(test.difference), p_value(p))
            for name, test, p in (("accuracy", one.accuracy, one.p_accuracy), ("AUROC", one.area, one.p_area))
        ]
        pieces.append(markup.heading(f"{one.name}, minus the {first}"))
        pieces.append(markup.table(("", "difference", "95% interval", "p, adjusted"), told))
    return pieces
