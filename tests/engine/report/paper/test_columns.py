"""Promises of tables on paper: letters as large as fit, no column cut off, and every cell once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from engine.report.paper.columns import (
    FEW_LINES,
    FIRST_ROWS,
    GAP,
    LONGEST_NUMBER,
    LONGEST_WORD,
    SIZES,
    Fitted,
    breakable,
    fitted,
    joined_rows,
    placed,
)
from engine.report.paper.document import Cell, Row, Span, Table
from engine.report.paper.glyphs import width


def cell(text: str, **more: object) -> Cell:
    return Cell(spans=(Span(text=text),), **more)  # type: ignore[arg-type]


def table(*rows: Row) -> Table:
    return Table(caption=(), head=rows[:1], body=rows[1:])


def texts(of: Table) -> list[list[str]]:
    return [["".join(span.text for span in each.spans) for each in row] for row in (*of.head, *of.body)]


WORDS = ("patient", "sensitivity", "n")
THREE = table(tuple(map(cell, WORDS)), tuple(map(cell, ("a", "b", "c"))))
LEAST = sum(width(word) for word in WORDS)


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_letters_are_the_largest_in_which_every_word_has_room(place: int) -> None:
    room = LEAST * SIZES[place] + 3 * GAP
    (exact,) = fitted(THREE, room + 1e-9)
    assert exact.size == SIZES[place] and exact.part == (1, 1) and exact.table == THREE
    for word, given_ in zip(WORDS, exact.widths, strict=True):
        assert given_ == pytest.approx(width(word) * exact.size + GAP, abs=0.1)
    narrower = fitted(THREE, room - 0.01)
    if place + 1 < len(SIZES):
        assert [each.size for each in narrower] == [SIZES[place + 1]]
    else:
        assert [each.part for each in narrower] == [(1, 2), (2, 2)]
        assert [texts(each.table) for each in narrower] == [
            [["patient", "sensitivity"], ["a", "b"]],
            [["patient", "n"], ["a", "c"]],
        ]


def test_what_is_left_of_the_page_goes_to_columns_that_ask_for_more_and_no_further() -> None:
    lines = table((cell("a b c d e f g h"), cell("abc"), cell("abc abc abc abc")))
    needs = [
        [width("h"), width("a b c d e f g h")],
        [width("abc")] * 2,
        [width("abc"), width("abc abc abc abc")],
    ]
    needs[0][0] = max(width(letter) for letter in "abcdefgh")
    asked = [(most - least) * SIZES[0] for least, most in needs]
    narrow = [least * SIZES[0] + GAP for least, _ in needs]
    for room, share in ((sum(narrow) + sum(asked) / 2, 0.5), (sum(narrow) + 3 * sum(asked), 1.0)):
        (found,) = fitted(lines, room)
        expected = [least + share * more for least, more in zip(narrow, asked, strict=True)]
        assert found.widths == pytest.approx(expected, abs=0.1)


def columns_of(found: Fitted) -> set[str]:
    return {text for row in texts(found.table) for text in row}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=9), st.integers(60, 200))
def test_a_table_in_parts_repeats_its_first_column_and_shows_every_other_once(
    sizes: list[int], room: int
) -> None:
    names = [f"{chr(97 + at)}" * size for at, size in enumerate(sizes)]
    parts = fitted(table(tuple(map(cell, names)), tuple(map(cell, names))), room)
    shown = [texts(each.table)[0] for each in parts]
    assert all(row[0] == names[0] for row in shown)
    assert [name for row in shown for name in row[1:]] == names[1:]
    assert [each.part for each in parts] == [(at + 1, len(parts)) for at in range(len(parts))]
    for each in parts:
        assert len(each.widths) == len(texts(each.table)[0])
        assert sum(each.widths) <= room + 0.1 * len(each.widths) or len(each.widths) == 2


def test_cells_that_reach_over_others_move_them_and_ask_their_columns_for_room() -> None:
    head = (cell("case", rows=2), cell("a heading", columns=2))
    spanned = table(head, (cell("b"), cell("c")), (cell("1"), cell("2"), cell("3")))
    at = {text.spans[0].text: (down, across) for down, across, text in placed((*spanned.head, *spanned.body))}
    assert at == {
        "case": (0, 0), "a heading": (0, 1), "b": (1, 1), "c": (1, 2), "1": (2, 0), "2": (2, 1), "3": (2, 2),
    }  # fmt: skip
    wide = table((cell("x"), cell("w" * LONGEST_WORD, columns=2)), (cell("1"), cell("2"), cell("3")))
    (found,) = fitted(wide, 500)
    inner = found.widths[1] + found.widths[2] - 2 * GAP
    assert inner == pytest.approx(width("w" * LONGEST_WORD) * found.size, abs=0.2)
    assert fitted(Table(caption=(), head=(), body=()), 500) == []


@pytest.mark.parametrize("more", [0, 1])
def test_a_long_word_may_be_broken_and_a_number_with_its_interval_may_not(more: int) -> None:
    word = "w" * (LONGEST_WORD + more)
    assert breakable(f"a {word}") == f"a {word[:LONGEST_WORD]}" + "\u200bw" * more
    narrowest = fitted(table((cell("x"), cell(word))), 40)[0].widths[1]
    assert narrowest == pytest.approx(width("w" * LONGEST_WORD) * SIZES[-1] + GAP, abs=0.1)
    number = ".5 (" + "9" * (LONGEST_NUMBER - 5 + more) + ")"
    for is_number, is_head, whole in ((True, False, not more), (False, False, False), (True, True, False)):
        shown = table((cell("x"), cell(number, number=is_number, head=is_head)))
        kept = width(number) if whole else max(width(each) for each in number.split())
        assert fitted(shown, 40)[0].widths[1] == pytest.approx(kept * SIZES[-1] + GAP, abs=0.1)


@pytest.mark.parametrize("rows", [3, FEW_LINES - 1, FEW_LINES])
def test_few_rows_stay_together_and_of_many_the_first_the_last_and_each_heading_with_its_own(
    rows: int,
) -> None:
    body = [(cell(str(at)), cell("x")) for at in range(rows)]
    (found,) = fitted(table((cell("a"), cell("b")), *body), 500)
    joined = joined_rows(found)
    if rows < FEW_LINES:  # its head is a line too
        assert joined == set(range(rows))
    else:
        assert joined == {*range(FIRST_ROWS), rows - 1}
        body[10:10] = [(cell("heading", columns=2, head=True),)]
        (found,) = fitted(table((cell("a"), cell("b")), *body), 500)
        assert joined_rows(found) == {*range(FIRST_ROWS), 11, rows}
    (lines,) = fitted(table((cell("a"), cell("b")), *[(cell("c\n" * 9), cell("x"))] * 4), 500)
    assert joined_rows(lines) == {*range(FIRST_ROWS), 3}


def test_a_line_break_makes_two_lines_of_which_the_wider_counts_and_bold_letters_are_wider() -> None:
    two = table((cell("aa bb cc\ndd", number=True), Cell(spans=(Span("aa", strong=True), Span(" bb\nc")))))
    (found,) = fitted(two, 500)
    lines = (width("aa bb cc"), width("aa", strong=True) + width(" bb"))
    assert found.widths == pytest.approx([line * found.size + GAP for line in lines], abs=0.1)
