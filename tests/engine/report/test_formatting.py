"""Promises of figures in words: the counts of the confusion matrix, in sentences that name their own figures."""

from __future__ import annotations

import html
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.language import counted
from engine.records import Estimate
from engine.report.formatting import (
    case_ids,
    counts_in_words,
    duration,
    figure,
    in_brackets,
    interval,
    p_value,
    probability,
    rests_on,
    sentences,
    weighted_sentences,
)
from engine.statistics.classification_report import overall
from engine.statistics.clusters import inestimable
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9441, ".944"), (-0.12, "-.120"), (1, "1.000"), (-1, "-1.000"), (12.5, "12.500"), (10.25, "10.250"),
        (0, ".000"), (-0.0004, ".000"), (-0.0006, "-.001"), (math.inf, "∞"), (-math.inf, "-∞"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_a_figure_has_three_decimals_no_nought_before_the_point_and_no_minus_before_nought(
    value: float, text: str
) -> None:
    assert figure(value) == text
    with_bound = Estimate(value=value, low=value, high=1, method="m", n=9)
    between = " to " if text.startswith("-") else "–"
    assert interval(with_bound) == ("–" if math.isnan(value) else f"{text}{between}1.000")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "< .001"), (0.00099, "< .001"), (0.001, ".001"), (0.0579, ".058"), (math.nan, "–")],
)
def test_a_p_value_below_a_thousandth_is_only_said_to_be_below_it(value: float, text: str) -> None:
    assert p_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1, "1"), (0.5, ".5"), (0.42, ".42"), (0.123456, ".1235"), (0.000012341, ".00001234"),
        (0.99994, ".9999"), (0.99998, ".99998"), (1 - 1e-9, ".999999999"), (1 - 2**-53, ".9999999999999999"),
    ],
)  # fmt: skip
def test_a_probability_has_four_digits_or_as_many_as_tell_it_from_certainty(value: float, text: str) -> None:
    assert probability(value) == text


@pytest.mark.parametrize(
    ("patients", "worth", "text"),
    [
        (None, None, "120 images"),
        (120, 119.6, "120 images"),
        (80, None, "120 images of 80 patients"),
        (119, 119.4, "120 images of 119 patients, worth 119"),
        (None, 95.2, "120 images, worth 95"),
        (1, 1.0, "120 images of 1 patient, worth 1"),
    ],
)
def test_what_a_figure_rests_on_names_patients_and_their_worth_where_these_are_fewer(
    patients: int | None, worth: float | None, text: str
) -> None:
    found = Estimate(value=0.5, low=0.4, high=0.6, method="m", n=120, patients=patients, effective_n=worth)
    assert rests_on(found) == text


def test_counts_of_few_cases_say_what_each_class_that_was_read_was_called_and_no_share() -> None:
    assert counts_in_words(a_run(("a", "b", "c")), np.array([[3, 1, 0], [0, 1, 0], [0, 0, 0]])) == (
        "Of 5 images read, 4 were classified correctly.",
        "Of 4 images with a by the readers, 3 were classified as a.",
        "Of 1 image with b by the readers, 1 was classified as b.",
    )


def test_a_weighted_figure_says_that_it_is_one_or_why_there_is_none() -> None:
    found = {
        "sensitivity": Estimate(value=0.5, low=0.25, high=0.75, method="m", n=9),
        "accuracy": inestimable("there is no case", 0),
    }
    assert weighted_sentences(found) == (
        "Sensitivity, weighted to all cases: .500 (95% interval .250–.750; from 9 read).",
        "Accuracy cannot be estimated because there is no case.",
    )


ROOT = Path(__file__).parents[3]
ZERO = re.compile(
    r"(?<![\w.,/:])[-−+±]?0\.\d+(?![\d.]|\s?(?:%|°|px|mm|cm|s\b|min\b|hours?\b|days?\b))",
)
"""A number between −1 and 1 with a zero before its point, no unit behind it, and no part of a version or an address."""
SAYING = [
    *sorted((ROOT / "tests").glob("**/report/snapshots/*.txt")),
    *sorted((ROOT / "tests").glob("**/printed/snapshots/*.txt")),
    ROOT / "tests" / "gui" / "pages" / "studies" / "snapshots" / "plans.txt",
    ROOT / "docs" / "sample" / "report.html",
    ROOT / "docs" / "sample" / "study.html",
]


def test_no_number_without_a_unit_has_a_zero_before_its_point_in_a_report_of_any_kind() -> None:
    assert (
        len(SAYING) > 40
        and ZERO.search("above 0.25")
        and not ZERO.search("0.6% of 10.25, timm 1.0.31, 0.5 days")
    )
    found = {
        f"{file.name}: {text[max(0, one.start() - 40) : one.end() + 20]!r}"
        for file in SAYING
        for text in _texts(file)
        for one in ZERO.finditer(text)
    }
    assert not found, "engine/report/formatting.py says how a number is written"


def _texts(file: Path) -> list[str]:
    """Return what a page says, its figures' scales included; of a kept text, its lines."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".txt":
        return text.splitlines()
    text = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    labels = re.findall(r'aria-label="([^"]*)"', text)
    return [html.unescape(each) for each in (*labels, *re.sub(r"<[^>]*>", "\n", text).splitlines())]
