"""All that a report prints as numbers, and the dictionary in which each number's id is looked up.

This is the one door through which a number reaches a page: what is no table, passage or figure of a book has no id, and
a test fails that finds it on a page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from engine.records import Run
from engine.report.computed import Computed
from engine.report.formatting import figure
from engine.report.printed.further import (
    FACTS,
    METHODS,
    elsewhere_tables,
    label_tables,
    measured_tables,
    methods_tables,
    readers_tables,
    subgroup_tables,
)
from engine.report.printed.participants import participants_tables
from engine.report.printed.passages import passages_of
from engine.report.printed.performance import performance_tables
from engine.report.printed.records import Basis, Cell, Table, pointer
from engine.report.printed.sentences import Passage
from engine.report.printed.sheet import Entry, entries_of, looked_up
from engine.report.records import Report


@dataclass(frozen=True, eq=False)
class Book:
    """What a report prints, by where its page has it; each piece is made when it is first asked for.

    Attributes:
        report: That is printed.
    """

    report: Report

    @cached_property
    def participants(self) -> tuple[Table, ...]:
        """Tables of section 2."""
        return participants_tables(self.report.participants)

    @cached_property
    def performance(self) -> tuple[tuple[Table, ...], ...]:
        """Of section 5, by reference standard."""
        return performance_tables(self.report.against, self.report.run)

    @cached_property
    def readers(self) -> tuple[Table, ...]:
        """Of section 7."""
        return readers_tables(self.report.reviews)

    @cached_property
    def subgroups(self) -> tuple[Table, ...]:
        """The first of section 8."""
        return subgroup_tables(self.report.subgroups, self.report.subgroup_tests)

    @cached_property
    def measured(self) -> Mapping[str, Table]:
        """Of heatmaps and robustness, by `heatmaps` and `robustness`."""
        return measured_tables(self.report, len(self.subgroups))

    @cached_property
    def elsewhere(self) -> Mapping[str, tuple[Table, ...]]:
        """Of section 9, by JSON Pointer to a test or a source."""
        return elsewhere_tables(self.report)

    @cached_property
    def methods(self) -> Mapping[str, tuple[Table, ...]]:
        """Of sections 4, 12 and 14, by group of facts; `balance`."""
        one = self.report
        return methods_tables(one.facts, one.balance, one.rebalanced, one.patients_by_part, one.run)

    @cached_property
    def labels(self) -> tuple[Table | None, ...]:
        """The last of section 12: one for each search for wrong labels; None where nothing was suspected."""
        before = sum(table.section == METHODS for (table,) in self.methods.values())
        return label_tables(self.report.label_errors, before)

    def facts(self, section: int) -> list[Table]:
        """Return the tables of facts that stand in a section."""
        tables = [of for name, (of,) in self.methods.items() if name.startswith(FACTS)]
        return [of for of in tables if of.section == section]

    @cached_property
    def passages(self) -> Mapping[str, Passage]:
        """Sentences, by name."""
        return passages_of(self.report)

    @cached_property
    def cases(self) -> Mapping[str, tuple[str, Cell]]:
        """Gallery and case id → the id of the probability that its card prints, and its cell."""
        return _cases(self.report)

    def tables(self) -> Iterator[Table]:
        """Yield every table, in the order of the page."""
        made = [*self.participants, *chain.from_iterable(self.performance), *self.readers, *self.subgroups]
        made += self.measured.values()
        made += chain.from_iterable((*self.elsewhere.values(), *self.methods.values()))
        made += filter(None, self.labels)
        yield from sorted(made, key=lambda table: table.section)

    def numbers(self) -> Iterator[Entry]:
        """Yield id, line, heading of the column and cell of every number outside figures."""
        for table in self.tables():
            yield from entries_of(table)
        for one in self.passages.values():
            if one.id:
                yield one.id, "", "", Cell(text=one.text, basis=one.basis)
        for case, (name, cell) in self.cases.items():
            yield name, case, "probability", cell


def computed_printed(found: Report | Computed, run: Run, tables: Collection[str]) -> tuple[Table, ...]:
    """Return the tables that whoever has a report's evidence can compute again.

    Args:
        found: What they print.
        run: Whose report it is.
        tables: Ids of all tables of the report: those of wrong labels come last in their section.
    """
    suspected = sum(one.suspects.images > 0 for one in found.label_errors)
    before = sum(name.startswith(f"T{METHODS}.") for name in tables) - suspected
    return (
        *filter(None, label_tables(found.label_errors, before)),
        *(table for tables in performance_tables(found.against, run) for table in tables),
        *readers_tables(found.reviews),
        *subgroup_tables(found.subgroups, found.subgroup_tests),
    )


def numbers_of(book: Book) -> dict[str, dict[str, Any]]:
    """Return for every printed number, by its id, what it is, where it stands in report.json and what it rests on."""
    from engine.report.printed.figures import figures_told  # it takes what draws

    found = list(book.numbers())
    for told in figures_told(book.report).values():
        found += [(name, told.caption, "figure", cell) for name, cell in told.numbers()]
    return looked_up(found)


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
