"""Partial areas equal pROC and scikit-learn, net benefit equals statkit, what is kept equals counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from scipy import stats
from sklearn.metrics import roc_auc_score
from statkit.decision import net_benefit

from engine.errors import ReportError
from engine.statistics import auroc, kept_by_sureness, net_benefits, partial_auroc
from engine.statistics.decisions.partial_area import _influence
from tests.engine.statistics.made_up import both, cases, few
from tests.engine.statistics.worked_examples import asah


def test_the_partial_area_of_s100b_is_that_of_proc() -> None:
    y, s100b, _, _ = asah()
    assert round(partial_auroc(y, s100b, specificity=0.9).value, 5) == 0.03276


@few
@given(cases)
def test_partial_areas_equal_scikit_learns_before_it_scales_them(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    if y.all() or not y.any():
        assert "cannot be estimated because" in partial_auroc(y, p).method
        return
    for width in (0.05, 0.3, 0.75):
        scaled = roc_auc_score(y, p, max_fpr=width)
        least = width**2 / 2
        trusted = least + (2 * scaled - 1) * (width - least)
        assert partial_auroc(y, p, specificity=1 - width).value == pytest.approx(trusted, abs=1e-9)


def test_a_partial_area_from_nought_is_the_area_with_its_interval() -> None:
    rng = np.random.default_rng(0)
    y = rng.random(400) < 0.4
    p = rng.normal(size=400) + y
    part, whole = partial_auroc(y, p, specificity=0), auroc(y, p)
    assert (part.value, part.low, part.high) == pytest.approx((whole.value, whole.low, whole.high), abs=1e-3)


def test_the_spread_of_a_partial_area_is_that_of_resampled_cases() -> None:
    rng = np.random.default_rng(1)
    y = np.arange(240) < 80
    p = rng.normal(size=240) + 1.2 * y
    found = []
    for _ in range(1500):
        drawn = np.concatenate([rng.integers(0, 80, 80), rng.integers(80, 240, 160)])
        found.append(_influence(y[drawn], p[drawn], 0.2)[0])
    assert np.sqrt((_influence(y, p, 0.2)[1] ** 2).sum()) == pytest.approx(np.std(found), rel=0.1)


def test_films_copied_within_patients_do_not_narrow_a_partial_area() -> None:
    rng = np.random.default_rng(2)
    y = rng.random(80) < 0.5
    p = rng.normal(size=80) + y
    once, copied = (
        partial_auroc(y, p),
        partial_auroc(np.repeat(y, 3), np.repeat(p, 3), np.repeat(np.arange(80), 3)),
    )
    assert copied.value == pytest.approx(once.value)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high), abs=1e-3)


def test_a_perfect_ranking_has_the_whole_partial_area_and_no_interval() -> None:
    found = partial_auroc([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert found.value == pytest.approx(0.1) and "no interval" in found.method
    with pytest.raises(ReportError, match="specificity of 1"):
        partial_auroc([0, 1], [0, 1], specificity=1)


@few
@given(cases)
def test_net_benefit_equals_statkit(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    assume(y.any() and not y.all())  # statkit wants both
    thresholds = np.array([0.05, 0.2, 0.5, 0.8])
    # statkit acts from just above a threshold; ours from it upwards, as an operating point does.
    _, trusted = net_benefit(y.astype(int), np.nextafter(p, 2), thresholds=thresholds)
    found = net_benefits(y, p, thresholds=thresholds)
    assert [each.model.value for each in found] == pytest.approx(list(trusted), abs=1e-9)


def test_net_benefit_by_hand() -> None:
    """Of ten cases two have the finding; from .2 upwards one acts on both and on four others."""
    y = np.arange(10) < 2
    p = np.array([0.9, 0.3, 0.25, 0.2, 0.5, 0.4, 0.1, 0.1, 0.0, 0.1])
    (found,) = net_benefits(y, p, thresholds=[0.2])
    assert found.model.value == pytest.approx(2 / 10 - 4 / 10 * 0.25)
    assert found.everybody == pytest.approx(2 / 10 - 8 / 10 * 0.25)
    assert found.model.low < found.model.value < found.model.high <= 0.2
    with pytest.raises(ReportError, match="between 0 and 1"):
        net_benefits(y, p, thresholds=[1.0])
    assert net_benefits([], []) == ()


@pytest.mark.parametrize("each", [1, 3])
def test_the_interval_of_a_net_benefit_is_students_of_what_patients_gain_and_ends_at_the_prevalence(
    each: int,
) -> None:
    rng = np.random.default_rng(7)
    y, patients = rng.random(60) < 0.4, np.arange(60) // each
    p = np.clip(0.5 * y + 0.5 * rng.random(60), 0, 1)
    for found in net_benefits(y, p, patients, thresholds=[0.1, 0.3, 0.6]):
        gained = np.where(p >= found.threshold, np.where(y, 1, -found.threshold / (1 - found.threshold)), 0)
        by_patient = gained.reshape(-1, each).mean(axis=1)
        low, high = stats.t.interval(0.95, len(by_patient) - 1, by_patient.mean(), stats.sem(by_patient))
        expected = (gained.mean(), low, min(high, y.mean()))
        assert (found.model.value, found.model.low, found.model.high) == pytest.approx(expected)
        assert found.model.method == "Student's t" + (" by patient" if each > 1 else "")
    nothing = net_benefits(y, np.zeros(60), patients, thresholds=[0.5])[0].model
    assert nothing.value == 0 and "no spread" in nothing.method and nothing.patients == 60 // each
    for wrong in (0.0, 1.0, -0.1, 1.1):
        with pytest.raises(ReportError, match="between 0 and 1"):
            net_benefits(y, p, thresholds=[0.5, wrong])


@few
@given(cases)
def test_what_is_kept_is_what_counting_keeps(data: list[tuple[bool, float]]) -> None:
    right, sure = both(data)
    found = kept_by_sureness(right, sure)
    assert found is not None
    for coverage, risk, threshold in zip(found.coverage, found.risk, found.threshold, strict=True):
        kept = sure >= threshold
        assert coverage == pytest.approx(kept.mean())
        assert risk == pytest.approx(1 - right[kept].mean())
    assert found.least <= found.area + 1e-12
    assert found.risk[-1] == pytest.approx(1 - right.mean())


def test_the_area_is_the_mean_risk_and_ties_come_in_evenly() -> None:
    found = kept_by_sureness([True, False, True, False], [0.9, 0.8, 0.7, 0.6])
    assert found is not None
    assert found.area == pytest.approx(np.mean([0, 1 / 2, 1 / 3, 2 / 4]))
    assert found.least == pytest.approx(np.mean([0, 0, 1 / 3, 2 / 4]))
    tied = kept_by_sureness([True, False], [0.5, 0.5])
    assert tied is not None and tied.area == pytest.approx(0.5)
    assert kept_by_sureness([], []) is None
