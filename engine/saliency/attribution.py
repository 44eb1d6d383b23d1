"""What methods stand on: the gradient at a net's last map, and captum's methods, one image at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from engine.models import Classifier

CELL = 4
"""Pixels: attributions to single ones are averaged over cells of so many, as a reader cannot see single pixels."""
AT_ONCE = 4
"""Altered copies of an image that go through the net together: what memory these methods need beside the net's own,
however many images, steps or squares there are."""


def scores(classifier: Classifier, logits: Tensor, targets: Tensor) -> Tensor:
    """Return what is explained: the target's logit (B,) of logits (B, classes).

    A sigmoid head has one true output z, widened to (0, z): evidence for its first class is evidence against z, so
    there the difference of the two logits stands for the logit.
    """
    chosen = logits.gather(1, targets[:, None])[:, 0]
    if getattr(classifier.head, "sigmoid", False):
        chosen = chosen - logits.gather(1, 1 - targets[:, None])[:, 0]
    return chosen


def activations_and_gradients(
    classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the net's last map (B, c, h, w) and the gradient of the targets' scores in it.

    Args:
        classifier: In eval mode.
        images: (B, C, H, W) float in [0, 1].
        targets: (B,) int64.
        features: The map, where it is known already.
    """
    with torch.inference_mode(False):
        if features is None:
            with torch.no_grad():
                features = classifier.features(images.clone() if images.is_inference() else images)
        activations = features.clone() if features.is_inference() else features
        activations = activations.detach().float().requires_grad_(True)
        with torch.enable_grad(), torch.autocast(activations.device.type, enabled=False):
            total = scores(classifier, classifier.head(activations), targets).sum()
            (gradients,) = torch.autograd.grad(total, activations)
    return activations.detach(), gradients


def weighted(weights: Tensor, activations: Tensor) -> Tensor:
    """Return maps (B, h, w): the channels of (B, c, h, w), each with its weight (B, c), summed; not below 0."""
    return torch.einsum("bc,bchw->bhw", weights, activations).relu()


def attributed(
    method: Callable[[Any], Any],
    classifier: Classifier,
    images: Tensor,
    targets: Tensor,
    options: Callable[[Tensor], dict[str, object]],
    *,
    rounds: int = 1,
) -> Tensor:
    """Run a captum method on one image after another and return its positive evidence, (B, H/CELL, W/CELL).

    Args:
        method: Makes captum's method of the score.
        classifier: In eval mode.
        images: (B, C, H, W) float in [0, 1].
        targets: (B,) int64.
        options: Of captum's method, by the image (1, C, H, W); they see to it that at most `AT_ONCE` copies of it go
            through the net together.
        rounds: How often it is run; the mean is returned.
    """

    def score(x: Tensor, wanted: Tensor) -> Tensor:
        return scores(classifier, classifier(x), wanted)

    devices = [images.device] if images.device.type == "cuda" else []
    maps = []
    # A seed of its own for each image, because some methods draw: one image, one map, alone or among others.
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=devices):
        numpy_state = np.random.get_state()
        try:
            for number in range(len(images)):
                torch.manual_seed(0)
                np.random.seed(0)
                x = images[number : number + 1].clone().detach().float()
                wanted = targets[number : number + 1].clone()
                made = method(score)
                total = torch.zeros_like(x)
                for _ in range(rounds):
                    total += made.attribute(x, additional_forward_args=(wanted,), **options(x)).detach()
                maps.append(total.sum(dim=1, keepdim=True) / rounds)
        finally:
            np.random.set_state(numpy_state)
        evidence = torch.cat(maps).float().relu()
        return F.avg_pool2d(evidence, CELL, ceil_mode=True, count_include_pad=False)[:, 0]
