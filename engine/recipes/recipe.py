"""Recipes: what decides a training run, as data that a person can read, edit, save and share as one JSON file.

`RECIPES` holds the built-in ones. A recipe is checked before anything else happens, and what is unknown or
contradictory in it is refused with the list of choices.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import RecipeError
from engine.kept_files import MIB, parse_json, plain
from engine.language import N_, typed_number
from engine.recipes.builtin import RECIPES
from engine.recipes.check import check_fields_together
from engine.recipes.fields import did_you_mean, unknown, validated
from engine.records import Recipe
from engine.storage import SCHEMA_VERSION, read_regular, versioned


def find_recipe(name_or_file: str, own: Mapping[str, Recipe] = MappingProxyType({})) -> Recipe:
    """Return a built-in recipe or one of one's own by name, or read one from a JSON file.

    Args:
        name_or_file: What was asked for.
        own: By name, from `own_recipes`; a built-in of the same name goes first.

    Raises:
        RecipeError: There is no such recipe, or the file is no recipe.
    """
    known = {**own, **RECIPES}
    if name_or_file in known:
        return known[name_or_file]
    path = Path(name_or_file)
    with suppress(RuntimeError):  # ~name of nobody: then there is no such file either
        path = path.expanduser()
    if path.suffix == ".json" or path.exists():
        return load_recipe(path)
    raise unknown("recipe", name_or_file, known)


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe from a JSON file.

    Raises:
        RecipeError: The file cannot be read or is no recipe.
    """
    try:
        text = read_regular(path, MIB).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"The recipe {path} cannot be read ({getattr(error, 'strerror', None) or N_('it is not text')})",
            "Name a recipe file, as the Train page writes it",
            option="overread recipes NAME --export FILE writes it, too",
            fields=("Save or share these settings",),
        ) from error
    return recipe_from_json(text)


def recipe_to_json(recipe: Recipe) -> str:
    """Return a recipe as JSON that `recipe_from_json` reads back to an equal recipe."""
    return json.dumps(versioned(dataclasses.asdict(recipe)), indent=2, ensure_ascii=False) + "\n"


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe and check it.

    Raises:
        RecipeError: Not JSON, an unknown or missing field, a value out of range, or a contradiction.
    """
    try:
        values = parse_json(text)
    except ValueError as error:
        raise RecipeError(
            f"This JSON is not a recipe ({error})", "Correct it, or save the recipe again"
        ) from error
    return recipe_from_values(values)


def recipe_from_values(values: Any) -> Recipe:
    """Make a recipe of what `parse_json` gives, and check it; raises as `recipe_from_json`."""
    if isinstance(values, dict):
        version = values.pop("schema_version", 1)  # absent in version 1, whose names are the same
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise RecipeError("The recipe was written by a newer version of Overread", "Update Overread")
    recipe = validated(values)
    check_fields_together(recipe)
    return recipe


def change_recipe(recipe: Recipe, changes: Mapping[str, str]) -> Recipe:
    """Return a recipe with fields set from text, e.g. {"phases.0.epochs": "5", "balance.method": "focal"}.

    Raises:
        RecipeError: A field or value is unknown.
    """
    raw = plain(recipe)
    for dotted, value in changes.items():
        target: Any = raw
        *parents, last = dotted.split(".")
        try:
            for part in parents:
                target = target[int(part)] if isinstance(target, list) else target[part]
            key: Any = int(last) if isinstance(target, list) else last
            target[key]  # a field that is not there is a spelling mistake
        except (KeyError, IndexError, ValueError, TypeError) as error:
            meant = did_you_mean(str(error.args[0]), target) if isinstance(error, KeyError) else ""
            raise RecipeError(
                f"A recipe has no field “{dotted}”",
                f"{meant}Write it as in the recipe's JSON, for instance phases.0.epochs=5 or balance.method=focal",
            ) from error
        try:
            target[key] = parse_json(value)
        except ValueError:
            typed = typed_number(value)
            target[key] = value if math.isnan(typed) else int(typed) if typed.is_integer() else typed
    return recipe_from_values(raw)
