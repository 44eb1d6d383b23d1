"""A net's layers as fast as this machine runs them, by those of them that were converted already.

Training has converted the layers that it leaves frozen. What follows them runs in PyTorch then: some milliseconds more
for an image, and the seconds of another conversion less.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.models.classifier import Classifier
from engine.models.folding import folded
from engine.models.frozen import Frozen, cut_behind_backbone
from engine.models.openvino import WORTH_CONVERTING, Eager, Features, fast_features, is_converted

WORTH_ANOTHER = 1500  # images; below, converting again takes longer than it saves


def fast_last_map(
    classifier: Classifier, *, size: int, images: int, device: str, cache_dir: Path
) -> Features:
    """Return what gives a net's last map in eval mode, without gradients.

    Args:
        classifier: In eval mode; its parameters must not change while the function is in use.
        size: Height and width of the images in pixels.
        images: How many will be run.
        device: Where the net lies.
        cache_dir: Where converted nets are kept.

    Returns:
        As `engine.models.fast_features` of the backbone.
    """
    net = cut_behind_backbone(classifier).frozen
    rows = classifier.backbone_sequence() or []
    return fast_layers(net, rows, size=size, images=images, device=device, cache_dir=cache_dir)


def fast_layers(
    net: Frozen, layers: Sequence[nn.Module], *, size: int, images: int, device: str, cache_dir: Path
) -> Features:
    """Return what `engine.models.fast_features` does of a net, by its first layers where these were converted already.

    Args:
        net: In eval mode.
        layers: What it is made of, where they stand in a row; else none.
        size: Height and width of the images in pixels.
        images: How many will be run.
        device: Where the net lies.
        cache_dir: Where converted nets are kept.
    """
    if device == "cpu" and images < WORTH_ANOTHER and not is_converted(net, size=size, cache_dir=cache_dir):
        for count in range(len(layers) - 1, len(layers) // 2, -1):
            first = Frozen(net, nn.Sequential(*layers[:count])).eval()
            if not is_converted(first, size=size, cache_dir=cache_dir):
                continue
            given = fast_features(
                first, device=device, images=max(images, WORTH_CONVERTING), size=size, cache_dir=cache_dir
            )
            return _Through(given, nn.Sequential(*layers[count:]).eval())
    return fast_features(net, device=device, images=images, size=size, cache_dir=cache_dir)


def own_layers(net: Frozen, *, size: int) -> Features:
    """Return what gives what a net gives in eval mode, without gradients, also after its parameters have changed.

    Args:
        net: In eval mode.
        size: Height and width of the images in pixels.
    """
    probe = torch.rand(
        1, net.mean.shape[1], size, size, generator=torch.Generator().manual_seed(0), device="cpu"
    )
    return Eager(folded(net, probe=probe.to(net.mean.device)))


class _Through(Features):
    def __init__(self, given: Features, rest: nn.Module) -> None:
        self._given, self._rest = given, rest
        self._fast: nn.Module | None = None

    def begin(self, images: Tensor) -> Tensor:
        return self._given.begin(images)

    def finish(self, begun: Tensor) -> Tensor:
        with torch.no_grad():
            maps = self._given.finish(begun)
            self._fast = self._fast or folded(self._rest, probe=maps[:1])
            made: Tensor = self._fast(maps)
            return made
