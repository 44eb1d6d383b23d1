"""Numbers as a table has them, to probabilities: what kind they are is recognised where it can be, and asked where not.

A scale is one entry of `SCALES`: words, and a function from numbers (N, K) to probabilities (N, K) of the columns'
classes, or of one class (N, 1). The command line and the page read this dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data import is_missing
from engine.errors import DataError

Numbers = NDArray[np.float64]

ROUNDING = 1e-6
"""By which a probability may lie outside 0 and 1: what a program's arithmetic leaves."""
SUM_TOLERANCE = 0.011
"""By which probabilities of one image may miss 1 in all: what rounding to two decimals leaves."""
MOSTLY = 0.9
"""Of the rows: from here on the others are faults, and not another kind of number."""
LARGEST_LOGIT = 20.0
"""Log-odds of one in 500 million: a single score above it is a percentage and no log-odds."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A kind of number.

    Attributes:
        title: For people.
        says: How such numbers are taken, as a clause.
        fit: Which rows of numbers (N, K) can be of this kind, (N,) bool.
        probabilities: Of numbers (N, K) of this kind, (N, K).
    """

    title: str
    says: str
    fit: Callable[[Numbers], NDArray[np.bool_]]
    probabilities: Callable[[Numbers], Numbers]


def _within(most: float) -> Callable[[Numbers], NDArray[np.bool_]]:
    def fit(numbers: Numbers) -> NDArray[np.bool_]:
        least = -ROUNDING * most
        return np.asarray(((numbers >= least) & (numbers <= most - least)).all(axis=1), dtype=np.bool_)

    return fit


def _softmax(logits: Numbers) -> Numbers:
    if logits.shape[1] == 1:
        return 1 / (1 + np.exp(-np.clip(logits, -700, 700)))
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Numbers = odds / odds.sum(axis=1, keepdims=True)
    return shares


SCALES: dict[str, Scale] = {
    "probability": Scale(
        "probabilities, 0 to 1",
        "the scores are taken as probabilities",
        _within(1),
        lambda numbers: np.clip(numbers, 0, 1),
    ),
    "percent": Scale(
        "percentages, 0 to 100",
        "the scores are taken as percentages",
        _within(100),
        lambda numbers: np.clip(numbers / 100, 0, 1),
    ),
    "logit": Scale(
        "logits: any number, the larger the likelier",
        "the scores are taken as logits and turned into probabilities (one column by the logistic function, several by "
        "softmax)",
        lambda numbers: np.ones(len(numbers), dtype=np.bool_),
        _softmax,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What stands in the cells of score columns.

    Attributes:
        numbers: (N, K); NaN where a cell holds no finite number.
        percent_signs: (N, K) whether a number was written with a percent sign.
        commas: Whether numbers were written with a decimal comma.
    """

    numbers: Numbers
    percent_signs: NDArray[np.bool_]
    commas: bool


_AS_ASCII = str.maketrans({"٫": ".", "٪": "%", "−": "-", "\u200e": "", "\u200f": ""})
"""The marks that Persian, Arabic and typeset numbers are written with; their digits Python reads."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,4})?")


def parse(columns: Sequence[Sequence[str]]) -> Parsed:
    """Read the cells of K columns of N rows."""
    commas = False
    numbers = np.full((len(columns[0]) if columns else 0, len(columns)), np.nan)
    signs = np.zeros(numbers.shape, dtype=np.bool_)
    for at, cells in enumerate(columns):
        for row, cell in enumerate(cells):
            written = cell.translate(_AS_ASCII).strip()
            if written.endswith("%"):
                written, signs[row, at] = written[:-1].rstrip(), True
            if is_missing(written) or not _NUMBER.fullmatch(written):
                continue
            commas = commas or "," in written
            value = float(written.replace(",", "."))
            numbers[row, at] = value if np.isfinite(value) else np.nan
    return Parsed(numbers=numbers, percent_signs=signs, commas=commas)


def are_numbers(cells: Sequence[str]) -> bool:
    """Tell whether a column holds numbers: half of the cells that are not empty, or more."""
    filled = [cell for cell in cells if not is_missing(cell)]
    plain = [cell.translate(_AS_ASCII).strip().removesuffix("%").rstrip() for cell in filled]
    numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in plain)
    return bool(filled) and 2 * numbers >= len(filled)


def recognised(parsed: Parsed, columns: Sequence[str]) -> str:
    """Return the kind of numbers, a key of `SCALES`, where only one can be meant.

    Args:
        parsed: Rows with a number in every column.
        columns: Their names, for messages.

    Raises:
        DataError: They may be of several kinds.
    """
    numbers, signs = parsed.numbers, parsed.percent_signs
    low, high = float(numbers.min()), float(numbers.max())
    several = numbers.shape[1] > 1
    if signs.all():
        return "percent"
    if not signs.any():  # of some numbers alone a percent sign leaves open what the others are
        if _within(1)(numbers).all() or (several and _mostly(numbers, 1)):
            return "probability"
        if _mostly(numbers, 100) if several else low >= 0 and LARGEST_LOGIT < high <= 100:
            return "percent"
        if low < 0 and (several or high > 0):
            return "logit"
    kinds = "; ".join(one.title for one in SCALES.values())
    raise DataError(
        f"It is not clear what the numbers of {', '.join(columns)} are: they run from {low:g} to {high:g}",
        f"Say which they are: {kinds}",
        option=f"--scores {', '.join(SCALES)}",
        fields=("Scores are",),
    )


def _mostly(numbers: Numbers, whole: float) -> bool:
    """Tell whether nearly all rows are shares of a whole: those that are not are then wrong, and named."""
    sums = np.abs(numbers.sum(axis=1) - whole) <= whole * SUM_TOLERANCE
    return bool((sums & _within(whole)(numbers)).mean() >= MOSTLY)
