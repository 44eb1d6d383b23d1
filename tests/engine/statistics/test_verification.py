"""Promises of figures from some verified cases: they are those of all cases, and their intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.statistics.clusters import Clusters
from engine.statistics.verification import _related, verified_accuracy, verified_figures


def test_begg_and_greenes_liver_scans() -> None:
    """Their own example: 231 and 32 of 429 positive, 27 and 54 of 221 negative scans were verified."""
    predicted = np.repeat([True, False], [429, 221])
    verified, present = np.zeros(650, dtype=bool), np.zeros(650, dtype=bool)
    verified[: 231 + 32] = verified[429 : 429 + 27 + 54] = True
    present[:231] = present[429 : 429 + 27] = True
    # Positive and negative scans had their own chance of being verified: each is a kind of its own.
    given = verified_figures(predicted, present, verified, np.zeros(650, dtype=bool))
    assert given["sensitivity"].value == pytest.approx(0.836, abs=5e-4)
    assert given["specificity"].value == pytest.approx(0.738, abs=5e-4)
    assert pytest.approx(0.895, abs=5e-4) == 231 / 258, "the naive figure that it corrects"
    # Their variance of the logarithm of the odds, by hand: 1/N1 + 1/N2 of the scans and (1 - q) / (n q) of each share.
    odds = math.log(given["sensitivity"].value / (1 - given["sensitivity"].value))
    spread = math.sqrt(650 / (429 * 221) + (32 / 263) / 231 + (54 / 81) / 27)
    low = 1 / (1 + math.exp(-(odds - 1.96 * spread)))
    assert given["sensitivity"].low == pytest.approx(low, abs=0.01)


def test_where_all_cases_are_verified_the_figures_are_the_plain_ones() -> None:
    rng = np.random.default_rng(1)
    present, predicted, certain = rng.random(300) < 0.3, rng.random(300) < 0.4, rng.random(300) < 0.2
    given = verified_figures(predicted, present, np.ones(300, dtype=bool), certain)
    assert given["sensitivity"].value == pytest.approx(predicted[present].mean())
    assert given["specificity"].value == pytest.approx((~predicted)[~present].mean())
    assert given["positive predictive value"].value == pytest.approx(present[predicted].mean())
    assert given["accuracy"].value == pytest.approx((present == predicted).mean())


@pytest.mark.parametrize(("images", "size"), [(400, 1), (1200, 3)])
def test_intervals_hold_where_errors_and_a_random_sample_of_the_rest_were_read(
    images: int, size: int
) -> None:
    """The label that came with the data is wrong in 8% of cases; readers know the truth of those they read."""
    rng = np.random.default_rng(images)
    patient = np.repeat(np.arange(images // size), size)
    sick, hit, pass_by = 0.3, 0.85, 0.8
    true = {"sensitivity": hit, "specificity": pass_by}
    true["accuracy"] = sick * hit + (1 - sick) * pass_by
    true["positive predictive value"] = sick * hit / (sick * hit + (1 - sick) * (1 - pass_by))
    held: dict[str, list[bool]] = {name: [] for name in true}
    naive: list[float] = []
    for _ in range(300):
        present = (rng.random(images // size) < sick)[patient]
        ease = rng.normal(size=images // size)[patient] * math.sqrt(0.4 if size > 1 else 0.0)
        score = ease + rng.normal(size=images) * math.sqrt(0.6 if size > 1 else 1.0)
        predicted = np.where(present, score < 1.0364, score > 0.8416)  # the normal quantiles of .85 and .8
        label = present ^ (rng.random(images) < 0.08)
        certain = label != predicted
        drawn = rng.random(images) < 0.25
        verified = certain | drawn
        naive.append(float((predicted == present)[verified].mean()))
        given = verified_figures(predicted, present, verified, certain, patient)
        for name in held:
            held[name].append(given[name].low <= true[name] <= given[name].high)
    for name, of in held.items():
        assert np.mean(of) >= 0.93 - 3 * math.sqrt(0.93 * 0.07 / len(of)), (name, np.mean(of))
    assert np.mean(naive) < true["accuracy"] - 0.15, "what was read by itself is nowhere near"


def test_kinds_without_an_answer_and_classes_nobody_saw_are_said() -> None:
    yes, no = np.ones(4, dtype=bool), np.zeros(4, dtype=bool)
    assert "cannot be estimated" in verified_figures(yes, yes, no, no)["accuracy"].method
    assert math.isnan(verified_figures(yes, yes, yes, no)["specificity"].value)
    assert verified_accuracy(yes, yes, no).value == 1
    half = np.array([True, True, False, False])
    unread = verified_figures(half, half, half, no)
    assert unread["positive predictive value"].value == 1 and math.isnan(unread["sensitivity"].value)


def test_a_patient_with_cases_drawn_in_both_ways_counts_once() -> None:
    """Each of 60 patients has an image drawn for what it is and one drawn at random, and both tell the same."""
    right = np.arange(60) % 5 > 0
    alone = verified_accuracy(right, np.ones(60, dtype=bool), np.ones(60, dtype=bool))
    twice, kinds = np.repeat(right, 2), np.arange(120) % 2 == 0
    both = verified_accuracy(twice, np.ones(120, dtype=bool), kinds, np.repeat(np.arange(60), 2))
    strangers = verified_accuracy(twice, np.ones(120, dtype=bool), kinds)
    assert both.value == alone.value == strangers.value
    assert both.high - both.low == pytest.approx(alone.high - alone.low, rel=0.05)
    assert strangers.high - strangers.low == pytest.approx((alone.high - alone.low) / math.sqrt(2), rel=0.05)
    assert both.method == "weighted by how cases were drawn, square and add by patient"


def test_strata_that_show_no_spread_share_nothing_with_others_and_shared_patients_never_narrow() -> None:
    """A patient in several strata ties them together by what is seen, and not by what is taken for granted."""
    clusters = Clusters.by(np.arange(8) // 2, 8)
    told = np.array([1.0, 0, -1, 0, 1, 0, -1, 0])
    assert (_related([np.zeros(8), told], clusters) == np.eye(2)).all()
    assert (_related([told, -np.roll(told, 1)], clusters) == np.eye(2)).all()  # below 0 counts as 0
    assert _related([told, np.roll(told, 1)], clusters)[0, 1] == pytest.approx(1)
    assert (_related([told, told], Clusters.by(None, 8)) == np.eye(2)).all()
