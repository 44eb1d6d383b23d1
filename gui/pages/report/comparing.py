"""A comparison of runs, as HTML: a row a run, a figure, and paired tests against the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.language import _, number
from engine.report import figure, figure_words, interval, p_value
from gui.web import markup

if TYPE_CHECKING:
    from engine.experiments import RunComparison

NAMES = ("accuracy", "AUROC", "macro F1")


def side_by_side(comparison: RunComparison, *, before: bool = False) -> Sequence[str]:
    """Return the comparison in pieces; `before`: with the run before, not with the first of several."""
    from engine.experiments import where_different
    from engine.report import forest_svg  # the window opens seconds sooner without it

    rows = [
        (
            row.name,
            *(f"{figure(row.estimates[name].value)} ({interval(row.estimates[name])})" for name in NAMES),
        )
        for row in comparison.rows
    ]
    where = where_different(comparison)
    differing = [(row.name, where[at]) for at, row in enumerate(comparison.rows) if at and row.differs]
    left_out = [markup.told(f"{count:,} {why}") for why, count in comparison.left_out.items()]
    said = markup.told(comparison.reference) or (_("Cases that were left out:") if left_out else "")
    names = [figure_words(name) for name in NAMES]
    minus = _("{run}, minus the run before") if before else _("{run}, minus the first")
    pieces: list[str] = [
        *([markup.note(said, more=left_out)] if said else []),
        markup.heading(
            _("Before and after") if before else _("Figures"),
            _("{count} test images that all have").format(count=number(comparison.cases)),
        ),
        markup.table((_("run"), *names), rows),
        *(
            [
                markup.table(
                    (
                        _("run"),
                        _("differs from the run before in") if before else _("differs from the first in"),
                    ),
                    differing,
                    numbers=False,
                )
            ]
            if differing
            else []
        ),
        markup.box(
            "drawings",
            [
                markup.drawing(
                    forest_svg({row.label: row.estimates[name] for row in comparison.rows}, name),
                    _("{figure}, with 95% intervals.").format(figure=figure_words(name)),
                )
                for name in NAMES[:2]
            ],
        ),
    ]
    for one in comparison.contrasts:
        told = [
            (
                figure_words(name),
                figure(test.difference.value),
                interval(test.difference),
                p_value(p),
            )
            for name, test, p in (("accuracy", one.accuracy, one.p_accuracy), ("AUROC", one.area, one.p_area))
        ]
        pieces.append(markup.heading(minus.format(run=one.name)))
        pieces.append(markup.table(("", _("difference"), _("95% interval"), _("p, adjusted")), told))
    return pieces
