"""Promises of operating points: each does on validation cases what its name says."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as sk

from engine.errors import RecipeError
from engine.language import in_print
from engine.statistics.operating_points import OPERATING_POINTS, choose_threshold, operating_figures
from engine.statistics.proportions import proportion
from tests.engine.statistics.made_up import CLOSE, both, cases, few, images


@pytest.mark.parametrize("name", sorted(OPERATING_POINTS))
@few
@given(data=cases)
def test_an_operating_point_keeps_its_promise(name: str, data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    chosen = choose_threshold(name, y, p, undecided=0.27)
    threshold = chosen.value
    if name == "as-trained":
        assert threshold == 0.27
        return
    if y.all() or not y.any():
        assert threshold == 0.5
        assert name == "half" or "on validation" in chosen.note
        return
    # As far as can be from both scores beside it.
    if name != "half" and "one half was taken" not in chosen.note:
        below, above = p[p < threshold].max(initial=0), p[p >= threshold].min(initial=1)
        assert threshold == pytest.approx((below + above) / 2)
    sensitivity, specificity = (p[y] >= threshold).mean(), (p[~y] < threshold).mean()
    rates = [((p[y] >= t).mean(), (p[~y] < t).mean()) for t in [*np.unique(p), 2.0]]
    if name == "sensitivity>=0.95":
        assert sensitivity >= 0.95
        assert specificity == max(b for a, b in rates if a >= 0.95)
    elif name == "specificity>=0.95":
        assert specificity >= 0.95
        assert sensitivity == max(a for a, b in rates if b >= 0.95)
    elif name.startswith("sensitivity-lower-bound>="):
        least = float(name.partition(">=")[2])
        bounds = [(proportion(p[y] >= t).low, (p[~y] < t).mean()) for t in [*np.unique(p), 2.0]]
        reached = [specific for low, specific in bounds if low >= least]
        if reached:
            assert proportion(p[y] >= threshold).low >= least and chosen.note == ""
            assert specificity == max(reached)
        else:
            highest = max(low for low, _ in bounds)
            assert proportion(p[y] >= threshold).low == highest
            assert specificity == max(specific for low, specific in bounds if low == highest)
            assert f"at {in_print(least)} or above, because too few validation cases" in chosen.note
    elif name == "youden":
        best = max(a + b for a, b in rates)
        assert sensitivity + specificity == pytest.approx(best) or (best <= 1 + 1e-9 and threshold == 0.5)
    else:
        assert threshold == 0.5


def test_the_names_that_recipes_of_long_ago_hold_are_those_of_today() -> None:
    names = {
        "youden", "half", "as-trained", "sensitivity>=0.95", "specificity>=0.95",
        *(f"sensitivity-lower-bound>={least}" for least in ("0.8", "0.9", "0.95")),
    }  # fmt: skip
    assert set(OPERATING_POINTS) == names
    assert all(0 < choose_threshold(name, [True, False], [0.9, 0.1]).value < 1 for name in names)


def test_youden_equals_the_corner_of_scikit_learns_roc_curve() -> None:
    truth, p, _ = images(500, seed=9)
    false, true, _ = sk.roc_curve(truth, p[:, 1])
    threshold = choose_threshold("youden", truth == 1, p[:, 1]).value
    called = p[:, 1] >= threshold
    gain = called[truth == 1].mean() - called[truth == 0].mean()
    np.testing.assert_allclose(gain, (true - false).max(), **CLOSE)


def test_rounding_a_score_to_single_precision_flips_no_film() -> None:
    truth, _, _ = images(300)
    p = np.random.default_rng(0).random(300) * 0.5 + truth * 0.3
    for name in OPERATING_POINTS:
        threshold = choose_threshold(name, truth == 1, p).value
        np.testing.assert_array_equal(p >= threshold, p.astype(np.float32).astype(float) >= threshold)


def test_an_unknown_operating_point_is_refused_with_the_list() -> None:
    with pytest.raises(RecipeError, match="youden, half"):
        choose_threshold("best", [True, False], [0.1, 0.9])


def test_a_lower_bound_counts_patients_and_not_their_images() -> None:
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(60), 4)
    y = patient < 30
    p = np.clip(0.35 + 0.3 * y + 0.25 * rng.normal(size=60)[patient] + 0.02 * rng.normal(size=240), 0, 1)
    name = "sensitivity-lower-bound>=0.8"
    by_image, by_patient = (choose_threshold(name, y, p, groups=of) for of in (None, patient))
    assert by_patient.value < by_image.value
    figures = operating_figures(by_patient, y, p, patient)
    assert figures.sensitivity.low >= 0.8 and figures.sensitivity.patients == 30
    nameless = operating_figures(by_patient, y, p, patient, named=False)
    assert nameless.sensitivity.patients is nameless.specificity.patients is None
    assert nameless.sensitivity.low == figures.sensitivity.low


def test_why_a_point_was_not_reached_stands_beside_its_figures() -> None:
    y, p = np.arange(8) < 4, np.linspace(0.9, 0.1, 8)
    chosen = choose_threshold("sensitivity-lower-bound>=0.95", y, p)
    found = operating_figures(chosen, y, p)
    assert chosen.note and found.note == chosen.note
    assert (found.sensitivity.value, found.specificity.value) == (1, 1)
    assert operating_figures(chosen, y[:4], p[:4]).specificity.method.endswith(
        "no validation case is of the class"
    )


def test_the_true_sensitivity_is_seldom_below_a_lower_bound_and_often_below_what_was_seen() -> None:
    rng, below = np.random.default_rng(5), {"sensitivity>=0.95": 0, "sensitivity-lower-bound>=0.9": 0}
    norm = NormalDist(1.8)
    for _ in range(300):
        y = np.arange(140) < 60
        score = rng.normal(size=140) + 1.8 * y
        for name in below:
            threshold = choose_threshold(name, y, score).value
            below[name] += 1 - norm.cdf(threshold) < float(name.partition(">=")[2])
    assert below["sensitivity-lower-bound>=0.9"] / 300 < 0.06 < 0.3 < below["sensitivity>=0.95"] / 300
