"""Promises of figures in words: the counts of the confusion matrix, in sentences that name their own figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.records import Estimate
from engine.report.formatting import case_ids, counted, duration, in_brackets, interval, sentences
from engine.statistics.classification_report import overall
from tests.engine.report.test_build import a_run


def told(cells: list[list[int]], *, positive: int = 1) -> tuple[str, ...]:
    """Return the sentences on a confusion matrix, rows by reference standard."""
    classes = tuple(f"class {code}" for code in range(len(cells)))
    run = replace(a_run(classes), positive=classes[positive])
    confusion = np.array(cells)
    truth, predicted = (np.repeat(axis.ravel(), confusion.ravel()) for axis in np.indices(confusion.shape))
    p = np.eye(len(cells))[predicted] * 0.6 + 0.4 / len(cells)
    return sentences(run, confusion, overall(truth, predicted, p, classes, positive=run.positive))


@pytest.mark.parametrize("positive", [0, 1])
def test_every_sentence_has_its_own_counts_whichever_class_is_the_finding(positive: int) -> None:
    cells = [[1500, 30], [7, 80]]
    ill, well = positive, 1 - positive
    with_, without, all_, right_of_ill, right_of_well, pairs = told(cells, positive=positive)
    sizes = [sum(row) for row in cells]
    predicted = [cells[0][code] + cells[1][code] for code in (0, 1)]
    assert with_.startswith(
        f"Of {sizes[ill]:,} images with class {ill}, {cells[ill][ill]:,} were classified as class {ill} (sensitivity ."
    )
    assert without.startswith(
        f"Of {sizes[well]:,} images without class {ill} (class {well}), {cells[well][well]:,} were classified as "
        f"class {well} (specificity ."
    )
    assert all_.startswith("Of 1,617 images in total, 1,580 were classified correctly (accuracy .977,")
    assert right_of_ill.startswith(
        f"Of {predicted[ill]:,} images classified as class {ill}, {cells[ill][ill]:,} were correct (positive predictive"
    )
    assert right_of_well.startswith(
        f"Of {predicted[well]:,} images classified as class {well}, {cells[well][well]:,} were correct (negative pred"
    )
    area = (cells[0][0] / sizes[0] + cells[1][1] / sizes[1]) / 2  # of a score with two values
    assert f"one without, {100 * area:.1f}% were ranked" in pairs


def test_a_class_that_is_not_there_or_is_never_predicted_is_said_and_not_counted() -> None:
    said = told([[9, 1], [0, 0]])
    assert said[0] == "There is no image with class 1, so the sensitivity cannot be estimated."
    assert said[1].startswith("Of 10 images without class 1 (class 0), 9 were")
    assert said[-1].startswith("The area under the ROC curve cannot be estimated because")
    assert [each for each in told([[9, 0], [3, 0]]) if "classified as class 1 (pos" in each] == []
    assert told([[0, 0], [0, 0]])[0].startswith("No result can be given")


def test_three_classes_are_told_in_total_first_and_on_average() -> None:
    first, second = told([[8, 1, 1], [0, 9, 1], [2, 0, 8]])
    assert first.startswith("Of 30 images in total, 25 were classified correctly (accuracy .833,")
    assert second.startswith("Averaged over the classes") and "87.5% were ranked correctly" in second


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5369, "89 min"),
        (5400, "1 h 30 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_a_duration_has_the_unit_it_is_spoken_of_in(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_have_their_plural_and_their_thousands() -> None:
    assert [counted(n, "case") for n in (0, 1, 2, 1234)] == ["0 cases", "1 case", "2 cases", "1,234 cases"]


def test_a_figure_in_brackets_says_what_there_is_of_it() -> None:
    known = Estimate(value=0.5, low=0.25, high=0.75, method="Wilson", n=9)
    assert in_brackets("share", known) == "(share .500, 95% interval .250–.750)"
    assert (
        in_brackets("share", replace(known, low=math.nan, method="no interval: x"))
        == "(share .500, no interval: x)"
    )
    assert in_brackets("share", replace(known, value=math.nan, method="cannot be y")) == "(share cannot be y)"
    assert interval(replace(known, high=math.nan)) == interval(replace(known, low=math.nan)) == "–"
    assert interval(replace(known, low=0.0)) == ".000–.750" and interval(known, 2) == ".25–.75"


def test_case_numbers_have_eight_digits_where_those_tell_cases_apart_and_no_more_than_needed_elsewhere() -> (
    None
):
    apart, alike = "0" * 64, "0" * 9 + "1" * 55
    assert case_ids([apart, "1" * 64]) == {apart: "c00000000", "1" * 64: "c11111111"}
    assert case_ids([apart, alike]) == {apart: "c0000000000", alike: "c0000000001"}
    assert case_ids([apart, apart]) == {apart: "c00000000"}
