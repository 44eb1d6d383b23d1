"""Promises of what readers did: counted by their last words, and agreement by case and by patient."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.records import Review, Verdict
from engine.report.readers import reader_agreement, summarise_reviews
from engine.report.standards.reference_standards import answer_of, reviewed_labels
from engine.statistics import cohen_kappa, krippendorff_alpha
from tests.engine.report.test_build import a_run, case, other_of, review, some_cases


def last_of(reviews: list[Review]) -> dict[str, dict[str, Review]]:
    found: dict[str, dict[str, Review]] = {}
    for each in reviews:
        found.setdefault(each.image_id, {})[each.reader] = each
    return found


def test_readers_are_summed_up_over_cases_they_read() -> None:
    run = a_run()
    cases = [*some_cases(run), case(90, None, (0.2, 0.8), run), case(91, "fracture", (0.9, 0.1), run)]
    said = [
        replace(review(each, Verdict.AGREE), seconds=float(number)) for number, each in enumerate(cases[:7])
    ]
    said += [replace(review(cases[1], Verdict.UNSURE, reader="B"), seconds=100)]
    said += [replace(review(each, Verdict.AGREE, reader="C"), seconds=200) for each in cases[-2:]]
    answers = {each.image_id: each.predicted for each in (*cases[:7], *cases[-2:])}
    did = summarise_reviews(run, cases, last_of(said), answers)
    assert (did.readers, did.cases, did.seconds) == (3, 9, 4.5)
    assert did.verdicts == {"agree": 9, "overrule": 0, "unsure": 1, "not diagnostic": 0}
    # Films 1, 2 and 5 are predicted wrongly; the last two have no label that the model knows.
    assert (did.differing, did.comparable) == (3, 7)


def test_nobody_has_no_reading_time_and_one_reader_agrees_with_nobody() -> None:
    run = a_run()
    cases = some_cases(run)
    nobody = summarise_reviews(run, cases, {}, {})
    assert math.isnan(nobody.seconds) and (nobody.readers, nobody.cases, nobody.agreement) == (0, 0, ())
    assert reader_agreement(run, cases, last_of([review(cases[0], Verdict.AGREE)])) == ()


def test_agreement_is_that_of_the_cases_both_gave_a_class_counted_by_patient() -> None:
    run = a_run()
    cases = some_cases(run)
    said = [review(each, Verdict.AGREE, reader="A") for each in cases[:30]]
    said += [
        review(each, Verdict.OVERRULE, other_of(run, each), reader="B")
        if number % 4 == 0
        else review(each, Verdict.UNSURE if number % 7 == 0 else Verdict.AGREE, reader="B")
        for number, each in enumerate(cases[10:])
    ]
    said = [replace(each, label=None) if each.verdict is Verdict.UNSURE else each for each in said]
    last = last_of(said)
    both = [each for each in cases if len(last.get(each.image_id, {})) == 2]
    both = [each for each in both if last[each.image_id]["B"].verdict is not Verdict.UNSURE]
    first, second = ([answer_of(last[each.image_id][who], each.predicted) for each in both] for who in "AB")
    patients = [each.patient_id for each in both]
    (found,) = reader_agreement(run, cases, last)
    assert found.name == "kappa"
    assert found.estimate == cohen_kappa([run.classes.index(a) for a in first], [run.classes.index(b) for b in second],
                                         patients)  # fmt: skip
    assert found.estimate.patients == len(set(patients)) < len(both)

    said += [review(each, Verdict.AGREE, reader="C") for each in cases[5:20]]
    last = last_of(said)
    counts = [
        [
            sum(answer_of(one, each.predicted) == name for one in last.get(each.image_id, {}).values())
            for name in run.classes
        ]
        for each in cases
    ]
    together, *pairs = reader_agreement(run, cases, last)
    assert together.estimate == krippendorff_alpha(counts, [each.patient_id for each in cases])
    assert [pair.name for pair in pairs] == ["kappa of A and B", "kappa of A and C", "kappa of B and C"]
    assert pairs[0].estimate == found.estimate


def test_reviewed_labels_of_a_selection_are_said_to_be_one_and_those_of_all_are_not() -> None:
    run = a_run()
    cases = some_cases(run)
    some = reviewed_labels(run, cases, [review(each, Verdict.AGREE) for each in cases[:39]])
    assert "Readers saw the model's prediction" in some.caution and some.sampling.kind == "selected"
    every = reviewed_labels(run, cases, [review(each, Verdict.AGREE) for each in cases])
    assert "Readers saw the model's prediction" in every.caution and every.sampling.kind == "all"
    none = reviewed_labels(run, cases, [])
    assert (none.caution, none.sampling.kind) == ("", "all")


def test_agreement_means_the_class_that_was_on_the_screen() -> None:
    run = a_run()
    (one,) = some_cases(run)[:1]
    agreed = review(one, Verdict.AGREE)
    assert answer_of(agreed, "normal") == agreed.label == "opacity"
    assert answer_of(replace(agreed, label=None), "normal") == "normal"
    assert answer_of(replace(agreed, verdict=Verdict.OVERRULE, label="normal"), "opacity") == "normal"
    for undecided in (Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC):
        assert answer_of(replace(agreed, verdict=undecided), "opacity") is None
