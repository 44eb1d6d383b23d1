"""Promises of intervals: each is as wide as leaving out one patient after another says, and tells what it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from engine.records import Estimate
from engine.statistics.classification_report import classification_table, overall
from engine.statistics.clusters import independent_difference, quantile
from engine.statistics.kappa import cohen_kappa, krippendorff_alpha
from engine.statistics.paired_tests import areas, mean_areas, shares
from engine.statistics.proportions import wilson

PATIENTS = 120


def readings(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Patient, truth, probabilities and predicted class of images of which a patient has one to three, much alike."""
    rng = np.random.default_rng(classes)
    patient = np.repeat(np.arange(PATIENTS), 1 + np.arange(PATIENTS) % 3)
    truth = (rng.permutation(PATIENTS) % classes)[patient]
    shared = rng.normal(size=(PATIENTS, classes))[patient]
    logits = shared + 0.5 * rng.normal(size=shared.shape) + 1.2 * np.eye(classes)[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return patient, truth, p, p.argmax(axis=1)


def leaving_out(figure: Callable[[np.ndarray], float], patient: np.ndarray) -> float:
    """Return the standard error of a figure of chosen rows by the jackknife over patients."""
    values = np.array([figure(patient != each) for each in np.unique(patient)])
    return math.sqrt((len(values) - 1) * values.var())


def trusted(
    truth: np.ndarray, p: np.ndarray, predicted: np.ndarray
) -> dict[str, Callable[[np.ndarray], float]]:
    """Return the figures of a report as scikit-learn or their definition has them, of chosen rows."""
    y, found = truth == 1, {}
    found["accuracy"] = lambda r: (truth == predicted)[r].mean()
    found["balanced accuracy"] = lambda r: sk.balanced_accuracy_score(truth[r], predicted[r])
    found["macro F1"] = lambda r: sk.f1_score(truth[r], predicted[r], average="macro")
    found["MCC"] = lambda r: sk.matthews_corrcoef(truth[r], predicted[r])
    if p.shape[1] > 2:
        one_hot = np.eye(p.shape[1])[truth]
        found["AUROC"] = lambda r: sk.roc_auc_score(one_hot[r], p[r], average="macro")
        found["average precision"] = lambda r: sk.average_precision_score(one_hot[r], p[r], average="macro")
        found["Brier score"] = lambda r: ((p - one_hot) ** 2)[r].sum(axis=1).mean()
        return found
    odds = np.log(p[:, 1] / p[:, 0])
    fit = LogisticRegression(C=np.inf, tol=1e-9)
    found["AUROC"] = lambda r: sk.roc_auc_score(y[r], p[r, 1])
    found["average precision"] = lambda r: sk.average_precision_score(y[r], p[r, 1])
    found["Brier score"] = lambda r: sk.brier_score_loss(y[r], p[r, 1])
    found["sensitivity"] = lambda r: predicted[r & y].mean()
    found["specificity"] = lambda r: 1 - predicted[r & ~y].mean()
    found["positive predictive value"] = lambda r: y[r & (predicted == 1)].mean()
    found["negative predictive value"] = lambda r: 1 - y[r & (predicted == 0)].mean()
    found["observed / expected"] = lambda r: y[r].sum() / p[r, 1].sum()
    found["calibration slope"] = lambda r: fit.fit(odds[r, None], y[r]).coef_[0, 0]
    return found


def assert_wide_as(found: Estimate, error: float, name: str) -> None:
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.05), name
    assert found.high - found.value == pytest.approx(1.96 * error, rel=0.3), name


@pytest.mark.parametrize("classes", [2, 3])
def test_intervals_are_as_wide_as_leaving_out_one_patient_after_another_says(classes: int) -> None:
    patient, truth, p, predicted = readings(classes)
    found = overall(truth, predicted, p, [str(code) for code in range(classes)], groups=patient)
    for name, figure in trusted(truth, p, predicted).items():
        assert found[name].value == pytest.approx(figure(patient >= 0), abs=1e-6), name
        assert_wide_as(found[name], leaving_out(figure, patient), name)


def test_so_are_those_of_each_class() -> None:
    patient, truth, p, predicted = readings(3)
    rows = classification_table(truth, predicted, "abc", p, patient)
    for row, of, told, score in zip(
        rows, np.eye(3)[:, truth] > 0, np.eye(3)[:, predicted] > 0, p.T, strict=True
    ):
        figures: dict[str, tuple[Estimate, Callable[[np.ndarray], float]]] = {
            "precision": (row.precision, lambda r, of=of, told=told: of[r & told].mean()),
            "recall": (row.recall, lambda r, of=of, told=told: told[r & of].mean()),
            "F1": (row.f1, lambda r, of=of, told=told: sk.f1_score(of[r], told[r])),
            "AUROC": (row.auroc, lambda r, of=of, score=score: sk.roc_auc_score(of[r], score[r])),
        }
        for name, (found, figure) in figures.items():
            assert_wide_as(found, leaving_out(figure, patient), name)
        assert (row.support, row.predicted) == (of.sum(), told.sum())


def test_so_are_those_of_agreement() -> None:
    patient, truth, _, predicted = readings(3)
    counts = (
        np.eye(3)[truth] + np.eye(3)[predicted] + np.where(patient[:, None] % 9 == 0, np.eye(3)[truth], 0)
    )
    kappa, alpha = cohen_kappa(truth, predicted, patient), krippendorff_alpha(counts, patient)
    assert_wide_as(
        kappa, leaving_out(lambda r: sk.cohen_kappa_score(truth[r], predicted[r]), patient), "kappa"
    )
    assert_wide_as(alpha, leaving_out(lambda r: krippendorff_alpha(counts[r]).value, patient), "alpha")


def test_agreement_seen_on_few_patients_is_as_uncertain_as_students_t_says() -> None:
    rng = np.random.default_rng(4)
    patient = np.arange(4000) % 4  # whose images are no more alike than others, so that the spread is small
    first = rng.integers(2, size=4000)
    second = np.where(rng.random(4000) < 0.2, 1 - first, first)
    found = cohen_kappa(first, second, patient)
    error = leaving_out(lambda r: sk.cohen_kappa_score(first[r], second[r]), patient)
    floor = math.sqrt((1 - found.value**2) / 4000)  # of independent images
    reach = float(stats.t.ppf(0.975, 3)) * max(error, floor)
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.1)


def test_so_are_those_of_differences() -> None:
    patient, truth, p, predicted = readings(3)
    other = (np.roll(p, 1, axis=0) + p) / 2
    found = mean_areas(truth, p, other, patient).difference
    one_hot = np.eye(3)[truth]
    area = lambda q, r: sk.roc_auc_score(one_hot[r], q[r], average="macro")  # noqa: E731
    assert_wide_as(found, leaving_out(lambda r: area(p, r) - area(other, r), patient), "mean area")
    y = truth == 1
    found = areas(y, p[:, 1], other[:, 1], patient).difference
    area = lambda q, r: sk.roc_auc_score(y[r], q[r, 1])  # noqa: E731
    assert_wide_as(found, leaving_out(lambda r: area(p, r) - area(other, r), patient), "area")
    first, second = predicted == truth, other.argmax(axis=1) == truth
    found = shares(first, second, patient).difference
    assert_wide_as(found, leaving_out(lambda r: first[r].mean() - second[r].mean(), patient), "shares")


@pytest.mark.parametrize("classes", [2, 3])
def test_every_figure_of_all_cases_tells_its_images_and_its_patients(classes: int) -> None:
    patient, truth, p, predicted = readings(classes)
    figures = overall(truth, predicted, p, [str(code) for code in range(classes)], groups=patient)
    for part in ("sensitivity", "specificity", "positive predictive value", "negative predictive value"):
        figures.pop(part, None)  # of the cases of one class
    figures["kappa"] = cohen_kappa(truth, predicted, patient)
    figures["alpha"] = krippendorff_alpha(np.eye(classes)[truth] + np.eye(classes)[predicted], patient)
    figures["shares"] = shares(truth == predicted, truth == 1, patient).difference
    figures["areas"] = areas(truth == 1, p[:, 1], p[:, 0], patient).difference
    figures["mean areas"] = mean_areas(truth, p, p[:, ::-1], patient).difference
    for name, found in figures.items():
        assert (found.n, found.patients) == (len(truth), PATIENTS), name
        assert not math.isnan(found.low) or name == "calibration error", name


def test_cases_of_one_class_tell_their_own_images_and_patients() -> None:
    patient, truth, p, predicted = readings(2)
    found = overall(truth, predicted, p, ["normal", "ill"], groups=patient)
    for name, of in (
        ("sensitivity", truth == 1),
        ("specificity", truth == 0),
        ("positive predictive value", predicted == 1),
        ("negative predictive value", predicted == 0),
    ):
        assert (found[name].n, found[name].patients) == (of.sum(), len(set(patient[of]))), name


def test_a_difference_of_other_patients_is_that_of_newcombes_worked_example() -> None:
    """Newcombe 1998, method 10, 56 of 70 against 48 of 80: .0524 to .3339."""
    found = independent_difference(wilson(56, 70), wilson(48, 80))
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4), found.n) == (
        0.2,
        0.0524,
        0.3339,
        150,
    )


def test_of_one_patient_nothing_is_too_far_and_of_many_what_the_normal_law_says() -> None:
    assert quantile(1) == math.inf and quantile(2) == pytest.approx(float(stats.t.ppf(0.975, 1)))
    assert quantile(10**7) == pytest.approx(1.96, abs=1e-3)
