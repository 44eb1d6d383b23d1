"""Promises of the classification report: scikit-learn's figures, each with bounds that hold it, whatever the cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sk

from engine.records import Estimate
from engine.statistics import top_k, weighted_f1
from engine.statistics.calibration_figures import ece
from engine.statistics.classification_report import (
    balanced_accuracy,
    calibrated_event,
    classification_table,
    confusion_matrix,
    f1_score,
    macro_f1,
    mcc,
    overall,
)
from engine.statistics.proportions import wilson
from tests.engine.statistics.made_up import CLOSE, few, images


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_classification_report_equals_scikit_learn(classes: int) -> None:
    truth, p, predicted = images(150, seed=classes, classes=classes)
    names = [f"class {code}" for code in range(classes)]
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, predicted)
    rows = classification_table(truth, predicted, names, p)
    np.testing.assert_allclose([row.precision.value for row in rows], precision, **CLOSE)
    np.testing.assert_allclose([row.recall.value for row in rows], recall, **CLOSE)
    np.testing.assert_allclose([row.f1.value for row in rows], f1, **CLOSE)
    assert [row.support for row in rows] == support.tolist()
    np.testing.assert_allclose(
        [row.auroc.value for row in rows],
        [sk.roc_auc_score(truth == code, p[:, code]) for code in range(classes)],
        **CLOSE,
    )
    np.testing.assert_array_equal(
        confusion_matrix(truth, predicted, classes), sk.confusion_matrix(truth, predicted)
    )
    for row in rows:
        for figure in (row.precision, row.recall, row.f1, row.auroc):
            assert 0 <= figure.low < figure.value < figure.high <= 1


@pytest.mark.parametrize("classes", [2, 4])
def test_overall_figures_equal_scikit_learn(classes: int) -> None:
    truth, p, predicted = images(200, seed=7, classes=classes)
    found = overall(truth, predicted, p, [str(code) for code in range(classes)])
    expected = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "balanced accuracy": sk.balanced_accuracy_score(truth, predicted),
        "MCC": sk.matthews_corrcoef(truth, predicted),
        "macro F1": sk.f1_score(truth, predicted, average="macro"),
    }
    if classes == 2:
        expected |= {
            "AUROC": sk.roc_auc_score(truth, p[:, 1]),
            "average precision": sk.average_precision_score(truth, p[:, 1]),
            "sensitivity": sk.recall_score(truth, predicted),
            "specificity": sk.recall_score(truth, predicted, pos_label=0),
            "positive predictive value": sk.precision_score(truth, predicted),
            "negative predictive value": sk.precision_score(truth, predicted, pos_label=0),
        }
    else:
        one_hot = np.eye(classes)[truth]
        expected |= {
            "AUROC": sk.roc_auc_score(one_hot, p, average="macro"),
            "average precision": sk.average_precision_score(one_hot, p, average="macro"),
        }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].value, value, **CLOSE, err_msg=name)
        assert found[name].low < value < found[name].high, name


def test_a_probability_is_held_to_the_finding_of_two_classes_and_to_being_right_of_more() -> None:
    truth, p, _ = images(50)
    for positive in (0, 1):
        event, sure = calibrated_event(truth, p, positive)
        np.testing.assert_array_equal(event, truth == positive)
        np.testing.assert_array_equal(sure, p[:, positive])
    truth, p, predicted = images(50, classes=3)
    event, sure = calibrated_event(truth, p, 1)
    np.testing.assert_array_equal(event, truth == predicted)
    np.testing.assert_array_equal(sure, p.max(axis=1))


@pytest.mark.parametrize(("classes", "positive"), [(2, 0), (2, 1), (3, 0)])
def test_every_figure_of_calibration_is_of_that_probability(classes: int, positive: int) -> None:
    truth, p, predicted = images(120, seed=4, classes=classes)
    p = np.clip(p, 0.01, 0.98)
    p /= p.sum(axis=1, keepdims=True)
    names = ["a", "b", "c"][:classes]
    found = overall(truth, predicted, p, names, positive=names[positive])
    event, sure = calibrated_event(truth, p, positive)
    odds = np.log(sure / (1 - sure))
    free = sm.GLM(event, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-12)
    alone = sm.GLM(event, np.ones(120), family=sm.families.Binomial(), offset=odds).fit(tol=1e-12)
    assert found["calibration slope"].value == pytest.approx(free.params[1])
    assert found["calibration intercept"].value == pytest.approx(alone.params[0])
    assert found["observed / expected"].value == pytest.approx(event.sum() / sure.sum())
    assert found["calibration error"].value == pytest.approx(ece(event, sure).value)
    of_one = sk.brier_score_loss(truth, p) if classes > 2 else sk.brier_score_loss(truth, p[:, 1])
    assert found["Brier score"].value == pytest.approx(of_one)


@pytest.mark.parametrize("cases", [1, 4])
def test_one_class_alone_is_told_from_nothing_and_every_figure_says_so(cases: int) -> None:
    truth = np.zeros(cases, dtype=np.int64)
    found = overall(truth, truth, np.ones((cases, 1)), ["a"])
    assert found["accuracy"].value == 1
    for name in ("AUROC", "average precision"):
        assert found[name].method == "cannot be estimated because there is only one class"
    three = overall(truth, truth, np.full((cases, 3), 1 / 3), ["a", "b", "c"])
    assert three["AUROC"].method == "cannot be estimated because no case is b"


def test_the_positive_class_may_stand_first() -> None:
    truth, p, predicted = images(100)
    there = overall(truth, predicted, p, ["a", "b"], positive="a")
    assert there["sensitivity"].value == sk.recall_score(truth, predicted, pos_label=0)
    np.testing.assert_allclose(there["AUROC"].value, sk.roc_auc_score(truth == 0, p[:, 0]), **CLOSE)


@few
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12), st.integers(0, 99))
def test_no_handful_of_films_crashes_the_report(pairs: list[tuple[int, int]], seed: int) -> None:
    truth = np.array([a for a, _ in pairs], dtype=np.int64)
    predicted = np.array([b for _, b in pairs], dtype=np.int64)
    p = np.random.default_rng(seed).dirichlet(np.ones(3), size=len(pairs))
    names, patients = ["a", "b", "c"], truth % 2
    found = overall(truth, predicted, p, names, groups=patients)
    rows = classification_table(truth, predicted, names, p, patients)
    for figure in [*found.values(), *(f for row in rows for f in (row.precision, row.recall, row.f1))]:
        if math.isnan(figure.value):
            assert figure.method.startswith("cannot be estimated because")
        elif not math.isnan(figure.low):
            assert figure.low <= figure.value <= figure.high


def test_the_bounds_of_f1_are_those_of_the_overlap() -> None:
    is_class, predicted = np.arange(40) < 20, (np.arange(40) >= 4) & (np.arange(40) < 22)
    found, overlap = f1_score(is_class, predicted), wilson(16, 22)
    np.testing.assert_allclose(
        [found.value, found.low, found.high],
        [2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high)],
        **CLOSE,
    )


def test_no_figure_of_perfect_predictions_of_few_cases_is_called_certain() -> None:
    truth = np.array([0] * 27 + [1] * 3)
    p = np.eye(2)[truth] * 0.9 + 0.05
    for name, found in overall(truth, truth, p, ["a", "b"]).items():
        if name in ("balanced accuracy", "macro F1", "MCC", "sensitivity", "AUROC"):
            assert found.value == 1 and found.low < 0.8, name


def test_balanced_accuracy_rests_on_the_rare_class() -> None:
    truth = np.array([0] * 97 + [1] * 3)
    predicted = np.array([0] * 95 + [1, 1] + [1, 1, 0])
    found = balanced_accuracy(truth, predicted, 2)
    assert found.high - found.low > 0.3


@pytest.mark.parametrize("classes", [2, 3])
def test_the_order_of_images_changes_no_figure_and_no_bound(classes: int) -> None:
    truth, p, predicted = images(90, classes=classes)
    patient = np.arange(90) // 2
    names = tuple("abc"[:classes])
    turned = np.random.default_rng(5).permutation(90)

    def told(rows: np.ndarray) -> list[Estimate]:
        of = (truth[rows], predicted[rows])
        table = classification_table(*of, names, p[rows], patient[rows])
        by_class = [one for row in table for one in (row.precision, row.recall, row.f1, row.auroc)]
        assert all(np.isfinite([one.low, one.high]).all() for one in by_class)  # AUROC by class too
        return [*overall(*of, p[rows], names, groups=patient[rows]).values(), *by_class]

    for one, other in zip(told(np.arange(90)), told(turned), strict=True):
        np.testing.assert_allclose(
            [one.value, one.low, one.high], [other.value, other.low, other.high], **CLOSE
        )
        assert (one.method, one.n, one.patients) == (other.method, other.n, other.patients)


def test_the_same_patients_five_times_give_the_same_bounds() -> None:
    truth, p, predicted = images(120, seed=5, classes=3)
    once = overall(truth, predicted, p, ["a", "b", "c"], groups=np.arange(120))
    five = [np.repeat(each, 5, axis=0) for each in (truth, predicted, p, np.arange(120))]
    again = overall(*five[:3], ["a", "b", "c"], groups=five[3])
    for name in ("macro F1", "MCC", "balanced accuracy", "AUROC", "Brier score", "average precision"):
        np.testing.assert_allclose(
            [again[name].low, again[name].high], [once[name].low, once[name].high], atol=0.015, err_msg=name
        )


def test_many_classes_take_little_memory() -> None:
    import tracemalloc

    truth, p, predicted = images(20_000, classes=50)
    tracemalloc.start()
    overall(truth, predicted, p, [str(code) for code in range(50)], groups=np.arange(20_000) // 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6  # 100,000 cases take five times as much: 600 MB


def test_mcc_of_many_classes_moves_as_its_derivative_says() -> None:
    truth, _, predicted = images(100, classes=4)
    once, copied = mcc(truth, predicted, 4), mcc(np.tile(truth, 9), np.tile(predicted, 9), 4)
    assert copied.value == pytest.approx(once.value)
    assert copied.high - copied.low == pytest.approx((once.high - once.low) / 3, rel=0.05)


def test_weighted_f1_and_top_k_equal_scikit_learn() -> None:
    for classes in (2, 4):
        truth, p, predicted = images(90, seed=3, classes=classes)
        found = weighted_f1(truth, predicted, classes)
        assert found.value == pytest.approx(sk.f1_score(truth, predicted, average="weighted"))
        assert found.low < found.value < found.high
        for k in range(1, classes):
            p = p + 1e-9 * np.arange(classes)  # scikit-learn takes the last of equals, and we the first
            trusted = sk.top_k_accuracy_score(truth, p, k=k, labels=range(classes)) if classes > 2 else None
            ours = top_k(truth, p, k)
            assert ours.value == pytest.approx(trusted) if trusted is not None else 0 <= ours.value <= 1
    assert top_k(truth, p, classes).value == 1.0
    assert "no case" in top_k(np.zeros(0, dtype=int), np.zeros((0, 3)), 1).method


def test_the_interval_of_weighted_f1_is_that_of_resampled_cases() -> None:
    truth, _, predicted = images(300, seed=5, classes=3)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 300, 300) for _ in range(1000)]
    spread = np.std([sk.f1_score(truth[i], predicted[i], average="weighted") for i in drawn])
    found = weighted_f1(truth, predicted, 3)
    assert (found.high - found.low) / (2 * 1.97) == pytest.approx(spread, rel=0.1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_joined_figures_stay_within_their_range_and_count_every_case(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    figures = [of(truth, predicted, 3) for of in (balanced_accuracy, macro_f1, weighted_f1)]
    figures += [f1_score(truth == code, predicted == code) for code in range(3)]
    for found in figures:
        assert found.n == len(truth)
        assert math.isnan(found.low) or 0 <= found.low <= found.value <= found.high <= 1
    weighted = figures[2]
    assert math.isnan(weighted.low) or weighted.method == "influence, logit scale"
