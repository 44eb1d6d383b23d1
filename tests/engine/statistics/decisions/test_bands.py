"""Bands: as wide as they should be, not narrowed by copies, and the same whatever patients are called."""

from __future__ import annotations

import numpy as np
import pytest

from engine.statistics import curve_bands, precision_recall_curve, proportion, roc_curve

rng = np.random.default_rng(5)
Y = np.repeat([True, False], 200)
P = rng.normal(size=400) + 1.5 * Y


def test_a_band_is_about_as_wide_as_wilsons_interval_where_the_threshold_is_fixed() -> None:
    """With very many negatives a false positive rate fixes the threshold: what is left is a share of positives."""
    y = np.concatenate([np.ones(200, bool), np.zeros(20_000, bool)])
    p = np.concatenate([rng.normal(1.5, 1, 200), rng.normal(0, 1, 20_000)])
    found = curve_bands(y, p)
    assert found is not None
    roc = found[0]
    for at in (10, 20, 40):
        threshold = np.quantile(p[~y], 1 - roc.at[at])
        expected = proportion(p[y] >= threshold)
        assert roc.low[at] == pytest.approx(expected.low, abs=0.025)
        assert roc.high[at] == pytest.approx(expected.high, abs=0.025)


def test_the_curves_run_inside_their_bands() -> None:
    found, roc, precision = curve_bands(Y, P), roc_curve(Y, P), precision_recall_curve(Y, P)
    assert found is not None and roc is not None and precision is not None
    inside = np.interp(found[0].at, roc.false_positive_rate, roc.true_positive_rate)
    assert np.all((found[0].low[1:] <= inside[1:]) & (inside[1:] <= found[0].high[1:]))
    at_half = precision.precision[np.searchsorted(precision.recall, 0.5)]
    assert found[1].low[50] <= at_half <= found[1].high[50]


def test_images_copied_within_patients_do_not_narrow_a_band() -> None:
    once = curve_bands(Y, P)
    copied = curve_bands(np.tile(Y, 4), np.tile(P, 4), np.tile(np.arange(400), 4))
    assert once is not None and copied is not None
    for one, other in zip(once, copied, strict=True):
        assert np.allclose(one.low, other.low) and np.allclose(one.high, other.high)


def test_what_patients_are_called_changes_nothing() -> None:
    codes = rng.integers(0, 120, 400)
    names = np.array([f"p{(7919 * code) % 1000}" for code in codes])
    one, other = curve_bands(Y, P, codes), curve_bands(Y, P, names)
    assert one is not None and other is not None and np.array_equal(one[0].low, other[0].low)


@pytest.mark.parametrize(
    ("y", "p"), [(np.arange(9) < 4, np.arange(9.0)), (np.arange(40) < 20, -np.arange(40.0))]
)
def test_there_is_no_band_of_few_patients_or_without_spread(y: np.ndarray, p: np.ndarray) -> None:
    assert curve_bands(y, p) is None
