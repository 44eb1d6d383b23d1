"""Sentences that were made or written down in English, said again in the language that is spoken.

What the engine says is kept (data issues in an index, the state of a run in its folder) and goes into files, which are
in English. So it is made in English, and a window says it again: a template of the catalogue that fits it gives the
words, and what stands in the template's braces is taken over. `docs/engine_sentences.py` finds the templates in the
engine's source, so that a sentence that is added there is one that the catalogues must have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any
from unicodedata import bidirectional

from engine.errors import EngineError
from engine.language import (
    CATALOGUES,
    ENGLISH,
    _,
    in_digits,
    isolated,
    language,
    number,
    right_to_left,
    short_number,
)

BRACES = re.compile(r"\{(\w+)\}")
WORDS = frozenset({"unit", "words", "state", "part", "clusters"})
"""Braces that hold a word of ours, and no name."""
_COUNTS = re.compile(
    r"(count|n|total|number|files|seconds|minutes|hours|most|k|level|chosen|min_patients)\d*"
)
"""Braces that hold a number."""
_KINDS = dict.fromkeys(("needed", "free"), r"[\d,.]+ [GMk]B|\S+") | {
    "named": r"(?: \(.+?\))?|.+?",
    "factor": r"\S+",
}
"""Braces that hold what `bytes_said` says, rows or files by name, of which there may be none, and a measure."""
_NUMBER = re.compile(r"[-−+]?(?:\d{1,3}(?:,?\d{3})*(?:\.\d+)?|\.\d+)")
_RANGE = re.compile(rf"({_NUMBER.pattern})(–| to )({_NUMBER.pattern})")
"""Bounds of an interval, as a report writes them."""
_MEASURED = re.compile(rf"({_NUMBER.pattern})([°%])(?: to ({_NUMBER.pattern})\2)?")
"""An angle or a share, or a range of them."""
_ROW = re.compile(r"line ([\d,]+): (.*)", re.DOTALL)
"""A row of a table, as what does not fit is named."""
_NAME = re.compile(r"“([^“”]*)”(?: \(((?:in )?[\d,]+ (?:image|row)s?)\))?|([\d,]+) more")
_COUNTED = re.compile(r"(?:.+? \d[\d,]*(?:, |$))+")
"""Classes, each with its count: normal 23, opacity 12."""
_NAMES = re.compile(rf"(?:{_NAME.pattern})(?:, (?:{_NAME.pattern})| and (?:{_NAME.pattern}))*")
"""Names in quotation marks, as the questions about data write them."""
CLOSELY = 0.25
"""Share of a sentence's signs that a template has outside its braces, where it is to be a good part of it."""
BETWEEN = (". ", "; ", ": ", " · ")
"""What stands between the parts of a sentence."""
OUTSIDE = r"(?![^()]*\))"
"""What follows a sign that stands outside brackets."""
_WAYS = re.compile(
    r" \((?=on the (?:command line|pages): )(?:on the command line: .*?)?(?:(?:; )?on the pages: (“.*?”))?\)(?=\.|$)"
)
"""What an error that was kept as text says to type, and under what of the pages it is done: see `EngineError.kept`."""
_FIELD = re.compile("“(.*?)”")
_FEWEST = 4
"""Signs that a template has outside its braces, blanks aside: shorter ones would fit anything."""


def retold(said: str | EngineError) -> str:
    """Return a sentence of the engine in the language that is spoken; as it stands where the catalogue lacks it."""
    return retell(said) or plain(said)


def plain(said: str | EngineError) -> str:
    """Return a sentence as it stands in English; of an error without what is typed on the command line.

    An error that is told again is told on a page, where nobody can type an option: it names the page's fields. So does
    one that was kept as text, as by a job that failed.
    """
    if isinstance(said, EngineError):
        return f"{said.problem}. {_remedy(said, plain(said.remedy))}."
    return _WAYS.sub(lambda ways: _with_fields("", _FIELD.findall(ways[1] or "")), said)


def _remedy(error: EngineError, remedy: str) -> str:
    """Return what to do about an error, with the fields of the page in which it is done."""
    return _with_fields(remedy, error.fields)


def _with_fields(remedy: str, labels: Sequence[str]) -> str:
    fields = _(", ").join(_("“{field}”").format(field=isolated(_(field))) for field in labels)
    return _("{remedy} (under {fields})").format(remedy=remedy, fields=fields) if fields else remedy


def retold_closely(said: str) -> str:
    """Return a sentence by a template that is a good part of it, whole; as it stands where the catalogue has none.

    What a report says of a study has words of its protocol in it, to which a short template may fit by chance.
    """
    return said if language() == ENGLISH else _retell(plain(said), language(), CLOSELY) or said


def retell(said: str | EngineError) -> str | None:
    """Return a sentence of the engine in the language that is spoken; None where the catalogue lacks it."""
    if language() == ENGLISH or not said:  # gettext answers to no words with the catalogue's head
        return plain(said)
    if isinstance(said, EngineError):
        problem, remedy = retell(said.problem), retell(said.remedy)
        return None if problem is None or remedy is None else f"{problem}. {_remedy(said, remedy)}."
    if ways := _WAYS.search(said):
        tail = said[ways.end() :].lstrip(". ")
        before, after = retell(said[: ways.start()]), retell(tail)
        between = said[ways.end() : len(said) - len(tail)]
        return None if before is None or after is None else f"{before}{plain(ways[0])}{between}{after}"
    again = _retell(said, language())
    return said if again is None and _is_told(said) else again


def _is_told(said: str) -> bool:
    """Return whether a sentence is in the language already, as far as its script says so."""
    signs = [bidirectional(sign) for sign in said]
    return right_to_left(language()) and signs.count("R") + signs.count("AL") > signs.count("L")


@lru_cache(maxsize=4096)
def _retell(said: str, code: str, least: float = 0) -> str | None:
    if (known := _templates(code)[0].get(said)) is not None:
        return known
    if _NUMBER.fullmatch(said):
        return _written(said)
    if (whole := _whole(said, code, max(least, CLOSELY), whole=True)) is not None:
        return whole
    if said.endswith(".") and (inner := _retell(said[:-1], code, least)) is not None:
        return f"{inner}."
    if least and (whole := _whole(said, code, least)) is not None:
        return whole
    # several sentences before one that would fit all of them
    for between, told in ((" · ", " · "), (". ", ". "), ("; ", _("; "))):
        if (several := _in_parts(said, between, told, code, least)) is not None:
            return several
    if (whole := _whole(said, code, least)) is not None:
        return whole
    for between, told in ((": ", ": "), (", ", _(", "))):
        if (several := _in_parts(said, between, told, code, least)) is not None:
            return several
    return None


def _in_parts(said: str, between: str, told: str, code: str, least: float) -> str | None:
    pieces = re.split(re.escape(between) + OUTSIDE, said)
    if len(pieces) == 1:
        return None
    parts: list[str] = []
    at = 0
    while at < len(pieces):
        # a sentence of ours may have what stands between two sentences in it
        for end in range(len(pieces) - (at == 0), at + 1, -1):
            several = between.join(pieces[at:end])
            if (again := _whole(several, code, max(least, CLOSELY), whole=True)) is not None:
                break
        else:
            end = at + 1
            again = _part(pieces[at], between, code, least)
        if again is None:
            return None
        parts.append(again)
        at = end
    return told.join(filter(None, parts))


def _part(part: str, between: str, code: str, least: float) -> str | None:
    """Return a part said again; where sentences were parted, by a template that has its full stop too."""
    again = _retell(part, code, least)
    if again is None and between == ". " and (whole := _retell(f"{part}.", code, least)) is not None:
        return whole.removesuffix(".")
    return again


def _whole(said: str, code: str, least: float, *, whole: bool = False) -> str | None:
    """Return a text that one template fits: as it stands, or with another letter at its beginning.

    Args:
        said: The text.
        code: The language.
        least: Share of its signs that the template must have outside its braces.
        whole: Whether nothing in the braces may be a sentence or a part of one.
    """
    exact, templates = _templates(code)
    for one in (said, said[:1].lower() + said[1:], said[:1].upper() + said[1:]):
        if (known := exact.get(one)) is not None:
            return known
        fewest = least * len("".join(said.split()))
        for letters, pattern, told in templates:
            if letters < fewest:
                break
            if not (found := pattern.fullmatch(one)):
                continue
            if one.endswith(".") and pattern.pattern.endswith(")"):
                continue  # the sentence's full stop is no part of the name before it
            filled = found.groupdict()
            if any(value.endswith((",", ";")) for value in filled.values()):
                continue  # what stands before it is a part of its own, and no name
            if not (whole and any(_of_several(value, code) for value in filled.values())):
                return _filled(told, {name: _value(name, value, code) for name, value in filled.items()})
    return None


def _of_several(value: str, code: str) -> bool:
    """Return whether what stands in a template's braces may be several sentences, as far as no template fits it all."""
    several = any(re.search(re.escape(between) + OUTSIDE, value) for between in BETWEEN)
    return several and _whole(value, code, CLOSELY, whole=True) is None


def _filled(told: str, values: Mapping[str, str]) -> str:
    return BRACES.sub(lambda name: values[name[1]], told)


def _value(name: str, value: str, code: str) -> str:
    """Return what stands in a template's braces: a number in the language's digits, words again, a name isolated."""
    if _NUMBER.fullmatch(value):
        return _written(value)
    if found := _RANGE.fullmatch(value):
        low, high = _written(found[1]), _written(found[3])
        return (
            isolated(f"{low}–{high}") if found[2] == "–" else _("{low} to {high}").format(low=low, high=high)
        )
    if _NAMES.fullmatch(value):
        return _names(value, code)
    if name == "names" and _COUNTED.fullmatch(value):
        pairs = [one.rpartition(" ") for one in re.split(r"(?<=\d), ", value)]
        return _(", ").join(f"{isolated(one)} {_written(count)}" for one, _space, count in pairs)
    if value[:2] in ("= ", "< ") and _NUMBER.fullmatch(value[2:]):  # of a p
        return value[:2] + _written(value[2:])
    if name == "shares" and not set(value) - set("0123456789/"):  # of the parts: 60/20/20
        return isolated(in_digits(value))
    if found := _MEASURED.fullmatch(value):
        first, *last = (_in_unit(one, found[2]) for one in (found[1], found[3]) if one)
        return _("{low} to {high}").format(low=first, high=last[0]) if last else first
    if name == "named" and (not value or value.startswith(" (")):
        return f" ({_rows(value[2:-1])})" if value else ""
    # one word may be a class or a file, and several may be classes
    again = (
        _retell(value, code)
        if (" " in value and name != "classes") or name.rstrip("0123456789") in WORDS
        else None
    )
    return isolated(value) if again is None else again


def _in_unit(number: str, unit: str) -> str:
    return _("{percent}%").format(percent=_written(number)) if unit == "%" else f"{_written(number)}{unit}"


def _rows(value: str) -> str:
    """Return rows of a table, or files, again: line 3: a.png, line 5: b.png, …"""
    told = []
    for one in re.split(r", (?=line [\d,]+: |…$)" if value.startswith("line ") else ", ", value):
        row = _ROW.fullmatch(one)
        told.append(
            _("line {number}: {cell}").format(number=_written(row[1]), cell=isolated(row[2]))
            if row
            else isolated(one)
        )
    return _(", ").join(told)


def _names(value: str, code: str) -> str:
    """Return names in quotation marks again, with their numbers of images: “a” (3 images), “b” and 4 more."""
    told = []
    for name, count, more in _NAME.findall(value):
        quoted = _("“{field}”").format(field=isolated(name))
        told.append(
            _("{n} more").format(n=_written(more))
            if more
            else f"{quoted} ({_retell(count, code) or count})"
            if count
            else quoted
        )
    return _(", ").join(told)


def _written(value: str) -> str:
    """Return a number as the language writes it, with as many decimals as it has."""
    if value.startswith("+"):
        return isolated(
            f"+{_written(value[1:])}"
        )  # on its own, a sign would go to the other end of its number
    digits = value.replace(",", "").replace("−", "-")
    if value.isdecimal():
        return in_digits(value)  # a seed, a year: no thousands where English has none
    decimals = len(digits.partition(".")[2])
    return number(float(digits), decimals) if decimals or "," in value else short_number(float(digits))


def _forms(english: Any, told: Any) -> Iterator[tuple[str, str]]:
    """Return a sentence, or each form of one that depends on a count, with what stands for it."""
    if isinstance(english, str):
        yield english, told
    else:
        yield english[0], told[0]
        yield english[1], told[-1]


@cache
def _templates(code: str) -> tuple[dict[str, str], list[tuple[int, re.Pattern[str], str]]]:
    """Return a language's sentences without braces, and those with, as patterns, the longest first."""
    from babel.messages.pofile import read_po

    exact: dict[str, str] = {}
    found: list[tuple[int, re.Pattern[str], str]] = []
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        messages = [(one.id, one.string) for one in read_po(file, locale=code)]
    for english, told in (pair for one in messages for pair in _forms(*one)):
        if not BRACES.search(english):
            exact[english] = told
            continue
        pieces = BRACES.split(english)  # text, name, text, name …
        letters = sum(not sign.isspace() for text in pieces[::2] for sign in text)
        if letters < _FEWEST:
            continue
        seen: set[str] = set()
        pattern = ""
        for place, piece in enumerate(pieces):
            if place % 2 == 0:
                pattern += re.escape(piece)
            else:
                within = r"[\d,.]*\d%?" if _COUNTS.fullmatch(piece) else _KINDS.get(piece, ".+?")
                pattern += f"(?P={piece})" if piece in seen else f"(?P<{piece}>{within})"
                seen.add(piece)
        found.append((letters, re.compile(pattern, re.DOTALL), told))
    found.sort(key=lambda one: -one[0])
    return exact, found
