"""Promises of subgroups: each value of a column has its figures, by patient; too small ones are not shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.records import Split
from engine.report.subgroups import FEWEST_IN_SUBGROUP, subgroup_table
from engine.statistics import auroc, log_odds, proportion
from tests.engine.report.test_build import a_run, samples_of, some_cases


def test_the_intervals_of_a_subgroup_count_patients_not_images() -> None:
    run = a_run()
    cases = [
        replace(each, patient_id=f"patient {number // 8}") for number, each in enumerate(some_cases(run, 80))
    ]
    samples = samples_of(cases, {"view": "PA"}, {"view": "AP"})
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")
    for row in subgroup_table(run, cases, split):
        chosen = [each for each, of in zip(cases, samples, strict=True) if of.meta["view"] == row.value]
        right = np.array([each.predicted == each.label for each in chosen])
        ill = np.array([each.label == run.positive for each in chosen])
        patient = np.array([each.patient_id for each in chosen])
        p = log_odds([each.probabilities for each in chosen], run.classes.index(run.positive))
        by_patient = proportion(right, patient)
        assert row.estimates == {
            "accuracy": by_patient,
            "sensitivity": proportion(right[ill], patient[ill]),
            "specificity": proportion(right[~ill], patient[~ill]),
            "AUROC": auroc(ill, p, patient),
        }
        assert {found.patients for found in row.estimates.values()} <= set(range(1, 11))
        assert by_patient.high - by_patient.low > 1.02 * (proportion(right).high - proportion(right).low)


def test_a_subgroup_without_a_class_says_so_and_has_the_other_figures() -> None:
    run = a_run()
    cases = some_cases(run)
    samples = tuple(
        replace(each, meta={"site": "well" if each.label == "normal" and number % 2 else "mixed"})
        for number, each in enumerate(samples_of(cases))
    )
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")
    well = next(row for row in subgroup_table(run, cases, split) if row.value == "well")
    assert well.estimates["sensitivity"].method == "cannot be estimated because no case is of the class"
    assert (well.estimates["sensitivity"].n, well.estimates["specificity"].n) == (0, well.cases)


@pytest.mark.parametrize("size", [FEWEST_IN_SUBGROUP - 1, FEWEST_IN_SUBGROUP])
def test_a_subgroup_is_shown_from_five_cases_on(size: int) -> None:
    run = a_run()
    cases = some_cases(run)
    samples = tuple(
        replace(each, meta={"site": "small" if number < size else "large"})
        for number, each in enumerate(samples_of(cases))
    )
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")
    shown = {row.value for row in subgroup_table(run, cases, split)}
    assert shown == ({"small", "large"} if size >= FEWEST_IN_SUBGROUP else {"large"})
