"""Promises of a report of many classes: no table has a column a class, and every number stands where it did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.report.printed.book import Book
from engine.report.printed.records import LISTED, Table
from engine.report.records import Report
from tests.engine.report.test_build import a_run, build, case


def of_classes(count: int) -> Report:
    """A report of two cases a class, of which every third is taken for the class after it; some have no label."""
    run = a_run(tuple(f"class {at}" for at in range(count)))
    cases = []
    for at in range(2 * count):
        likely = (at + (at % 3 == 0)) % count
        p = tuple((0.6 if each == likely else 0.4 / (count - 1)) for each in range(count))
        cases.append(case(at, run.classes[at % count] if at else None, p, run))
    made = build(run, cases)
    return replace(
        made, balance={"train": dict.fromkeys(run.classes, 3), "test": dict.fromkeys(run.classes, 2)}
    )


def cells(table: Table) -> dict[tuple[str, str], str]:
    return {
        (line.head, title): cell.text
        for line in table.lines
        for title, cell in zip(table.columns[1:], line.cells, strict=True)
    }


@pytest.mark.parametrize("more", [0, 1])
def test_more_than_twelve_classes_have_a_line_each_and_no_column(more: int) -> None:
    report = of_classes(LISTED + more)
    book = Book(report)
    cross, (balance,) = book.performance[0][0], book.methods["balance"]
    widest = max(len(table.columns) for of in book.performance for table in of)
    assert (widest > LISTED) is not more and (len(balance.columns) > LISTED) is not more
    whole = cells(balance)
    assert len(whole) == 2 * (LISTED + more + 2)
    assert whole[("class 1", "test") if more else ("test", "class 1")] == "2"
    if more:
        one, told = report.against[0], cells(cross)
        for row, name in enumerate(report.run.classes):
            said = told[name, "reference standard"], told[name, "predicted"], told[name, "both"]
            assert said == (
                str(one.rows[row].support),
                str(one.rows[row].predicted),
                str(one.confusion[row][row]),
            )
        assert told["all", "both"] == str(int(one.confusion.trace()))
        assert told["all", "reference standard"] == told["all", "predicted"] == str(one.cases)
        without = [title for title in cross.columns if title.startswith("no class: ")]
        assert len(without) == 1 and told["all", without[0]] == "1"
        at = {name: cell.basis.at for name, _line, _title, cell in cross.numbers() if cell.basis}
        assert len(at) == len(told) and at[f"{cross.id}.3"] == ("/against/0/confusion/0/0",)
