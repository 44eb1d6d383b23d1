"""Where the frozen part of a net ends and the trained part begins.

What lies before the cut gives the same for an image in every epoch, so that a feature bank can hold it; only what
lies behind is run in each step. A head-only phase is cut behind the backbone; a phase that trains the last blocks of
a net made of blocks in a row is cut before them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.models.classifier import Classifier


class Frozen(nn.Module):
    """Normalisation and the frozen layers: images (B, C, H, W) in [0, 1] to what the rest takes."""

    mean: Tensor
    std: Tensor

    def __init__(self, classifier: Classifier | Frozen, layers: nn.Module) -> None:
        super().__init__()
        # Persistent, unlike the classifier's: what is kept of this net is found again by a digest of its state.
        self.register_buffer("mean", classifier.mean)
        self.register_buffer("std", classifier.std)
        self.layers = layers

    def forward(self, images: Tensor) -> Tensor:
        """Run what is frozen."""
        out: Tensor = self.layers((images - self.mean) / self.std)
        return out


@dataclass(frozen=True)
class FrozenPart:
    """A net in two parts that share its parameters.

    Attributes:
        frozen: (B, C, H, W) in [0, 1] to activations.
        pool: Activations to what is kept of them; has no parameters.
        rest: What is kept to logits (B, classes).
        name: Where the cut is.
    """

    frozen: Frozen
    pool: nn.Module
    rest: nn.Module
    name: str


class _Head(nn.Module):
    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.head = classifier.head

    def forward(self, pooled: Tensor) -> Tensor:
        return self.head.from_pooled(pooled)


def cut_behind_backbone(classifier: Classifier) -> FrozenPart:
    """Cut behind the backbone."""
    return FrozenPart(
        Frozen(classifier, classifier.backbone), classifier.head.pool, _Head(classifier), "backbone"
    )


def find_frozen_part(classifier: Classifier) -> FrozenPart | None:
    """Cut a net as late as its trained parameters allow; None where its first layers are trained.

    Args:
        classifier: As `engine.models.trainable.set_trainable` left it.
    """
    if not any(parameter.requires_grad for parameter in classifier.backbone.parameters()):
        return cut_behind_backbone(classifier)
    layers = classifier.backbone_sequence()
    if layers is None:
        return None
    length = 0
    while not any(parameter.requires_grad for parameter in layers[length].parameters()):
        length += 1
    if length == 0:
        return None
    rest = nn.Sequential(*layers[length:], classifier.head)
    return FrozenPart(
        Frozen(classifier, nn.Sequential(*layers[:length])), nn.Identity(), rest, f"block {length}"
    )


def kept_shape(cut: FrozenPart, channels: int, size: int, device: str) -> tuple[int, ...]:
    """Return the shape of what is kept of an image in one view; as float32."""
    with torch.no_grad():
        kept: Tensor = cut.pool(cut.frozen.eval()(torch.zeros(1, channels, size, size, device=device)))
    return tuple(kept.shape[1:])
