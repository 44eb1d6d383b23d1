"""Promises of what stands behind a place in a figure: the cases that it counts, the surest or nearest first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from engine.report.behind import BEHIND, NEAREST, Behind, cases_behind
from engine.report.figures import OF_STANDARD, by_likeness
from engine.report.formatting import figure
from engine.report.records import Report
from tests.engine.report.test_build import a_run, build, case, some_cases

CAME = "labels that came with the data"


@pytest.fixture(scope="module")
def two() -> Report:
    return build(a_run(), some_cases(a_run(), 60))


@pytest.fixture(scope="module")
def many() -> Report:
    """Ten classes, of which the first and the last are taken for each other."""
    run = a_run(tuple("abcdefghij"))
    cases = []
    for number in range(80):
        truth = number % 10
        said = {0: 9, 9: 0}.get(truth, truth) if number % 3 == 0 else truth
        p = tuple((0.4 + number / 400) if at == said else (0.6 - number / 400) / 9 for at in range(10))
        cases.append(case(number, run.classes[truth], p, run))
    return build(run, cases)


def behind(report: Report, drawn: str, x: float, y: float, panel: int = 0) -> Behind:
    found = cases_behind(report, drawn, CAME, x, y, panel)
    assert found is not None
    return found


def test_every_figure_of_a_standard_opens_its_cases_and_what_is_no_place_opens_none(two: Report) -> None:
    assert set(BEHIND) == set(OF_STANDARD)
    for name, standard, x, y in (
        ("balance", CAME, 0.5, 0.5), ("roc", "nobody's", 0.5, 0.5), ("roc", CAME, math.nan, 0.5),
        ("roc", CAME, 0.5, math.inf), ("confusion", CAME, 2, 0), ("confusion", CAME, 0, -1), ("confusion", CAME, -1, 0),
        ("confusion", CAME, 0, 2), ("risk_coverage", CAME, -0.01, 0), ("risk_coverage", CAME, 1.03, 0),
        ("scores", CAME, -0.01, 0), ("scores", CAME, 1.01, 0), ("roc", "reviewed labels", 0.5, 0.5),
        ("precision_recall", "reviewed labels", 0.5, 0.5), ("reliability", "reviewed labels", 0.5, 0.5),
    ):  # fmt: skip
        assert cases_behind(two, name, standard, x, y) is None, (name, standard, x, y)


@pytest.mark.parametrize("name", ["two", "many"])
def test_a_cell_holds_the_cases_that_it_counts_as_it_is_drawn_the_surest_first(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    against, order = report.against[0], by_likeness(report.against[0].confusion)
    assert (order == list(range(len(order)))) == (name == "two")
    for row, truth in enumerate(order):
        for column, predicted in enumerate(order):
            found = behind(report, "confusion", column - 0.4, row + 0.4)
            names = report.classes[truth], report.classes[predicted]
            assert found.title == f"{names[0]} by the {CAME}, predicted {names[1]}"
            assert {(one.label, one.predicted) for one in found.cases} <= {names}
            assert len(found.cases) == against.confusion[truth, predicted]
            sure = [one.probabilities[predicted] for one in found.cases]
            assert sure == sorted(sure, reverse=True)


def test_at_a_point_of_a_curve_stand_the_cases_nearest_to_its_threshold(two: Report) -> None:
    against, p = two.against[0], np.array([one.probabilities[1] for one in two.cases])
    roc, recall = against.roc["opacity"], against.precision_recall["opacity"]
    assert roc is not None and recall is not None
    curves = {
        "roc": (roc.false_positive_rate, roc.true_positive_rate, roc.threshold),
        "precision_recall": (recall.recall, recall.precision, expit(recall.threshold)),
    }
    for drawn, (across, up, thresholds) in curves.items():
        for x, y, threshold in zip(across, up, thresholds, strict=True):
            if not math.isfinite(threshold):
                continue
            found = behind(two, drawn, float(x) + 1e-6, float(y) - 1e-6)
            assert len(found.cases) == NEAREST and "probability of opacity is nearest to " in found.title
            held = [one.probabilities[1] for one in found.cases]
            assert held == sorted(held, reverse=True)
            assert max(abs(one - threshold) for one in held) == pytest.approx(
                sorted(abs(p - threshold))[NEAREST - 1]
            )
    decided = behind(two, "decision_curve", 0.33, 7)
    assert max(abs(one.probabilities[1] - 0.33) for one in decided.cases) == pytest.approx(
        sorted(abs(p - 0.33))[NEAREST - 1]
    )


def test_of_several_classes_the_curve_that_is_nearest_counts_and_no_decision_is_taken(many: Report) -> None:
    assert cases_behind(many, "decision_curve", CAME, 0.3, 0.1) is None
    curve = many.against[0].roc["j"]
    assert curve is not None
    places = np.flatnonzero(np.isfinite(curve.threshold))
    others = [other for name, other in many.against[0].roc.items() if name != "j" and other is not None]
    apart = max(
        places,
        key=lambda at: min(
            np.hypot(
                other.false_positive_rate - curve.false_positive_rate[at],
                other.true_positive_rate - curve.true_positive_rate[at],
            ).min()
            for other in others
        ),
    )
    at = float(curve.false_positive_rate[apart]), float(curve.true_positive_rate[apart])
    assert "probability of j is" in behind(many, "roc", *at).title


@pytest.mark.parametrize("name", ["two", "many"])
def test_a_bin_of_reliability_holds_as_many_cases_as_it_says(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    bins = report.against[0].reliability
    for one in bins:
        found = behind(report, "reliability", (one.low + one.high) / 2, 0.9)
        assert len(found.cases) == one.count
        assert found.title.endswith(f"from {figure(one.low, 2)} to {figure(one.high, 2)}")
        assert ("opacity" if name == "two" else "the most probable class") in found.title
        values = [one.probabilities[1] if name == "two" else max(one.probabilities) for one in found.cases]
        assert values == sorted(values)
    assert behind(report, "reliability", -3, 0).title.endswith(
        f"{figure(bins[0].low, 2)} to {figure(bins[0].high, 2)}"
    )
    assert behind(report, "reliability", 3, 0).title.endswith(
        f"{figure(bins[-1].low, 2)} to {figure(bins[-1].high, 2)}"
    )


def test_a_bin_of_reliability_holds_what_lies_on_its_edges() -> None:
    run = a_run()
    edges = [
        case(at, "normal" if at % 2 else "opacity", (1 - p, p), run)
        for at, p in enumerate((0.0, 0.1, 0.2, 1.0))
    ]
    report = build(run, edges)
    for one in report.against[0].reliability:
        assert len(behind(report, "reliability", (one.low + one.high) / 2, 0).cases) == one.count


def test_at_a_share_of_cases_kept_stand_those_around_it_from_the_surest_on(two: Report) -> None:
    sure = sorted((max(one.probabilities) for one in two.cases), reverse=True)
    for share, first in ((0.0, 0), (0.5, 18), (0.7, 30), (1.0, 36), (1.02, 36)):
        found = behind(two, "risk_coverage", share, 0.3)
        assert [max(one.probabilities) for one in found.cases] == sure[first : first + NEAREST], share
    assert "where 50% are kept" in behind(two, "risk_coverage", 0.5, 0).title
    assert "where 100% are kept" in behind(two, "risk_coverage", 1.02, 0).title
    few = build(a_run(), some_cases(a_run(), 10))
    assert len(behind(few, "risk_coverage", 0.9, 0).cases) == 10


@pytest.mark.parametrize("name", ["two", "many"])
def test_a_bar_of_the_scores_holds_as_many_cases_of_its_class_as_it_counts(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    scores = report.against[0].curves.scores
    for row, (label, counts) in enumerate(scores.items()):
        for at, count in enumerate(counts):
            x = (at + 0.5) / len(counts)
            found = behind(report, "scores", x, *((9, row) if name == "two" else (row + 0.3,)))
            assert len(found.cases) == count and {one.label for one in found.cases} <= {label}
            assert found.title.startswith(
                f"{label} by the {CAME}, probability of {'opacity' if name == 'two' else label}"
            )
            assert found.title.endswith(
                f"from {figure(at / len(counts), 2)} to {figure((at + 1) / len(counts), 2)}"
            )
    assert cases_behind(report, "scores", CAME, 0.5, len(scores), len(scores)) is None
    assert cases_behind(report, "scores", CAME, 0.5, -1, -1) is None
    certain = replace(report.cases[0], label="x")
    assert certain.label == "x" and behind(report, "scores", 1.0, 0).title.endswith("to 1.00")
