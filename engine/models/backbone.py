"""Backbones behind one door, the head that stands on them, and which parameters are trained.

Every backbone takes normalised images (B, C, H, W) and gives one map (B, c, h, w): token grids are folded back into
the grid they came from and channels-last maps are turned, so that heads, feature banks and saliency need one shape.
A `Classifier` takes images in [0, 1] and normalises them itself.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.models.nets.catalogue import NETS
from engine.models.weights import find_weights, is_here, missing

# Nothing is fetched behind the user's back: huggingface_hub reads this when timm imports it.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


NO_MAP = (RuntimeError, AssertionError, ArithmeticError, AttributeError, ValueError)
"""What nets of other people raise at images that do not suit them."""

NORMALISATION = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)


class TimmBackbone(nn.Module):
    """A timm model up to its last map; sizes, mean, deviation and layout are read off the model itself."""

    def __init__(self, timm_name: str, *, channels: int, image_size: int) -> None:
        import timm

        super().__init__()
        options: dict[str, Any] = {"pretrained": False, "num_classes": 0, "in_chans": channels}
        config = timm.get_pretrained_cfg(timm_name)
        if config is not None and config.fixed_input_size:
            options["img_size"] = image_size  # position embeddings and windows are laid out for one size
        try:
            net: Any = timm.create_model(timm_name, **options)
        except (RuntimeError, AssertionError, ValueError) as error:
            raise RecipeError(
                f"The backbone {timm_name} cannot be built for images of {image_size} pixels ({error})",
                "Choose the size it was made for, or another backbone",
            ) from error
        self.net: Any
        self.net = net
        self.timm_name = timm_name
        self._options = options
        self._drop_unread()
        self.channels: int = net.num_features
        cfg = net.pretrained_cfg
        self.mean: tuple[float, ...] = tuple(cfg["mean"])
        self.std: tuple[float, ...] = tuple(cfg["std"])
        self.default_size: int = cfg["input_size"][-1]
        self.hub_id: str | None = cfg.get("hf_hub_id")
        self.licence: str = cfg.get("license") or ""

    def _drop_unread(self) -> None:
        """Take out what only timm's own classifier reads: it would be counted and never get a gradient."""
        names = _unread(self.timm_name, tuple(self._options.items()))
        for name in names:
            self.net.set_submodule(name, nn.Identity())

        def leave_out(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
            for key in [key for key in state if key.startswith(tuple(f"{prefix}{name}." for name in names))]:
                del state[key]  # of a run that was trained when these were still kept

        self.net.register_load_state_dict_pre_hook(leave_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last map: (B, C, H, W) float to (B, c, h, w) float."""
        out: Tensor = self.net.forward_features(x)
        if out.ndim == 3:  # tokens (B, n, c), class and register tokens first
            tokens = out[:, getattr(self.net, "num_prefix_tokens", 0) :]
            h, w = self._grid(tokens.shape[1])
            return tokens.transpose(1, 2).reshape(out.shape[0], -1, h, w)
        if out.shape[-1] == self.channels and out.shape[1] != self.channels:  # (B, h, w, c)
            return out.permute(0, 3, 1, 2).contiguous()
        return out

    def _grid(self, tokens: int) -> tuple[int, int]:
        grid = getattr(getattr(self.net, "patch_embed", None), "grid_size", None)
        if grid and grid[0] * grid[1] == tokens:
            return int(grid[0]), int(grid[1])
        side = math.isqrt(tokens)
        if side * side != tokens:
            raise RecipeError(
                f"{self.timm_name} gives {tokens} tokens that form no square grid", "Choose another backbone"
            )
        return side, side

    @property
    def blocks(self) -> list[list[nn.Parameter]]:
        """Parameters by block, from stem to top: what "last N" counts."""
        from timm.models import group_parameters

        groups = group_parameters(self.net, self.net.group_matcher(coarse=False))
        parameters = dict(self.net.named_parameters())
        blocks: list[list[nn.Parameter]] = []
        for _, names in sorted(groups.items()):
            block = [parameters[name] for name in names if name in parameters]
            if blocks and all(parameter.ndim == 1 for parameter in block):
                blocks[-1] += block  # a norm by itself, at the end of some nets, belongs to what it follows
            else:
                blocks.append(block)
        return blocks

    @property
    def sequence(self) -> list[nn.Module] | None:
        """The layers in the order of `blocks`, where one takes what the one before gives; None where that is not so."""
        from timm.models.efficientnet import EfficientNet
        from timm.models.resnet import ResNet

        net: Any = self.net
        kind = type(net)
        if issubclass(kind, EfficientNet):
            inner = [block for stage in net.blocks for block in stage]
            return [nn.Sequential(net.conv_stem, net.bn1), *inner, nn.Sequential(net.conv_head, net.bn2)]
        if issubclass(kind, ResNet):
            stages = (net.layer1, net.layer2, net.layer3, net.layer4)
            stem = nn.Sequential(net.conv1, net.bn1, net.act1, net.maxpool)
            return [stem, *(block for stage in stages for block in stage)]
        return None

    def load_imagenet(self, *, allow_downloads: bool = False) -> str:
        """Load ImageNet weights and return where they came from.

        Raises:
            WeightsError: They are not on this machine and downloads are not allowed.
        """
        import timm

        found = find_weights(self.timm_name, hub_id=self.hub_id)
        if found is None:
            if not allow_downloads:
                raise missing(self.timm_name)
            source = timm.create_model(self.timm_name, pretrained=True, num_classes=0)
            found = source.state_dict(), f"downloaded from the hub, {self.hub_id}"
        state, origin = found
        self.load_named(state)
        return origin

    def load_named(self, state: dict[str, Tensor]) -> None:
        """Load a state by timm's names, leaving out the original classifier.

        Raises:
            RecipeError: The state is of another net.
        """
        own = self.net.state_dict()
        absent = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
        wrong = [name for name in own if name in state and state[name].shape != own[name].shape]
        if absent:
            raise missing_fit(self.timm_name, absent, wrong)
        if (
            wrong
        ):  # another number of channels, or position embeddings of another grid: timm knows how to turn them
            self._load_adapted(state, wrong)
        else:
            self.net.load_state_dict({name: state[name] for name in own if name in state}, strict=False)

    def _load_adapted(self, state: dict[str, Tensor], wrong: Sequence[str]) -> None:
        import timm

        try:
            self.net = timm.create_model(
                self.timm_name,
                **{**self._options, "pretrained": True},
                pretrained_cfg_overlay={"state_dict": dict(state), "file": None, "hf_hub_id": None},
            )
        except RuntimeError as error:
            raise missing_fit(self.timm_name, [], wrong) from error
        self._drop_unread()


@cache
def _unread(timm_name: str, options: tuple[tuple[str, Any], ...]) -> tuple[str, ...]:
    """Return the modules of a timm model with parameters on none of which its last map depends."""
    import timm

    chosen = dict(options)
    with torch.inference_mode(False), torch.enable_grad(), torch.device("meta"):  # shapes alone
        net: Any = timm.create_model(timm_name, **chosen).eval()
        size = chosen.get("img_size") or net.pretrained_cfg["input_size"][-1]
        try:
            net.forward_features(torch.zeros(1, chosen["in_chans"], size, size)).sum().backward()
        except NO_MAP:
            # It looks at numbers, of which there are none here, or gives no map: what is asked of it next says why.
            return ()
    found: list[str] = []
    for name, module in net.named_modules():
        parameters = list(module.parameters())
        within = any(name.startswith(f"{outer}.") for outer in found)
        if parameters and not within and all(parameter.grad is None for parameter in parameters):
            found.append(name)
    return tuple(found)


def missing_fit(name: str, absent: Sequence[str], wrong: Sequence[str]) -> RecipeError:
    """Say that a weights file does not fit the net."""
    first = next(iter([*absent, *wrong]))
    return RecipeError(
        f"The weights do not fit {name}: of its parameters they lack {len(absent)} and have {len(wrong)} in another "
        f"shape, first {first}",
        "Use the weights file made for exactly this backbone and image size",
    )


def _timm(timm_name: str) -> Callable[[int, int], nn.Module]:
    return lambda channels, image_size: TimmBackbone(timm_name, channels=channels, image_size=image_size)


def _own(build: Callable[[int], nn.Module]) -> Callable[[int, int], nn.Module]:
    return lambda channels, image_size: build(channels)


# Names for people; any other name that timm knows works as well.
TIMM_NAMES = {
    "efficientnet-lite0": "tf_efficientnet_lite0",
    "efficientnet-lite1": "tf_efficientnet_lite1",
    "efficientnet-lite2": "tf_efficientnet_lite2",
    "efficientnet-b0": "efficientnet_b0",
    "efficientnet-b1": "efficientnet_b1",
    "efficientnet-b2": "efficientnet_b2",
    "efficientnet-b3": "efficientnet_b3",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "inception-v3": "inception_v3",
    "densenet121": "densenet121",
    "mobilenet-v3": "mobilenetv3_large_100",
    "convnext-tiny": "convnext_tiny",
    "vit-small": "vit_small_patch16_224",
    "swin-tiny": "swin_tiny_patch4_window7_224",
}
BACKBONES: dict[str, Callable[[int, int], nn.Module]] = {
    **{name: _timm(timm_name) for name, timm_name in TIMM_NAMES.items()},
    **{name: _own(build) for name, build in NETS.items()},
}


def check_weights_are_here(name: str) -> None:
    """Refuse a backbone whose ImageNet weights are not on this computer. Nothing is built to know it.

    Args:
        name: See `build_backbone`; our own nets have no such weights, and begin without.

    Raises:
        WeightsError: They are not.
    """
    import timm

    timm_name = TIMM_NAMES.get(name, name)
    if name in NETS or not timm.is_model(timm_name):
        return
    config = timm.get_pretrained_cfg(timm_name)
    if not is_here(timm_name, hub_id=config.hf_hub_id if config else None):
        raise missing(timm_name)


def build_backbone(name: str, *, channels: int, image_size: int) -> nn.Module:
    """Build a backbone with random weights.

    Args:
        name: A key of `BACKBONES`, or any name that timm knows.
        channels: Of the images: 1 or 3.
        image_size: Height and width in pixels.

    Raises:
        RecipeError: Nobody knows the name, or the size does not fit.
    """
    if name in BACKBONES:
        return BACKBONES[name](channels, image_size)
    import timm

    if timm.is_model(name):
        return TimmBackbone(name, channels=channels, image_size=image_size)
    known = [*BACKBONES, *timm.list_models()]
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    raise RecipeError(
        f"There is no backbone named “{name}”",
        f"Choose {' or '.join(near) if near else 'one of ' + ', '.join(BACKBONES)}, or any name that timm lists",
    )
