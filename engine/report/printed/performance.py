"""Section 5: performance against each reference standard, as numbered tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.language import _, counted, isolated, number, short_number
from engine.records import Estimate, Run
from engine.report.formatting import rests_in, rests_on
from engine.report.named.names import figure_words, reason_words, share_words, standard_words
from engine.report.named.of_methods import method_words
from engine.report.printed.records import (
    LISTED,
    SHARE,
    Basis,
    Cell,
    Line,
    Table,
    Where,
    of_count,
    of_estimate,
    pointer,
    renumbered,
    words,
)
from engine.report.records import Against
from engine.report.standards.holding import CONFORMAL
from engine.statistics import ClassRow

SECTION = 5
BY_CLASS = (
    ("sensitivity", "recall"),
    ("specificity", "specificity"),
    ("PPV", "precision"),
    ("NPV", "negative_predictive_value"),
    ("LR+", "positive_likelihood_ratio"),
    ("LR−", "negative_likelihood_ratio"),
    ("F1", "f1"),
    ("AUROC", "auroc"),
)
"""Heading and field of each figure of a class."""

OF_REFERENCE = {"sensitivity": True, "specificity": False}
OF_PREDICTED = {"positive predictive value": True, "negative predictive value": False}


def performance_tables(against: Sequence[Against], run: Run) -> tuple[tuple[Table, ...], ...]:
    """Return the tables of each reference standard, numbered through."""
    made = [list(_of_standard(place, one, run)) for place, one in enumerate(against)]
    flat = iter(renumbered(SECTION, [table for tables in made for table in tables]))
    return tuple(tuple(next(flat) for _ in tables) for tables in made)


def _of_standard(place: int, one: Against, run: Run) -> Iterator[Table]:
    if not one.of:
        return
    yield (_by_line if len(run.classes) > LISTED else _cross_table)(place, one, run)
    if not one.cases:
        return
    yield _overall(place, one, run)
    yield _by_class(place, one, run)
    if len(run.classes) > 2 and (pairs := _confused(place, one, run)).lines:
        yield pairs
    if one.indeterminate:
        yield _indeterminate(place, one)
    if one.predictive and math.isfinite(one.estimates["AUROC"].value):
        yield _at_prevalence(place, one, run)


def _reference(one: Against, *names: str) -> Where:
    return {pointer("reference", one.name): tuple(names)}


def _cross_table(place: int, one: Against, run: Run) -> Table:
    """Index test against reference standard; below, what became of the cases that have no class by it."""
    lines = []
    for row, name in enumerate(run.classes):
        cells = [
            of_count(
                int(count),
                pointer("against", place, "confusion", row, column),
                {**_reference(one, name), "/predicted": (run.classes[column],)},
                what="images",
            )
            for column, count in enumerate(one.confusion[row])
        ]
        support = pointer("against", place, "rows", row, "support")
        cells.append(of_count(one.rows[row].support, support, _reference(one, name), what="images"))
        lines.append(Line(head=name, cells=tuple(cells)))
    totals = [
        of_count(
            one.rows[column].predicted,
            pointer("against", place, "rows", column, "predicted"),
            {**_reference(one, *run.classes), "/predicted": (name,)},
            what="images",
        )
        for column, name in enumerate(run.classes)
    ]
    totals.append(
        of_count(one.cases, pointer("against", place, "cases"), _reference(one, *run.classes), what="images")
    )
    lines.append(Line(head=_("all with a class"), cells=tuple(totals)))
    for why, counts in one.undecided.items():
        without = {pointer("without", one.name): (why,)}
        cells = [
            of_count(
                count,
                pointer("against", place, "undecided", why, column),
                {**without, "/predicted": (run.classes[column],)},
                what="images",
            )
            for column, count in enumerate(counts)
        ]
        cells.append(
            of_count(one.excluded[why], pointer("against", place, "excluded", why), without, what="images")
        )
        lines.append(Line(head=_("no class: {why}").format(why=reason_words(why)), cells=tuple(cells)))
    return Table(
        number="",
        caption=(
            _(
                "Cross-table of the index test (columns) and the {standard} (rows): {images}, with those that have no "
                "class by the reference standard."
            )
            if one.undecided
            else _("Cross-table of the index test (columns) and the {standard} (rows): {images}.")
        ).format(standard=standard_words(one.name), images=counted(one.of, "image")),
        columns=(
            _("reference standard"),
            *(_("predicted {name}").format(name=isolated(name)) for name in run.classes),
            _("all"),
        ),
        lines=tuple(lines),
    )


def _by_line(place: int, one: Against, run: Run) -> Table:
    """The cross-table of many classes, which is nearly empty: a line a class, with what both say of it."""
    lines = []
    of_both = [pointer("against", place, "confusion", row, row) for row in range(len(run.classes))]
    for row, name in enumerate(run.classes):
        at, predicted = pointer("against", place, "rows", row), {"/predicted": (name,)}
        cells = [
            of_count(one.rows[row].support, f"{at}/support", _reference(one, name), what="images"),
            of_count(
                one.rows[row].predicted,
                f"{at}/predicted",
                {**_reference(one, *run.classes), **predicted},
                what="images",
            ),
            of_count(
                int(one.confusion[row][row]),
                of_both[row],
                {**_reference(one, name), **predicted},
                what="images",
            ),
        ]
        for why, counts in one.undecided.items():
            there = pointer("against", place, "undecided", why, row)
            without = {pointer("without", one.name): (why,), **predicted}
            cells.append(of_count(counts[row], there, without, what="images"))
        lines.append(Line(head=name, cells=tuple(cells)))
    all_of_them = of_count(
        one.cases, pointer("against", place, "cases"), _reference(one, *run.classes), what="images"
    )
    both = sum(int(one.confusion[row][row]) for row in range(len(run.classes)))
    totals = [
        all_of_them,
        all_of_them,
        Cell(text=number(both), basis=Basis(at=tuple(of_both), method="sum of images")),
    ]
    for why in one.undecided:
        without = {pointer("without", one.name): (why,)}
        totals.append(
            of_count(one.excluded[why], pointer("against", place, "excluded", why), without, what="images")
        )
    lines.append(Line(head=_("all"), cells=tuple(totals)))
    caption = _(
        "Index test and {standard}, a line a class: {images}. How many are of the class by the reference standard, "
        "predicted to be of it, and both; what the others were taken for stands in the figure and in report.json."
    ).format(standard=standard_words(one.name), images=counted(one.of, "image"))
    columns = (
        _("class"),
        _("reference standard"),
        _("predicted"),
        _("both"),
        *(_("no class: {why}").format(why=reason_words(why)) for why in one.undecided),
    )
    return Table(number="", caption=caption, columns=columns, lines=tuple(lines))


def _overall(place: int, one: Against, run: Run) -> Table:
    """Every figure that speaks of all cases, by image and, where patients have several, by patient."""
    by_patient = one.by_patient
    lines = []
    for name, estimate in one.estimates.items():
        cases = _cases_of(name, one, run)
        at = pointer("against", place, "estimates", name)
        cells = [of_estimate(estimate, at, cases, note=one.note), _rests(estimate, at, cases)]
        if by_patient.rule:
            found = by_patient.estimates.get(name)
            there = pointer("against", place, "by_patient", "estimates", name)
            cells.append(
                words("–") if found is None else of_estimate(found, there, _reference(one, *run.classes))
            )
        lines.append(Line(head=figure_words(name), cells=tuple(cells)))
    columns = [_("figure"), _("by image"), _("based on")]
    notes = [_methods(one)]
    if by_patient.rule:
        columns.append(_("by patient ({count})").format(count=number(by_patient.patients)))
        notes.append(by_patient.rule)
    return Table(
        number="",
        caption=(
            _(
                "Performance against the {standard}: every figure, its 95% interval below it, and what it is based on: "
                "images; where they are known, patients; and how many independent images would tell as much."
            ).format(standard=standard_words(one.name))
        ),
        columns=tuple(columns),
        lines=tuple(lines),
        notes=tuple(filter(None, notes)),
    )


def _rests(estimate: Estimate, at: str, cases: Where) -> Cell:
    if math.isnan(estimate.value):
        return words("–")
    said = rests_on(estimate)
    at_all = tuple(f"{at}/{name}" for name in rests_in(estimate))
    return Cell(text=said, basis=Basis(at=at_all, cases=cases, n=estimate.n, method="count"))


def _by_class(place: int, one: Against, run: Run) -> Table:
    lines = []
    for at_row, row in enumerate(one.rows):
        at = pointer("against", place, "rows", at_row)
        cells = [
            of_estimate(getattr(row, name), f"{at}/{name}", _of_class(title, one, run, row), note=one.note)
            for title, name in BY_CLASS
        ]
        cells.append(of_count(row.support, f"{at}/support", _reference(one, row.name), what="images"))
        lines.append(Line(head=row.name, cells=tuple(cells)))
    return Table(
        number="",
        caption=(
            _(
                "Each class against all others, by the {standard}, 95% intervals below the figures. PPV and NPV: "
                "positive and negative predictive value (PPV is also called precision, sensitivity recall); LR: "
                "likelihood ratio."
            ).format(standard=standard_words(one.name))
        ),
        columns=(_("class"), *(figure_words(title) for title, _field in BY_CLASS), _("images")),
        lines=tuple(lines),
    )


def _confused(place: int, one: Against, run: Run) -> Table:
    from engine.report.figures import most_confused  # it takes what draws

    lines = []
    for truth, predicted, count, share in most_confused(one.confusion, run.classes):
        row, column = run.classes.index(truth), run.classes.index(predicted)
        at = pointer("against", place, "confusion", row, column)
        of = (at, pointer("against", place, "rows", row, "support"))
        cases = {**_reference(one, truth), "/predicted": (predicted,)}
        cells = (
            words(predicted),
            of_count(count, at, cases, what="images"),
            Cell(text=share_words(share), basis=Basis(at=of, method=SHARE)),
        )
        lines.append(Line(head=truth, cells=cells))
    note = f" ({one.note})" if one.note else ""
    return Table(
        number="",
        caption=_("The pairs of classes confused most often, by the {standard}{note}.").format(
            standard=standard_words(one.name), note=note
        ),
        columns=(_("reference standard"), _("predicted"), _("images"), _("share of the class")),
        lines=tuple(lines),
        words=(1,),
    )


def _indeterminate(place: int, one: Against) -> Table:
    lines = []
    for rule, figures in one.indeterminate.items():
        at = pointer("against", place, "indeterminate", rule)
        cells = [of_estimate(each, f"{at}/{name}", None) for name, each in figures.items()]
        said = {
            "excluded": _("excluded"),
            "positive": _("count as positive"),
            "negative": _("count as negative"),
        }[rule]
        lines.append(Line(head=said, cells=tuple(cells)))
    names = next(iter(one.indeterminate.values()))
    return Table(
        number="",
        caption=(
            _(
                "Unsure and not diagnostic readings excluded, as positive and as negative, side by side: {standard}, "
                "95% intervals below the figures."
            ).format(standard=standard_words(one.name))
        ),
        columns=(_("they are"), *map(figure_words, names)),
        lines=tuple(lines),
    )


def _at_prevalence(place: int, one: Against, run: Run) -> Table:
    note = f" ({one.note})" if one.note else ""
    lines = []
    for at_row, (prevalence, *values) in enumerate(one.predictive):
        at = pointer("against", place, "predictive", at_row)
        cells = [
            of_estimate(each, f"{at}/{column}", _reference(one, *run.classes))
            for column, each in enumerate(values, 1)
        ]
        lines.append(
            Line(head=_("{percent}%").format(percent=short_number(100 * prevalence)), cells=tuple(cells))
        )
    return Table(
        number="",
        caption=(
            _(
                "Predictive values at a given prevalence, from sensitivity and specificity against the "
                "{standard}{note}."
            ).format(standard=standard_words(one.name), note=note)
        ),
        columns=(
            _("prevalence of {finding}").format(finding=run.positive),
            _("positive predictive value"),
            _("negative predictive value"),
        ),
        lines=tuple(lines),
    )


def _cases_of(name: str, one: Against, run: Run) -> Where:
    """Return the cases that a figure rests on: all with a class, or those of one class, or predicted so."""
    everything = _reference(one, *run.classes)
    for label in run.classes:
        if name == CONFORMAL.format(label):
            return _reference(one, label)
    if len(run.classes) != 2 or one.drawn == "weighted":
        return everything
    other = next(each for each in run.classes if each != run.positive)
    if name in OF_REFERENCE:
        return _reference(one, run.positive if OF_REFERENCE[name] else other)
    if name in OF_PREDICTED:
        return {**everything, "/predicted": (run.positive if OF_PREDICTED[name] else other,)}
    return everything


def _of_class(title: str, one: Against, run: Run, row: ClassRow) -> Where:
    everything = _reference(one, *run.classes)
    others = tuple(name for name in run.classes if name != row.name)
    return {
        "sensitivity": _reference(one, row.name),
        "specificity": _reference(one, *others),
        "PPV": {**everything, "/predicted": (row.name,)},
        "NPV": {**everything, "/predicted": others},
    }.get(title, everything)


def _methods(one: Against) -> str:
    """Say which figures each kind of interval was used for."""
    used: dict[str, list[str]] = {}
    for name, estimate in one.estimates.items():
        if not math.isnan(estimate.low):
            used.setdefault(method_words(estimate.method), []).append(figure_words(name))
    said = _("; ").join(f"{method}: {_(', ').join(of)}" for method, of in used.items())
    return _("Methods of the intervals: {methods}.").format(methods=said) if said else ""
