"""Power equals pROC's `power.roc.test`, RJafroc's and MRMCaov's code, and what simulated studies show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import ReportError
from engine.statistics import smallest_difference
from engine.statistics.readers.components import STRUCTURES, Components, expected_components
from engine.statistics.readers.power import (
    GENERALISED,
    one_curve_cases,
    one_curve_power,
    paired_curves_cases,
    paired_curves_power,
    smallest_seen,
    study_power,
)
from tests.engine.statistics.worked_examples import asah

VAN_DYKE = Components(  # as OR-DBM MRMC 2.51 prints them for 114 cases; scaled to 251 in RJafroc's example 4A
    reader=0.00153499935,
    modality_by_reader=0.00020040252,
    error=0.00080228827 * 114 / 251,
    cov1=0.00034661371 * 114 / 251,
    cov2=0.00034407483 * 114 / 251,
    cov3=0.00023902837 * 114 / 251,
)


def test_the_power_of_one_curve_is_that_of_proc() -> None:
    assert one_curve_power(0.7313686, 41, 72) == pytest.approx(0.9904833, abs=5e-8)


def test_as_many_cases_as_a_power_needs_give_that_power() -> None:
    positives, negatives = one_curve_cases(0.7, ratio=2.5, power=0.83)
    assert negatives == 2.5 * positives
    assert one_curve_power(0.7, positives, negatives) == pytest.approx(0.83)


def test_cases_for_two_curves_are_those_of_proc_and_the_first_stands_for_both_under_the_null() -> None:
    y, s100b, _, wfns = asah()
    assert paired_curves_cases(y, s100b, wfns, power=0.9) == pytest.approx((123.05, 216.09), abs=0.005)
    assert paired_curves_cases(y, wfns, s100b, power=0.9) == pytest.approx((47.55, 83.51), abs=0.005)


def test_the_power_of_two_curves_is_what_their_cases_would_need() -> None:
    y, s100b, _, wfns = asah()
    power = paired_curves_power(y, s100b, wfns)
    assert paired_curves_cases(y, s100b, wfns, power=power)[0] == pytest.approx(y.sum())
    assert paired_curves_cases(y, wfns, wfns) == (math.inf, math.inf)
    with pytest.raises(ReportError, match="at least two cases with the finding"):
        paired_curves_power(y[:30] & (np.arange(30) < 0), s100b[:30], wfns[:30])


def test_cases_for_two_curves_give_their_power_whatever_is_wanted() -> None:
    rng = np.random.default_rng(1)
    y = np.repeat([True, False], [40, 70])
    first, second = rng.normal(size=110) + y, rng.normal(size=110) + 0.3 * y
    for alpha in (0.01, 0.05):
        power = paired_curves_power(y, first, second, alpha=alpha)
        assert 0.3 < power < 0.99
        needed = paired_curves_cases(y, first, second, power=power, alpha=alpha)
        assert needed == pytest.approx((40, 70))


@pytest.mark.parametrize(
    ("to", "power"),
    [("readers and cases", 0.8922819891), ("cases", 0.9839447699), ("readers", 0.9494449151)],
)
def test_the_power_of_a_study_is_that_of_rjafroc(to: str, power: float) -> None:
    """RJafroc 2.1, SsPowerGivenJKOrVarCom(6, 251, 114, 0.05, …): its example 4A, for each generalisation."""
    assert study_power(0.05, 6, VAN_DYKE, to=to) == pytest.approx(power, abs=1e-8)


@pytest.mark.parametrize("to", GENERALISED)
@pytest.mark.parametrize("readers", [2, 5])
def test_the_smallest_difference_seen_is_the_one_with_that_power(readers: int, to: str) -> None:
    difference = smallest_seen(readers, VAN_DYKE, to=to, power=0.7)
    assert study_power(difference, readers, VAN_DYKE, to=to) == pytest.approx(0.7, abs=1e-6)


@pytest.mark.parametrize(
    ("structure", "area", "positives", "negatives", "expected"),
    [
        ("HL", 0.7010549626, 50, 50, (6.560620993e-04, 6.570644641e-04, 2.675018860e-03, 1.244849149e-03,
                                      1.506398848e-03, 7.319054610e-04)),
        ("LH", 0.8485429277, 10, 25, (1.581924134e-03, 1.628825956e-03, 5.115188737e-03, 1.211798708e-03,
                                      7.659482746e-04, 3.732849017e-04)),
        ("HH", 0.8485429277, 20, 40, (1.581924134e-03, 1.628825956e-03, 2.690816657e-03, 1.133776407e-03,
                                      1.356590182e-03, 6.301583539e-04)),
    ],
)  # fmt: skip
def test_components_of_the_roe_metz_model_are_those_of_mrmcaov(
    structure: str, area: float, positives: int, negatives: int, expected: tuple[float, ...]
) -> None:
    """MRMCaov 0.3, RMH_to_OR with lines 1, 7 of Roe and Metz's table 1 and the same with like cases."""
    found = expected_components(STRUCTURES[structure], area, positives, negatives)
    ours = (found.reader, found.modality_by_reader, found.error, found.cov1, found.cov2, found.cov3)
    assert ours == pytest.approx(expected, rel=1e-6)


def test_structures_are_named_by_how_alike_cases_and_how_unlike_readers_are() -> None:
    """What is on a case sums to 1; readers vary from .0055 or .011 on, as Roe and Metz have it."""
    for letters, each in STRUCTURES.items():
        on_a_case = (each.case, each.modality_by_case, each.reader_by_case, each.error)
        alike = replace(STRUCTURES[f"{letters[0]}L"], reader=STRUCTURES[f"L{letters[1]}"].reader)
        assert sum(on_a_case) == pytest.approx(1) and each == alike
        assert each.reader == ((0.0055,) * 3 if letters[1] == "L" else (0.011, 0.03, 0.056))


def test_components_of_a_sensitivity_are_what_simulated_verdicts_show() -> None:
    structure, cases, readers = STRUCTURES["LH"], 12, 4
    rng = np.random.default_rng(3)
    runs, varies = 20_000, 0.03

    def normal(variance: float, *shape: int) -> np.ndarray:
        return rng.normal(scale=math.sqrt(variance), size=(runs, *shape))

    ratings = (
        normal(varies, 1, readers, 1)
        + normal(varies, 2, readers, 1)
        + normal(structure.case, 1, 1, cases)
        + normal(structure.modality_by_case, 2, 1, cases)
        + normal(structure.reader_by_case, 1, readers, cases)
        + normal(structure.error, 2, readers, cases)
    )
    threshold = -0.8416212 * math.sqrt(1 + 2 * varies)  # four in five lie above
    figures = (ratings > threshold).mean(axis=3)
    found = expected_components(structure, 0.8, cases, 0, figure="sensitivity")
    one, other = figures[:, 0], figures[:, 1]
    across = [np.cov(one[:, 0], each)[0, 1] for each in (one[:, 1], other[:, 0], other[:, 1])]
    noise = 4 * figures.var() / math.sqrt(runs)
    assert figures.mean() == pytest.approx(0.8, abs=0.004)
    total = found.reader + found.modality_by_reader + found.error
    assert figures[:, 0, 0].var() == pytest.approx(total, abs=noise)
    assert across == pytest.approx([found.cov2, found.reader + found.cov1, found.cov3], abs=noise)


def test_more_readers_and_more_cases_never_need_a_larger_difference() -> None:
    by_readers = [smallest_difference(readers, 20, 40).difference for readers in (2, 3, 5, 10, 30)]
    by_cases = [smallest_difference(4, cases, 2 * cases).difference for cases in (10, 20, 40, 400)]
    assert by_readers == sorted(by_readers, reverse=True)
    assert by_cases == sorted(by_cases, reverse=True)


def test_a_plan_says_what_would_be_seen_and_where_its_numbers_come_from() -> None:
    plan = smallest_difference(2, 20, 40)
    assert plan.lowest <= plan.difference <= plan.highest
    assert plan.these_readers < plan.difference
    assert (
        "With 2 readers and 20 positive and 40 negative cases, the smallest difference in AUC"
        in plan.sentence
    )
    seen = (f"{value:.2f}".lstrip("0") for value in (plan.difference, plan.lowest, plan.highest))
    assert "is {} ({} to {}".format(*seen) in plan.sentence
    assert "no reader can gain that much" in plan.sentence
    assert "doi:10.1016/S1076-6332(97)80032-3" in plan.source


def test_a_plan_of_one_reader_speaks_of_this_reader_alone() -> None:
    plan = smallest_difference(1, 200, 200)
    assert math.isnan(plan.difference) and "speaks of this reader alone" in plan.sentence
    assert "nan" not in plan.sentence and "no reader can gain" not in plan.sentence


def test_a_plan_for_sensitivity_counts_positives_alone() -> None:
    few, many = (smallest_difference(3, 30, n, figure="sensitivity", expected=0.8) for n in (0, 500))
    assert few.difference == many.difference
    assert "30 positive cases," in few.sentence


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"readers": 0}, "There is no AUC with 0 readers"),
        ({"positives": 0}, "0 positive"),
        ({"figure": "F1"}, "cannot be planned for 'F1'"),
        ({"expected": 1.0}, "between 0 and 1"),
        ({"structure": "XX"}, "no variance structure 'XX'"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_a_sentence(changed: dict[str, object], said: str) -> None:
    asked = {"readers": 2, "positives": 20, "negatives": 40, **changed}
    with pytest.raises(ReportError, match=said):
        smallest_difference(**asked)  # type: ignore[arg-type]
