"""Labels that are not one class alone: blended with another image's, or smoothed over all classes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from engine.records import Phase

Mixer = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def mixes_images(phase: Phase) -> bool:
    """Return whether images of a phase are blended, which features in a bank cannot be."""
    return bool(phase.mixup or phase.cutmix)


def label_mixer(phase: Phase, n_classes: int) -> Mixer | None:
    """Return what a phase does to a batch of training images and their labels; None where it does nothing.

    What is drawn comes from torch's own generator, which is seeded for each epoch.

    Args:
        phase: With its mixup, cutmix and label smoothing.
        n_classes: C.

    Returns:
        (images (B, ...) float, labels (B,) int64) → (images as many, shares of the classes (B, C) float32).
    """
    if not (mixes_images(phase) or phase.label_smoothing):
        return None
    blend = _blender(phase, n_classes) if mixes_images(phase) else None

    def mixed(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if blend is not None:
            images, shares = blend(images, labels)
        else:
            shares = functional.one_hot(labels, n_classes).float()
        return images, shares * (1.0 - phase.label_smoothing) + phase.label_smoothing / n_classes

    return mixed


def _blender(phase: Phase, n_classes: int) -> Mixer:
    from torchvision.transforms import v2  # here, because it takes most of a second and few recipes blend

    kinds = [
        kind(alpha=alpha, num_classes=n_classes)
        for kind, alpha in ((v2.MixUp, phase.mixup), (v2.CutMix, phase.cutmix))
        if alpha
    ]

    def blended(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        kind = kinds[int(torch.randint(len(kinds), ()))]
        images, shares = kind(images, labels)
        return images, shares.float()

    return blended
