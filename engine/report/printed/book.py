"""All that a report prints as numbers, and the dictionary in which each number's id is looked up.

This is the one door through which a number reaches a page: what is no table, passage or figure of a book has no id, and
a test fails that finds it on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.records import Run
from engine.report.computed import Computed
from engine.report.formatting import figure
from engine.report.printed.further import (
    elsewhere_tables,
    measured_tables,
    methods_tables,
    readers_tables,
    subgroup_tables,
)
from engine.report.printed.participants import participants_tables
from engine.report.printed.passages import Passage, passages_of
from engine.report.printed.performance import performance_tables
from engine.report.printed.records import Basis, Cell, Table, pointer
from engine.report.records import Report


@dataclass(frozen=True, kw_only=True, eq=False)
class Book:
    """What a report prints, by where its page has it.

    Attributes:
        participants: Tables of section 2.
        performance: Of section 5, by reference standard.
        readers: Of section 7.
        subgroups: The first of section 8.
        measured: Of heatmaps and robustness, by `heatmaps` and `robustness`.
        elsewhere: Of section 9, by JSON Pointer to a test or a source.
        methods: Of section 12, by group of facts; `balance`.
        passages: Sentences, by name.
        cases: Gallery and case id → the id of the probability that its card prints, and its cell.
    """

    participants: tuple[Table, ...]
    performance: tuple[tuple[Table, ...], ...]
    readers: tuple[Table, ...]
    subgroups: tuple[Table, ...]
    measured: Mapping[str, Table]
    elsewhere: Mapping[str, tuple[Table, ...]]
    methods: Mapping[str, tuple[Table, ...]]
    passages: Mapping[str, Passage]
    cases: Mapping[str, tuple[str, Cell]]

    def tables(self) -> Iterator[Table]:
        """Yield every table, in the order of the page."""
        yield from self.participants
        for tables in self.performance:
            yield from tables
        yield from self.readers
        yield from self.subgroups
        yield from self.measured.values()
        for tables in (*self.elsewhere.values(), *self.methods.values()):
            yield from tables

    def numbers(self) -> Iterator[tuple[str, str, str, Cell]]:
        """Yield id, line, heading of the column and cell of every number outside figures."""
        for table in self.tables():
            for name, line, column, cell in table.numbers():
                yield name, line.head, column, cell
            for name, cell in table.said():
                yield name, "", "", cell
        for one in self.passages.values():
            if one.id:
                yield one.id, "", "", Cell(text=one.text, basis=one.basis)
        for case, (name, cell) in self.cases.items():
            yield name, case, "probability", cell


def book_of(report: Report) -> Book:
    """Return all that a report prints as numbers, but for its figures, which `printed.figures` tells."""
    subgroups = subgroup_tables(report.subgroups, report.subgroup_tests)
    return Book(
        participants=participants_tables(report.participants),
        performance=performance_tables(report.against, report.run),
        readers=readers_tables(report.reviews),
        subgroups=subgroups,
        measured=measured_tables(report, len(subgroups)),
        elsewhere=elsewhere_tables(report),
        methods=methods_tables(report.facts, report.balance, report.patients_by_part, report.run),
        passages=passages_of(report),
        cases=_cases(report),
    )


def computed_printed(found: Report | Computed, run: Run) -> tuple[Table, ...]:
    """Return the tables that whoever has a report's evidence can compute again."""
    return (
        *(table for tables in performance_tables(found.against, run) for table in tables),
        *readers_tables(found.reviews),
        *subgroup_tables(found.subgroups, found.subgroup_tests),
    )


def numbers_of(report: Report, book: Book) -> dict[str, dict[str, Any]]:
    """Return for every printed number, by its id, what it is, where it stands in report.json and what it rests on."""
    from engine.report.printed.figures import figures_told  # it takes what draws

    found = list(book.numbers())
    for told in figures_told(report).values():
        found += [(name, told.caption, "figure", cell) for name, cell in told.numbers()]
    return {
        name: {
            "printed": cell.printed,
            "line": line,
            "column": column,
            "at": basis.at,
            "cases": basis.cases,
            "n": basis.n,
            "method": basis.method,
            "seed": basis.seed,
            "decimals": basis.decimals,
        }
        for name, line, column, cell in found
        if (basis := cell.basis)
    }


def _cases(report: Report) -> dict[str, tuple[str, Cell]]:
    """Return the probability on each card of a case, with its id: C1 and so on."""
    place = {case.case_id: at for at, case in enumerate(report.cases)}
    made: dict[str, tuple[str, Cell]] = {}
    for number, one in enumerate(report.galleries):
        for side, shown in (("wrong", one.wrong), ("right", one.right)):
            for case in shown:
                of = report.positive or case.predicted
                at = pointer("cases", place[case.case_id], "probabilities", of)
                basis = Basis(
                    at=(at,), cases={"/case": (case.case_id,)}, n=1, method="probability of the model"
                )
                cell = Cell(text=figure(case.probabilities[report.classes.index(of)]), basis=basis)
                made[pointer("shown", number, side, case.case_id)] = (f"C{len(made) + 1}", cell)
    return made
