"""Recipes stand in a list by what they are for, and are found by any of their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.language import ENGLISH, languages, speaking
from engine.recipes.builtin import BUILT_IN, RECIPES
from engine.recipes.saved import recipe_choices
from engine.workspace import open_workspace


@pytest.mark.parametrize("code", [code for code in languages() if code != ENGLISH])
def test_overreads_own_recipes_are_said_and_found_in_every_language(code: str, tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    english = {name: words for words, name in recipe_choices(workspace)}
    with speaking(code):
        for words, name in recipe_choices(workspace):
            assert (words == english[name]) == (name not in BUILT_IN), "a published system's title is a name"
            found = [name for _words, name in recipe_choices(workspace, search=words.partition(" — ")[2])]
            assert name in found
        assert [name for _words, name in recipe_choices(workspace, search=RECIPES["default"].title)] == [
            "default"
        ]
