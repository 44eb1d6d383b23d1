"""Promises of subgroups: each value of a column has its figures, by patient; too small ones are not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.records import Split
from engine.report.subgroups import FEWEST_IN_SUBGROUP, subgroup_table
from engine.statistics.proportions import proportion
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
        right = [each.predicted == each.label for each in chosen]
        by_patient = proportion(right, [each.patient_id for each in chosen])
        assert row.estimates["accuracy"] == by_patient
        assert row.estimates["accuracy"].patients == 10
        assert row.estimates["AUROC"].patients == 10
        assert by_patient.high - by_patient.low > 1.02 * (proportion(right).high - proportion(right).low)


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
