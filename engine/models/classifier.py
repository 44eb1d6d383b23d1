"""A backbone with a head on it: images in [0, 1] go in, logits come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.models.backbone import NO_MAP, NORMALISATION, TimmBackbone, build_backbone
from engine.models.nets.layers import ACTIVATIONS, INITIALISERS
from engine.records import Head, Recipe


class ClassifierHead(nn.Module):
    """Pooling, hidden layers and output: map (B, c, h, w) to logits (B, classes).

    `pool` is what a feature bank may run ahead of time: it has no parameters. `averages` says that it is the mean over
    the map's cells.
    """

    def __init__(self, head: Head, *, map_shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, height, width = map_shape
        if head.output == "sigmoid" and n_classes != 2:
            raise RecipeError(
                f"A sigmoid output distinguishes two classes, and the data have {n_classes}",
                "Set head.output to softmax",
            )
        self.pool: nn.Module = nn.Identity()
        self.averages = head.pooling == "average"
        if self.averages:
            self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        elif head.pooling == "flatten":
            self.pool = nn.Flatten()
        rates = head.dropout * len(head.hidden) if len(head.dropout) == 1 else head.dropout
        layers: list[nn.Module] = []
        at_positions = head.pooling == "per-position"
        incoming = channels * height * width if head.pooling == "flatten" else channels
        for width_out, rate in zip(head.hidden, rates, strict=True):
            layers.append(
                nn.Conv2d(incoming, width_out, 1) if at_positions else nn.Linear(incoming, width_out)
            )
            layers.append(ACTIVATIONS[head.activation]())
            if head.batch_norm:
                layers.append(nn.BatchNorm2d(width_out) if at_positions else nn.BatchNorm1d(width_out))
            if rate:
                layers.append(nn.Dropout(rate))
            incoming = width_out
        if not head.hidden and head.dropout[0]:
            layers.append(nn.Dropout(head.dropout[0]))
        if at_positions:
            layers.append(nn.Flatten())
            incoming *= height * width
        self.layers = nn.Sequential(*layers)
        self.output = nn.Linear(incoming, 1 if head.output == "sigmoid" else n_classes)
        self.sigmoid = head.output == "sigmoid"

    def from_pooled(self, pooled: Tensor) -> Tensor:
        """Return logits (B, classes) from what `pool` gave."""
        return self.of_output(self.output(self.layers(pooled)))

    def of_output(self, out: Tensor) -> Tensor:
        """Return logits (…, classes) from what the last layer gave, (…, 1) of a sigmoid."""
        # One output z says what two outputs 0 and z say; downstream then knows softmax alone.
        return torch.cat([torch.zeros_like(out), out], dim=-1) if self.sigmoid else out

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, classes) from the backbone's map (B, c, h, w)."""
        return self.from_pooled(self.pool(features))


class Classifier(nn.Module):
    """Backbone and head. Takes images (B, C, H, W) float in [0, 1]; gives logits (B, classes)."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, head: ClassifierHead, *, channels: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        mean = _per_channel(cast("tuple[float, ...]", backbone.mean), channels)
        std = _per_channel(cast("tuple[float, ...]", backbone.std), channels)
        # In the checkpoint, because weights from a file may want images normalised as theirs were.
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))
        self.register_load_state_dict_pre_hook(_as_the_backbone_has_it)  # type: ignore[no-untyped-call]

    def set_normalisation(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Let images be normalised as they were for other weights: one value a channel, or one for all."""
        for own, values in ((self.mean, mean), (self.std, std)):
            own.copy_(torch.tensor(_per_channel(values, own.shape[1])).view(1, -1, 1, 1))

    def features(self, x: Tensor) -> Tensor:
        """Return the backbone's map: (B, C, H, W) in [0, 1] to (B, c, h, w)."""
        return cast("Tensor", self.backbone((x - self.mean) / self.std))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits: (B, C, H, W) in [0, 1] to (B, classes)."""
        return cast("Tensor", self.head(self.features(x)))

    def backbone_sequence(self) -> list[nn.Module] | None:
        """Return the backbone's layers where they stand in a row, from stem to top; None where they do not."""
        if isinstance(self.backbone, TimmBackbone):
            return self.backbone.sequence
        blocks = getattr(self.backbone, "blocks", None)
        return list(blocks) if isinstance(blocks, nn.Sequential) else None

    def train(self, mode: bool = True) -> Classifier:
        """Set training mode; what is frozen stays in eval mode, so that its batch statistics do not drift."""
        super().train(mode)
        if mode:
            for layer in [self.backbone, *(self.backbone_sequence() or [])]:
                if not any(parameter.requires_grad for parameter in layer.parameters()):
                    layer.eval()
            for module in self.modules():
                own = list(module.parameters(recurse=False))
                if isinstance(module, NORMALISATION) and own and not any(p.requires_grad for p in own):
                    module.eval()
        return self


def _as_the_backbone_has_it(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Complete the checkpoint of a run from when normalisation was the backbone's own and not kept."""
    for name in ("mean", "std"):
        state.setdefault(f"{prefix}{name}", getattr(module, name))


def _per_channel(values: Sequence[float], channels: int) -> list[float]:
    if len(values) == channels:
        return list(values)
    return [sum(values) / len(values)] * channels


def build_classifier(recipe: Recipe, n_classes: int) -> Classifier:
    """Build the recipe's net with random weights.

    Raises:
        RecipeError: The backbone is unknown, or the head does not fit it or the classes.
    """
    backbone = build_backbone(recipe.backbone, channels=recipe.channels, image_size=recipe.image_size)
    head = ClassifierHead(recipe.head, map_shape=_map_shape(backbone, recipe), n_classes=n_classes)
    classifier = Classifier(backbone, head, channels=recipe.channels)
    fresh = classifier if recipe.weights == "random" else head
    for module in fresh.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            INITIALISERS[recipe.init](module.weight)
    return classifier


_MAP_SHAPES: dict[tuple[str, int, int], tuple[int, int, int]] = {}
"""By backbone, channels and image size: a look costs .1 s, and a run is loaded again and again."""


def _map_shape(backbone: nn.Module, recipe: Recipe) -> tuple[int, int, int]:
    key = (recipe.backbone, recipe.channels, recipe.image_size)
    if key not in _MAP_SHAPES:
        _MAP_SHAPES[key] = _seen_map_shape(backbone, recipe)
    return _MAP_SHAPES[key]


def _seen_map_shape(backbone: nn.Module, recipe: Recipe) -> tuple[int, int, int]:
    training = backbone.training
    backbone.eval()
    size = recipe.image_size
    try:
        with torch.no_grad():
            out = backbone(torch.zeros(1, recipe.channels, size, size))
    except NO_MAP as error:
        raise RecipeError(
            f"The backbone {recipe.backbone} gives no map of images of {size} pixels ({error})",
            "Choose a larger image size, the size that it was made for, or another backbone",
        ) from error
    backbone.train(training)
    return int(out.shape[1]), int(out.shape[2]), int(out.shape[3])


def load_pretrained(classifier: Classifier, weights: str, *, allow_downloads: bool = False) -> str:
    """Load ImageNet weights into the backbone where a recipe asks for them, and return where they came from.

    Args:
        classifier: Whose backbone is filled.
        weights: "imagenet" or "random"; weights of files and runs are `engine.training`'s.
        allow_downloads: Whether they may be fetched.

    Raises:
        WeightsError: They are not on this machine.
        RecipeError: The backbone has none.
    """
    if weights == "random":
        return "random initialisation"
    if not isinstance(classifier.backbone, TimmBackbone):
        raise RecipeError("This network has no ImageNet weights", "Set weights to random")
    return classifier.backbone.load_imagenet(allow_downloads=allow_downloads)
