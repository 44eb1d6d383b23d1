"""The layouts in which weights are published: known by their keys, and renamed to timm's.

A layout is one entry of `LAYOUTS`, the first that knows a file's keys. `rename` drops what belongs to the published
classifier or another part of the published model; what images were normalised by goes with it where all weights of the
layout share it. Real files of these publishers are not among the tests: their key names are taken from published code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

State = Mapping[str, Tensor]
Values = tuple[float, ...]

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
DENSENETS = ("densenet121", "densenet161", "densenet169", "densenet201")
DINO = tuple(
    f"vit_{size}_patch14{kind}_dinov2" for size in ("small", "base", "large") for kind in ("", "_reg4")
)
VITS = tuple(f"vit_{size}_patch16_224" for size in ("tiny", "small", "base", "large"))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One layout.

    Attributes:
        title: Whose it is.
        known: Whether keys and values are of this layout.
        rename: A state, and the names of the net that it is for in their order → the state by those names.
        backbones: timm's names of the nets that it is published for; empty means any.
        mean: What was subtracted from images in [0, 1], one value a channel or for all; None means as timm does.
        std: What they were then divided by.
    """

    title: str
    known: Callable[[State], bool]
    rename: Callable[[State, Iterable[str]], dict[str, Tensor]]
    backbones: tuple[str, ...] = ()
    mean: Values | None = None
    std: Values | None = None


def as_it_is(state: State, own: Iterable[str]) -> dict[str, Tensor]:
    """Return a state whose names are timm's already."""
    return dict(state)


def without(prefix: str) -> Callable[[State, Iterable[str]], dict[str, Tensor]]:
    """Return what keeps the part of a model below a prefix."""
    return lambda state, own: below(state, prefix)


def below(state: State, prefix: str) -> dict[str, Tensor]:
    """Return the part of a state below a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def ours(state: State, own: Iterable[str]) -> dict[str, Tensor]:
    """Return the backbone of a model that Overread trained."""
    return below(state, "backbone.net.") or below(state, "backbone.")


def dino(state: State, own: Iterable[str]) -> dict[str, Tensor]:
    """Return a DINOv2 as its authors save it (blocks perhaps in chunks) by timm's names."""
    renamed = {
        re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", name): value
        for name, value in state.items()
        if name != "mask_token"
    }
    if (
        "register_tokens" in renamed
    ):  # timm's nets with registers have no place for the class token: it is in the token
        renamed["reg_token"] = renamed.pop("register_tokens")
        places = renamed["pos_embed"]
        renamed["cls_token"] = renamed["cls_token"] + places[:, :1]
        renamed["pos_embed"] = places[:, 1:]
    return renamed


_TRANSFORMERS = (
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.", ""),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
    (r"^layernorm\.", "norm."),
)
_TORCHVISION_VIT = (
    (r"^class_token$", "cls_token"),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.layers\.encoder_layer_", "blocks."),
    (r"\.ln_(\d)\.", r".norm\1."),
    (r"\.self_attention\.in_proj_", ".attn.qkv."),
    (r"\.self_attention\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.(?:0|linear_1)\.", ".mlp.fc1."),
    (r"\.mlp\.(?:3|linear_2)\.", ".mlp.fc2."),
    (r"^encoder\.ln\.", "norm."),
)


def _replaced(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    for pattern, by in pairs:
        name = re.sub(pattern, by, name)
    return name


def dino_of_transformers(state: State, own: Iterable[str]) -> dict[str, Tensor]:
    """Return a DINOv2 as the transformers library saves it by timm's names: query, key and value in one."""
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        found = re.match(
            r"encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)$", name
        )
        if found is None:
            renamed[_replaced(name, _TRANSFORMERS)] = value
        elif found[2] == "query":
            parts = [state[name.replace(".query.", f".{part}.")] for part in ("query", "key", "value")]
            renamed[f"blocks.{found[1]}.attn.qkv.{found[3]}"] = torch.cat(parts)
    return dino(renamed, own)


def vit_of_torchvision(state: State, own: Iterable[str]) -> dict[str, Tensor]:
    """Return a vision transformer of torchvision by timm's names."""
    return {_replaced(name, _TORCHVISION_VIT): value for name, value in state.items()}


def by_place(state: State, own: Iterable[str]) -> dict[str, Tensor]:
    """Return a state whose tensors stand in the order of timm's, under other names.

    What does not fit is seen by its shape afterwards; where the order is the same, so is what the net gives (a test
    holds every net of `backbones` to that).
    """
    values = [value for name, value in state.items() if not name.startswith("classifier.")]
    return {
        name: value.flatten()
        if name.endswith(".gamma")
        else value  # torchvision's stands over height and width
        for name, value in zip(own, values, strict=False)
    }


def _has(*names: str) -> Callable[[State], bool]:
    return lambda state: all(name in state for name in names)


def _one_channel(state: State) -> bool:
    first = next((state[name] for name in ("features.conv0.weight", "conv1.weight") if name in state), None)
    return first is not None and first.ndim == 4 and first.shape[1] == 1


LAYOUTS: dict[str, Layout] = {
    "overread": Layout(
        title="a model that Overread trained",
        known=lambda state: (
            "head.output.weight" in state and any(name.startswith("backbone.") for name in state)
        ),
        rename=ours,
    ),
    "open-clip": Layout(
        title="BiomedCLIP, or another open_clip model whose image tower is timm's",
        known=lambda state: any(name.startswith("visual.trunk.") for name in state),
        rename=without("visual.trunk."),
        backbones=VITS,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    ),
    "dinov2-transformers": Layout(
        title="RAD-DINO, or another DINOv2 as transformers saves it",
        known=_has("embeddings.patch_embeddings.projection.weight", "encoder.layer.0.layer_scale1.lambda1"),
        rename=dino_of_transformers,
        backbones=DINO,
    ),
    "dinov2": Layout(
        title="a DINOv2 as its authors or timm save it",
        known=lambda state: (
            "patch_embed.proj.weight" in state
            and any(re.match(r"blocks\.0\.(0\.)?ls1\.gamma$", name) for name in state)
        ),
        rename=dino,
        backbones=DINO,
    ),
    "torchxrayvision": Layout(
        title="torchxrayvision",
        known=_one_channel,
        rename=as_it_is,
        backbones=(*DENSENETS, *RESNETS),
        mean=(0.5,),
        std=(1 / 2048,),  # it gives its nets values from -1024 to 1024
    ),
    "torchvision-vit": Layout(
        title="a vision transformer of torchvision",
        known=_has("conv_proj.weight", "encoder.pos_embedding"),
        rename=vit_of_torchvision,
        backbones=VITS,
    ),
    "torchvision-features": Layout(
        title="an EfficientNet or ConvNeXt of torchvision",
        known=_has("features.0.0.weight"),
        rename=by_place,
        backbones=(
            "efficientnet_b0",
            "efficientnet_b1",
            "efficientnet_b2",
            "efficientnet_b3",
            "convnext_tiny",
        ),
    ),
    "timm": Layout(
        title="timm, or torchvision where its names are the same",
        known=lambda state: True,
        rename=as_it_is,
    ),
}

_WRAPPERS = ("state_dict", "model_state_dict", "model", "teacher", "net")
# of DistributedDataParallel, torch.compile, Lightning, and of what a model is a part of
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "backbone.", "dinov2.", "student.", "teacher.")


def recognised(state: State) -> tuple[str, dict[str, Tensor]]:
    """Return the layout of a state, and the state without what programs put around a model's names.

    Returns:
        A key of `LAYOUTS`, and the tensors by the names of that layout.
    """
    found = dict(state)
    while True:
        name = next(name for name, layout in LAYOUTS.items() if layout.known(found))
        prefix = next(
            (p for p in _PREFIXES if 2 * sum(each.startswith(p) for each in found) > len(found)), None
        )
        if name != "timm" or prefix is None:
            return name, found
        found = below(found, prefix)


def unwrapped(content: object) -> dict[str, Tensor]:
    """Return the tensors of what a file held, out of the dictionary that a training program put them into."""
    while isinstance(content, Mapping):
        inner = next((content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)), None)
        tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
        if inner is None and not tensors:  # under a name that nobody else uses
            states = [each for each in content.values() if isinstance(each, Mapping) and _holds_tensors(each)]
            inner = states[0] if len(states) == 1 else None
        if inner is None:
            return tensors
        content = inner  # before any tensor beside it, which is a loss or a step
    return {}


def _holds_tensors(state: Mapping[object, object]) -> bool:
    return any(isinstance(value, Tensor) for value in state.values())
