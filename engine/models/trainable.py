"""Which parameters of a classifier a phase trains, and how many there are."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import nn

from engine.errors import RecipeError
from engine.models.classifier import Classifier, build_classifier
from engine.records import Recipe


def set_trainable(
    classifier: Classifier, trainable: str, *, freeze_batch_norm: bool = False
) -> list[nn.Parameter]:
    """Freeze all but what is named, and return the parameters that are trained.

    Args:
        classifier: Is changed: `requires_grad` of its parameters.
        trainable: "head", "all", "last N", or comma-separated glob patterns of layer names ("head.*",
            "Conv2d_2b_3x3.*"), as `layer_names` lists them.
        freeze_batch_norm: Whether the backbone's batch normalisation is frozen whatever is named; `Classifier.train`
            then leaves its statistics alone too.

    Raises:
        RecipeError: A pattern matches nothing, there are fewer than N blocks, or nothing is left to be trained.
    """
    for parameter in classifier.parameters():
        parameter.requires_grad_(trainable == "all")
    if trainable != "all":
        for parameter in _chosen(classifier, trainable):
            parameter.requires_grad_(True)
    if freeze_batch_norm:
        for module in classifier.backbone.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.requires_grad_(False)
    trained = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
    if not trained:
        raise RecipeError(
            f"“{trainable}” is batch norm alone, and freeze_batch_norm freezes that",
            "Name other layers, or set freeze_batch_norm to false",
        )
    return trained


def rate_groups(
    classifier: Classifier, parameters: Sequence[nn.Parameter], *, rate: float, decay: float
) -> list[dict[str, Any]]:
    """Return the parameters in groups with a learning rate each, as an optimiser takes them: the head's first.

    Args:
        classifier: Whose blocks count.
        parameters: Which are trained, as `set_trainable` gave them.
        rate: Of the head.
        decay: What the rate is multiplied by from one block to the one below it.
    """
    trained = {id(parameter) for parameter in parameters}
    layers = [list(classifier.head.parameters()), *reversed(_blocks(classifier.backbone))]
    known = {id(parameter) for layer in layers for parameter in layer}
    layers.append([parameter for parameter in parameters if id(parameter) not in known])
    return [
        {"params": group, "lr": rate * decay**depth}
        for depth, layer in enumerate(layers)
        if (group := [parameter for parameter in layer if id(parameter) in trained])
    ]


def _chosen(classifier: Classifier, trainable: str) -> list[nn.Parameter]:
    head = list(classifier.head.parameters())
    if trainable == "head":
        return head
    words = trainable.split()
    if len(words) == 2 and words[0] == "last" and words[1].isdigit():
        blocks = _blocks(classifier.backbone)
        count = int(words[1])
        if not 0 < count <= len(blocks):
            raise RecipeError(
                f"“{trainable}” asks for {count} blocks, and this backbone has {len(blocks)}",
                f"Choose a number from 1 to {len(blocks)}, or “all”",
            )
        return [parameter for block in blocks[-count:] for parameter in block] + head
    named = {layer_name(name): parameter for name, parameter in classifier.named_parameters()}
    chosen: list[nn.Parameter] = []
    for pattern in (part.strip() for part in trainable.split(",")):
        matched = [p for name, p in named.items() if fnmatch.fnmatchcase(name, pattern)]
        if not matched:
            raise RecipeError(
                f"No layer is named “{pattern}”",
                "Write “head”, “all”, “last N”, or patterns of layer names such as "
                + ", ".join(sorted({name.rsplit(".", 1)[0] + ".*" for name in named})[:4]),
            )
        chosen += matched
    return chosen


def _blocks(backbone: nn.Module) -> list[list[nn.Parameter]]:
    blocks = cast("Sequence[object]", backbone.blocks)
    return [
        list(block.parameters()) if isinstance(block, nn.Module) else cast("list[nn.Parameter]", block)
        for block in blocks
    ]


def layer_name(parameter_name: str) -> str:
    """Return a parameter's name as people write it: "head." in front, or the backbone's own name."""
    return parameter_name.removeprefix("backbone.").removeprefix("net.")


def count_parameters(recipe: Recipe, n_classes: int) -> tuple[int, int]:
    """Return how many parameters a recipe's net has, and how many of them are trained in any phase.

    Raises:
        RecipeError: The net cannot be built.
    """
    with torch.device("meta"):  # shapes alone: nothing is drawn or multiplied
        classifier = build_classifier(recipe, n_classes)
    return len_parameters(classifier.parameters()), trained_parameters(classifier, recipe)


def trained_parameters(classifier: Classifier, recipe: Recipe) -> int:
    """Return how many parameters any phase of a recipe trains. Leaves the last phase's choice set.

    Raises:
        RecipeError: No phase trains the output.
    """
    trained: dict[int, int] = {}
    for phase in recipe.phases:
        parameters = set_trainable(classifier, phase.trainable, freeze_batch_norm=phase.freeze_batch_norm)
        trained |= {id(p): p.numel() for p in parameters}
    if id(classifier.head.output.weight) not in trained:
        raise RecipeError(
            "No phase trains the head, whose weights are drawn at random",
            "Add head.* to what a phase trains",
        )
    return sum(trained.values())


def len_parameters(parameters: Iterator[nn.Parameter]) -> int:
    """Return the number of scalars in parameters."""
    return sum(parameter.numel() for parameter in parameters)
