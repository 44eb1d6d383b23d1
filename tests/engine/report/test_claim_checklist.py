"""Promises of the checklist: what the workspace knows is answered with its own numbers."""

from __future__ import annotations

from dataclasses import replace

from engine.records import Split
from engine.report.claim_checklist import of_split
from tests.engine.report.test_build import a_run, samples_of, some_cases


def test_each_part_is_told_with_its_own_size() -> None:
    run = a_run()
    samples = tuple(
        replace(each, patient_id=f"patient {number}")
        for number, each in enumerate(samples_of(some_cases(run)))
    )
    split = Split(
        train=samples[:24],
        val=samples[24:35],
        test=samples[35:],
        classes=run.classes,
        seed=7,
        method="by patient",
    )
    how = next(item.answer for item in of_split(split) if "split" in item.question)
    for part, size in (("training", 24), ("validation", 11), ("test", 5)):
        assert f"{part} {size} " in how and f"of {size} patients" in how
    assert "seed 7" in how
