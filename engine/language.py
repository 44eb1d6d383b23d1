"""What people read, in their language: English in the code, other languages one gettext catalogue each.

A sentence stands in the code in English, inside `_(…)`, or `ngettext(…)` where a count decides its form; what differs
from case to case is put in afterwards: `_("{count} images").format(count=number(3))`. A catalogue is one file
`engine/languages/CODE.po`; a further language is one more such file.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from babel.messages import Catalog

CATALOGUES = Path(__file__).with_name("languages")
ENGLISH: Final = "en"
ZEROS: Final = {"arab": "\u0660", "arabext": "\u06f0", "deva": "\u0966", "beng": "\u09e6"}
"""The first digit of each numbering system of CLDR that a language may have; Latin digits where none is named."""
MOMENTS: Final = {"%d": "dd", "%B": "MMMM", "%b": "MMM", "%Y": "y", "%H": "HH", "%M": "mm", "%S": "ss"}
"""Parts of a moment, as Python and as CLDR write them."""
DAYS: Final = {"%d %B": "MMMMd", "%d %b": "MMMd"}
"""A day with its month, as Python writes it and by the name that CLDR's pattern of it has: 3 בנובמבר."""
_UNSEEN: Final = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u2066\u2067\u2068\u2069"))
_SIGNS: Final = str.maketrans(
    {"\u066b": ".", "\u066a": "%", "\u2212": "-"} | dict.fromkeys("\u066c\u2019 \u00a0\u202f\u2009", "'")
)
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e")
"""Embeddings and overrides, which have had no use since isolates are there but to hide what a name says."""
_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
_ZERO: Final = re.compile(r"(?<![\w.])0(?=\.\d)")
_ASKED: Final[list[Callable[[], str]]] = []
_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


@cache
def languages() -> tuple[str, ...]:
    """Return the codes (ISO 639-1) of the languages that there are, English first."""
    return (ENGLISH, *sorted(file.stem for file in CATALOGUES.glob("*.po")))


def language() -> str:
    """Return the code of the language that is spoken here and now."""
    return _spoken.get() or next((told for whom in _ASKED if (told := whom())), ENGLISH)


def ask(whom: Callable[[], str]) -> None:
    """Say whom to ask for the language where none is spoken: a window knows whose event it answers."""
    _ASKED[:] = [whom]


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language; English where there is no catalogue of it."""
    before = _spoken.set(code if code in languages() else ENGLISH)
    try:
        yield
    finally:
        _spoken.reset(before)


def _(text: str) -> str:
    """Return a sentence in the language that is spoken; as it stands where the catalogue lacks it."""
    return catalogue(language()).gettext(text) if text else ""


def N_(text: str) -> str:  # noqa: N802  what gettext calls it, and extraction looks for
    """Return a sentence as it stands, to be translated where it is used: for one that is a value of a table."""
    return text


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form of a sentence for a count, in the language that is spoken."""
    return catalogue(language()).ngettext(one, many, count)


def right_to_left(code: str) -> bool:
    """Return whether a language is written from right to left."""
    from babel import Locale  # loaded only when another language than English is spoken

    return code != ENGLISH and Locale.parse(code).text_direction == "rtl"


def name_of(code: str) -> str:
    """Return a language's own name for itself."""
    from babel import Locale

    return Locale.parse(code).get_display_name(code) or code


def number(value: float, decimals: int = 0) -> str:
    """Return a number as the language that is spoken writes it: its digits, its thousands, its decimal sign."""
    if language() == ENGLISH or not math.isfinite(value):
        return f"{value:,.{decimals}f}"
    from babel import Locale
    from babel.numbers import format_decimal

    locale = Locale.parse(language())
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    exact = Decimal(
        f"{value:.{decimals}f}"
    )  # rounded as in English: Babel goes by the shortest way to write it
    written = in_digits(format_decimal(exact, format=pattern, locale=locale, numbering_system="default"))
    # Beside words from the right to the left a minus would go to the other end of its number.
    return f"\u200e{written}" if written.startswith("-") and right_to_left(language()) else written


def count_of(count: int, one: str, several: str = "") -> str:
    """Write 1 case, 1,234 cases, in English: what is kept, or said on the command line; `engine.retelling` knows it."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def counted(count: int, one: str, several: str = "") -> str:
    """Write 1 case, 1,234 cases, in the language that is spoken; catalogues have the forms of each noun so counted."""
    form = ngettext(f"{{count}} {one}", f"{{count}} {several or f'{one}s'}", count)
    return form.format(count=number(count))


def short_number(value: float, digits: int = 6) -> str:
    """Return a number with no more decimals than it has: 28, 0.5; rounded to so many digits."""
    plain = f"{value:.{digits}g}"
    if language() == ENGLISH or not math.isfinite(value):
        return plain
    return number(value, max(0, -int(Decimal(plain).as_tuple().exponent)))


def shorn(written: str) -> str:
    """Return a number in English without the zero before its point, as journals print it: .05, -.120.

    So reports write whatever has no unit: a proportion, a probability, a figure, a setting. A measure keeps its zero:
    0.5 days, 0.6%.
    """
    return _ZERO.sub("", written, count=1)


def in_print(value: float, form: str = "g") -> str:
    """Return a number in a format of Python's, `shorn`: for what is said in English, and said again elsewhere."""
    return shorn(f"{value:{form}}")


def without_zero(written: str) -> str:
    """Return a number `shorn` where English is spoken; other languages keep the zero."""
    return shorn(written) if language() == ENGLISH else written


def unitless(value: float, digits: int = 6) -> str:
    """Return a number without a unit, with no more decimals than it has: 28, .5; rounded to so many digits."""
    return without_zero(short_number(value, digits))


def typed_number(typed: str, *, whole: bool = False, percent: float = math.nan) -> float:
    """Read a number as people type it: in the digits of any script, with a decimal point or comma, with thousands.

    A sign that may be either (1,000 is a thousand to some, and one to others) is not guessed at.

    Args:
        typed: What was typed.
        whole: Whether a whole number is asked for, in which a comma before three digits stands between thousands.
        percent: What one percent is where it is asked for: 0.01 of a share, 1 of a field in percent.

    Returns:
        It; NaN where it is no finite number, no whole one where that is asked for, or could be two.
    """
    plain = "".join(
        str(unicodedata.decimal(letter, letter))
        for letter in typed.strip().translate(_UNSEEN).translate(_SIGNS)
    ).lower()
    share = plain.endswith("%")
    plain = plain.removesuffix("%").rstrip("'")
    signs = [letter for letter in plain if letter in ".,'"]
    kinds = sorted(set(signs), key=signs.index)
    if len(kinds) > 2 or (len(kinds) == 2 and signs.count(kinds[1]) > 1):
        return math.nan
    after = len(re.split("[.,']", plain)[-1])
    grouping = kinds[0] if len(kinds) == 2 or len(signs) > 1 or kinds == ["'"] or (whole and signs) else ""
    if whole and signs == ["."] and after == 3:
        return math.nan  # 1.000
    if not whole and signs == [","] and after == 3 and not re.match(r"[+-]?0*,", plain):
        return math.nan  # 1,000
    if grouping and len(signs) == 1 and after != 3:
        grouping = ""  # 12.0 and 12,0
    if grouping:
        if not re.match(rf"[+-]?[1-9]\d{{0,2}}({re.escape(grouping)}\d{{3}})+(?!\d)", plain):
            return math.nan
        plain = plain.replace(grouping, "")
    plain = plain.replace(",", ".")
    if not _PLAIN.fullmatch(plain):
        return math.nan
    value = float(plain) * (percent if share else 1)
    return value if math.isfinite(value) and not (whole and value != int(value)) else math.nan


def moment(at: datetime, written: str) -> str:
    """Return a moment with the months and digits of the language that is spoken.

    Args:
        at: It.
        written: As `strftime` takes it, of the parts in `MOMENTS`.
    """
    if language() == ENGLISH:
        return at.strftime(written)
    from babel import Locale
    from babel.dates import format_datetime

    patterns = Locale.parse(language()).datetime_skeletons
    days = {python: patterns[name].pattern for python, name in DAYS.items() if name in patterns}
    for python, cldr in (*days.items(), *MOMENTS.items(), (", ", _(", "))):
        written = written.replace(python, cldr)
    return in_digits(format_datetime(at, written, locale=language()))


def isolated(name: str) -> str:
    """Return a name that turns no sentence around: between Unicode's isolates, where the sentence runs to the left."""
    return f"\u2068{name}\u2069" if name and right_to_left(language()) else name


def one_line(text: str) -> str:
    """Return a text as one line that turns nothing around: of names that came with the data, and of what quotes them.

    Control characters, and what breaks lines, become spaces; what would turn the letters after it is left out.
    """
    if text.isprintable():
        return text
    kinds = {letter: unicodedata.category(letter) for letter in set(text)}
    spaced = "".join(" " if kinds[one] in ("Cc", "Zl", "Zp") else one for one in text if one not in _TURNING)
    return text if spaced == text else re.sub(" {2,}", " ", spaced).strip(" ")


def listed(names: Iterable[str]) -> str:
    """Return names one after another, as the language that is spoken separates them."""
    return _(", ").join(map(isolated, names))


def in_digits(written: str) -> str:
    """Return a text with the language's digits: Babel gives a system's signs, and leaves the digits."""
    if language() == ENGLISH:
        return written
    from babel import Locale

    zero = ZEROS.get(Locale.parse(language()).default_numbering_system, "0")
    return written.translate({ord("0") + digit: ord(zero) + digit for digit in range(10)})


@cache
def catalogue(code: str) -> NullTranslations:
    """Return a language's sentences, read from its file once."""
    if code == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, _read(code))
    compiled.seek(0)
    return GNUTranslations(compiled)


def sentences(code: str) -> dict[str, str | list[str]]:
    """Return a language's sentences by their English: for one that depends on a count all its forms."""
    if code == ENGLISH:
        return {}
    told: dict[str, str | list[str]] = {}
    for one in _read(code):
        if isinstance(one.id, str):
            told[one.id] = str(one.string)
        else:
            told[one.id[0]] = list(one.string or ())
    told.pop("")  # what the file says of itself
    return told


def plural_rule(code: str) -> str:
    """Return which form of a sentence goes with a count `n`, counted from 0: an expression of C, and of JavaScript."""
    return "n != 1" if code == ENGLISH else str(_read(code).plural_expr)


@cache
def _read(code: str) -> Catalog:
    from babel.messages.pofile import read_po

    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)
