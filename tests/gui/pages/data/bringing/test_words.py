"""Promises of words.js: what the scripts of the pane show stands in one place, each word once, and none is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gui.pages.data.bringing import pane

FOLDER = Path(pane.__file__).parent
OTHERS = [script for script in pane.SCRIPTS if script != "words.js"]
NOT_SHOWN = {"Enter", "Files", "PUT"}  # what browsers call keys, kinds of drops and requests


def literals(source: str) -> list[str]:
    """String literals without what is computed in them; comments are none."""
    code = re.sub(r"(?m)(^|\s)//.*$", "", source)
    found = re.findall(r"'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`", code)
    return [re.sub(r"\$\{[^}]*\}", "", one or other) for one, other in found]


def is_shown(text: str) -> bool:
    """Whether a literal is words: a capital first or words with blanks, and neither styles nor selectors."""
    words = text.split()
    plain = [word for word in words if re.fullmatch(r"[A-Za-z]{2,}[.,:…]?", word)]
    return text not in NOT_SHOWN and (
        (len(words) > 1 and bool(plain)) or re.fullmatch(r"[A-Z][a-z]+", text) is not None
    )


def keys() -> set[str]:
    return set(re.findall(r"(?m)^  '([^']+)':", (FOLDER / "words.js").read_text(encoding="utf-8")))


@pytest.mark.parametrize("script", OTHERS)
def test_no_script_shows_a_word_of_its_own(script: str) -> None:
    shown = [text for text in literals((FOLDER / script).read_text(encoding="utf-8")) if is_shown(text)]
    assert [text for text in shown if text not in keys()] == []


def test_every_word_that_is_asked_for_is_there_and_every_word_is_asked_for() -> None:
    source = "\n".join((FOLDER / script).read_text(encoding="utf-8") for script in OTHERS)
    calls = re.findall(r"words\(([^{)]*)", source)
    asked = {key for call in calls for key in re.findall(r"'([^']+)'", call)}
    assert asked == keys()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Left out", True), ("Classes", True), ("and more", True), ("br-button br-main", False), ("submit", False),
     ("[data-do=choose], [data-do=files]", False)],
)  # fmt: skip
def test_words_are_told_from_what_only_the_browser_reads(text: str, shown: bool) -> None:
    assert is_shown(text) is shown
