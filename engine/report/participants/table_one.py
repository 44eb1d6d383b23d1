"""Table 1: patients, images, classes and the columns that came with the data, by part of the split."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from engine.data import patients_named
from engine.records import PART_NAMES, PARTS, Run, Sample, Split
from engine.report.records import Characteristic

MOST_VALUES = 8
"""A column of words with more values is not summarised."""
FEWEST_NUMBERS = 6
"""A column of numbers with fewer values is counted value by value."""

AGE = re.compile(r"0*(\d+)Y")
"""An age as DICOM writes it: 045Y."""
WRITTEN = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")


def parts_named(run: Run, split: Split) -> dict[str, tuple[Sample, ...]]:
    """Return the parts of a split that hold images, by what a report calls them."""
    names = dict(PART_NAMES)
    if run.folds:
        names["test"] = "all, each tested once"
    if run.supplied:
        names["test"] = "supplied predictions"
    return {names[part]: split.part(part) for part in PARTS if split.part(part)}


def characteristics(run: Run, split: Split) -> tuple[tuple[Characteristic, ...], tuple[str, ...]]:
    """Summarise who is in each part of a split.

    A column of numbers is summarised by its median and quartiles, any other one by counts; what is missing is counted.

    Returns:
        The lines of the table, and the columns that are not summarised.
    """
    parts = parts_named(run, split)
    found = [
        Characteristic(
            name="patients",
            kind="count",
            by_part={name: _known(patients_named(of).count) for name, of in parts.items()},
        ),
        Characteristic(name="images", kind="count", by_part={name: (len(of),) for name, of in parts.items()}),
    ]
    for label in split.classes:
        counts = {name: (sum(one.label == label for one in of),) for name, of in parts.items()}
        found.append(Characteristic(name="class", value=label, kind="count", by_part=counts))
    left_out = []
    for column in sorted({name for of in parts.values() for one in of for name in one.meta}):
        lines = _of_column(column, {name: _values(column, of) for name, of in parts.items()})
        found += lines
        if not lines:
            left_out.append(column)
    return tuple(found), tuple(left_out)


def _known(count: int | None) -> tuple[float, ...]:
    return () if count is None else (count,)


def _values(column: str, samples: Sequence[Sample]) -> list[str]:
    return [one.meta.get(column, "").strip() for one in samples]


def number_in(text: str) -> float:
    """Read a number, or an age as DICOM writes it; NaN where it is neither.

    A number that begins with a nought that counts for nothing, as ids do, is none.
    """
    if age := AGE.fullmatch(text):
        return float(age[1])
    if not WRITTEN.fullmatch(text) or re.match(r"0\d", text):
        return math.nan
    return float(text.replace(",", "."))


def _of_column(column: str, by_part: Mapping[str, list[str]]) -> list[Characteristic]:
    given = [value for values in by_part.values() for value in values if value]
    if not given:
        return []
    numbers = {value: number_in(value) for value in set(given)}
    missing = {name: (values.count(""),) for name, values in by_part.items()}
    unknown = Characteristic(name=column, value="not given", kind="count", by_part=missing)
    beside = [unknown] if any(count for (count,) in missing.values()) else []
    ids = len(numbers) == len(given) > MOST_VALUES and all(
        value.isdigit() and len(value) > 4 for value in numbers
    )
    if len(numbers) >= FEWEST_NUMBERS and not ids and all(map(math.isfinite, numbers.values())):
        quartiles = {
            name: _quartiles([numbers[value] for value in values if value])
            for name, values in by_part.items()
        }
        return [Characteristic(name=column, kind="median", by_part=quartiles), *beside]
    if len(numbers) > MOST_VALUES:
        return []
    counted = {name: Counter(values) for name, values in by_part.items()}
    return [
        *(
            Characteristic(
                name=column,
                value=value,
                kind="count",
                by_part={name: (counts[value],) for name, counts in counted.items()},
            )
            for value in sorted(
                numbers, key=lambda value: (math.isnan(numbers[value]), numbers[value], value)
            )
        ),
        *beside,
    ]


def _quartiles(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(map(float, np.quantile(values, (0.5, 0.25, 0.75)))) if values else ()
