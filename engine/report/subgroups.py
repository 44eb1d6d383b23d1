"""The main figures for each value of a column of the data's table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.records import (
    Estimate,
    Prediction,
    Run,
    Split,
)
from engine.report.records import SubgroupRow
from engine.statistics import auroc, inestimable, log_odds, proportion

FEWEST_IN_SUBGROUP = 5


def subgroup_table(
    run: Run, predictions: Sequence[Prediction], split: Split | None
) -> tuple[SubgroupRow, ...]:
    """Estimate the main figures for every value of the data's columns that have two to eight values."""
    if split is None:
        return ()
    parts = (split.train, split.val, split.test)
    meta = {sample.image_id: sample.meta for part in parts for sample in part}
    labelled = [each for each in predictions if each.label in run.classes and each.image_id in meta]
    columns = sorted({column for each in labelled for column in meta[each.image_id]})
    found = []
    for column in columns:
        groups: dict[str, list[Prediction]] = {}
        for each in labelled:
            groups.setdefault(meta[each.image_id].get(column, "").strip() or "(not given)", []).append(each)
        if not 2 <= len(groups) <= 8:
            continue
        found += [
            SubgroupRow(column=column, value=value, cases=len(of), estimates=_main_figures(run, of))
            for value, of in sorted(groups.items(), key=lambda group: _in_counting_order(group[0]))
            if len(of) >= FEWEST_IN_SUBGROUP
        ]
    return tuple(found)


def _in_counting_order(value: str) -> tuple[float, str]:
    """Return a key by which numbers come first, 9 before 10, and words after them."""
    try:
        return float(value), ""
    except ValueError:
        return math.inf, value


def _main_figures(run: Run, predictions: Sequence[Prediction]) -> dict[str, Estimate]:
    right = np.array([each.predicted == each.label for each in predictions])
    patients = np.array([each.patient_id for each in predictions])
    found = {"accuracy": proportion(right, patients)}
    if len(run.classes) == 2:
        y = np.array([each.label == run.positive for each in predictions])
        probabilities = np.array([each.probabilities for each in predictions])
        p = log_odds(probabilities, run.classes.index(run.positive))
        found["sensitivity"], found["specificity"] = (
            proportion(right[rows], patients[rows])
            if rows.any()
            else inestimable("no case is of the class", 0)
            for rows in (y, ~y)
        )
        found["AUROC"] = auroc(y, p, patients)
    return found
