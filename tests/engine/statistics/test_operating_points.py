"""Promises of operating points: each does on validation cases what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn import metrics as sk

from engine.errors import RecipeError
from engine.statistics.operating_points import OPERATING_POINTS, choose_threshold
from tests.engine.statistics.made_up import CLOSE, both, cases, few, images


@few
@given(cases, st.sampled_from(sorted(OPERATING_POINTS)))
def test_an_operating_point_keeps_its_promise(data: list[tuple[bool, float]], name: str) -> None:
    y, p = both(data)
    threshold = choose_threshold(name, y, p, undecided=0.27)
    if name == "as-trained":
        assert threshold == 0.27
        return
    if y.all() or not y.any():
        assert threshold == 0.5
        return
    sensitivity, specificity = (p[y] >= threshold).mean(), (p[~y] < threshold).mean()
    rates = [((p[y] >= t).mean(), (p[~y] < t).mean()) for t in [*np.unique(p), 2.0]]
    if name == "sensitivity>=0.95":
        assert sensitivity >= 0.95
        assert specificity == max(b for a, b in rates if a >= 0.95)
    elif name == "specificity>=0.95":
        assert specificity >= 0.95
        assert sensitivity == max(a for a, b in rates if b >= 0.95)
    elif name == "youden":
        best = max(a + b for a, b in rates)
        assert sensitivity + specificity == pytest.approx(best) or (best <= 1 + 1e-9 and threshold == 0.5)
    else:
        assert threshold == 0.5


def test_youden_equals_the_corner_of_scikit_learns_roc_curve() -> None:
    truth, p, _ = images(500, seed=9)
    false, true, _ = sk.roc_curve(truth, p[:, 1])
    threshold = choose_threshold("youden", truth == 1, p[:, 1])
    called = p[:, 1] >= threshold
    gain = called[truth == 1].mean() - called[truth == 0].mean()
    np.testing.assert_allclose(gain, (true - false).max(), **CLOSE)


def test_rounding_a_score_to_single_precision_flips_no_film() -> None:
    truth, _, _ = images(300)
    p = np.random.default_rng(0).random(300) * 0.5 + truth * 0.3
    for name in OPERATING_POINTS:
        threshold = choose_threshold(name, truth == 1, p)
        np.testing.assert_array_equal(p >= threshold, p.astype(np.float32).astype(float) >= threshold)


def test_an_unknown_operating_point_is_refused_with_the_list() -> None:
    with pytest.raises(RecipeError, match="youden, half"):
        choose_threshold("best", [True, False], [0.1, 0.9])
