"""A bundle that was made to keep its reader busy is read to its end, and what is wrong with it is said."""

from __future__ import annotations

import pytest

from engine.report.exports.bundle.searching import STREAM
from engine.report.held.pages import page_places
from engine.report.held.paper import VARIES

MANY = 100_000  # what takes seconds for eight thousand takes a quarter of an hour, where it grows with their square


@pytest.mark.parametrize("piece", ["<svg>", "<"])
def test_pages_of_pieces_that_have_no_end(piece: str) -> None:
    made = "<p>AUROC .99</p>"
    found = [*page_places("report.html", (made + piece * MANY).encode(), made, exactly=True)]
    assert found


@pytest.mark.parametrize("piece", [b"/ID [", b"ID>", b"stream\n", b"/Length ", b"startxref "])
def test_papers_of_pieces_that_have_no_end(piece: bytes) -> None:
    pdf = b"%PDF-1.7\n" + piece * MANY
    assert sum(len(each[0]) for each in STREAM.finditer(pdf)) <= len(pdf)
    assert VARIES.sub(b"", pdf).startswith(b"%PDF-1.7\n")
