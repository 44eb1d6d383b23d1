"""Promises of sampling: a figure against reviewed labels is given only for what its cases are a sample of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from engine.reading import QUEUES, random_place
from engine.records import Prediction, Review, Run, Verdict
from engine.report.records import Against, Report
from engine.report.standards.sampling import COLUMNS
from gui.pages.report.sections import headline
from tests.engine.report.test_build import a_run, build, case, page_of, review, some_cases

RUN = a_run()


def in_random_order(cases: Sequence[Prediction]) -> list[Prediction]:
    return sorted(cases, key=lambda case: random_place(RUN.run_id, case.image_id))


def by_label(case: Prediction, queue: str, *, drawn: str = "in order", reader: str = "A") -> Review:
    """A reader who knows the truth, which is the label that came with the data."""
    agrees = case.predicted == case.label
    verdict, label = (Verdict.AGREE, None) if agrees else (Verdict.OVERRULE, case.label)
    return review(case, verdict, label, reader=reader, queue=queue, drawn=drawn)


def reviewed(cases: Sequence[Prediction], reviews: Sequence[Review], run: Run = RUN) -> Against:
    return report(cases, reviews, run).against[1]


def report(cases: Sequence[Prediction], reviews: Sequence[Review], run: Run = RUN) -> Report:
    return build(run, list(cases), reviews=reviews)


def test_the_start_of_the_random_order_is_a_random_sample_with_figures_and_the_caution_beside_them() -> None:
    cases = some_cases(RUN)
    read = in_random_order(cases)[:25]
    one = reviewed(cases, [by_label(case, "random sample") for case in read])
    assert (one.drawn, one.note) == ("random", "random 25 of 40")
    assert "a random sample of the 40" in one.sampling
    assert math.isfinite(one.estimates["accuracy"].value) and math.isfinite(one.estimates["accuracy"].low)
    assert all(not part.startswith("(") or "random 25 of 40" in part for part in one.sentences)


def test_all_cases_are_no_sample_however_they_were_drawn() -> None:
    cases = some_cases(RUN)
    one = reviewed(cases, [by_label(case, "") for case in cases])
    assert (one.drawn, one.note, one.sampling) == ("all", "", "")


def test_undecided_cases_are_told_beside_every_number_and_not_below() -> None:
    cases = some_cases(RUN)
    reviews = [by_label(case, "all") for case in cases]
    reviews += [review(case, Verdict.UNSURE, queue="all", drawn="sought") for case in cases[:3]]
    built = report(cases, reviews)
    one = built.against[1]
    assert (one.cases, one.note) == (37, "3 without a class left out")
    for sentence in one.sentences:
        assert "95% interval" not in sentence or "3 without a class left out" in sentence
    tiles = headline(built, ["reviewed labels"])
    assert tiles.count("3 without a class left out") == 4, "four figures, each with its caution"
    row = page_of(built).split('<th scope="row">sensitivity</th>')[2].split("</tr>")[0]
    assert "3 without a class left out" in row


@pytest.mark.parametrize(
    ("queue", "drawn", "reason"),
    [
        ("errors", "in order", "they were drawn for what they are (errors by the data"),
        ("most uncertain", "in order", "they were drawn for what they are (near the operating point)"),
        ("all", "sought", "readers chose 3 of them"),
        ("", "", "how 3 of them were drawn was not kept"),
    ],
)
def test_selected_cases_are_counted_with_the_reason(queue: str, drawn: str, reason: str) -> None:
    cases = some_cases(RUN)
    chosen = [case for case in cases if case.label != case.predicted]
    if queue == "most uncertain":
        chosen = sorted(cases, key=lambda case: abs(case.probabilities[1] - 0.5))[:3]
    built = report(cases, [by_label(case, queue, drawn=drawn) for case in chosen])
    one = built.against[1]
    assert one.drawn == "selected" and reason in one.sampling
    assert not any(math.isfinite(each.value) for each in one.estimates.values())
    assert not one.roc and not one.reliability and not one.predictive
    assert "3 cases read" in one.estimates["accuracy"].method
    tiles = headline(built, ["reviewed labels"])
    assert "Sensitivity" not in tiles and reason.replace("'", "&#39;") in tiles
    assert "not known to be a random sample of all cases" in page_of(built)


def test_a_case_that_was_passed_over_makes_the_others_a_choice() -> None:
    cases = some_cases(RUN)
    read = in_random_order(cases)[:25]
    one = reviewed(cases, [by_label(case, "not yet read") for case in (*read[:7], *read[8:])])
    assert one.drawn == "selected" and "1 case whose turn it was was not read" in one.sampling


def test_errors_and_a_random_sample_of_the_others_are_weighted() -> None:
    cases = some_cases(RUN)
    errors = [case for case in cases if case.label != case.predicted]
    drawn = in_random_order(cases)[:20]
    reviews = [by_label(case, "errors") for case in errors] + [by_label(case, "all") for case in drawn]
    one = reviewed(cases, reviews)
    others = [case for case in drawn if case not in errors]
    assert one.drawn == "weighted" and one.note == "weighted"
    assert (
        f"{len(others)} of the other 37 at random: each of these stands for {37 / len(others):.1f}"
        in one.sampling
    )
    assert one.estimates["accuracy"].value == pytest.approx(37 / 40), "the readers know the truth"
    assert one.estimates["accuracy"].n == len(others) + 3
    naive = len(others) / (len(others) + 3)
    assert naive < 0.9 < one.estimates["accuracy"].value


def test_a_case_found_at_random_that_is_also_an_error_is_not_counted_for_many() -> None:
    """The reader of the errors passes over those that were read at random before: they are due either way."""
    cases = some_cases(RUN)
    drawn = in_random_order(cases)[:30]
    errors = [case for case in cases if case.label != case.predicted]
    assert {case.image_id for case in errors} & {case.image_id for case in drawn}
    surest_last = sorted(errors, key=lambda case: max(case.probabilities))
    fresh = [case for case in surest_last if case not in drawn]
    reviews = [by_label(case, "all") for case in drawn] + [
        by_label(case, "errors") for case in (*fresh, surest_last[0])
    ]
    one = reviewed(cases, reviews)
    assert one.estimates["accuracy"].value == pytest.approx(37 / 40)


def three(surest: int) -> tuple[float, ...]:
    return tuple(0.8 if place == surest % 3 else 0.1 for place in range(3))


def test_of_more_than_two_classes_the_accuracy_is_weighted() -> None:
    run = a_run(("a", "b", "c"))
    cases = [
        case(number, "abc"[number % 3], three(number + (number % 7 == 0)), run)
        for number in range(42)
    ]  # fmt: skip
    errors = [one for one in cases if one.label != one.predicted]
    drawn = in_random_order(cases)[:20]
    reviews = [by_label(one, "errors") for one in errors] + [by_label(one, "all") for one in drawn]
    one = reviewed(cases, reviews, run)
    assert one.drawn == "weighted"
    assert one.estimates["accuracy"].value == pytest.approx(36 / 42)


def test_every_queue_that_chooses_its_cases_sorts_by_what_a_report_can_work_out() -> None:
    for queue in QUEUES.values():
        assert queue.random or queue.verdicts or queue.sought or set(queue.order_by) <= COLUMNS.keys()
