"""Promises of tables with figures that are missing: why is said, once, and never in a column too narrow for it."""

from __future__ import annotations

import pytest

from engine.records import Estimate
from engine.report.printed.records import NARROW, OFTEN, Cell, Line, Table, of_estimate, renumbered
from engine.statistics.clusters import NAN

KNOWN = Estimate(value=0.5, low=0.4, high=0.6, method="Wilson", n=9)


def missing(why: str) -> Cell:
    method = f"cannot be estimated because {why}"
    return of_estimate(Estimate(value=NAN, low=NAN, high=NAN, method=method, n=0), "/x", None)


def printed(*rows: tuple[Cell, ...]) -> tuple[list[list[str]], tuple[str, ...]]:
    columns = ("of", *(f"column {at}" for at in range(len(rows[0]))))
    lines = tuple(Line(head="a line", cells=cells) for cells in rows)
    (table,) = renumbered(5, [Table(number="", caption="", columns=columns, lines=lines, notes=("Last.",))])
    return [[cell.text for cell in line.cells] for line in table.lines], table.notes


def test_in_narrow_columns_every_reason_has_a_mark_and_stands_once_below_before_other_notes() -> None:
    known = of_estimate(KNOWN, "/x", None)
    row = (missing("no case is a"), known, missing("no case is b"), missing("no case is a"))
    cells, notes = printed(row, row)
    assert len(row) + 1 == NARROW and cells == [["–†", ".500", "–‡", "–†"]] * 2
    assert notes == (
        "† cannot be estimated because no case is a; ‡ cannot be estimated because no case is b.",
        "Last.",
    )
    many, (said, _last) = printed(tuple(missing(f"no case is {sign}") for sign in "abcdefghi"))
    assert many == [["–†", "–‡", "–§", "–¶", "–††", "–‡‡", "–§§", "–¶¶", "–†††"]]
    assert said.count("cannot be estimated") == 9 and "††† cannot be estimated because no case is i." in said


@pytest.mark.parametrize("times", [OFTEN - 1, OFTEN])
def test_where_there_is_room_a_reason_stands_in_its_cell_unless_it_stands_in_many(times: int) -> None:
    cells, notes = printed(*[(missing("no case is a"),)] * times, (missing("the fit does not settle"),))
    own = [["cannot be estimated because the fit does not settle"]]
    if times < OFTEN:
        assert cells == [["cannot be estimated because no case is a"]] * times + own and notes == ("Last.",)
    else:
        assert cells == [["–†"]] * times + own
        assert notes == ("† cannot be estimated because no case is a.", "Last.")


def test_a_reason_with_a_number_keeps_its_cell_which_has_an_id() -> None:
    few = Estimate(value=NAN, low=NAN, high=NAN, method="3 patients are too few", n=3)
    cell = of_estimate(few, "/x", None)
    assert cell.basis is not None and printed((cell, cell, cell, cell))[0] == [[cell.text] * 4]
