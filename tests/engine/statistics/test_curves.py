"""Promises of curves: their points are what counting says, their bars count patients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.calibration import calibration_curve

from engine.statistics.curves import at_probabilities, precision_recall_curve, reliability_bins, roc_curve
from engine.statistics.ranking import auroc
from tests.engine.statistics.made_up import CLOSE, both, cases, few, images


@few
@given(cases)
def test_curves_say_at_every_threshold_what_counting_says(data: list[tuple[bool, float]]) -> None:
    y, p = both(data)
    curve, pr = roc_curve(y, p), precision_recall_curve(y, p)
    if y.all() or not y.any():
        assert curve is None and pr is None
        return
    assert curve is not None and pr is not None
    area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    np.testing.assert_allclose(area, auroc(y, p).value, **CLOSE)
    assert curve.threshold[0] == np.inf and curve.threshold[-1] == p.min()
    for false, true, threshold in zip(
        curve.false_positive_rate, curve.true_positive_rate, curve.threshold, strict=True
    ):
        assert true == pytest.approx((p[y] >= threshold).mean())
        assert false == pytest.approx((p[~y] >= threshold).mean())
    assert list(pr.threshold) == sorted(set(p), reverse=True)
    for recall, precision, threshold in zip(pr.recall, pr.precision, pr.threshold, strict=True):
        assert recall == pytest.approx((p[y] >= threshold).mean())
        assert precision == pytest.approx(y[p >= threshold].mean())


def test_bins_equal_scikit_learns_calibration_curve() -> None:
    truth, p, _ = images(400, seed=2)
    frequency, mean = calibration_curve(truth, p[:, 1], n_bins=10)
    bins = reliability_bins(truth == 1, p[:, 1])
    np.testing.assert_allclose([each.probability for each in bins], mean, **CLOSE)
    np.testing.assert_allclose([each.frequency.value for each in bins], frequency, **CLOSE)
    assert sum(each.count for each in bins) == 400
    for each in bins:
        assert each.high - each.low == pytest.approx(0.1) and each.low <= each.probability <= each.high


def test_the_bars_of_bins_count_patients() -> None:
    truth, p, _ = images(60)
    copied = [np.repeat(values, 6) for values in (truth == 1, p[:, 1], np.arange(60))]
    by_image, by_patient = reliability_bins(*copied[:2]), reliability_bins(*copied)
    once = reliability_bins(truth == 1, p[:, 1])
    for image, patient, single in zip(by_image, by_patient, once, strict=True):
        assert patient.frequency.high - patient.frequency.low > image.frequency.high - image.frequency.low
        np.testing.assert_allclose(patient.frequency.value, single.frequency.value, **CLOSE)


def test_thresholds_over_log_odds_are_told_as_probabilities() -> None:
    p = np.array([0.1, 0.4, 0.8, 0.9])
    curve = at_probabilities(roc_curve([False, True, False, True], np.log(p / (1 - p))))
    assert curve is not None
    np.testing.assert_allclose(curve.threshold[1:], p[::-1][: len(curve.threshold) - 1], **CLOSE)
    assert curve.threshold[0] == 1.0
