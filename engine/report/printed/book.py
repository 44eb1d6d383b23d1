"""All tables of a report, and the dictionary in which each number's id is looked up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.records import Run
from engine.report.computed import Computed
from engine.report.printed.participants import participants_tables
from engine.report.printed.performance import performance_tables
from engine.report.printed.records import Table
from engine.report.records import Report


def computed_printed(found: Report | Computed, run: Run) -> tuple[Table, ...]:
    """Return the tables that whoever has a report's evidence can compute again."""
    return tuple(table for tables in performance_tables(found.against, run) for table in tables)


def printed_tables(report: Report) -> tuple[Table, ...]:
    """Return every numbered table of a report, in its order."""
    return (*participants_tables(report.participants), *computed_printed(report, report.run))


def numbers_of(tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    """Return for every printed number, by its id, what it is, where it stands in report.json and what it rests on."""
    return {
        name: {
            "printed": cell.printed,
            "line": line.head,
            "column": column,
            "at": basis.at,
            "cases": basis.cases,
            "n": basis.n,
            "method": basis.method,
            "seed": basis.seed,
            "decimals": basis.decimals,
        }
        for table in tables
        for name, line, column, cell in table.numbers()
        if (basis := cell.basis)
    }
