"""Recipes that a person saved in a workspace, for the pages and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from engine.errors import RecipeError
from engine.kept_files import ignore
from engine.recipes.builtin import BUILT_IN, RECIPES
from engine.recipes.recipe import load_recipe, recipe_to_json
from engine.records import Recipe
from engine.storage import write_atomic
from engine.workspace import Workspace


def own_recipes(
    workspace: Workspace, *, on_damaged: Callable[[RecipeError], None] = ignore
) -> dict[str, Recipe]:
    """Return the recipes that were saved in this workspace, by name.

    Args:
        workspace: Where they are.
        on_damaged: Told of each that cannot be read, or was written by another version: it hides no other.
    """
    found = {}
    for path in sorted((workspace.root / "recipes").glob("*.json")):
        try:
            recipe = load_recipe(path)
        except RecipeError as error:
            on_damaged(
                RecipeError(
                    f"{path} cannot be used ({error.problem})", f"{error.remedy}, or delete that file"
                )
            )
            continue
        found[recipe.name] = recipe
    return found


def recipe_choices(workspace: Workspace) -> list[tuple[str, str]]:
    """Return all recipes for a drop-down, grouped by the first words of each line: (words, name)."""
    listed = [(f"Mine — {recipe.title}", name) for name, recipe in own_recipes(workspace).items()]
    listed += [(f"General — {recipe.title}", name) for name, recipe in BUILT_IN.items()]
    published = [(name, recipe) for name, recipe in RECIPES.items() if name not in BUILT_IN]
    for name, recipe in sorted(published, key=lambda pair: pair[0].split("-")[0]):
        listed.append((f"Published, {name.split('-')[0]} — {recipe.title}", name))
    return listed


def named_recipe(workspace: Workspace, name: str) -> Recipe:
    """Return a built-in or saved recipe.

    Raises:
        RecipeError: There is none of that name.
    """
    recipe = RECIPES.get(name) or own_recipes(workspace).get(name)
    if recipe is None:
        raise RecipeError(f"There is no recipe “{name}”", "Choose one from the list")
    return recipe


def save_own(workspace: Workspace, recipe: Recipe, title: str) -> Recipe:
    """Save a recipe under a name of its own and return it as saved.

    Raises:
        RecipeError: No usable name was given, or it is a built-in's.
        WorkspaceError: It cannot be written.
    """
    name = re.sub(r"[^a-z0-9.]+", "-", title.strip().lower()).strip("-.")[:64]
    if not name:
        raise RecipeError("The recipe has no name yet", "Type a name of letters and digits first")
    if name in RECIPES:
        raise RecipeError(f"“{name}” is a built-in recipe", "Choose another name")
    source = recipe.source if recipe.name == name else f"Own recipe, made from {recipe.name}"
    saved = replace(recipe, name=name, title=title.strip(), source=source, expected=())
    return keep_own(workspace, saved)


def keep_own(workspace: Workspace, recipe: Recipe) -> Recipe:
    """Write a recipe into the workspace as it is."""
    if recipe.name in RECIPES and recipe != RECIPES[recipe.name]:
        recipe = replace(recipe, name=f"{recipe.name}-own"[:64])
    folder = workspace.root / "recipes"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomic(folder / f"{recipe.name}.json", recipe_to_json(recipe))
    return recipe
