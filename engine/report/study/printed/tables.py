"""The tables of a study's report, section by section."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from engine.language import N_, _, in_digits, isolated, ngettext, number
from engine.records import Estimate
from engine.report.formatting import figure
from engine.report.named.names import figure_words
from engine.report.printed.records import (
    Basis,
    Cell,
    Line,
    Table,
    Where,
    of_estimate,
    pointer,
    renumbered,
    words,
)
from engine.report.study.building import IN_WORDS
from engine.report.study.gathered import INDETERMINATE
from engine.report.study.printed.cells import count_at, minus_words, number_at, table_of, words_at
from engine.report.study.printed.kept import protocol_words, reader_words
from engine.report.study.printed.over_readers import compared_table, power_table
from engine.report.study.records import ReaderLine, StudyReport
from engine.retelling import retold_closely

ORDINAL = (N_("Krippendorff's alpha of ratings, ordinal"),)
THIRDS = (N_("first"), N_("middle"), N_("last"))
RULES = (N_("excluded"), N_("positive"), N_("negative"))
STANDARDS = (
    N_("labels that came with the data"),
    N_("consensus of readers without the model"),
    N_("consensus of readers with the model"),
)
"""Names of rows, which are kept in English."""

FIGURES = ("sensitivity", "specificity", "accuracy", "AUC")
OF_MODEL = ("sensitivity", "specificity", "AUC")
COUNTS = (
    (N_("Readings"), "readings"),
    (N_("Helped: wrong without, right with it"), "helped"),
    (N_("Harmed: right without, wrong with it"), "harmed"),
    (N_("Right both times"), "stayed_right"),
    (N_("Wrong both times"), "stayed_wrong"),
)
SHARES = (
    (N_("Of wrong readings, made right"), "helped_share"),
    (N_("Of right readings, made wrong"), "harmed_share"),
    (N_("Of readings that differed from the model, gone over to it"), "followed"),
    (N_("Of readings with the model, agreeing with it"), "agreed"),
    (N_("Accuracy with minus without"), "gain"),
)
ADVISED = {"right": N_("the model right"), "wrong": N_("the model wrong")}
OF_PEOPLE = ("Adjudicator",)
"""Facts that name a person; the JSON, which is without names, lacks them."""


def tables_of(report: StudyReport) -> dict[str, tuple[Table, ...]]:
    """Return every table by the name by which the page asks for it, numbered by its section."""
    made: dict[str, tuple[Table, ...]] = {}
    sections: tuple[Mapping[str, Table | None], ...] = (
        {"protocol": _facts(report), "people": _people(report)},
        {},
        {"readers": _readers(report), "times": _times(report)},
        {
            **{
                f"compared {one.figure}": compared_table(report, at) for at, one in enumerate(report.compared)
            },
            "power": power_table(report),
        },
        {"advice": _advice(report)},
        {"agreement": _agreement(report)},
        {"three ways": _three_ways(report)},
        {"learning": _learning(report)},
        {"model": _model(report)},
    )
    for section, named in enumerate(sections, 1):
        found = {name: table for name, table in named.items() if table is not None and table.lines}
        numbered = renumbered(section, list(found.values()))
        made |= {name: (table,) for name, table in zip(found, numbered, strict=True)}
    return made


def _figure(one: Estimate | None, at: str, cases: Where | None = None) -> Cell:
    return words("–") if one is None else of_estimate(one, at, cases)


def _facts(report: StudyReport) -> Table:
    lines = []
    for name, said in report.facts.items():
        told = protocol_words(report, name)
        cell = words(told) if name in OF_PEOPLE else words_at(said, "facts", name, told=told)
        lines.append(Line(head=_(name), cells=(cell,)))
    return table_of(_("The protocol."), ("", _("as it is")), lines, in_words=(1,))


def _people(report: StudyReport) -> Table:
    lines = [
        Line(
            head=one.reader,
            cells=(
                words_at(one.told, "people", place, "told", told=reader_words(one.told))
                if one.told
                else words(one.name),
            ),
        )
        for place, one in enumerate(report.people)
    ]
    return table_of(_("Readers."), (ngettext("reader", "readers", 1), _("who it is")), lines, in_words=(1,))


def _read_so(line: ReaderLine, **more: tuple[str, ...]) -> Where:
    """Return the answers of a reader in one way of reading."""
    return {"/reader": (line.reader,), "/reading": (line.mode,)} | {
        f"/{name}": of for name, of in more.items()
    }


def _readers(report: StudyReport) -> Table:
    protocol = report.readings.protocol
    names = [name for name in FIGURES if any(name in line.figures for line in report.lines)]
    classes, positive = tuple(protocol.classes), protocol.positive
    others = tuple(name for name in classes if name != positive)
    by_figure = {"sensitivity": (positive,), "specificity": others}
    lines = []
    for place, line in enumerate(report.lines):
        at = pointer("lines", place)
        cells = [
            words(_(IN_WORDS[line.mode])),
            count_at(line.answers, f"{at}/answers", _read_so(line)),
            count_at(line.indeterminate, f"{at}/indeterminate", _read_so(line, answer=INDETERMINATE)),
        ]
        for name in names:
            of = {} if name == "AUC" else {"answer": classes}
            cases = _read_so(line, label=by_figure.get(name, classes), **of)
            cells.append(_figure(line.figures.get(name), at + pointer("figures", name), cases))
        if protocol.certainty:
            sure = (line.sure_right, line.sure_wrong)
            known = tuple(math.isfinite(one) for one in sure)
            basis = Basis(
                at=tuple(f"{at}/{name}" for name, is_known in zip(SURE, known, strict=True) if is_known),
                method="mean certainty of right and of wrong answers",
                decimals=1,
            )
            text = " / ".join(figure(one, 1) for one in sure)
            cells.append(Cell(text=text, basis=basis if any(known) else None))
        lines.append(Line(head=line.reader, cells=tuple(cells)))
    columns = [
        ngettext("reader", "readers", 1),
        _("reading"),
        _("answers"),
        _("unsure, not diagnostic"),
        *map(figure_words, names),
    ]
    caption = (
        _(
            "Against the labels that came with the data; 95% intervals by patient. Certainty on the scale {scale}."
        ).format(scale=isolated(in_digits(protocol.certainty)))
        if protocol.certainty
        else _(
            "Against the labels that came with the data; 95% intervals by patient. Certainty is not asked."
        )
    )
    return table_of(
        caption,
        [*columns, *([_("certainty right / wrong")] if protocol.certainty else [])],
        lines,
        in_words=(1,),
    )


SURE = ("sure_right", "sure_wrong")


def _times(report: StudyReport) -> Table:
    lines = []
    for place, line in enumerate(report.lines):
        at, so = pointer("lines", place), _read_so(line)
        median, first, third = line.seconds
        quartiles = Cell(
            text=_("{low} to {high}").format(low=figure(first, 1), high=figure(third, 1)),
            basis=Basis(at=(f"{at}/seconds/1", f"{at}/seconds/2"), cases=so, method="quartiles", decimals=1),
        )
        cells = (
            words(_(IN_WORDS[line.mode])),
            number_at(median, f"{at}/seconds/0", "median of seconds", 1, so),
            quartiles if math.isfinite(first + third) else words("–"),
            count_at(line.fast, f"{at}/fast"),
        )
        lines.append(Line(head=line.reader, cells=cells))
    return table_of(
        _("Seconds from a case's appearing to the answer: median, and first to third quartile."),
        (ngettext("reader", "readers", 1), _("reading"), _("median"), _("quartiles"), _("within 1 s")),
        lines,
        in_words=(1,),
    )


def _advice(report: StudyReport) -> Table:
    rows: list[Line] = []
    for name, key in COUNTS:
        counts = (
            count_at(getattr(one, key), pointer("advice", place, key), what="readings")
            for place, one in enumerate(report.advice)
        )
        rows.append(Line(head=_(name), cells=tuple(counts)))
    for name, key in SHARES:
        shares = (
            _share(getattr(one, key), pointer("advice", place, key))
            for place, one in enumerate(report.advice)
        )
        rows.append(Line(head=_(name), cells=tuple(shares)))
    return table_of(
        _(
            "By whether the model was right or wrong. Counts of readings; shares with 95% intervals for readers and "
            "cases like these (of one reader, for cases like these)."
        ),
        ("", *(_(ADVISED.get(one.advice, one.advice)) for one in report.advice)),
        rows if report.advice else (),
    )


def _share(one: Estimate, at: str) -> Cell:
    """Return the cell of a share, with how many readings it is of."""
    made = of_estimate(one, at, None)
    if not math.isfinite(one.value) or made.basis is None:
        return made
    basis = Basis(at=(*made.basis.at, f"{at}/n"), n=one.n, method=made.basis.method, seed=made.basis.seed)
    beside = "; ".join(filter(None, (made.beside, _("of {count}").format(count=number(one.n)))))
    return Cell(text=made.text, beside=beside, basis=basis)


def _agreement(report: StudyReport) -> Table:
    lines = []
    for place, one in enumerate(report.agreement):
        at = pointer("agreement", place, "estimate")
        cells = (
            words(_(IN_WORDS[one.mode])),
            count_at(one.estimate.n, f"{at}/n", what="cases"),
            of_estimate(one.estimate, at, {"/reading": (one.mode,)}),
        )
        lines.append(Line(head=_(one.name) if one.name in ORDINAL else figure_words(one.name), cells=cells))
    return table_of(
        _("n: cases with a class by both, or by two readers or more. 95% intervals by patient."),
        (_("figure"), _("reading"), "n", _("value")),
        lines,
        in_words=(1,),
    )


def _three_ways(report: StudyReport) -> Table:
    modes = report.readings.modes
    pairs = list(combinations(modes, 2))
    lines = []
    for place, one in enumerate(report.three_ways):
        at = pointer("three_ways", place, "analysis", "analyses", 0)
        cells: list[Cell] = [words(_(one.rule))]
        if one.analysis is None:
            why = words_at(one.why, "three_ways", place, "why", told=retold_closely(one.why))
            cells += [why, *(words("–") for _ in range(len(modes) + len(pairs) - 1))]
        else:
            first = one.analysis.analyses[0]
            cells += [
                of_estimate(mean, f"{at}/means/{column}", {"/reading": (mode,)})
                for column, (mode, mean) in enumerate(zip(one.analysis.modalities, first.means, strict=True))
            ]
            cells += [
                of_estimate(
                    each.difference,
                    f"{at}/contrasts/{column}/difference",
                    {"/reading": (each.first, each.second)},
                )
                for column, each in enumerate(first.contrasts)
            ]
        lines.append(Line(head=figure_words(one.figure), cells=tuple(cells)))
    return table_of(
        _("Mean over readers, for readers and cases like these (of one reader, for cases like these)."),
        (_("figure"), _("they are"), *map(_, modes), *(minus_words(*pair) for pair in pairs)),
        lines,
        in_words=(1,),
    )


def _learning(report: StudyReport) -> Table:
    lines = []
    for place, one in enumerate(report.changed):
        for row, third in enumerate(one.learning.thirds):
            at = pointer("changed", place, "learning", "thirds", row)
            cells = (
                words(_(third.name)),
                count_at(third.readings, f"{at}/readings", what="readings"),
                of_estimate(third.right, f"{at}/right", None),
                number_at(third.seconds, f"{at}/seconds", "median of seconds", 1),
            )
            lines.append(Line(head=_(IN_WORDS[one.mode]), cells=cells))
    return table_of(
        _("The first, middle and last third of each reader's cases in the order in which they were read."),
        (_("reading"), _("third"), _("readings"), _("right"), _("median seconds")),
        lines,
        in_words=(1,),
    )


def _model(report: StudyReport) -> Table:
    lines = []
    for place, one in enumerate(report.model):
        at = pointer("model", place)
        cells = (
            count_at(one.cases, f"{at}/cases", what="cases"),
            *(_figure(one.figures.get(name), at + pointer("figures", name)) for name in OF_MODEL),
        )
        lines.append(Line(head=_(one.standard), cells=cells))
    return table_of(
        _(
            "At its operating point; 95% intervals by patient. What it predicted counts, not what was shown on purpose."
        ),
        (_("against"), _("cases"), *map(figure_words, OF_MODEL)),
        lines,
    )
