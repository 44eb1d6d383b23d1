"""A recipe is data: it survives JSON, and what is unknown or contradictory in it is refused with the choices."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import RecipeError
from engine.recipes.builtin import RECIPES
from engine.recipes.check import check_recipe, check_sides
from engine.recipes.fields import field_schema
from engine.recipes.optimizers import OPTIMIZERS
from engine.recipes.recipe import change_recipe, find_recipe, recipe_from_json, recipe_to_json
from engine.records import Augmentation, Balance, Expected


@pytest.mark.parametrize("name", RECIPES)
def test_every_built_in_recipe_is_consistent_and_survives_a_json_round_trip(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.source, "a recipe says where it comes from"
    check_recipe(recipe)
    assert recipe_from_json(recipe_to_json(recipe)) == recipe


def test_an_unknown_field_is_refused_with_the_fields_there_are() -> None:
    raw = json.loads(recipe_to_json(RECIPES["default"]))
    raw["phases"][0]["learning_rat"] = 1
    with pytest.raises(RecipeError, match=r"phases\.0\..*Did you mean “learning_rate”"):
        recipe_from_json(json.dumps(raw))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("balance.method", "smote", "class-weights"),
        ("phases.0.optimizer", "lion", "adamw"),
        ("phases.0.schedule", "warm", "cosine"),
        ("operating_point", "best", "youden"),
        ("phases.0.epochs", "0", "from 1"),
        ("phases.0.epochs", "many", "epochs"),
        ("image_size", "8", "image_size"),
        ("batch_size", "1", "from 2"),
        ("seed", "-1", "from 0"),
        ("seed", str(2**70), "seed"),
        ("balance.augmentation.zoom", "1.5", "balance.augmentation.zoom"),
        ("phases.0.stop_patience", "-3", "stop_patience"),
        ("channels", "2", "grey"),
        ("fit", "crop", "letterbox"),
        ("phases.0.monitor", "val_accurac", "Did you mean “val_accuracy”"),
        ("test_time_flip", "true", "none is seen in training"),
        ("head.dropout", "[0.1, 0.2]", "one rate"),
        ("head.dropout", "[]", "one rate"),
        ("name", "My Recipe", "lower-case"),
        ("phases", "[]", "no phase"),
        ("no.such.field", "1", "no field"),
    ],
)
def test_each_wrong_value_gets_a_sentence_with_what_to_write_instead(
    field: str, value: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        change_recipe(RECIPES["default"], {field: value})


def leaves(schema: str = "") -> Iterator[str]:
    """Yield every field of a recipe that holds a value, not further fields."""
    for name in field_schema(schema)["properties"]:
        dotted = f"{schema}.{name}".lstrip(".")
        if field_schema(dotted)["type"] == "array" and field_schema(f"{dotted}.0")["type"] == "object":
            dotted += ".0"
        yield from leaves(dotted) if field_schema(dotted)["type"] == "object" else [dotted]


PUBLISHED = Expected(metric="accuracy", value=0.9, tolerance=0.1, data="", device="")
FULL = replace(RECIPES["default"], expected=(PUBLISHED,))
ANYTHING = (
    *(
        "[[]]",
        '{"a": 1}',
        "null",
        "NaN",
        "1e999",
        '"\\u0000“Grüße”"',
        '"\\ud800"',
        "9" * 5000,
        "[" * 5000,
        "-1",
    ),
    '{"' + "a" * 5000 + '": 1}',
)


def test_every_number_of_a_recipe_has_bounds_but_those_that_were_published() -> None:
    numbers = [one for one in leaves() if field_schema(one)["type"] in ("integer", "number")]
    unbounded = {
        one for one in numbers if "enum" not in field_schema(one) and "maximum" not in field_schema(one)
    }
    assert unbounded == {"expected.0.value", "expected.0.tolerance"}
    assert len(numbers) > 25


@pytest.mark.parametrize("field", leaves())
def test_whatever_a_field_holds_it_is_taken_or_refused_in_words_with_what_fits(field: str) -> None:
    for value in ANYTHING:
        try:
            changed = change_recipe(FULL, {field: value})
        except RecipeError as error:
            assert field in str(error) or "name" in field
            assert "Input should" not in str(error) and len(str(error).encode()) < 600
        else:
            assert recipe_from_json(recipe_to_json(changed)) == changed


def test_what_a_recipe_that_was_built_in_code_holds_is_checked_as_well() -> None:
    default = RECIPES["default"]
    for wrong in (
        replace(default, image_size=8),
        replace(default, augmentation=Augmentation(zoom=math.nan)),
        replace(default, phases=(replace(default.phases[0], epochs=10**9),)),
        replace(default, balance=Balance(method="smote")),
    ):
        with pytest.raises(RecipeError):
            check_recipe(wrong)


@pytest.mark.parametrize("text", ["[]", "5", "null", '"default"', "[" * 100_000, "9" * 5000])
def test_json_that_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="JSON"):
        recipe_from_json(text)


def test_training_only_a_head_on_random_features_is_a_contradiction() -> None:
    for changes in (
        {},
        {"phases": json.dumps(2 * json.loads(recipe_to_json(RECIPES["head-only"]))["phases"])},
    ):
        with pytest.raises(RecipeError, match="random weights"):
            change_recipe(RECIPES["head-only"], {"weights": "random", **changes})


def test_freezing_a_batch_norm_that_has_measured_nothing_is_a_contradiction() -> None:
    with pytest.raises(
        RecipeError, match=r"Set weights to imagenet, or phases\.1\.freeze_batch_norm to false"
    ):
        change_recipe(RECIPES["default"], {"weights": "random"})


def test_a_warm_up_that_never_ends_is_a_contradiction() -> None:
    with pytest.raises(RecipeError, match=r"Set phases\.1\.warm_up below phases\.1\.epochs"):
        change_recipe(RECIPES["default"], {"phases.1.warm_up": "4"})
    assert change_recipe(RECIPES["default"], {"phases.1.warm_up": "3"}).phases[1].warm_up == 3


def test_a_plateau_that_changes_no_rate_is_a_contradiction() -> None:
    with pytest.raises(RecipeError, match="schedule_factor below 1"):
        change_recipe(RECIPES["default"], {"phases.1.schedule": "plateau", "phases.1.schedule_factor": "1"})


@pytest.mark.parametrize(
    ("classes", "named"),
    [
        (("left", "right"), "left"),
        (("none", "Opacity, RIGHT", "opacity_left"), "right"),
        (("L-hip", "R-hip"), "hip"),
        (("left", "normal"), ""),
        (("bright", "light"), ""),
    ],
)
def test_images_of_classes_that_are_each_others_mirror_image_are_not_mirrored(
    classes: tuple[str, ...], named: str
) -> None:
    mirroring = replace(RECIPES["head-only"], augmentation=Augmentation(horizontal_flip=True))
    copies = Balance(method="duplicate-augmented", augmentation=Augmentation(horizontal_flip=True))
    balancing = replace(RECIPES["head-only"], augmentation=Augmentation(), balance=copies)
    for recipe in (mirroring, balancing):
        if named:
            with pytest.raises(RecipeError, match="looks like") as caught:
                check_sides(recipe, classes)
            assert named in caught.value.problem.casefold()
        else:
            check_sides(recipe, classes)
    check_sides(replace(mirroring, augmentation=Augmentation()), classes)
    check_sides(replace(balancing, balance=replace(copies, method="duplicate")), classes)


def test_optimisers_can_be_compared_by_name_alone() -> None:
    for name in OPTIMIZERS:
        assert change_recipe(RECIPES["default"], {"phases.0.optimizer": name}).phases[0].optimizer == name


def test_fields_can_be_set_from_text() -> None:
    changed = change_recipe(RECIPES["default"], {"phases.1.epochs": "5", "balance.method": "focal"})
    assert changed.phases[1].epochs == 5
    assert changed.balance.method == "focal"


def test_a_recipe_is_found_by_name_or_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(recipe_to_json(RECIPES["demo"]))
    assert find_recipe(str(path)) == RECIPES["demo"]
    with pytest.raises(RecipeError, match="Did you mean “default”"):
        find_recipe("defualt")
    with pytest.raises(RecipeError, match="cannot be read"):
        find_recipe(str(tmp_path / "none.json"))
    path.write_text("{ not json")
    with pytest.raises(RecipeError, match="not JSON"):
        find_recipe(str(path))
