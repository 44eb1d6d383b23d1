"""The main figures for each group of cases that the columns of the data's table make, alone and crossed by two.

A column of words makes a group of each value, the rarest put together; one of many numbers makes bands. A column that
names patients, or whose values are nearly all different, makes none. What a column makes of a case is all that a bundle
holds of it: grouping the names of groups gives the same groups again.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from engine.records import (
    Estimate,
    Prediction,
    Run,
    Split,
    probabilities_of,
)
from engine.report.named.names import CROSSED
from engine.report.records import SubgroupRow, SubgroupTest
from engine.statistics import areas_differ, auroc, holm, inestimable, log_odds, proportion, shares_differ

FEWEST_IN_SUBGROUP = 5
SMALL = 10  # cases of a class below which a group is marked as small
MOST_GROUPS = 8  # of a column
MOST_CROSSED_GROUPS, MOST_CROSSINGS = 4, 6
NOT_GIVEN, OTHER = "(not given)", "(other)"
LEADING = re.compile(r"(under )?(-?\d+(?:\.\d+)?)")


def groups_by_column(
    run: Run, predictions: Sequence[Prediction], split: Split | None
) -> dict[str, dict[str, str]]:
    """Return what groups the columns of the data's table make of the labelled cases: column → image id → group."""
    if split is None:
        return {}
    parts = (split.train, split.val, split.test)
    meta = {sample.image_id: sample.meta for part in parts for sample in part}
    labelled = [each for each in predictions if each.label in run.classes and each.image_id in meta]
    found = {}
    for column in sorted(set(chain.from_iterable(meta[each.image_id] for each in labelled))):
        values = {
            each.image_id: meta[each.image_id].get(column, "").strip() or NOT_GIVEN for each in labelled
        }
        groups = _grouped(values)
        if 2 <= len(set(groups.values())) <= MOST_GROUPS and not _names_patients(labelled, groups):
            found[column] = groups
    return found


def subgroup_table(
    run: Run,
    predictions: Sequence[Prediction],
    split: Split | None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[SubgroupRow, ...]:
    """Estimate the main figures for every group of the data's columns, then for those of two columns crossed.

    `columns`: what `groups_by_column` gave of the same; None asks it.
    """
    columns = groups_by_column(run, predictions, split) if columns is None else columns
    crossed = [
        (one, other)
        for one, other in combinations(columns, 2)
        if all(2 <= _shown(columns[each]) <= MOST_CROSSED_GROUPS for each in (one, other))
    ][:MOST_CROSSINGS]
    by_id = {each.image_id: each for each in predictions}
    rows = [row for name in columns for row in _rows(run, by_id, columns, (name,))]
    return (*rows, *(row for pair in crossed for row in _rows(run, by_id, columns, pair)))


def subgroup_tests(
    run: Run,
    predictions: Sequence[Prediction],
    split: Split | None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[SubgroupTest, ...]:
    """Test for each column whether its groups differ in a figure, adjusted by Holm's method for all tests made here.

    `columns`: what `groups_by_column` gave of the same; None asks it.
    """
    columns = groups_by_column(run, predictions, split) if columns is None else columns
    by_id = {each.image_id: each for each in predictions}
    found: list[tuple[str, str, float]] = []
    for column, groups in columns.items():
        cases = [by_id[image_id] for image_id in groups]
        found += [
            (column, figure, p)
            for figure, p in _tests(run, cases, np.array(list(groups.values()))).items()
            if math.isfinite(p)
        ]
    adjusted = holm([p for _, _, p in found])
    return tuple(
        SubgroupTest(column=column, figure=figure, p_value=p, adjusted=by_number)
        for (column, figure, p), by_number in zip(found, adjusted, strict=True)
    )


def _rows(
    run: Run,
    by_id: Mapping[str, Prediction],
    columns: Mapping[str, Mapping[str, str]],
    names: tuple[str, ...],
) -> list[SubgroupRow]:
    groups: dict[tuple[str, ...], list[Prediction]] = {}
    for image_id in columns[names[0]]:
        groups.setdefault(tuple(columns[name][image_id] for name in names), []).append(by_id[image_id])
    return [
        SubgroupRow(
            columns=names,
            column=CROSSED.join(names),
            value=CROSSED.join(group),
            cases=len(of),
            positives=_positives(run, of),
            small=_small(run, of),
            estimates=_main_figures(run, of),
        )
        for group, of in sorted(groups.items(), key=lambda each: [*map(_in_counting_order, each[0])])
        if len(of) >= FEWEST_IN_SUBGROUP
    ]


def _shown(groups: Mapping[str, str]) -> int:
    """Count the groups of a column that are large enough to be shown."""
    return sum(count >= FEWEST_IN_SUBGROUP for count in Counter(groups.values()).values())


def _grouped(values: Mapping[str, str]) -> dict[str, str]:
    """Make at most eight groups of a column's values where that can be done with sense."""
    counts = Counter(values.values())
    if len(counts) <= MOST_GROUPS:
        return dict(values)
    numbers = {image_id: number for image_id, text in values.items() if (number := _number(text)) is not None}
    given = sum(count for text, count in counts.items() if text != NOT_GIVEN)
    if len(numbers) >= 0.8 * given:
        name = _bands(np.array(list(numbers.values())))
        odd = {NOT_GIVEN: NOT_GIVEN}
        return {
            image_id: name(numbers[image_id]) if image_id in numbers else odd.get(text, OTHER)
            for image_id, text in values.items()
        }
    frequent = [
        text
        for text, count in counts.most_common(MOST_GROUPS)
        if count >= FEWEST_IN_SUBGROUP and text != NOT_GIVEN
    ][: MOST_GROUPS - 2]
    if sum(counts[text] for text in frequent) < given / 2:
        return {}
    kept = {*frequent, NOT_GIVEN}
    return {image_id: text if text in kept else OTHER for image_id, text in values.items()}


def _bands(numbers: NDArray[np.float64]) -> Callable[[float], str]:
    """Return what names the band of a number: quarters of the cases, cut at round numbers."""
    step = 10 ** math.floor(math.log10(max(np.ptp(np.quantile(numbers, (0.1, 0.9))), 1e-9))) / 2
    cuts = sorted({round(round(float(q) / step) * step, 10) for q in np.quantile(numbers, (0.25, 0.5, 0.75))})
    cuts = [cut for cut in cuts if numbers.min() < cut <= numbers.max()]
    whole = bool(np.all(numbers == np.round(numbers)) and all(cut == round(cut) for cut in cuts))
    names = [
        *([f"under {cuts[0]:g}"] if cuts else ["any number"]),
        *(f"{low:g}–{high - 1:g}" if whole else f"{low:g} to under {high:g}" for low, high in pairwise(cuts)),
        *([f"{cuts[-1]:g} and over"] if cuts else []),
    ]
    return lambda number: names[int(np.searchsorted(cuts, number, side="right"))]


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _names_patients(cases: Sequence[Prediction], groups: Mapping[str, str]) -> bool:
    """Return whether every group is of one named patient."""
    members: dict[str, set[str]] = {}
    for each in cases:
        members.setdefault(groups[each.image_id], set()).add(each.patient_id)
    named = any(each.patient_id != each.image_id for each in cases)
    return named and all(len(of) == 1 for of in members.values())


def _in_counting_order(value: str) -> tuple[float, bool, str]:
    """Return a key by which numbers and bands come first, 9 before 10, and words after them."""
    leading = LEADING.match(value)
    if leading is None or value in (NOT_GIVEN, OTHER):
        return math.inf, value in (NOT_GIVEN, OTHER), value
    return float(leading[2]), not leading[1], value


def _positives(run: Run, cases: Sequence[Prediction]) -> int | None:
    return sum(each.label == run.positive for each in cases) if len(run.classes) == 2 else None


def _small(run: Run, cases: Sequence[Prediction]) -> bool:
    """Return whether a group has so few cases, or of two classes so few of one, that it tells little."""
    positives = _positives(run, cases)
    fewest = len(cases) if positives is None else min(positives, len(cases) - positives)
    return fewest < SMALL


def _arrays(
    run: Run, cases: Sequence[Prediction]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64], NDArray[np.str_]]:
    """Return whether each case was predicted rightly and has the finding, its log-odds, and its patient."""
    probabilities = probabilities_of(cases, len(run.classes))
    return (
        np.array([each.predicted == each.label for each in cases]),
        np.array([each.label == run.positive for each in cases]),
        log_odds(probabilities, run.classes.index(run.positive)),
        np.array([each.patient_id for each in cases]),
    )


def _main_figures(run: Run, cases: Sequence[Prediction]) -> dict[str, Estimate]:
    right, y, p, patients = _arrays(run, cases)
    found = {"accuracy": proportion(right, patients)}
    if len(run.classes) == 2:
        found["sensitivity"], found["specificity"] = (
            proportion(right[rows], patients[rows])
            if rows.any()
            else inestimable("no case is of the class", 0)
            for rows in (y, ~y)
        )
        found["AUROC"] = auroc(y, p, patients)
    return found


def _tests(run: Run, cases: Sequence[Prediction], groups: NDArray[np.str_]) -> dict[str, float]:
    right, y, p, patients = _arrays(run, cases)
    if len(run.classes) != 2:
        return {"accuracy": shares_differ(right, groups, patients)}
    return {
        "sensitivity": shares_differ(right[y], groups[y], patients[y]),
        "specificity": shares_differ(right[~y], groups[~y], patients[~y]),
        "AUROC": areas_differ(y, p, groups, patients),
    }
