"""What people read is in their language: a catalogue each, the sentence itself where one lacks it."""

from __future__ import annotations

import pytest

from engine.language import _, languages, name_of, ngettext, number, right_to_left, speaking


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


def test_each_language_names_itself_and_says_its_direction() -> None:
    assert languages()[0] == "en"
    assert {code: (name_of(code), right_to_left(code)) for code in languages()} == {
        "en": ("English", False),
        "fa": ("فارسی", True),
        "he": ("עברית", True),
    }
