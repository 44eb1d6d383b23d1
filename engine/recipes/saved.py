"""Recipes that a person saved in a workspace, for the pages and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from engine.errors import RecipeError
from engine.kept_files import ignore
from engine.language import _
from engine.recipes.builtin import BUILT_IN, PURPOSES, RECIPES
from engine.recipes.recipe import load_recipe, recipe_to_json
from engine.records import Recipe
from engine.storage import write_atomic
from engine.workspace import Workspace

MINE = "Mine"
_OWN = frozenset(recipe.title for recipe in BUILT_IN.values())


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


def recipe_choices(workspace: Workspace, *, purpose: str = "", search: str = "") -> list[tuple[str, str]]:
    """Return recipes for a drop-down, grouped by what they are for, which each line begins with: (words, name).

    Args:
        workspace: With the recipes of one's own.
        purpose: One of `recipe_purposes`; empty means all.
        search: Words that all stand somewhere in a recipe: its title, name, source, net, optimiser or balance.
    """
    groups = {MINE: tuple(own_recipes(workspace).values()), **PURPOSES}
    words = search.casefold().split()
    return [
        (f"{group} — {recipe_words(recipe.title)}", recipe.name)
        for group, listed in groups.items()
        if purpose in ("", group)
        for recipe in listed
        if all(word in f"{group} {_said_of(recipe)}".casefold() for word in words)
    ]


def recipe_purposes(workspace: Workspace) -> list[str]:
    """Return what the recipes there are can be grouped by."""
    return [*([MINE] if own_recipes(workspace) else []), *PURPOSES]


def _said_of(recipe: Recipe) -> str:
    optimizers = " ".join(phase.optimizer for phase in recipe.phases)
    titles = f"{recipe.title} {recipe_words(recipe.title)}"
    return f"{titles} {recipe.name} {recipe.source} {recipe.backbone} {optimizers} {recipe.balance.method}"


def recipe_words(title: str) -> str:
    """Return the title of a recipe in the language that is spoken, of Overread's own; published systems have names."""
    return _(title) if title in _OWN else title


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
