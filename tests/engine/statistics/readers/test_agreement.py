"""Alpha equals the package of that name and Krippendorff's own example; weighted kappa equals scikit-learn."""

from __future__ import annotations

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import cohen_kappa_score

from engine.errors import ReportError
from engine.statistics import alpha_of_answers, krippendorff_alpha, weighted_kappa
from engine.statistics.readers.agreement import RESAMPLES

NONE = math.nan
# Krippendorff's own example of four readers and twelve units, of whom the last unit was read by one.
HIS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
)


@pytest.mark.parametrize(("level", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example_at_every_level(level: str, printed: float) -> None:
    found = alpha_of_answers(HIS, level=level)
    assert found.value == pytest.approx(printed, abs=5e-4)
    assert found.n == 11
    assert found.low <= found.value <= found.high


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=3, max_size=3), min_size=3, max_size=15
    ),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_equals_the_package_of_that_name(rows: list[list[int | None]], level: str) -> None:
    table = np.array([[NONE if each is None else each for each in row] for row in rows], dtype=float).T
    found = alpha_of_answers(table, level=level)
    try:
        trusted = krippendorff.alpha(reliability_data=table, level_of_measurement=level)
    except ValueError:  # nothing was read twice, or all answers are the same
        assert math.isnan(found.value)
    else:
        if math.isfinite(trusted):
            assert found.value == pytest.approx(trusted, abs=1e-9)


def test_alpha_of_names_is_that_of_counts() -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (4, 50)).astype(float)
    counts = np.stack([(table == value).sum(axis=0) for value in range(3)], axis=1)
    assert alpha_of_answers(table, level="nominal").value == pytest.approx(krippendorff_alpha(counts).value)


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_weighted_kappa_equals_scikit_learn(weights: str) -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(1, 6, 80)
    two = np.clip(one + rng.integers(-1, 2, 80), 1, 5)
    trusted = cohen_kappa_score(one, two, weights=None if weights == "none" else weights)
    found = weighted_kappa(one, two, weights=weights)
    assert found.value == pytest.approx(trusted)
    assert found.low < found.value < found.high


def test_the_bootstrap_draws_patients_not_films() -> None:
    rng = np.random.default_rng(2)
    one = rng.integers(1, 6, 40)
    two = np.clip(one + rng.integers(-1, 2, 40), 1, 5)
    once = weighted_kappa(one, two)
    copied = weighted_kappa(np.repeat(one, 4), np.repeat(two, 4), groups=np.repeat(np.arange(40), 4))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert (copied.n, copied.patients) == (160, 40)


@pytest.mark.parametrize("seed", [0, 5])
def test_bounds_are_the_percentiles_of_so_many_resamples_of_patients(seed: int) -> None:
    rng = np.random.default_rng(3)
    one = rng.integers(0, 3, 30)
    two, patients = np.where(rng.random(30) < 0.7, one, 2 - one), np.arange(30) // 3
    draws = np.random.default_rng(seed).multinomial(10, np.full(10, 1 / 10), size=RESAMPLES)
    apart = np.abs(np.arange(3)[:, None] - np.arange(3))
    kappas = []
    for times in draws:
        shares = (np.bincount(each, times[patients], minlength=3) for each in (one, two))
        by_chance = np.multiply.outer(*shares) / 30
        kappas.append(1 - float(times[patients] @ apart[one, two]) / float((by_chance * apart).sum()))
    found = weighted_kappa(one, two, weights="linear", groups=patients, seed=seed)
    assert found.value == pytest.approx(cohen_kappa_score(one, two, weights="linear"))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(kappas, (0.025, 0.975))))
    assert found.method == f"percentiles of {RESAMPLES} resamples by patient, seed {seed}"


def test_agreement_of_one_patient_or_without_a_difference_has_no_interval() -> None:
    answers = np.array([[1.0, 2, 3, 1], [1, 2, 2, 1]])
    alone = alpha_of_answers(answers, level="ordinal", groups=["a"] * 4)
    assert math.isfinite(alone.value) and alone.method == "no interval: the cases are of one patient"
    assert math.isfinite(alpha_of_answers(answers, level="ordinal", groups=list("aabb")).value)
    of_two = weighted_kappa([0, 1, 2, 1, 0, 2], [0, 1, 2, 2, 0, 1], groups=list("aaabbb"))
    assert (of_two.patients, of_two.low, of_two.high) == (
        2,
        0.5,
        1,
    )  # of one patient's cases, and of the other's
    alike = alpha_of_answers(np.array([[1.0, 2, 1, 2]] * 2), level="ordinal")
    assert alike.value == 1 and alike.method == "no interval: readers hardly ever differ"


def test_agreement_that_cannot_be_told_says_why() -> None:
    same = alpha_of_answers(np.full((2, 5), 3.0), level="ordinal")
    assert "same answer for every case" in same.method
    assert "answered by two readers" in alpha_of_answers([[1, NONE], [NONE, 2]], level="interval").method
    assert "both readers" in weighted_kappa([], []).method
    with pytest.raises(ReportError, match="level 'ratio'"):
        alpha_of_answers(HIS, level="ratio")
    with pytest.raises(ReportError, match="weights 'cubic'"):
        weighted_kappa([1], [2], weights="cubic")
