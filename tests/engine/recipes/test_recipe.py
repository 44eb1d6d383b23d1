"""A recipe is data: it survives JSON, and what is unknown or contradictory in it is refused with the choices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import RecipeError
from engine.recipes.builtin import RECIPES
from engine.recipes.check import check_recipe
from engine.recipes.optimizers import OPTIMIZERS
from engine.recipes.recipe import change_recipe, find_recipe, recipe_from_json, recipe_to_json


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


def test_a_plateau_that_changes_no_rate_is_a_contradiction() -> None:
    with pytest.raises(RecipeError, match="schedule_factor below 1"):
        change_recipe(RECIPES["default"], {"phases.1.schedule": "plateau", "phases.1.schedule_factor": "1"})


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
