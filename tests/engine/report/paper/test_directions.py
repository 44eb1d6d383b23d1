"""Promises of names that run from the right to the left: they turn nothing beside them, and lose no letter."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from markupsafe import Markup

from engine.report.paper.directions import CONTROLS, for_reading, isolated, with_minus

LETTERS = st.text(st.sampled_from("ab 1.9_-(–)،کدورت שלום\u200c\u202e\u2069肺"), max_size=40)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("61 predicted opacity: 3", "61 predicted opacity: 3"),
        ("of 61 کدورت: 3 predicted", "of 61 \u2068کدورت\u2069: 3 predicted"),
        ("the left lung is תקין לגמרי (2)", "the left lung is \u2068תקין לגמרי\u2069 (2)"),
        (
            "of all that was read as ذات_الریه/راست, four are کلاس-2-الف.",
            "of all that was read as \u2068ذات_الریه/راست\u2069, four are \u2068کلاس-2-الف\u2069.",
        ),
        (
            "in every group کلاس_12: .5, کدورت -0.12",
            "in every group \u2068کلاس_12\u2069: .5, \u2068کدورت\u2069 -0.12",
        ),
        ("کدورت در RUL، 3 سانت", "\u2068کدورت در RUL، 3 سانت\u2069"),
        ("کدورت\u202e\u2069 x", "\u2068کدورت x\u2069"),
    ],
)
def test_words_in_a_sentence_and_whole_comments_are_isolated(typed: str, shown: str) -> None:
    assert isolated(typed) == shown


@given(LETTERS)
def test_no_letter_is_lost_and_every_isolation_ends(typed: str) -> None:
    shown = isolated(typed)
    assert CONTROLS.sub("", shown) == CONTROLS.sub("", typed)
    assert shown.count("\u2068") == shown.count("\u2069") and "\u202e" not in shown


def test_what_is_markup_or_no_text_stays_as_it_is() -> None:
    markup = Markup("<b>کدورت</b>")
    assert isolated(markup) is markup and isolated(3) == 3 and isolated(None) is None


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("-.120", "−.120"),
        ("(95% interval -.318 to .070)", "(95% interval −.318 to .070)"),
        ("\u200e-0.120", "\u200e−0.120"),
        ("z = -1.58, -∞", "z = −1.58, −∞"),
        ("20261128-033122-f9e6, 2026-11-28, doi:10.1175/1520-0493, 1-3, 1e-05, --n 3, film-2, 5)-3", None),
        ("of 9 grade -1, 7 T ≤ -2.5 and -1; -12.50", "of 9 grade -1, 7 T ≤ -2.5 and -1; −12.50"),
    ],
)
def test_a_negative_number_has_a_minus_sign_and_what_a_hyphen_joins_keeps_it(
    typed: str, shown: str | None
) -> None:
    assert with_minus(typed) == (shown or typed)
    assert for_reading("-.120") == "−.120" and for_reading(Markup(typed)) == typed and for_reading(-1) == -1
