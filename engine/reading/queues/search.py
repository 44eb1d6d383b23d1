"""A search: a few plain words become a queue of the cases that fit all of them.

A word is looked for in file names, patients, the predicted class and at the start of ids. What follows a name
(`id abc`, `patient P003`, `label pneumonia`, `view=PA`) or compares a number (`score > .8`, `confidence .4-.6`) is
looked for there alone: a plain word never looks at the label that came with the data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Integer, and_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from engine.errors import ReviewError
from engine.language import typed_number
from engine.reading.migrations.schema import SEARCHED

LONGEST = 200  # characters
NAMES = {
    "id": "image_id",
    "file": "file",
    "patient": "patient",
    "predicted": "predicted",
    "label": "label",
    "class": "label",
}
"""What a word can be looked for in, by the name before it → the column; any other name is a column of the data's."""
NUMBERS = ("score", "confidence")
PLAIN = ("file", "patient", "predicted")  # and the start of the id

_VALUE = r'(?:"[^"]*"|“[^”]*”|\S+)'
_NUMBER = r"((?:\d+(?:[.,\u066b]\d*)?|[.,\u066b]\d+)\s*[%\u066a]?)"
_END = r"(?=[,;]?(?:\s|$))"
_BETWEEN = re.compile(rf"(score|confidence)[\s:=]+{_NUMBER}\s*(?:-|–|to|\.\.)\s*{_NUMBER}{_END}", re.I)
_COMPARED = re.compile(rf"(score|confidence)\s*(>=|<=|>|<|=|≥|≤)\s*{_NUMBER}{_END}", re.I)
_NAMED = re.compile(rf"({'|'.join(NAMES)})(?:\s*[:=]\s*|\s+)({_VALUE})", re.I)
_COLUMN = re.compile(rf"([^\s=\"“]+|\"[^\"]*\"|“[^”]*”)\s*=\s*({_VALUE})")
_WORD = re.compile(_VALUE)
_PRINTED = re.compile("c([0-9a-f]{8,})")  # an id as a report prints it


class _Place(GenericFunction[int]):
    """Where in a text another begins, from 1; 0 where it is not in it."""

    name = "strpos"
    type = Integer()
    inherit_cache = True


@compiles(_Place, "sqlite")
def _in_sqlite(element: _Place, compiler: SQLCompiler, **more: object) -> str:
    return f"instr({compiler.process(element.clauses, **more)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One thing that a case must fit.

    Attributes:
        column: Of `SEARCHED`; empty means any of those that a plain word is looked for in.
        text: What it must hold, with case folded; of a number nothing.
        least: Of a number.
        most: Of a number.
        beyond: Of a number: ">" must lie above `least`, "<" below `most`; empty means from the one to the other.
    """

    column: str = ""
    text: str = ""
    least: float = 0.0
    most: float = 1.0
    beyond: Literal["", "<", ">"] = ""

    def condition(self) -> ColumnElement[bool]:
        """Return it as a condition on `SEARCHED`."""
        if self.column in NUMBERS:
            value = SEARCHED.c[self.column]
            if not self.beyond:
                return and_(value >= self.least, value <= self.most)
            return value > self.least if self.beyond == ">" else value < self.most
        as_printed = _PRINTED.fullmatch(self.text)
        printed = [_Place(SEARCHED.c.image_id, as_printed[1]) == 1] if as_printed else []
        if self.column:
            return or_(
                _Place(SEARCHED.c[self.column], self.text) > 0,
                *(printed if self.column == "image_id" else ()),
            )
        places = [_Place(SEARCHED.c[name], self.text) > 0 for name in PLAIN]
        return or_(*places, _Place(SEARCHED.c.image_id, self.text) == 1, *printed)


def terms_of(typed: str) -> tuple[Term, ...]:
    """Read what was typed: every term of it must fit.

    Raises:
        ReviewError: Nothing was typed, or too much.
    """
    left = typed.strip()
    if not left or len(left) > LONGEST:
        raise ReviewError(
            "There is nothing to search for" if not left else f"A search has up to {LONGEST} characters",
            "Type a part of an id, file name or patient, or words such as: predicted pneumonia, score > .8, view=PA",
        )
    terms: list[Term] = []
    while left:
        term, end = _first(left)
        terms.append(term)
        left = left[end:].lstrip(" \t\r\n,;")
    return tuple(terms)


def _first(typed: str) -> tuple[Term, int]:
    """Return the first term, and where it ends."""
    if found := _BETWEEN.match(typed):
        least, most = sorted((_number(found[2]), _number(found[3])))
        return Term(column=found[1].lower(), least=least, most=most), found.end()
    if found := _COMPARED.match(typed):
        return _compared(found[1].lower(), found[2], _number(found[3])), found.end()
    if found := _NAMED.match(typed):
        return Term(column=NAMES[found[1].lower()], text=_bare(found[2])), found.end()
    if found := _COLUMN.match(typed):
        return Term(column="meta", text=f"\n{_bare(found[1])}={_bare(found[2])}\n"), found.end()
    found = _WORD.match(typed)
    return Term(text=_bare(found[0] if found else typed)), found.end() if found else len(typed)


def _compared(column: str, sign: str, value: float) -> Term:
    if sign == "=":  # as it is written on the screen, with so many digits
        return Term(column=column, least=value - 0.0005, most=value + 0.0005)
    if sign in (">", ">=", "≥"):
        return Term(column=column, least=value, beyond=">" if sign == ">" else "")
    return Term(column=column, most=value, beyond="<" if sign == "<" else "")


def _number(typed: str) -> float:
    return typed_number(typed, percent=0.01)


def _bare(typed: str) -> str:
    quoted = typed[:1] in '"“' and len(typed) > 1
    return (typed.strip('"“”') if quoted else typed.rstrip(",;") or typed).casefold()
