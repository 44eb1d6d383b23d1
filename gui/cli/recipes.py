"""`overread recipes`: what there is to train with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from engine import models, recipes
from engine.errors import EngineError
from engine.workspace import open_workspace
from gui.cli.options import LOOK, JsonOption, WorkspaceOption, whole
from gui.cli.terminal import progress, say, say_error, show_json, show_table

app = typer.Typer()


@app.command("recipes", rich_help_panel=LOOK)
def list_recipes(
    export: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print one recipe as JSON, to edit and train.")
    ] = None,
    classes: Annotated[
        int, typer.Option(parser=whole(2), metavar="N", help="Count parameters for so many classes.")
    ] = 2,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all recipes, those saved on the Train page too: network, parameters, source, published results.

    Example: [bold]overread recipes --export default > mine.json[/bold]
    """
    own = recipes.own_recipes(open_workspace(root), on_damaged=say_error)
    if export is not None:
        print(recipes.recipe_to_json(recipes.find_recipe(export, own)), end="")
        return
    known = {**own, **recipes.RECIPES}
    listed: list[dict[str, Any]] = []
    counted: dict[tuple[object, ...], tuple[int, int]] = {}
    with progress("Building the networks") as bar:
        for number, recipe in enumerate(known.values(), start=1):
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
                    counted[net] = models.count_parameters(recipe, classes)
                facts["parameters"], facts["trained_parameters"] = counted[net]
            except EngineError as error:  # a recipe for another number of classes is still worth listing
                facts["note"] = str(error)
            listed.append(facts)
            bar(number, len(known))
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
