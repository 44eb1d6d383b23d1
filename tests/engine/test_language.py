"""What people read is in their language: a catalogue each, the sentence itself where one lacks it."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.language import (
    _,
    isolated,
    languages,
    listed,
    moment,
    name_of,
    ngettext,
    number,
    right_to_left,
    short_number,
    speaking,
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
        ("en", "0.5", "26 November 2026, 04:05"),
        ("fa", "۰٫۵", "۲۶ نوامبر ۲۰۲۶، ۰۴:۰۵"),
        ("he", "0.5", "26 נובמבר 2026, 04:05"),
    ],
)
def test_a_share_and_a_moment_are_written_as_the_language_writes_them(code: str, half: str, day: str) -> None:
    with speaking(code):
        assert (short_number(0.5), short_number(28)) == (half, number(28))
        assert moment(datetime(2026, 11, 26, 4, 5), "%d %B %Y, %H:%M") == day


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
