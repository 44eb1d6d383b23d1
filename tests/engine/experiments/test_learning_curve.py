"""A learning curve finds the law that made its points, and says nothing where it cannot know."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from engine.data import PatientsNamed
from engine.errors import RecipeError, ReportError
from engine.experiments.learning_curve import PowerLaw, Trained, fit_learning_curve, fitted
from engine.experiments.learning_curve_page import write_learning_curve
from engine.experiments.sizes import sizes_of_curve
from engine.language import speaking
from engine.records import Calibration, Prediction, Run, Sample, Split
from engine.retelling import retell
from tests.tiny import TINY_RECIPE

SIZES = (40, 72, 128, 224, 400)


def a_run(seed: int, images: int) -> Run:
    return Run(
        run_id=f"run-{images}-{seed}",
        folder=Path("run"),
        dataset_id="d",
        dataset_name="films",
        recipe=replace(TINY_RECIPE, seed=seed, train_limit=images),
        classes=("normal", "ill"),
        positive="ill",
        threshold=0.5,
        calibration=Calibration(),
        weights_source="random",
        device="cpu",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        parameters=1,
        trained_parameters=1,
    )


def trained(areas: dict[int, float], *, cases: int = 400, seed: int = 0, models: int = 1) -> list[Trained]:
    """Models whose scores part the classes as far as gives these areas, on one test part of two films a patient."""
    rng = np.random.default_rng(seed)
    truth = np.tile([False, False, True, True], cases // 4)
    noise = rng.normal(0, 1, cases)
    found = []
    for images, area in areas.items():
        for model in range(models):
            apart = math.sqrt(2) * float(stats.norm.ppf(area))
            odds = np.where(truth, apart, 0.0) + 0.95 * noise + 0.31 * rng.normal(0, 1, cases)
            p = 1 / (1 + np.exp(-odds))
            predictions = [
                Prediction(
                    image_id=f"{number:064d}",
                    path=Path(f"{number}.png"),
                    label="ill" if ill else "normal",
                    patient_id=f"p{number // 2}",
                    part="test",
                    probabilities=(1 - float(p[number]), float(p[number])),
                    predicted="ill",
                    entropy=0.0,
                )
                for number, ill in enumerate(truth)
            ]
            named = PatientsNamed(images=images, named=images, patients=images // 2)
            found.append(
                Trained(run=a_run(model, images), images=images, patients=named, predictions=predictions)
            )
    return found


@settings(max_examples=25, deadline=None)
@given(floor=st.floats(0.0, 0.1), factor=st.floats(0.5, 3), exponent=st.floats(0.3, 1.0))
def test_the_law_that_made_the_points_is_found(floor: float, factor: float, exponent: float) -> None:
    law = PowerLaw(floor=floor, factor=factor, exponent=exponent)
    sizes = np.array(SIZES, dtype=np.float64)
    errors = np.array([law.at(n) for n in sizes])
    found = fitted(sizes, errors)
    assert found.at(800) == pytest.approx(law.at(800), abs=2e-3)
    assert found.floor >= 0 and found.factor >= 0 and found.exponent >= 0


def test_a_steep_curve_says_what_twice_as_many_images_would_bring() -> None:
    law = PowerLaw(floor=0.02, factor=2.0, exponent=0.5)
    curve = fit_learning_curve(trained({n: 1 - law.at(n) for n in SIZES}, cases=1200), draws=150)
    assert curve.twice is not None and curve.gain is not None and curve.law is not None
    assert curve.twice.low <= 1 - law.at(800) <= curve.twice.high
    assert curve.gain.low <= curve.gain.value <= curve.gain.high and curve.gain.value > 0
    assert "twice as many, 800, would bring it to" in curve.sentence and "95% interval" in curve.sentence
    for code in ("fa", "he"):
        with speaking(code):
            said = [retell(one) for one in (curve.sentence, curve.rests_on)]
        assert None not in said and not re.search("[a-z]{2,}", str(said).replace("\\u", ""))
    assert "600 test patients" in curve.rests_on and "one training of each size" in curve.rests_on
    assert curve.drawn[-1][0] == 800


def test_a_flat_curve_says_that_more_images_may_bring_nothing_or_that_it_does_not_rise() -> None:
    flat = fit_learning_curve(trained(dict.fromkeys(SIZES, 0.9), cases=1200), draws=100)
    assert "may be nothing" in flat.sentence or "does not rise" in flat.sentence
    falling = fit_learning_curve(trained({n: 0.95 - n / 4000 for n in SIZES}, cases=1200), draws=20)
    assert falling.twice is None and "does not rise" in falling.sentence


def test_too_few_sizes_and_too_wide_an_interval_are_refused_with_the_reason() -> None:
    few = fit_learning_curve(trained({40: 0.8, 100: 0.85, 400: 0.9}), draws=20)
    assert few.law is None and few.twice is None and "models of 3 sizes" in few.sentence
    uneven = dict(zip(SIZES, (0.6, 0.9, 0.65, 0.92, 0.8), strict=True))
    wide = fit_learning_curve(trained(uneven, cases=40), draws=150)
    assert wide.twice is None and wide.gain is None
    assert "wider than the whole error that is left" in wide.sentence
    with pytest.raises(ReportError, match="could be trained"):
        fit_learning_curve([])
    first, second = trained({40: 0.8, 80: 0.9}, cases=40)
    with pytest.raises(ReportError, match="same images"):
        fit_learning_curve([first, replace(second, predictions=second.predictions[1:])])


def test_the_interval_holds_the_area_at_twice_the_size_as_often_as_it_says() -> None:
    law, held, times = PowerLaw(floor=0.03, factor=1.0, exponent=0.45), 0, 12
    for seed in range(times):
        made = trained({n: 1 - law.at(n) for n in SIZES}, cases=200, seed=seed)
        curve = fit_learning_curve(made, draws=40, seed=seed)
        last = curve.drawn[-1][1]
        held += last.low <= 1 - law.at(800) <= last.high
    assert held >= 0.75 * times


def test_shares_are_nested_by_patient_and_only_the_training_part_shrinks() -> None:
    def samples(part: str, patients: int) -> tuple[Sample, ...]:
        return tuple(
            Sample(
                path=Path(f"{part}{n}.png"),
                image_id=f"{part}{n}",
                label=("normal", "ill")[n // 2 % 2],
                patient_id=f"{part}{n // 2}",
            )
            for n in range(2 * patients)
        )

    split = Split(
        train=samples("a", 50),
        val=samples("b", 4),
        test=samples("c", 4),
        classes=("normal", "ill"),
        seed=0,
        method="",
    )
    entries = sizes_of_curve(TINY_RECIPE, split, (0.1, 0.5, 1.0), seeds=2)
    assert [entry.recipe.train_limit for entry in entries] == [10, 10, 50, 50, 0, 0]
    assert [entry.recipe.seed for entry in entries] == [0, 1, 0, 1, 0, 1]
    assert len({entry.label for entry in entries}) == 6
    for shares in ((0.01, 1.0), (0.5, 0.501), (0.0, 1.0), (1.2,), ()):
        with pytest.raises(RecipeError):
            sizes_of_curve(TINY_RECIPE, split, shares)


def test_the_page_holds_the_answer_and_every_point(tmp_path: Path) -> None:
    law = PowerLaw(floor=0.02, factor=2.0, exponent=0.5)
    curve = fit_learning_curve(trained({n: 1 - law.at(n) for n in SIZES}, models=2), draws=50)
    written = write_learning_curve(curve, tmp_path)
    page = written.html.read_text()
    assert curve.sentence in page and "run-400-1" in page and "<svg" in page
    assert "2 trainings of each size" in page and "doi:10.1186/1472-6947-12-8" in page
    assert len(written.files["csv"].read_text().splitlines()) == 11
