"""A comparison of runs, as HTML: a row a run, a figure, and paired tests against the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from engine.language import _, number
from engine.naming import given_of
from engine.recipes import recipe_words
from engine.report import figure, figure_words, interval, p_value, with_minus
from gui.web import markup

if TYPE_CHECKING:
    from engine.experiments import RunComparison

NAMES = ("accuracy", "AUROC", "macro F1")


def side_by_side(comparison: RunComparison, *, before: bool = False) -> Sequence[str]:
    """Return the comparison in pieces; `before`: with the run before, not with the first of several."""
    from engine.experiments import where_different

    plain = [
        given_of(row.run.folder).name or recipe_words(row.run.title) or row.name for row in comparison.rows
    ]
    called = {
        # Which of two is the one before, and on which labels each was trained, is what the engine calls them.
        row.name: markup.in_english(row.name) if before else _called(name, row.run.run_id)
        for name, row in zip(plain, comparison.rows, strict=True)
    }
    rows = [
        (
            called[row.name],
            *(
                Markup('{} <span class="or-whole">({})</span>').format(
                    figure(row.estimates[name].value), interval(row.estimates[name])
                )
                for name in NAMES
            ),
        )
        for row in comparison.rows
    ]
    where = where_different(comparison)
    differing = [
        (called[row.name], _("supplied predictions") if row.run.supplied else markup.in_english(where[at]))
        for at, row in enumerate(comparison.rows)
        if at and row.differs
    ]
    left_out = [markup.told(f"{count:,} {why}") for why, count in comparison.left_out.items()]
    said = markup.told(comparison.reference) or (_("Cases that were left out:") if left_out else "")
    names = [figure_words(name) for name in NAMES]
    minus = _("{run}, minus the run before") if before else _("{run}, minus the first")
    pieces: list[str] = [
        *([markup.note(said, more=left_out)] if said else []),
        markup.heading(
            _("Before and after") if before else _("Performance"),
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
        _drawings(comparison, [row.name for row in comparison.rows] if before else plain),
    ]
    for one in comparison.contrasts:
        told = [
            (
                figure_words(name),
                with_minus(figure(test.difference.value)),
                with_minus(interval(test.difference)),
                p_value(p),
            )
            for name, test, p in (("accuracy", one.accuracy, one.p_accuracy), ("AUROC", one.area, one.p_area))
        ]
        pieces.append(markup.heading(Markup(minus).format(run=called[one.name])))
        pieces.append(markup.table(("", _("difference"), _("95% interval"), _("p, adjusted")), told))
    return pieces


def _called(name: str, run_id: str) -> Markup:
    """Return what a run is called beside others: neither its name nor its id turns the words around it."""
    words = Markup(_("{name}, run {run}"))  # ours; what it is filled with is escaped
    return words.format(name=markup.bdi(name), run=markup.bdi(run_id))


def _drawings(comparison: RunComparison, names: Sequence[str]) -> Markup:
    from engine.report import forest_svg  # the window opens seconds sooner without it

    called = [
        name if names.count(name) == 1 else f"{row.run.run_id} {name}"
        for name, row in zip(names, comparison.rows, strict=True)
    ]
    drawn = []
    for one in NAMES[:2]:
        estimates = {name: row.estimates[one] for name, row in zip(called, comparison.rows, strict=True)}
        caption = _("{figure}, with 95% intervals.").format(figure=figure_words(one))
        drawn.append(markup.drawing(forest_svg(estimates, figure_words(one)), caption))
    return markup.box("drawings", drawn)
