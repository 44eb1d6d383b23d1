"""In which encoding bytes were written that do not say so: tables, and names in archives.

charset-normalizer needs more text than a few names hold (it takes 正常 and 肺炎 in GBK for Korean). So the encodings
that files come in are compared first, by how probable the model of each makes the bytes: letters of one alphabet, or
characters in common use.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import charset_normalizer

_RARE = math.log(1e-6)
_ASCII = math.log(1 / 40)
_UNLIKELY = math.log(0.1)  # that letters of two alphabets, or two letters with accents, stand side by side
_LETTERS = 34  # at least, of an alphabet: a short one is no more probable for that
_SAMPLE = 20_000  # characters


@dataclass(frozen=True, slots=True)
class _Model:
    encoding: str
    prior: float  # how often it is met, as a logarithm
    likely: dict[str, float]  # log probability by character
    beside_ascii: bool  # whether words mix these characters with a to z


def _model(encoding: str, prior: float, *shares: tuple[float, str], beside_ascii: bool = False) -> _Model:
    """Take characters in common use, each kind with its share of what is not ASCII."""
    likely: dict[str, float] = {}
    for share, letters in shares:
        likely |= dict.fromkeys(letters, math.log(share / max(len(letters), _LETTERS)))
    return _Model(encoding, prior, likely, beside_ascii)


def _pairs(encoding: str, first: range, second: Iterable[int]) -> str:
    """Return the characters that two bytes of an encoding stand for."""
    seconds = tuple(second)
    return "".join(bytes([one, two]).decode(encoding, "ignore") for one in first for two in seconds)


def _alphabet(lower: str, marks: str = "°µ²³–’“”") -> tuple[tuple[float, str], ...]:
    upper = "".join(letter.upper() for letter in lower if len(letter.upper()) == 1)
    return (0.8, lower), (0.14, upper), (0.01, marks)


_WESTERN = _alphabet("äöüßéèêëàâáãåæçñóòôõøíìîïúùûýœ")
_CENTRAL = _alphabet("ąćęłńóśźżáčďéěíňřšťúůýžöüőűăâîşţäßđ")
_TURKISH = _alphabet("çğıöşüâîûİ")
_CYRILLIC = _alphabet("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ")
_GREEK = _alphabet("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋ")
_ARABIC = ((0.75, "ابتثجحخدذرزسشصضطظعغفقكلمنهويىءآأؤإئةپچژگ"),)
_HEBREW = ((0.75, "אבגדהוזחטיךכלםמןנסעףפץצקרשת"),)
_THAI = ((0.95, "".join(map(chr, (*range(0x0E01, 0x0E3B), *range(0x0E3F, 0x0E5C))))),)
_KANA = (
    (0.4, "".join(map(chr, (*range(0x3041, 0x3094), *range(0x30A1, 0x30FD))))),
    (0.05, "".join(map(chr, range(0xFF66, 0xFFA0)))),
)
_HIGH = range(0xA1, 0xFF)
_MODELS = (
    _model("cp1252", 0.0, *_WESTERN, beside_ascii=True),
    _model("cp437", -0.5, *_WESTERN, beside_ascii=True),
    _model("cp850", -1.0, *_WESTERN, beside_ascii=True),
    _model("cp1250", -2.0, *_CENTRAL, beside_ascii=True),
    _model("cp852", -2.5, *_CENTRAL, beside_ascii=True),
    _model("cp1254", -4.0, *_TURKISH, beside_ascii=True),
    _model("cp857", -4.0, *_TURKISH, beside_ascii=True),
    _model("cp1251", -2.0, *_CYRILLIC),
    _model("cp866", -2.0, *_CYRILLIC),
    _model("koi8-r", -5.0, *_CYRILLIC),
    _model("cp1253", -3.0, *_GREEK),
    _model("cp737", -3.0, *_GREEK),
    _model("cp1256", -3.0, *_ARABIC),
    _model("cp1255", -4.0, *_HEBREW),
    _model("cp862", -4.0, *_HEBREW),
    _model("cp874", -3.0, *_THAI),
    _model("gb18030", -1.0, (0.95, _pairs("gb2312", range(0xB0, 0xD8), _HIGH))),
    _model("big5", -2.0, (0.95, _pairs("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *_HIGH)))),
    _model("cp949", -2.0, (0.95, _pairs("euc_kr", range(0xB0, 0xC9), _HIGH))),
    _model("cp932", -1.0, *_KANA, (0.5, _pairs("shift_jis", range(0x88, 0x99), range(0x40, 0xFD)))),
    _model("euc_jp", -4.0, *_KANA, (0.5, _pairs("euc_jp", range(0xB0, 0xD0), _HIGH))),
)


def encoding_of(data: bytes) -> str | None:
    """Tell in which encoding text was written: UTF-8 where it can be, else the most probable; None if in none."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    scored = [(score, model.encoding) for model in _MODELS if (score := _score(data, model)) is not None]
    if scored:
        return max(scored)[1]
    best = charset_normalizer.from_bytes(data[:1_000_000]).best()
    return None if best is None else best.encoding


def _score(data: bytes, model: _Model) -> float | None:
    """Return the logarithm of how probable a model makes the bytes; None if they are not text of its kind."""
    try:
        text = data.decode(model.encoding)[:_SAMPLE]
    except UnicodeDecodeError:
        return None
    score, known, other = model.prior, 0, 0
    before = " "
    for letter in text:
        if letter.isascii():
            score += _ASCII
            if letter < " " and letter not in "\t\r\n":
                other += 1
        else:
            likely = model.likely.get(letter)
            known, other = known + (likely is not None), other + (likely is None)
            score += _RARE if likely is None else likely
            if before.islower() and letter.isupper():
                score += 2 * _UNLIKELY
            if (
                before.isascii() and unicodedata.category(letter) == "Mn"
            ):  # a mark on nothing, or on a Latin letter
                score += 2 * _UNLIKELY
        if letter.isalpha() and before.isalpha() and not (letter.isascii() and before.isascii()):
            same = letter.isascii() == before.isascii()
            score += _UNLIKELY if same is model.beside_ascii else 0.0
        before = letter
    return score if known >= other else None
