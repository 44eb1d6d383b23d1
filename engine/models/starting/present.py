"""Whether the weights that a recipe begins with are at hand: asked before a run is made for it."""

from __future__ import annotations

from engine.records import Recipe
from engine.workspace import Workspace

INSTALLED = (
    "efficientnet-lite0"  # its weights are a package that Overread needs: nothing is loaded to know it
)


def starting_weights_at_hand(workspace: Workspace, recipe: Recipe, *, allow_downloads: bool = False) -> None:
    """Refuse weights that are not on this computer, in the words of the training that would ask for them.

    Args:
        workspace: Whose added weights count.
        recipe: A checked one. Weights of another run are `engine.runs`'s.
        allow_downloads: Whether ImageNet weights may be fetched.

    Raises:
        WeightsError: They are not on this computer, or the file does not fit the recipe's net.
    """
    if recipe.weights == "random" or (recipe.weights, recipe.backbone) == ("imagenet", INSTALLED):
        return  # before anything is imported: the window has begun a training before it has loaded torch
    from engine.models.starting.added import FILE
    from engine.models.starting.fitting import refuse_unless_fitting
    from engine.models.starting.shelf import find_file

    if recipe.weights.startswith(FILE):
        path, added = find_file(workspace, recipe.weights)
        name = added.original if added else path.name
        refuse_unless_fitting(path, recipe.backbone, image_size=recipe.image_size, name=name)
    elif recipe.weights == "imagenet" and not allow_downloads:
        from engine.models.backbone import check_weights_are_here

        check_weights_are_here(recipe.backbone)
