"""Promises to whoever has printed a figure: of the same cases every later version gives it again, to six digits.

Whether a figure is right is asked by the other tests, beside libraries and worked examples. Here it is kept what all of
them were of three made-up collections, so that nothing moves one unnoticed: `python -m tests.snapshots` writes them
again, and whoever changes a method reads the difference, and says it to those who compare with earlier reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import statistics
from engine.records import Estimate
from engine.statistics import (
    MONITORS,
    OPERATING_POINTS,
    advice_effects,
    alpha_of_answers,
    areas,
    areas_differ,
    areas_of_folds,
    choose_threshold,
    cohen_kappa,
    curve_bands,
    kept_by_sureness,
    krippendorff_alpha,
    learning_over,
    log_odds,
    mean_areas,
    monitored,
    mrmc_analysis,
    net_benefits,
    non_inferiority,
    operating_figures,
    partial_auroc,
    performance,
    predictive_values,
    proportion,
    reliability_bins,
    shares,
    shares_differ,
    smallest_difference,
    smallest_seen,
    verified_figures,
    weighted_kappa,
)
from engine.statistics.paired_tests import mcnemar, switches
from engine.statistics.readers.power import (
    one_curve_cases,
    one_curve_power,
    paired_curves_cases,
    paired_curves_power,
)
from tests.snapshots import hold_against

rng = np.random.default_rng(20260101)
N = 120
PATIENTS = rng.integers(0, 70, N)  # some with several images
Y = (rng.random(70) < 0.4)[PATIENTS] ^ (rng.random(N) < 0.05)
P = np.round(np.clip(0.25 + 0.35 * Y + rng.normal(0, 0.2, N), 0.01, 0.99), 2)  # with ties
OTHER = np.round(np.clip(P + rng.normal(0, 0.15, N), 0.01, 0.99), 2)
RIGHT, BETTER = (P >= 0.5) == Y, (OTHER >= 0.45) == Y
GROUPS = rng.integers(0, 3, N)
THREE = rng.integers(0, 3, N)
LOGITS = rng.normal(0, 1, (N, 3)) + 1.5 * np.eye(3)[THREE]
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
READERS = np.arange(N) % 4
RATINGS = np.round(np.clip(2 + 2 * Y + rng.normal(0, 1, (2, 4, N)) + np.array([0, 0.4])[:, None, None], 0, 5))
RATINGS[0, 1, :7] = np.nan
NAMES = np.where(Y, "ill", "well")
SAID = np.where(RATINGS[:, 0] >= 3, "ill", "well")
CERTAIN = rng.random(N) < 0.3
MRMC = mrmc_analysis(Y, RATINGS, ("blind", "assisted"), "ABCD", groups=PATIENTS)


def two(groups: Any = PATIENTS) -> Mapping[str, Estimate]:
    p = np.column_stack([1 - P, P])
    return performance(
        Y.astype(int), (P >= 0.5).astype(int), p, ("a", "b"), positive="b", groups=groups, prevalence=0.02
    )


FIGURES: dict[str, Callable[[], Any]] = {
    "two classes by patient": two,
    "two classes without patients": lambda: two(None),
    "two classes of one finding": lambda: performance(
        np.zeros(9, int), np.zeros(9, int), np.full((9, 2), 0.5), ("a", "b"), positive="b", groups=np.arange(9) // 2
    ),
    "three classes": lambda: performance(
        THREE, LOGITS.argmax(axis=1), SHARES, ("a", "b", "c"), positive="c", groups=PATIENTS
    ),
    "paired": lambda: (
        shares(RIGHT, BETTER, PATIENTS), shares(RIGHT, BETTER), areas(Y, P, OTHER, PATIENTS), areas(Y, P, OTHER),
        mcnemar(RIGHT, BETTER), shares(RIGHT, RIGHT), mean_areas(THREE, SHARES, SHARES[:, [1, 0, 2]], PATIENTS),
        switches(NAMES, SAID[0], SAID[1]),
    ),
    "groups": lambda: (
        shares_differ(RIGHT, GROUPS, PATIENTS), shares_differ(RIGHT, GROUPS), areas_differ(Y, P, GROUPS, PATIENTS),
        areas_differ(Y, P, GROUPS),
    ),
    "agreement": lambda: (
        cohen_kappa(SAID[0], SAID[1], PATIENTS), cohen_kappa(SAID[0], SAID[1]),
        krippendorff_alpha(np.eye(3, dtype=int)[THREE] + np.eye(3, dtype=int)[GROUPS], PATIENTS),
        *(alpha_of_answers(RATINGS[1], level=level, groups=PATIENTS) for level in ("nominal", "ordinal", "interval")),
        *(weighted_kappa(RATINGS[1, 0], RATINGS[1, 1], weights=each, groups=PATIENTS)
          for each in ("linear", "quadratic")),
    ),
    "operating points": lambda: {
        name: (found := choose_threshold(name, Y, P, groups=PATIENTS), operating_figures(found, Y, P, PATIENTS))
        for name in OPERATING_POINTS
    },
    "curves": lambda: (
        reliability_bins(Y, P, PATIENTS), net_benefits(Y, P, PATIENTS)[::10], partial_auroc(Y, P, PATIENTS),
        kept_by_sureness(RIGHT, np.maximum(P, 1 - P)), curve_bands(Y, P, PATIENTS, resamples=50),
    ),
    "folds and prevalences": lambda: (
        areas_of_folds(Y.astype(int), {1: log_odds(np.column_stack([1 - P, P]), 1)}, GROUPS, PATIENTS),
        [predictive_values(proportion(RIGHT[Y], PATIENTS[Y]), proportion(RIGHT[~Y], PATIENTS[~Y]), at)
         for at in (0.01, 0.5)],
    ),
    "verified": lambda: verified_figures(P >= 0.5, Y, CERTAIN | (rng_of(1).random(N) < 0.4), CERTAIN, PATIENTS),
    "monitors": lambda: {
        name: (monitored(name, LOGITS, THREE, positive=2), monitored(name, LOGITS[:, :2], Y.astype(int), positive=1))
        for name in MONITORS
    },
    "readers": lambda: (
        MRMC.components, MRMC.analyses,
        *(mrmc_analysis(Y, np.where(np.isnan(RATINGS), np.nan, RATINGS >= 3), ("blind", "assisted"), "ABCD",
                        figure=figure, groups=PATIENTS).analyses[0] for figure in ("sensitivity", "specificity")),
        non_inferiority(MRMC.analyses[0].contrasts[0], 0.1),
    ),
    "readers over time and by advice": lambda: (
        learning_over(RIGHT, 3 + P, np.arange(N), READERS, PATIENTS),
        advice_effects(NAMES, np.where(P >= 0.5, "ill", "well"), SAID[0], SAID[1], READERS, PATIENTS),
        advice_effects(NAMES, np.where(P >= 0.5, "ill", "well"), None, SAID[1], READERS, PATIENTS),
    ),
    "power": lambda: (
        one_curve_power(0.8, 30, 60), one_curve_cases(0.8, ratio=2), paired_curves_power(Y, P, OTHER),
        paired_curves_cases(Y, P, OTHER),
        *(smallest_difference(4, 40, 60, figure=figure, structure=each) for each in ("HH", "LL")
          for figure in ("AUC", "sensitivity", "specificity")),
        *(smallest_seen(4, MRMC.components, to=to) for to in ("readers and cases", "cases")),
    ),
}  # fmt: skip


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def lines(value: Any, at: str = "") -> Iterator[str]:
    """Tell a figure, or what holds some, line by line."""
    if isinstance(value, Estimate):
        numbers = " ".join(text(getattr(value, name)) for name in ("value", "low", "high"))
        yield f"{at}: {numbers} | {value.method} | {value.n} {value.patients} {text(value.effective_n)}"
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from lines(getattr(value, field.name), f"{at}/{field.name}")
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from lines(one, f"{at}/{name}")
    elif isinstance(value, np.ndarray) and value.size > 12:
        told = value.ravel().astype(float)
        yield f"{at}: {len(told)} numbers, {text(told[0])} to {text(told[-1])}, sum {text(np.nansum(told))}"
        yield f"{at}: {' '.join(map(text, told[:: max(1, len(told) // 8)]))}"
    elif isinstance(value, list | tuple | np.ndarray):
        for place, one in enumerate(value):
            yield from lines(one, f"{at}/{place}")
    else:
        yield f"{at}: {text(value)}"


def text(value: Any) -> str:
    if isinstance(value, bool | np.bool_ | str | None):
        return str(value)
    return f"{round(float(value), 12) + 0.0:.6g}"


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_what_it_was(name: str) -> None:
    hold_against(Path(__file__).parent / "snapshots" / f"{name}.txt", lines(FIGURES[name]()))


def test_every_figure_of_the_chapter_is_among_them() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    made = {name for name in dir(statistics) if name.islower() and callable(getattr(statistics, name))}
    within = {"at_probabilities", "auroc", "calibrated_event", "classification_table", "confusion_matrix", "holm",
              "independent_difference", "inestimable", "likelihood_ratios", "mean_auroc", "mean_of_bounded",
              "mean_of_readings", "overall", "placements", "precision_recall_curve", "roc_curve", "share_of_readings",
              "top_k", "verified_accuracy", "weighted_f1", "without_patients"}  # fmt: skip
    assert {name for name in made - within if f"{name}(" not in source} == set()
