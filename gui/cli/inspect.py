"""`overread recipes` and `doctor`: what there is to train with, and what this machine offers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.models import count_parameters
from engine.recipes import RECIPES, find_recipe, recipe_to_json
from gui.cli.doctor import examine
from gui.cli.terminal import progress, say, show_json, show_table


def recipes(*, export: str | None, classes: int, as_json: bool) -> None:
    """See `gui.cli.main.recipes`."""
    if export is not None:
        print(recipe_to_json(find_recipe(export)), end="")
        return
    listed: list[dict[str, Any]] = []
    counted: dict[tuple[object, ...], tuple[int, int]] = {}
    with progress("Building the nets") as bar:
        for number, recipe in enumerate(RECIPES.values(), start=1):
            facts: dict[str, Any] = {
                "name": recipe.name,
                "title": recipe.title,
                "backbone": recipe.backbone,
                "parameters": None,
                "trained_parameters": None,
                "source": recipe.source,
                "expected": [dataclasses.asdict(one) for one in recipe.expected],
            }
            # Recipes that differ in training alone share a net, and building it is what takes the time.
            trainable = tuple((phase.trainable, phase.freeze_batch_norm) for phase in recipe.phases)
            net = (recipe.backbone, recipe.image_size, recipe.channels, recipe.head, trainable)
            try:
                if net not in counted:
                    counted[net] = count_parameters(recipe, classes)
                facts["parameters"], facts["trained_parameters"] = counted[net]
            except EngineError as error:  # a recipe for another number of classes is still worth listing
                facts["note"] = str(error)
            listed.append(facts)
            bar(number, len(RECIPES))
    if as_json:
        show_json({"classes": classes, "recipes": listed})
        return
    rows = [
        (facts["name"], facts["backbone"], facts["parameters"], facts["trained_parameters"], _expected(facts))
        for facts in listed
    ]
    show_table(("recipe", "backbone", "parameters", "trained", "published"), rows)
    say("Where each comes from: overread recipes --json. One as a file: overread recipes --export NAME")


def _expected(facts: Mapping[str, Any]) -> str:
    return "; ".join(f"{one['metric']} {one['value']:g} on {one['data']}" for one in facts["expected"])


def doctor(workspace_root: Path | None, *, as_json: bool) -> None:
    """See `gui.cli.main.doctor`."""
    checks = examine(workspace_root)
    good = all(check.good for check in checks)
    if as_json:
        show_json({"good": good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        show_table(("", "found", ""), [(c.name, c.found, "good" if c.good else "missing") for c in checks])
    if not good:
        remedies = "; ".join(f"{check.name}: {check.remedy}" for check in checks if not check.good)
        raise EngineError("Something that Overread needs is missing", remedies)
