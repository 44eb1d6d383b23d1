"""Promises of rankings: areas and precisions are scikit-learn's, their variances DeLong's and Obuchowski's."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from scipy import stats
from scipy.special import expit, logit
from sklearn import metrics as sk

from engine.statistics.clusters import Clusters
from engine.statistics.proportions import wilson
from engine.statistics.ranking import (
    NEAR_ONE,
    area_covariance,
    area_of,
    areas_of_folds,
    auroc,
    average_precision,
    log_odds,
    mean_auroc,
    mean_average_precision,
    newcombe,
    placements,
    precision_influence,
)
from tests.engine.statistics.made_up import CLOSE, both, cases, few, images


@few
@given(cases)
def test_auroc_equals_scikit_learn_and_lies_within_its_interval(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    found = auroc(y, p)
    if y.all() or not y.any():
        assert math.isnan(found.value) and found.method.startswith("cannot be estimated because")
        return
    np.testing.assert_allclose(found.value, sk.roc_auc_score(y, p), **CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@few
@given(cases)
def test_auroc_of_the_other_class_is_its_mirror_and_ranks_are_all_that_counts(
    data: list[tuple[bool, float]],
) -> None:
    y, p = both(data)
    assume(y.any() and not y.all())
    found, mirror, squeezed = auroc(y, p), auroc(~y, p), auroc(y, p**3 / 7 - 2)
    assume(len(np.unique(p**3 / 7 - 2)) == len(np.unique(p)))
    np.testing.assert_allclose(
        [found.value, found.low, found.high], [1 - mirror.value, 1 - mirror.high, 1 - mirror.low], atol=1e-7
    )
    np.testing.assert_allclose([found.low, found.high], [squeezed.low, squeezed.high], **CLOSE)


def test_delongs_variance_equals_its_definition_over_all_pairs() -> None:
    truth, p, _ = images(90)
    y, score = truth == 1, p[:, 1]
    pairs = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
    v10, v01 = placements(y, score)
    np.testing.assert_allclose(v10, pairs.mean(1), **CLOSE)
    np.testing.assert_allclose(v01, pairs.mean(0), **CLOSE)
    area = area_of(y, score, Clusters.by(None, 90))
    variance = pairs.mean(1).var(ddof=1) / y.sum() + pairs.mean(0).var(ddof=1) / (~y).sum()
    np.testing.assert_allclose(area_covariance(area, area, Clusters.by(None, 90)), variance, **CLOSE)
    spread = stats.t.ppf(0.975, min(y.sum(), (~y).sum()) - 1) * math.sqrt(variance)
    value = pairs.mean()
    bounds = stats.logistic.cdf(
        stats.logistic.ppf(value) + np.array([-1, 1]) * spread / (value * (1 - value))
    )
    found = auroc(y, score)
    np.testing.assert_allclose([found.low, found.high], bounds, **CLOSE)


def test_obuchowskis_variance_equals_its_definition_patient_by_patient() -> None:
    rng = np.random.default_rng(3)
    patient = rng.integers(25, size=120)
    y = rng.random(120) < 0.4
    score = np.round(rng.normal(size=120) + y + rng.normal(size=25)[patient], 1)
    v10, v01 = placements(y, score)
    area, m, n = v10.mean(), y.sum(), (~y).sum()
    ten = {k: (v10[patient[y] == k] - area).sum() for k in np.unique(patient)}
    one = {k: (v01[patient[~y] == k] - area).sum() for k in np.unique(patient)}
    with_, without = len(set(patient[y])), len(set(patient[~y]))
    everyone = len(ten)
    s10 = with_ / ((with_ - 1) * m) * sum(v**2 for v in ten.values())
    s01 = without / ((without - 1) * n) * sum(v**2 for v in one.values())
    s11 = everyone / (everyone - 1) * sum(ten[k] * one[k] for k in ten)
    expected = s10 / m + s01 / n + 2 * s11 / (m * n)
    clusters = Clusters.by(patient, 120)
    area = area_of(y, score, clusters)
    np.testing.assert_allclose(area_covariance(area, area, clusters), expected, **CLOSE)


def test_a_perfect_ranking_of_few_images_is_not_called_certain() -> None:
    y = np.arange(20) >= 10
    found = auroc(y, np.arange(20.0))
    assert found.value == found.high == 1.0
    assert 0.7 < found.low < 0.95
    assert auroc(np.repeat(y, 5), np.repeat(np.arange(20.0), 5), np.repeat(np.arange(20), 5)).low == found.low


@pytest.mark.parametrize(("area", "m", "n"), [(0.9, 12, 30), (0.5, 5, 5), (0.2, 40, 8)])
def test_newcombes_bounds_are_where_the_score_test_gives_196(area: float, m: int, n: int) -> None:
    for theta in newcombe(area, m, n):
        q1, q2 = theta / (2 - theta), 2 * theta**2 / (1 + theta)
        halved = (m + n) / 2 - 1  # his fifth method: both classes as large as their mean
        variance = (theta * (1 - theta) + halved * (q1 - theta**2) + halved * (q2 - theta**2)) / (m * n)
        assert abs(theta - area) / math.sqrt(variance) == pytest.approx(1.959964, abs=1e-5)


def test_one_patient_with_the_finding_gives_wide_bounds_however_many_images_she_has() -> None:
    patient = np.repeat(np.arange(30), 4)
    y, score = patient == 0, np.random.default_rng(1).normal(size=120)
    precision, area = average_precision(y, score, patient), auroc(y, score, patient)
    assert (precision.low, precision.high) == (
        wilson(precision.value, 1).low,
        pytest.approx(wilson(precision.value, 1).high),
    )
    assert (area.low, area.high) == newcombe(area.value, 1, 29)


def test_constant_scores_are_chance_with_an_interval_around_it() -> None:
    found = auroc(np.arange(30) % 2 == 0, np.full(30, 0.7))
    assert found.value == 0.5 and 0.2 < found.low < 0.5 < found.high < 0.8


@pytest.mark.parametrize("ill", [1, 2, 3])
def test_an_area_that_rests_on_few_patients_has_a_wide_interval_however_many_images_they_have(
    ill: int,
) -> None:
    rng = np.random.default_rng(ill)
    patient = np.repeat(np.arange(60), 6)
    y = patient < ill
    score = rng.normal(size=60)[patient] + 1.5 * y + 0.3 * rng.normal(size=360)
    by_image, by_patient = auroc(y, score), auroc(y, score, patient)
    assert by_patient.value == by_image.value and by_patient.patients == 60
    assert by_patient.high - by_patient.low > 2 * (by_image.high - by_image.low)


def test_the_order_of_cases_changes_no_bound() -> None:
    truth, p, _ = images(150)
    patient = np.arange(150) // 2
    turned = np.random.default_rng(0).permutation(150)
    for figure in (auroc, average_precision):
        one = figure(truth == 1, p[:, 1], patient)
        other = figure((truth == 1)[turned], p[turned, 1], patient[turned])
        np.testing.assert_allclose(
            [one.value, one.low, one.high], [other.value, other.low, other.high], **CLOSE
        )


def test_probabilities_that_round_to_one_still_rank_and_both_classes_have_one_area() -> None:
    logit = np.array([60.0, 50.0, 45.0, 40.0, -3.0, 48.0])
    p = np.column_stack([1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))])
    y = np.array([True, True, False, True, False, False])
    assert len(np.unique(p[:, 1])) < len(logit)
    expected = sk.roc_auc_score(y, logit)
    for found in (auroc(y, log_odds(p, 1)), auroc(~y, log_odds(p, 0))):
        assert found.value == pytest.approx(expected)
    assert auroc(y, p[:, 1]).value != expected


@pytest.mark.parametrize("classes", [2, 3, 9, 50, 300])
@pytest.mark.parametrize("order", ["C", "F"])
def test_log_odds_are_to_the_last_digit_those_of_the_sum_over_all_other_classes(
    classes: int, order: Literal["C", "F"]
) -> None:
    logits = np.random.default_rng(classes).normal(0, 12, (400, classes))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = np.asarray(p / p.sum(axis=1, keepdims=True), order=order)
    for code in {0, 1, classes - 1}:
        rest = np.where(p[:, code] > NEAR_ONE, np.delete(p, code, axis=1).sum(axis=1), 1 - p[:, code])
        tiny = np.finfo(np.float64).tiny
        wanted = np.log(np.maximum(p[:, code], tiny)) - np.log(np.maximum(rest, tiny))
        assert np.array_equal(log_odds(p, code), wanted)


# --------------------------------------------------------------------------------------------- average precision


@few
@given(cases)
def test_average_precision_equals_scikit_learn(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    found = average_precision(y, p)
    if y.all() or not y.any():
        assert math.isnan(found.value)
        return
    np.testing.assert_allclose(found.value, sk.average_precision_score(y, p), **CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_what_cases_contribute_to_the_precision_is_its_derivative() -> None:
    truth, _, _ = images(80, seed=4)
    y, score = truth == 1, np.random.default_rng(0).normal(size=80) + truth
    value, influence = precision_influence(y, score)
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    step = 1e-5
    for case in range(0, 80, 7):
        weight = np.ones(80)
        weight[case] += step
        moved = sk.average_precision_score(y, score, sample_weight=weight)
        assert influence[case] == pytest.approx((moved - value) / step, abs=1e-4)


@pytest.mark.parametrize("each", [1, 2])
def test_the_interval_of_a_precision_is_of_what_cases_contribute_and_of_patients_where_none_can_be_seen(
    each: int,
) -> None:
    truth, _, _ = images(80, seed=4)
    y, score = truth == 1, np.random.default_rng(0).normal(size=80) + truth
    patients = np.arange(80) // each
    value, influence = precision_influence(y, score)
    sums = np.bincount(patients, influence)
    spread = math.sqrt(len(sums) / (len(sums) - 1) * float((sums**2).sum())) / (value * (1 - value))
    reach = stats.t.ppf(0.975, len(np.unique(patients[y])) - 1) * spread
    found = average_precision(y, score, groups=patients)
    assert found.low == pytest.approx(expit(logit(value) - reach))
    assert found.high == pytest.approx(expit(logit(value) + reach))
    assert "logit scale" in found.method
    perfect = average_precision(y, y.astype(float), groups=patients)
    bound = wilson(len(np.unique(patients[y])), len(np.unique(patients[y])))
    assert (perfect.low, perfect.high) == pytest.approx((bound.low, 1)) and "Wilson" in perfect.method


def test_means_over_classes_equal_scikit_learn() -> None:
    truth, p, _ = images(200, classes=4)
    one_hot, scores = np.eye(4)[truth], [p[:, code] for code in range(4)]
    area, precision = mean_auroc(truth, scores, None), mean_average_precision(truth, scores, None)
    np.testing.assert_allclose(area.value, sk.roc_auc_score(one_hot, p, average="macro"), **CLOSE)
    np.testing.assert_allclose(
        precision.value, sk.average_precision_score(one_hot, p, average="macro"), **CLOSE
    )
    assert area.low < area.value < area.high and precision.low < precision.value < precision.high


def test_the_mean_area_of_folds_compares_no_two_models_and_has_their_joint_variance() -> None:
    """Each fold's scores lie on a scale of their own: pooled they mislead, within folds they do not."""
    rng = np.random.default_rng(3)
    truth = np.tile([0, 0, 1], 60)
    folds = np.repeat(np.arange(3), 60)
    score = truth + rng.normal(0, 1, 180) + 40 * folds
    patients = np.repeat(np.arange(90), 2)
    found, areas = areas_of_folds(truth, {1: score}, folds, patients)
    each = [sk.roc_auc_score(truth[folds == fold], score[folds == fold]) for fold in range(3)]
    np.testing.assert_allclose(areas, each, **CLOSE)
    np.testing.assert_allclose(found.value, np.mean(each), **CLOSE)
    assert sk.roc_auc_score(truth, score) < found.low < found.value < found.high
    spread = 0.0
    for fold in range(3):
        here = folds == fold
        clusters = Clusters.by(patients[here], 60)
        area = area_of(truth[here] == 1, score[here], clusters)
        spread += area_covariance(area, area, clusters)
    half = math.log(found.high / (1 - found.high)) - math.log(found.value / (1 - found.value))
    error = math.sqrt(spread) / 3 / (found.value * (1 - found.value))
    assert 1.9 < half / error < 2.1  # Student's t of so many patients
    assert (found.n, found.patients) == (180, 90)


@pytest.mark.parametrize("each", [1, 2])
@pytest.mark.parametrize("folds", [1, 2])
def test_the_mean_area_of_three_classes_varies_as_what_each_patient_contributes_to_all_of_them(
    each: int, folds: int
) -> None:
    rng = np.random.default_rng(6)
    truth, fold, patients = np.tile([0, 1, 2], 40), np.arange(120) * folds // 120, np.arange(120) // each
    scores = {code: (truth == code) + rng.normal(0, 1, 120) for code in range(3)}
    value, variance, fewest = 0.0, 0.0, 0
    for here in (fold == number for number in range(folds)):
        influence = np.zeros((3, here.sum()))
        for code, score in scores.items():
            y = truth[here] == code
            v10, v01 = placements(y, score[here])
            influence[code, y], influence[code, ~y] = (
                (v10 - v10.mean()) / y.sum(),
                (v01 - v10.mean()) / (~y).sum(),
            )
            value += v10.mean() / 3 / folds
        sums = np.bincount(patients[here] - patients[here].min(), influence.mean(axis=0))
        variance += len(sums) / (len(sums) - 1) * float((sums**2).sum()) / folds**2
        fewest += min(len(np.unique(patients[here][truth[here] == code])) for code in range(3))
    reach = stats.t.ppf(0.975, fewest - 1) * math.sqrt(variance) / (value * (1 - value))
    found, _ = areas_of_folds(truth, scores, fold, patients)
    expected = (value, expit(logit(value) - reach), expit(logit(value) + reach))
    assert (found.value, found.low, found.high) == pytest.approx(expected)
    if folds == 1:
        pooled = mean_auroc(truth, list(scores.values()), patients)
        assert (pooled.value, pooled.low, pooled.high) == pytest.approx(expected)


def test_a_fold_without_a_class_gives_no_mean_and_perfect_folds_an_interval_all_the_same() -> None:
    truth, folds = np.array([0, 1, 0, 1, 0, 0]), np.array([0, 0, 1, 1, 2, 2])
    found, areas = areas_of_folds(truth, {1: np.arange(6.0)}, folds, None)
    assert math.isnan(found.value) and "a fold lacks a class" in found.method and areas == ()
    found, areas = areas_of_folds(truth[:4], {1: np.arange(4.0)}, folds[:4], None)
    assert areas == (1.0, 1.0) and found.value == 1 and found.low < 0.8


def test_one_perfect_fold_hides_its_spread_so_that_the_interval_is_that_of_so_many_patients() -> None:
    truth, folds = np.tile([0, 1], 20), np.repeat([0, 1], 20)
    score = truth + 0.0
    score[20:24] = 0.5
    found, areas = areas_of_folds(truth, {1: score}, folds, None)
    assert areas[0] == 1 and areas[1] < 1 and found.method.endswith("Newcombe by patient")
    assert (found.low, found.high) == newcombe(found.value, 20, 20)
    turned, _ = areas_of_folds(truth, {1: -score}, folds, None)
    assert (turned.low, turned.high) == newcombe(turned.value, 20, 20)


def test_the_mean_area_of_folds_holds_the_mean_of_many_samples_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    right, held, times = stats.norm.cdf(1 / math.sqrt(2)), 0, 300
    for _ in range(times):
        truth = np.tile([0, 1], 60)
        found, _ = areas_of_folds(
            truth, {1: truth + rng.normal(0, 1, 120)}, np.repeat(np.arange(5), 24), None
        )
        held += found.low <= right <= found.high
    assert 0.92 < held / times < 0.98
