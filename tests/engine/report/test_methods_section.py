"""Promises of the methods section: what was done is told with its numbers, and nothing that was not done."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from engine.language import speaking
from engine.records import (
    Augmentation,
    Balance,
    Calibration,
    Conformal,
    Epoch,
    Injection,
    Phase,
    Split,
    UncertaintyModel,
)
from engine.report.methods_section import (
    augmentation_words,
    balance_words,
    class_balance,
    facts_of,
    phase_words,
)
from engine.report.named.of_facts import fact_value_words
from tests.engine.report.printed.test_numbers import without_id
from tests.engine.report.test_build import a_run, build, page_of, samples_of, some_cases
from tests.engine.report.test_other_languages import english
from tests.engine.report.test_snapshots import passport
from tests.tiny import EPOCH

CHANGES: dict[str, tuple[Any, str]] = {
    "rotation": (12.5, "rotation ±12.5°"),
    "shear": (8, "shear ±8°"),
    "zoom": (0.15, "zoom ±15%"),
    "crop": (0.3, "crops of up to 30% of each side"),
    "shift": (0.2, "shift ±20%"),
    "horizontal_flip": (True, "left-right flip"),
    "vertical_flip": (True, "up-down flip"),
    "quarter_turns": (True, "quarter turns"),
    "brightness": (0.1, "brightness ±10%"),
    "contrast": (0.25, "contrast ±25%"),
    "noise": (0.05, "noise of up to 5%"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_images_is_told_alone_where_it_is_made_alone(change: str) -> None:
    value, words = CHANGES[change]
    assert augmentation_words(Augmentation(**{change: value})) == words


def test_changes_of_images_are_told_together_and_none_where_there_is_none() -> None:
    assert augmentation_words(Augmentation()) == ""
    everything = Augmentation(**{change: value for change, (value, _) in CHANGES.items()})
    assert augmentation_words(everything) == ", ".join(words for _, words in CHANGES.values())
    assert augmentation_words(Augmentation(zoom=0.1, zoom_each_axis=True)) == "zoom ±10% of each axis"


OPTIONS: dict[str, tuple[Any, str]] = {
    "freeze_batch_norm": (True, "batch norm of the backbone frozen"),
    "stop_patience": (4, "stopped after 4 epochs without improvement"),
    "warm_up": (2, "after 2 epochs of warm-up"),
    "layer_decay": (0.75, "multiplied by .75 from each block"),
    "label_smoothing": (0.1, "labels smoothed by .1"),
    "mixup": (0.2, "mixup, α .2"),
    "cutmix": (0.5, "CutMix, α .5"),
    "ema_decay": (0.99, "moving average (decay .99 a step)"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_a_phase_is_told_where_it_was_taken_and_there_alone(option: str) -> None:
    value, words = OPTIONS[option]
    plain = Phase(
        name="all", epochs=7, trainable="last 2", optimizer="sgd", learning_rate=0.02, monitor="val_auc"
    )
    told = phase_words(replace(plain, **{option: value}))
    assert words in told and words not in phase_words(plain)
    others = [other for name, (_, other) in OPTIONS.items() if name != option]
    assert not [other for other in others if other in told]
    assert told.startswith("at most 7 epochs of last 2") and "sgd, learning rate .02" in told
    assert "best epoch by AUROC on validation data" in told


def test_one_epoch_of_warm_up_is_one() -> None:
    assert "after 1 epoch of warm-up" in phase_words(Phase(name="a", epochs=2, warm_up=1))


@pytest.mark.parametrize("method", ["duplicate", "duplicate-augmented", "class-weights", "none"])
def test_the_classes_that_were_refilled_are_named_where_the_method_reads_them(method: str) -> None:
    said = balance_words(Balance(method=method, target=("rare", "rarer")))
    assert said == method.replace("-", " ") + (": rare, rarer" if "duplicate" in method else "")
    assert balance_words(Balance(method=method)) == method.replace("-", " ")


def test_images_and_patients_are_counted_by_part_in_the_order_of_the_classes() -> None:
    run = a_run()
    samples = samples_of(some_cases(run))
    split = Split(train=samples[:25], val=(), test=samples[25:], classes=run.classes, seed=0, method="x")
    unlabelled = replace(split, test=(*split.test[:-1], replace(split.test[-1], label=None)))
    counted, patients = class_balance(unlabelled, ())
    assert counted == {
        "training": {"normal": 20, "opacity": 5},
        "test": {"normal": 11, "opacity": 3, "no label": 1},
    }
    assert [list(of) for of in counted.values()] == [["normal", "opacity"], ["normal", "opacity", "no label"]]
    assert patients == {"training": 13, "test": 8}


@pytest.mark.parametrize(
    ("method", "after"),
    [
        ("none", {}),
        ("class-weights", {}),
        ("focal", {}),
        ("duplicate", {"normal": 20, "opacity": 20}),
        ("duplicate-augmented", {"normal": 20, "opacity": 20}),
        ("undersample", {"normal": 5, "opacity": 5}),
    ],
)
def test_what_balancing_makes_of_the_training_part_stands_beside_the_parts(
    method: str, after: dict[str, int]
) -> None:
    run = a_run()
    assert run.recipe is not None
    run = replace(run, recipe=replace(run.recipe, balance=Balance(method=method)))
    cases = some_cases(run)
    samples = samples_of(cases)
    split = Split(train=samples[:25], val=(), test=samples[25:], classes=run.classes, seed=0, method="x")
    report = build(run, cases, split=split)
    assert report.rebalanced == after
    page = page_of(report)
    assert not without_id(page)
    row = re.search(r'<th scope="row">training, in an epoch</th>(.*)</tr>', page)
    assert (row is not None) == bool(after)
    if row is not None:
        told = [int(each) for each in re.findall(r">([\d,]+)<", row[1])]
        assert told == [*after.values(), sum(after.values())]
    figure = page[page.index('<figure id="F12.1"') :].split("</figure>")[0]
    assert ("training, in an epoch" in figure) == bool(after)


def test_counting_what_balancing_makes_loads_nothing_that_trains() -> None:
    asked = (
        "import sys; from engine.recipes import counts_after, balanced_rows; "
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_split_what_was_predicted_is_counted() -> None:
    run = a_run()
    cases = [
        replace(each, part=None if number < 3 else "val") for number, each in enumerate(some_cases(run, 8))
    ]
    counted, patients = class_balance(None, cases)
    assert counted == {"predicted": {"normal": 2, "opacity": 1}, "validation": {"normal": 4, "opacity": 1}}
    assert patients == {"predicted": 2, "validation": 3}


def facts(**more: Any) -> dict[str, str]:
    run = replace(a_run(), **more.pop("run", {}))
    asked = {"history": (), "software": {"torch": "2", "numpy": "1"}, "saliency": ("grad-cam",)} | more
    return {fact.name: fact.value for fact in facts_of(run, asked.pop("split", None), **asked)}


def test_facts_name_the_run_the_net_and_the_software() -> None:
    told = facts()
    assert told["Data set"] == "films (id 0123456789ab)" and told["Classes"] == "normal, opacity"
    assert told["Network"] == "tiny, 1,000 parameters, 10 trained"
    assert told["Starting weights"] == "weights.pth" and told["Software"] == "torch 2, numpy 1"
    assert told["Heatmaps"] == "grad-cam" and told["Run"] == a_run().run_id
    assert told["Device and time"] == "cpu, 65 s" and told["Finished"].startswith("2026-01-01 12:00")
    assert "Split" not in told and "Epochs run" not in told and "Uncertainty" not in told


@pytest.mark.parametrize(
    ("channels", "words"), [(1, "grey"), (3, "3 channels (those of a grey image are alike)")]
)
def test_what_the_net_is_given_is_told(channels: int, words: str) -> None:
    recipe = replace(a_run().recipe, channels=channels, image_size=64)
    assert facts(run={"recipe": recipe})["Input"] == f"whole image, resized to 64 × 64 pixels, {words}"


def test_the_epochs_are_counted_and_the_kept_one_named() -> None:
    epochs: list[Epoch] = [replace(EPOCH, number=n, best=n in (1, 3)) for n in (1, 2, 3, 4)]
    assert facts(history=epochs)["Epochs run"] == "4; number 3 kept"


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        (Calibration(), "none"),
        (Calibration(temperature=1.2345), "temperature 1.23, fitted on validation data"),
        (Calibration(bias=(0.5, -0.5)), "temperature 1, fitted on validation data"),
        (Calibration(temperature=2, note="too few cases"), "too few cases"),
    ],
)
def test_calibration_is_told_where_it_changed_something(calibration: Calibration, words: str) -> None:
    assert facts(run={"calibration": calibration})["Calibration"] == words


@pytest.mark.parametrize(
    ("point", "where"), [("half", ""), ("as-trained", ""), ("youden", " on validation data")]
)
def test_the_operating_point_is_told_with_where_it_was_chosen(point: str, where: str) -> None:
    recipe = replace(a_run().recipe, operating_point=point)
    told = facts(run={"recipe": recipe, "threshold": 0.123456})["Operating point"]
    assert told == f"“{point}”{where}: opacity predicted at a probability of .1235 or above"


def test_of_more_than_two_classes_no_operating_point_is_told() -> None:
    run = {"classes": ("a", "b", "c"), "positive": "c"}
    assert "Operating point" not in facts(run=run)
    assert facts(run=run)["Predicted class"] == "the most probable class"
    assert "balanced as in training" in facts(run=run, most_probable=False)["Predicted class"]


def test_the_promise_of_conformal_sets_is_told_with_what_it_rests_on() -> None:
    together = Conformal(method="lac", coverage=0.9, thresholds=(0.8,), cases=1412)
    by_class = replace(together, thresholds=(0.8, 0.7), patients_by_class=(1200, 31))
    for conformal, words in (
        (together, "in 90% of cases like the 1,412 validation cases they were fitted on, all classes together"),
        (by_class, "in 90% of the cases of each class, for images like the validation images they were fitted "
                   "on (normal 1,200, opacity 31)"),
    ):  # fmt: skip
        fitted = UncertaintyModel(injection=Injection(rate=0.1), conformal=conformal)
        assert words in facts(uncertainty=fitted)["Conformal sets"]


def test_dropout_at_test_time_is_told_with_how_its_rate_was_found() -> None:
    conformal = Conformal(method="lac", coverage=0.9, thresholds=(0.8,), cases=12)
    fitted = Injection(rate=0.2, passes=30, scale=1.2345, likelihoods=((0.1, 0.5), (0.2, 0.4)))
    told = facts(uncertainty=UncertaintyModel(injection=fitted, conformal=conformal))["Uncertainty"]
    assert "30 passes with dropout at .2 of what enters the layers of the head" in told
    assert "the rate of .1, .2 with the best likelihood" in told and "multiplied by 1.23," in told
    unfitted = UncertaintyModel(injection=replace(fitted, likelihoods=()), conformal=conformal)
    assert "too few validation cases" in facts(uncertainty=unfitted)["Uncertainty"]


def test_heatmaps_of_a_cross_validation_are_said_to_be_of_the_model_of_each_image() -> None:
    name = "Heatmaps put to the test"
    one = facts(passport=passport())[name]
    several = facts(run={"folds": 5}, passport=passport())[name]
    assert "maps of the model with" in one and "asked of" not in one
    assert "seed 0, each asked of one of the 5 models, which never learned from it, made by" in several
    assert "maps of each image's model with" in several
    with speaking("fa"):
        said = english(fact_value_words(name, several), ())
    assert not said


def test_a_recipe_of_overreads_own_is_called_in_the_language_and_a_published_system_by_its_name() -> None:
    with speaking("fa"):
        own = fact_value_words("Recipe", "Transfer, head only (fastest) (head-only)")
        assert "Transfer" not in own and "head-only" in own and not english(own, ())
        assert (
            fact_value_words("Recipe", "COVID CNN, from scratch (covid-cnn)").count("COVID CNN, from scratch")
            == 1
        )
