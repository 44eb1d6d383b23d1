"""What people read is in their language: a catalogue each, the sentence itself where one lacks it."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from engine.errors import EngineError
from engine.language import (
    _,
    isolated,
    languages,
    listed,
    moment,
    name_of,
    ngettext,
    number,
    one_line,
    right_to_left,
    short_number,
    speaking,
    typed_number,
)


def test_a_sentence_is_english_until_another_language_is_spoken_and_afterwards_again() -> None:
    with speaking("fa"):
        assert _("Close") == "بستن"
        with speaking("he"):
            assert _("Close") == "סגירה"
        assert _("Close") == "بستن"
    assert _("Close") == "Close"


def test_what_a_catalogue_lacks_stays_as_it_stands_and_an_unknown_language_is_english() -> None:
    with speaking("fa"):
        assert _("no such sentence") == "no such sentence"
        assert ngettext("{count} thing", "{count} things", 2) == "{count} things"
        assert _("") == ""  # the header of a catalogue is nobody's sentence
    with speaking("../../etc/passwd"):
        assert _("Close") == "Close"


@pytest.mark.parametrize(("code", "written"), [("en", "12,345.60"), ("fa", "۱۲٬۳۴۵٫۶۰"), ("he", "12,345.60")])
def test_a_number_is_written_as_the_language_writes_it(code: str, written: str) -> None:
    with speaking(code):
        assert number(12345.6, 2) == written


@pytest.mark.parametrize(
    ("code", "half", "day"),
    [
        ("en", "0.5", "06 November 2026, 04:05"),
        ("fa", "۰٫۵", "۶ نوامبر ۲۰۲۶، ۰۴:۰۵"),
        ("he", "0.5", "6 בנובמבר 2026, 04:05"),
    ],
)
def test_a_share_and_a_moment_are_written_as_the_language_writes_them(code: str, half: str, day: str) -> None:
    with speaking(code):
        assert (short_number(0.5), short_number(28)) == (half, number(28))
        assert short_number(0.000025) == ("2.5e-05" if code == "en" else number(0.000025, 6))
        assert moment(datetime(2026, 11, 6, 4, 5), "%d %B %Y, %H:%M") == day


@pytest.mark.parametrize(
    ("typed", "share", "whole"),
    [
        (
            ("0,1", "0.1", "\u06f0\u066b\u06f1", "\u0660,\u0661", "10%", "\u06f1\u06f0 \u066a", " ,1 "),
            0.1,
            None,
        ),
        (("1234", "1 234", "1\u2019234", "\u06f1\u066c\u06f2\u06f3\u06f4", "1234.0", "1234,0"), 1234, 1234),
        (("1,234.5", "1.234,5", "1\u066c234\u066b5"), 1234.5, None),
        (("1.234.567", "1,234,567"), 1234567, 1234567),
        (("1,234",), None, 1234),
        (("1.234",), 1.234, None),
        (("0,100",), 0.1, None),
        (("\u200e\u2212\u06f3", "-3"), -3, -3),
        (("1e-4",), 1e-4, None),
        (
            (
                "",
                "abc",
                "inf",
                "nan",
                "1e999",
                "1_0",
                "1,2,3",
                "1.2.3",
                "--1",
                "1 2",
                "12,34,567",
                "1.000,0,0",
            ),
            None,
            None,
        ),
    ],
)
def test_a_number_is_read_as_people_type_it_and_never_guessed_at(
    typed: tuple[str, ...], share: float | None, whole: float | None
) -> None:
    def read(one: str, **how: bool) -> float | None:
        value = typed_number(one, percent=0.01, **how)
        return None if math.isnan(value) else value

    assert [read(one) for one in typed] == [share] * len(typed)
    assert [read(one, whole=True) for one in typed] == [whole] * len(typed)
    with speaking("fa"):
        assert typed_number(number(12345.6, 2)) == 12345.6  # what it writes, it reads
    assert math.isnan(typed_number("10%"))  # of what is no share


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        ("opacity", "opacity"),
        ("left\nlung", "left lung"),
        ("a\r\n\tb\u2028c\x00", "a b c"),
        ("\u202egnul", "gnul"),
        ("\u0645\u06cc\u200c\u0634\u0648\u062f", "\u0645\u06cc\u200c\u0634\u0648\u062f"),
        ("\u2068anna\u2069  b", "\u2068anna\u2069  b"),
    ],
)
def test_a_name_is_one_line_and_every_error_is_one(came: str, shown: str) -> None:
    assert one_line(came) == shown
    assert str(EngineError(f"There is no class {came}", f"Leave {came} out")) == (
        f"There is no class {shown}. Leave {shown} out."
    )


def test_a_name_turns_no_sentence_around_that_runs_to_the_left() -> None:
    assert listed(["anna", "بهار"]) == "anna, بهار"
    with speaking("fa"):
        assert listed(["anna", "بهار"]) == "\u2068anna\u2069، \u2068بهار\u2069"
        assert isolated("") == ""


def test_each_language_names_itself_and_says_its_direction() -> None:
    assert languages()[0] == "en"
    assert {code: (name_of(code), right_to_left(code)) for code in languages()} == {
        "en": ("English", False),
        "fa": ("فارسی", True),
        "he": ("עברית", True),
    }
