"""Sentences that were made or written down in English, said again in the language that is spoken.

What the engine says is kept (data issues in an index, the state of a run in its folder) and goes into files, which are
in English. So it is made in English, and a window says it again: a template of the catalogue that fits it gives the
words, and what stands in the template's braces is taken over. `docs/engine_sentences.py` finds the templates in the
engine's source, so that a sentence that is added there is one that the catalogues must have.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from unicodedata import bidirectional

from engine.errors import EngineError
from engine.language import CATALOGUES, ENGLISH, isolated, language, number, right_to_left, short_number

BRACES = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"-?\d{1,3}(,?\d{3})*(\.\d+)?")
_FEWEST = 6
"""Letters that a template has outside its braces: shorter ones would fit anything."""


def retold(said: str | EngineError) -> str:
    """Return a sentence of the engine in the language that is spoken; as it stands where the catalogue lacks it."""
    return retell(said) or str(said)


def retell(said: str | EngineError) -> str | None:
    """Return a sentence of the engine in the language that is spoken; None where the catalogue lacks it."""
    if language() == ENGLISH:
        return str(said)
    if isinstance(said, EngineError):
        problem, remedy = retell(said.problem), retell(said.remedy)
        return None if problem is None or remedy is None else f"{problem}. {remedy}."
    again = _retell(said, language())
    return said if again is None and _is_told(said) else again


def _is_told(said: str) -> bool:
    """Return whether a sentence is in the language already, as far as its script says so."""
    signs = [bidirectional(sign) for sign in said]
    return right_to_left(language()) and signs.count("R") + signs.count("AL") > signs.count("L")


@lru_cache(maxsize=4096)
def _retell(said: str, code: str) -> str | None:
    whole = _whole(said, code)
    if whole is not None or len(said) < 2:
        return whole
    if said.endswith("."):
        inner = _retell(said[:-1], code)
        if inner is not None:
            return f"{inner}."
    for between in (". ", "; ", ": "):
        if between in said:
            parts = [_whole(part, code) for part in said.split(between)]
            if None not in parts:
                return between.join(part for part in parts if part)
    return None


def _whole(said: str, code: str) -> str | None:
    """Return a text that one template fits: as it stands, or with another letter at its beginning."""
    exact, templates = _templates(code)
    for one in (said, said[:1].lower() + said[1:], said[:1].upper() + said[1:]):
        if (known := exact.get(one)) is not None:
            return known
        for pattern, told in templates:
            if found := pattern.fullmatch(one):
                values = {name: _value(value, code) for name, value in found.groupdict().items()}
                return told.format(**values)
    return None


def _value(value: str, code: str) -> str:
    """Return what stands in a template's braces: a number in the language's digits, words again, a name isolated."""
    if _NUMBER.fullmatch(value):
        plain = value.replace(",", "")
        decimals = len(plain.partition(".")[2])
        return number(float(plain), decimals) if decimals or "," in value else short_number(float(plain))
    # one word may be a name
    again = _whole(value, code) if " " in value else None
    return isolated(value) if again is None else again


@cache
def _templates(code: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Return a language's sentences without braces, and those with, as patterns, the longest first."""
    from babel.messages.pofile import read_po

    exact: dict[str, str] = {}
    found: list[tuple[int, re.Pattern[str], str]] = []
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        messages = [(one.id, one.string) for one in read_po(file, locale=code)]
    for english, told in messages:
        if not isinstance(english, str) or not isinstance(told, str) or not told:
            continue
        if not BRACES.search(english):
            exact[english] = told
            continue
        pieces = BRACES.split(english)  # text, name, text, name …
        letters = sum(sign.isalpha() for text in pieces[::2] for sign in text)
        if letters < _FEWEST:
            continue
        seen: set[str] = set()
        pattern = ""
        for place, piece in enumerate(pieces):
            if place % 2 == 0:
                pattern += re.escape(piece)
            else:
                pattern += f"(?P={piece})" if piece in seen else f"(?P<{piece}>.+?)"
                seen.add(piece)
        found.append((letters, re.compile(pattern, re.DOTALL), told))
    found.sort(key=lambda one: -one[0])
    return exact, [(pattern, told) for _, pattern, told in found]
