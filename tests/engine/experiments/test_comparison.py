"""Promises of engine.experiments.comparison: the same cases for all, paired tests that heed patients."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from engine.errors import ReportError
from engine.experiments.comparison import Contestant, compare_runs, differences
from engine.experiments.comparison_page import document, render_page, write_comparison
from engine.records import Calibration, Epoch, Head, Phase, Prediction, Recipe, Run
from engine.statistics import holm
from engine.statistics.paired_tests import mcnemar, shares

TINY_RECIPE = Recipe(
    name="tiny",
    title="A net small enough for a test",
    source="tests",
    backbone="test_efficientnet",
    weights="random",
    image_size=32,
    phases=(Phase(name="all", epochs=2, trainable="all", optimizer="adam", learning_rate=1e-3),),
    batch_size=8,
)

TWO = ("normal", "<b>opacity</b>")
THREE = ("a", "b", "c")


def run_of(recipe: Recipe, classes: tuple[str, ...], number: int) -> Run:
    return Run(
        run_id=f"run-{number}",
        folder=Path("/nowhere"),
        dataset_id="d",
        dataset_name="films",
        recipe=recipe,
        classes=classes,
        positive=classes[-1],
        threshold=0.5,
        calibration=Calibration(),
        weights_source="random",
        device="cpu",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=12.0,
        parameters=100,
        trained_parameters=10 + number,
    )


def contestant(
    recipe: Recipe = TINY_RECIPE,
    *,
    skill: float = 1.0,
    noise: int = 0,
    classes: tuple[str, ...] = TWO,
    films: int = 1,
    number: int = 0,
) -> Contestant:
    """A run that tells 120 cases apart as well as `skill` says."""
    labels = np.random.default_rng(0).integers(len(classes), size=120)
    scores = np.random.default_rng(noise).normal(size=(120, len(classes)))
    scores[np.arange(120), labels] += skill
    shares_of = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predictions = [
        Prediction(
            image_id=f"i{place}",
            path=Path("x.png"),
            label=classes[labels[place]],
            patient_id=f"p{place // films}",
            part="test",
            probabilities=tuple(shares_of[place].tolist()),
            predicted=classes[int(shares_of[place].argmax())],
            entropy=0.1,
        )
        for place in range(120)
    ]
    history = [
        Epoch(
            number=epoch,
            phase="all",
            train_loss=1 / epoch,
            val_loss=1 / epoch,
            val_accuracy=0.5 + epoch / 20,
            val_auc=0.7,
            learning_rate=0.1,
            seconds=1.0,
            images_per_second=10.0,
            best=epoch == 3,
        )
        for epoch in range(1, 5)
    ]
    return Contestant(
        name=recipe.name, run=run_of(recipe, classes, number), predictions=predictions, history=history
    )


OTHER = replace(
    TINY_RECIPE,
    name="other",
    head=Head(hidden=(8,)),
    phases=(replace(TINY_RECIPE.phases[0], optimizer="sgd"), Phase(name="more", epochs=1)),
)


def test_rows_differ_where_their_recipes_do_and_names_are_no_difference() -> None:
    first, other, same = differences([TINY_RECIPE, OTHER, replace(TINY_RECIPE, name="again", seed=3)])
    assert other["head.hidden"] == [8]
    assert other["phases.0.optimizer"] == "sgd"
    assert other["phases.1.epochs"] == 1
    assert first["phases.0.optimizer"] == "adam"
    assert first["phases.1.epochs"] is None
    assert same == {}


def test_two_classes_are_compared_by_mcnemar_and_delong() -> None:
    good, poor = contestant(skill=3), contestant(OTHER, skill=0.5, noise=1, number=1)
    told = compare_runs([good, poor])
    (contrast,) = told.contrasts
    right = [[p.predicted == p.label for p in one.predictions] for one in (poor, good)]
    assert contrast.accuracy == mcnemar(*right)
    assert contrast.area.method == "DeLong, paired" and contrast.seeds == 1
    assert contrast.accuracy.difference.value < 0
    assert told.rows[0].estimates["accuracy"].value == np.mean(right[1])
    assert set(told.rows[1].estimates) == {"accuracy", "AUROC", "macro F1"}
    tests = (contrast.accuracy.p_value, contrast.area.p_value)
    assert [contrast.p_accuracy, contrast.p_area] == holm(tests)  # both are tests that were made


def test_beside_each_test_stands_how_many_images_only_one_of_the_two_got_right() -> None:
    good, poor = contestant(skill=3), contestant(OTHER, skill=0.5, noise=1, number=1)
    (contrast,) = compare_runs([good, poor]).contrasts
    pairs = [
        (one.predicted == one.label, other.predicted == other.label)
        for one, other in zip(good.predictions, poor.predictions, strict=True)
    ]
    counted = pairs.count((False, True)), pairs.count((True, False))
    assert (contrast.right_alone, contrast.wrong_alone) == counted and min(counted) > 0
    assert contrast.accuracy.difference.value == pytest.approx((counted[0] - counted[1]) / 120)
    swapped = compare_runs([poor, good]).contrasts[0]
    assert (swapped.wrong_alone, swapped.right_alone) == counted


def test_the_settings_of_every_run_are_an_appendix_in_words_and_what_differs_stands_first(
    tmp_path: Path,
) -> None:
    told = compare_runs([contestant(skill=2), contestant(OTHER, noise=1, number=1)])
    page = write_comparison(told, tmp_path / "out").html.read_text(encoding="utf-8")
    appendix = page[page.index('id="settings"') :]
    table, words = appendix.split("</table>")
    assert "sgd" in table.lower() and "Batch" not in table, "what is the same is in the words alone"
    assert "Finished" not in table and words.count("Batch: 8 images.") == 2
    # a phase more is 23 fields of a recipe: the line of a run names their settings, which the table has in words
    several = "Network; Phase “all”; Phase “more”"
    assert [one["differs_in_words"] for one in document(told)["runs"]] == [several, several]
    one_field = replace(TINY_RECIPE, name="slower", batch_size=4)
    both = document(compare_runs([contestant(skill=2), contestant(one_field, number=1)]))["runs"]
    assert [one["differs_in_words"] for one in both] == ["batch_size 8", "batch_size 4"]
    again = contestant(replace(TINY_RECIPE, name="again"), noise=1, number=1)
    again = replace(again, run=replace(again.run, trained_parameters=10))
    same = render_page(compare_runs([contestant(skill=2), again]))
    assert "The runs do not differ in any setting." in same


def test_where_patients_have_several_images_patients_are_counted() -> None:
    good, poor = contestant(skill=2, films=3), contestant(OTHER, noise=1, films=3, number=1)
    (contrast,) = compare_runs([good, poor]).contrasts
    assert contrast.accuracy.method == "paired permutation of patients"
    assert contrast.area.method == "Obuchowski, paired by patient"


def test_the_order_of_a_runs_predictions_does_not_matter() -> None:
    good, poor = contestant(skill=2), contestant(OTHER, noise=1, number=1)
    turned = replace(poor, predictions=poor.predictions[::-1])
    a, b = (compare_runs([good, one]) for one in (poor, turned))
    assert a.contrasts == b.contrasts and a.rows[1].estimates == b.rows[1].estimates


def test_several_classes_are_compared_by_the_mean_area() -> None:
    good, poor = (
        contestant(skill=2, classes=THREE),
        contestant(OTHER, skill=0.3, noise=1, classes=THREE, number=1),
    )
    told = compare_runs([good, poor])
    assert told.positive is None
    area = told.contrasts[0].area
    assert area.first == pytest.approx(told.rows[1].estimates["AUROC"].value)
    assert area.second == pytest.approx(told.rows[0].estimates["AUROC"].value)
    assert area.difference.high < 0 and area.p_value < 0.05


def test_equal_answers_do_not_differ() -> None:
    right = np.random.default_rng(0).random(60) < 0.8
    alike = shares(right, right, np.arange(60) // 2)
    assert (alike.difference.value, alike.p_value) == (0.0, 1.0)


def test_the_seeds_of_a_recipe_make_one_test() -> None:
    runs = [
        contestant(
            replace(recipe, seed=seed), skill=skill, noise=10 * number + seed, number=number * 2 + seed
        )
        for seed in (0, 1)
        for number, (recipe, skill) in enumerate(((TINY_RECIPE, 2), (OTHER, 1)))
    ]
    told = compare_runs(runs)
    assert told.rows[3].label == "other, seed 1"
    (contrast,) = told.contrasts
    assert (contrast.name, contrast.seeds) == ("other", 2)
    means = [np.mean([told.rows[at].estimates["accuracy"].value for at in pair]) for pair in ((1, 3), (0, 2))]
    assert contrast.accuracy.difference.value == pytest.approx(means[0] - means[1])
    spread = next(one for one in told.spreads if (one.name, one.metric) == ("other", "accuracy"))
    values = [told.rows[1].estimates["accuracy"].value, told.rows[3].estimates["accuracy"].value]
    assert (spread.runs, spread.mean) == (2, pytest.approx(np.mean(values)))
    assert spread.deviation == pytest.approx(np.std(values, ddof=1))


def test_p_values_are_adjusted_as_statsmodels_does() -> None:
    from statsmodels.stats.multitest import multipletests

    values = [0.01, 0.04, 0.03, 0.5]
    np.testing.assert_allclose(holm(values), multipletests(values, method="holm")[1])
    assert holm([float("nan"), 0.04])[1] == 0.04


def test_runs_on_other_cases_are_refused() -> None:
    first, other = contestant(), contestant(OTHER, number=1)
    with pytest.raises(ReportError, match="different cases"):
        compare_runs([first, replace(other, predictions=other.predictions[1:])])
    with pytest.raises(ReportError, match="different classes"):
        compare_runs([first, contestant(OTHER, classes=THREE, number=1)])
    with pytest.raises(ReportError, match="no run"):
        compare_runs([])


def test_the_page_counts_the_tests_that_were_adjusted_for() -> None:
    told = compare_runs([contestant(skill=2), contestant(OTHER, noise=1, number=1)])
    assert "for the 2 tests that could be made" in render_page(told)
    (contrast,) = told.contrasts
    one = replace(contrast, p_area=math.nan)
    assert "One test could be made" in render_page(replace(told, contrasts=(one,)))
    none = replace(one, p_accuracy=math.nan)
    assert "No test could be made" in render_page(replace(told, contrasts=(none,)))


def test_the_page_needs_nothing_else_and_escapes_what_people_typed(tmp_path: Path) -> None:
    told = compare_runs([contestant(skill=2), contestant(OTHER, noise=1, number=1)])
    written = write_comparison(told, tmp_path / "out")
    page = written.html.read_text(encoding="utf-8")
    assert "<b>opacity" not in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert page.count("<svg") == 3
    assert "Network; Phase “all”; Phase “more”" in page
    lines = list(csv.DictReader(written.files["csv"].read_text(encoding="utf-8-sig").splitlines()))
    assert [line["name"] for line in lines] == ["tiny", "other"]
    assert lines[0]["accuracy minus first"] == ""
    document = json.loads(written.files["json"].read_text(encoding="utf-8"))
    schema = json.loads((tmp_path / "out" / "comparison.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    assert document.keys() == schema["properties"].keys()
    assert document["against_first"][0]["name"] == "other"
    assert document["runs"][1]["metrics"]["accuracy"]["value"] == told.rows[1].estimates["accuracy"].value
    assert len(document["runs"][1]["history"]) == 4
