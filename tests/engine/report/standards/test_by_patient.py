"""Figures by patient: what each patient has and is predicted to have, counted once, by the rule that is printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sk

from engine.report.standards.by_patient import OF_IMAGES, by_patient
from engine.statistics import performance


@st.composite
def images(draw: st.DrawFn, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth, predicted, probabilities in eighths, and patients of two images and more."""
    n = draw(st.integers(4, 24))
    code = st.integers(0, classes - 1)
    truth, predicted = (np.array(draw(st.lists(code, min_size=n, max_size=n))) for _ in range(2))
    parts = draw(
        st.lists(st.lists(st.integers(1, 8), min_size=classes, max_size=classes), min_size=n, max_size=n)
    )
    p = np.array(parts, dtype=float)
    patients = np.array([f"p{each // 3}" for each in range(n)])
    return truth, predicted, p / p.sum(axis=1, keepdims=True), patients


@settings(max_examples=40, deadline=None)
@given(images(2), st.sampled_from(["normal", "ill"]))
def test_a_patient_has_the_finding_where_any_image_has_it_and_is_ranked_by_the_highest(
    data: tuple[np.ndarray, ...], positive: str
) -> None:
    truth, predicted, p, patients = data
    classes = ["normal", "ill"]
    yes = classes.index(positive)
    found = by_patient(truth, predicted, p, patients, classes, positive=positive)
    names = sorted(set(patients))
    held = np.array([any(truth[patients == one] == yes) for one in names])
    told = np.array([any(predicted[patients == one] == yes) for one in names])
    score = np.array([max(p[patients == one, yes]) for one in names])
    assert found.patients == len(names) and f"has {positive}" in found.rule.replace("\u2068", "").replace(
        "\u2069", ""
    )
    assert found.estimates["accuracy"].value == pytest.approx((held == told).mean())
    assert found.estimates["accuracy"].n == len(names)
    if held.any() and not held.all():
        assert found.estimates["sensitivity"].value == pytest.approx(told[held].mean())
        assert found.estimates["specificity"].value == pytest.approx((~told[~held]).mean())
        assert found.estimates["AUROC"].value == pytest.approx(sk.roc_auc_score(held, score))
    assert not OF_IMAGES & set(found.estimates)


@settings(max_examples=40, deadline=None)
@given(images(3))
def test_of_more_classes_a_patient_is_what_most_images_are_predicted_to_be(
    data: tuple[np.ndarray, ...],
) -> None:
    truth, predicted, p, patients = data
    found = by_patient(truth, predicted, p, patients, "abc", positive="c")
    kept = [one for one in sorted(set(patients)) if len(set(truth[patients == one])) == 1]
    held, told, mean = [], [], []
    for one in kept:
        own = patients == one
        held.append(int(truth[own][0]))
        mean.append(p[own].mean(axis=0))
        votes = [int((predicted[own] == code).sum()) for code in range(3)]
        told.append(max(range(3), key=lambda code: (votes[code], round(mean[-1][code], 12), -code)))
    left_out = len(set(patients)) - len(kept)
    assert found.patients == len(kept)
    assert ("of several classes are left out" in found.rule) == bool(left_out)
    assert not left_out or f"{left_out} patient" in found.rule
    if kept:
        wanted = performance(np.array(held), np.array(told), np.array(mean), "abc", positive="c")
        assert found.estimates["accuracy"] == wanted["accuracy"]
        for name in set(wanted) - OF_IMAGES:
            np.testing.assert_allclose(found.estimates[name].value, wanted[name].value)


def test_where_every_patient_has_one_image_there_are_no_figures_beside_those_of_images() -> None:
    truth, p = np.array([0, 1, 1]), np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])
    for patients in (np.array(["a", "b", "c"]), np.array([], dtype=str)):
        n = len(patients)
        found = by_patient(truth[:n], truth[:n], p[:n], patients, ["normal", "ill"], positive="ill")
        assert (found.rule, found.patients, dict(found.estimates)) == ("", 0, {})
    twice = by_patient(
        truth, truth, p, np.array(["a", "b", "b"]), ["normal", "ill"], positive="ill", prevalence=0.1
    )
    plain = by_patient(truth, truth, p, np.array(["a", "b", "b"]), ["normal", "ill"], positive="ill")
    assert set(twice.estimates) > set(plain.estimates)  # predictive values where the finding is as common


def test_of_several_classes_most_images_decide_of_equally_many_the_more_probable_and_mixed_patients_are_out() -> (
    None
):
    images = [  # patient, truth, predicted, probabilities
        ("tie", 1, 0, (0.5, 0.4, 0.1)),
        ("tie", 1, 1, (0.1, 0.8, 0.1)),
        ("most", 0, 0, (0.05, 0.9, 0.05)),  # two of three, however sure the third is
        ("most", 0, 0, (0.05, 0.9, 0.05)),
        ("most", 0, 1, (0.0, 1.0, 0.0)),
        ("alone", 2, 2, (0.1, 0.1, 0.8)),
        ("mixed", 0, 2, (0.0, 0.0, 1.0)),
        ("mixed", 1, 2, (0.0, 0.0, 1.0)),
    ]
    patients, truth, predicted, probabilities = map(np.array, zip(*images, strict=True))
    found = by_patient(truth, predicted, probabilities, patients, ("a", "b", "c"), positive="c")
    assert found.patients == 3 and found.estimates["accuracy"].value == 1.0
    assert "1 patient whose images are of several classes" in found.rule
