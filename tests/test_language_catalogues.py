"""A catalogue is a whole language: every sentence of the interface once, with what is filled into it, and no other."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from engine.language import CATALOGUES, ENGLISH

ROOT = Path(__file__).parent.parent
CODES = sorted(path.stem for path in CATALOGUES.glob("*.po"))
FILLED = re.compile(r"\{[^{}]*\}")
Id = str | tuple[str, ...]


@cache
def extracted() -> dict[Id, str]:
    """Return every sentence that the code says by `_` or `ngettext`, with the file that says it."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    told: dict[Id, str] = {}
    for package in ("engine", "gui"):
        for file_name, _line, message, _comments, _context in extract_from_dir(
            ROOT / package, methods, options
        ):
            found = tuple(message) if isinstance(message, (list, tuple)) else message
            told.setdefault(found, f"{package}/{file_name}")
    return told


@cache
def catalogue(code: str) -> Catalog:
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def sentences(code: str) -> dict[Id, Message]:
    return {
        tuple(one.id) if isinstance(one.id, (list, tuple)) else one.id: one
        for one in catalogue(code)
        if one.id
    }


def said(one: Message) -> list[str]:
    """Return what stands in place of a sentence, in all its forms."""
    return [one.string] if isinstance(one.string, str) else list(one.string)


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_the_interface_has_a_translation_and_there_is_no_other(code: str) -> None:
    told, needed = sentences(code), extracted()
    lacking = [f"{where}: {one}" for one, where in needed.items() if one not in told]
    assert not lacking, "Add a translation"
    assert not [one for one in told if one not in needed], "Nothing says this any more: take it out"
    assert not [one for one, message in told.items() if not all(said(message)) or message.fuzzy]


@pytest.mark.parametrize("code", CODES)
def test_a_translation_is_filled_with_what_the_sentence_is_filled_with(code: str) -> None:
    for one, message in sentences(code).items():
        wanted = set(FILLED.findall(one if isinstance(one, str) else one[-1]))
        for form in said(message):
            found = set(FILLED.findall(form))
            # a form for one thing may say its count in a word
            in_a_word = {"{count}", "{days}"} if isinstance(one, tuple) else set()
            assert wanted - in_a_word <= found <= wanted, one
            assert "`" not in form and "${" not in form, f"A pane evaluates it as JavaScript: {one}"


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_says_a_sentence_once_and_counts_as_its_language_does(code: str) -> None:
    file = (CATALOGUES / f"{code}.po").read_text(encoding="utf-8")
    blocks = re.findall(r'^msgid ((?:".*"\n)+)', file, flags=re.MULTILINE)
    assert not [one for one, count in Counter(blocks).items() if count > 1]
    told = catalogue(code)
    assert told.locale == Locale.parse(code) != Locale.parse(ENGLISH)
    forms = {len(said(one)) for one in sentences(code).values() if not isinstance(one.id, str)}
    assert forms <= {told.num_plurals}


@pytest.mark.parametrize("code", CODES)
def test_a_term_that_was_settled_is_said_in_no_other_way(code: str) -> None:
    file = (CATALOGUES / f"{code}.po").read_text(encoding="utf-8")
    settled = re.findall(r"^# term: (.*) = .*, not (.*)$", file, flags=re.MULTILINE)
    assert settled, "The head of the catalogue says what a term is not"
    forms = [(one, form) for one, message in sentences(code).items() for form in said(message)]
    assert not [(term, one) for term, word in settled for one, form in forms if word in form]
