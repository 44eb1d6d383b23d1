"""A net seen at two resolutions: its last map, which the head reads, and the last one before it with smaller cells.

The last map says what counts; the finer one says where. Only what lies between the two is run with gradients, so that
both cost little more than a forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from engine.models.backbone import TimmBackbone
from engine.models.classifier import Classifier
from engine.models.folding import folded
from engine.models.frozen import Frozen

BothMaps = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]


class FineStage:
    """Where a net has its finer map.

    Attributes:
        front: The net up to the finer map where its layers stand in a row, so that an inference engine can run it;
            None where the whole net has to be run.
        extent: Height and width of the finer map.
    """

    def __init__(self, front: Frozen | None, both: BothMaps, extent: tuple[int, int]) -> None:
        self.front = front
        self._both = both
        self.extent = extent

    def maps(self, images: Tensor, fine: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the finer map (B, c, h, w), a leaf that takes gradients, and the last map, computed from it.

        Args:
            images: (B, C, H, W) in [0, 1]; not read where `fine` is given.
            fine: What `front` gave, where it is known already.
        """
        return self._both(images, fine)


def find_fine_stage(classifier: Classifier, *, channels: int, size: int) -> FineStage | None:
    """Find the last map of a net with smaller cells than its last one; None where all maps have cells of one size.

    Args:
        classifier: In eval mode.
        channels: Of the images.
        size: Their height and width in pixels.
    """
    device = classifier.mean.device
    probe = torch.zeros(1, channels, size, size, device=device)
    layers = classifier.backbone_sequence()
    with torch.no_grad():
        return _in_a_row(classifier, layers, probe) if layers else _by_name(classifier, probe)


def _in_a_row(classifier: Classifier, layers: list[nn.Module], probe: Tensor) -> FineStage | None:
    extents, maps = [], [probe]
    for layer in layers:
        maps.append(layer(maps[-1]))
        extents.append((int(maps[-1].shape[2]), int(maps[-1].shape[3])))
    finer = [number for number, extent in enumerate(extents) if extent[0] > extents[-1][0]]
    if not finer:
        return None
    cut = finer[-1] + 1
    front = Frozen(classifier, nn.Sequential(*layers[:cut])).eval()
    back = folded(nn.Sequential(*layers[cut:]), probe=maps[cut])

    def both(images: Tensor, fine: Tensor | None) -> tuple[Tensor, Tensor]:
        if fine is None:
            with torch.no_grad():
                fine = front(images)
        leaf = (
            fine.detach().clone().requires_grad_(True)
        )  # a copy: what an engine gave in inference mode takes none
        with torch.enable_grad():
            return leaf, back(leaf.clone())  # a net that works in place must not find the leaf

    return FineStage(front, both, extents[cut - 1])


def _by_name(classifier: Classifier, probe: Tensor) -> FineStage | None:
    """Look among the stages that timm lists of a net."""
    if not isinstance(classifier.backbone, TimmBackbone):
        return None
    net: Any = classifier.backbone.net
    stages = {info["module"]: int(info["num_chs"]) for info in getattr(net, "feature_info", [])}
    modules = {name: module for name, module in net.named_modules() if name in stages}
    seen: dict[str, tuple[int, int]] = {}

    def look(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: object, made: object) -> None:
            if isinstance(made, Tensor) and made.ndim == 4:
                seen[name] = cast("tuple[int, int]", tuple(_channels_first(made, stages[name]).shape[2:]))

        return hook

    handles = [module.register_forward_hook(look(name)) for name, module in modules.items()]
    try:
        last = classifier.features(probe).shape[2]
    finally:
        for handle in handles:
            handle.remove()
    finer = [name for name, extent in seen.items() if extent[0] > last]
    if not finer:
        return None
    name = finer[-1]

    def both(images: Tensor, fine: Tensor | None) -> tuple[Tensor, Tensor]:
        with _leaf_behind(modules[name], stages[name]) as leaves:
            last_map = classifier.features(images)
        return leaves[0], last_map

    return FineStage(None, both, seen[name])


@contextmanager
def _leaf_behind(module: nn.Module, channels: int) -> Iterator[list[Tensor]]:
    """Run what follows a module with gradients, beginning at a leaf in place of what it gives."""
    leaves: list[Tensor] = []

    def hook(module: nn.Module, given: object, made: Tensor) -> Tensor:
        first = _channels_first(made, channels)
        leaf = first.detach().requires_grad_(True)
        leaves.append(leaf)
        torch.set_grad_enabled(True)
        return leaf.clone() if first is made else leaf.clone().permute(0, 2, 3, 1)

    handle = module.register_forward_hook(hook)
    try:
        with torch.no_grad():  # on leaving, what the hook has switched on is put back
            yield leaves
    finally:
        handle.remove()


def _channels_first(made: Tensor, channels: int) -> Tensor:
    last = made.shape[-1] == channels and made.shape[1] != channels
    return made.permute(0, 3, 1, 2) if last else made
