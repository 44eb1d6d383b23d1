"""What a report computes: a case's row says all that was predicted of it, and chosen labels are said to be chosen."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from engine.records import Prediction, Uncertainty, Verdict
from engine.records.labels import LabelsUsed
from engine.report.computed import case_rows, compute
from engine.report.records import CaseRow, Evidence
from engine.report.standards.defined import chosen_labels
from tests.engine.report.test_build import a_run, review, some_cases

LATER = {"distance", "reviews"}  # the first by `engine.report.elsewhere`; the second from readers


def test_a_row_holds_whatever_was_predicted_of_its_case_and_its_readers_last_words() -> None:
    doubt = Uncertainty(variance=0.25, mutual_information=0.125, passes=30, rate=0.5, scale=2.0, mean=0.75)
    told = {"uncertainty": doubt, "conformal_set": ("normal", "opacity"), "margin": 1.5, "entropy": 0.375}
    plain, full = some_cases(a_run())[:2]
    full = replace(full, **told)  # type: ignore[arg-type]
    said = review(full, Verdict.AGREE)
    rows = case_rows((plain, full), {full.image_id: "opacity"}, {full.image_id: {"A": said}})
    shared = {each.name for each in fields(CaseRow)} & {each.name for each in fields(Prediction)} - LATER
    assert shared >= {"label", "predicted", "probabilities", "image_id", *told}
    for case, row in zip((plain, full), rows, strict=True):
        assert {name: getattr(row, name) for name in shared} == {name: getattr(case, name) for name in shared}
    assert [(row.reviewed, row.reviews) for row in rows] == [(None, ()), ("opacity", (said,))]


@pytest.mark.parametrize("chosen", [None, LabelsUsed(number=2, sha256="0" * 64, sentence="corrected")])
def test_only_labels_that_were_chosen_are_defined_as_chosen_and_the_run_keeps_its_own(
    chosen: LabelsUsed | None,
) -> None:
    run = a_run()
    found = compute(run, Evidence(predictions=tuple(some_cases(run)), labels=chosen))
    came = next(iter(found.standards.values()))
    own = chosen_labels(run)
    assert (own in came.defined) == (chosen is not None)
    assert [name for name, _ in came.defined].count(own[0]) == (chosen is not None)
    assert len(came.defined) > 1 and run.labels is None
