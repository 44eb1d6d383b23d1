"""Weights from a file into a net: read without executing anything, held against the net name by name, loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import WeightsError
from engine.models.backbone import BACKBONES, TimmBackbone, build_backbone
from engine.models.classifier import Classifier
from engine.models.starting.layouts import DENSENETS, DINO, LAYOUTS, RESNETS, VITS, recognised, unwrapped
from engine.models.weights import read_pickled, read_safetensors
from engine.storage import check_regular

READS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
FIRST = ("conv1.weight", "features.conv0.weight", "conv_stem.weight", "patch_embed.proj.weight")


@dataclass(frozen=True, slots=True)
class Fit:
    """How a file stands to a net.

    Attributes:
        backbone: As a recipe names it.
        missing: Names of the net that the file lacks.
        other_shape: Names whose tensors have another shape, and cannot be adapted to the net's.
        too_much: Names of the file that the net has no place for, in parts that it has: the file is of a deeper net.
        left_over: Names of the file that the net does not take: the published classifier, for instance.
        parameters: Of the net.
    """

    backbone: str
    missing: tuple[str, ...]
    other_shape: tuple[str, ...]
    too_much: tuple[str, ...]
    left_over: tuple[str, ...]
    parameters: int

    @property
    def fits(self) -> bool:
        """Whether the net can begin with the file."""
        return not (self.missing or self.other_shape or self.too_much)

    @property
    def why_not(self) -> str:
        """What stands against it, in words; empty where it fits."""
        said = [
            f"{len(names)} {what} ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"
            for names, what in (
                (self.missing, "of its parameters are missing in the file"),
                (self.other_shape, "have another shape"),
                (self.too_much, "in the file have no place in it"),
            )
            if names
        ]
        return ", ".join(said)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a weights file; nothing in it is executed.

    Raises:
        WeightsError: It is not there, is no such file, or holds something else than tensors.
    """
    if path.suffix.lower() not in READS:
        raise WeightsError(
            f"{path.name} is no weights file that can be read", f"Name a file that ends in {', '.join(READS)}"
        )
    try:
        check_regular(path)
    except OSError as error:
        raise WeightsError(
            f"The weights file {path} cannot be read ({error.strerror or error})",
            "Name a file that is there, or one of: overread weights list",
        ) from error
    state = read_safetensors(path) if path.suffix.lower() == ".safetensors" else unwrapped(read_pickled(path))
    if not state:
        raise WeightsError(
            f"{path.name} holds no tensors by name", "Save the state of the network in it: model.state_dict()"
        )
    return state


def fit_of(state: Mapping[str, Tensor], backbone: str, *, image_size: int | None = None) -> Fit:
    """Hold weights against a net; nothing is loaded.

    Args:
        state: As `read_weights` gives it.
        backbone: As a recipe names it.
        image_size: In pixels; None means that which the net was made for.

    Raises:
        RecipeError: Nobody knows the net.
    """
    with torch.device("meta"):  # shapes alone
        net = build_backbone(backbone, channels=3, image_size=image_size or default_size(backbone))
    return _fit(state, backbone, net)[0]


def default_size(backbone: str) -> int:
    """Return the image size that a net was made for, in pixels; 224 for nets that take any."""
    import timm

    config = timm.get_pretrained_cfg(backbone) if timm.is_model(backbone) else None
    return int(config.input_size[-1]) if config is not None else 224


def _fit(
    state: Mapping[str, Tensor], backbone: str, net: torch.nn.Module
) -> tuple[Fit, dict[str, Tensor], str]:
    layout, plain = recognised(state)
    own = (net.net if isinstance(net, TimmBackbone) else net).state_dict()
    renamed = LAYOUTS[layout].rename(plain, own)
    unknown, parts = [n for n in renamed if n not in own], {n.partition(".")[0] for n in own}
    found = Fit(
        backbone=backbone,
        missing=tuple(n for n in own if n not in renamed and not n.endswith("num_batches_tracked")),
        other_shape=tuple(
            n for n in own if n in renamed and not _adaptable(n, renamed[n].shape, own[n].shape)
        ),
        too_much=tuple(n for n in unknown if n.partition(".")[0] in parts),
        left_over=tuple(n for n in unknown if n.partition(".")[0] not in parts),
        parameters=sum(parameter.numel() for parameter in net.parameters()),
    )
    return found, renamed, layout


def _adaptable(name: str, given: Sequence[int], own: Sequence[int]) -> bool:
    if tuple(given) == tuple(own):
        return True
    if name == "pos_embed":  # of another grid: timm interpolates it
        extra = 0 if _is_square(own[1]) else 1  # the class token may have a place of its own
        return len(given) == len(own) == 3 and given[-1] == own[-1] and _is_square(given[1] - extra)
    return (
        len(given) == len(own) == 4
        and {given[1], own[1]} == {1, 3}  # grey, and colour
        and (given[0], *given[2:]) == (own[0], *own[2:])
        and name in FIRST
    )


def _is_square(number: int) -> bool:
    return math.isqrt(number) ** 2 == number


def fitting_backbones(state: Mapping[str, Tensor]) -> list[Fit]:
    """Return the nets that weights fit, of those that their layout is published for.

    Args:
        state: As `read_weights` gives it.
    """
    layout, _ = recognised(state)
    names: Iterable[str] = LAYOUTS[layout].backbones or (*BACKBONES, *RESNETS, *DENSENETS, *VITS, *DINO)
    return [fit for name in dict.fromkeys(names) if (fit := fit_of(state, name)).fits]


def load_weights(
    classifier: Classifier,
    state: Mapping[str, Tensor],
    *,
    backbone: str,
    name: str,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
) -> str:
    """Put weights into a classifier's backbone, and let images be normalised as they were for these weights.

    Args:
        classifier: Whose backbone is filled; its head stays.
        state: As `read_weights` gives it.
        backbone: What the recipe calls the net.
        name: Of the file, for people.
        mean: Of the images that the weights were trained on; empty means that of their layout.
        std: See `mean`.

    Returns:
        The layout, a key of `LAYOUTS`.

    Raises:
        WeightsError: The weights do not fit the net.
    """
    net = classifier.backbone
    fit, renamed, layout = _fit(state, backbone, net)
    known = LAYOUTS[layout]
    if not fit.fits:
        raise WeightsError(
            f"{name} ({known.title}) does not fit {backbone}: {fit.why_not}",
            f"See which network it fits: overread weights check {name}; then set the recipe's backbone to that",
        )
    if isinstance(net, TimmBackbone):
        own = net.net.state_dict()
        net.load_named({n: _to_channels(value, own[n]) for n, value in renamed.items() if n in own})
    else:
        net.load_state_dict(renamed, strict=False)
    means, stds = mean or known.mean, std or known.std
    if means is not None and stds is not None:
        classifier.set_normalisation(means, stds)
    elif layout == "overread" and "mean" in state and "std" in state:
        classifier.set_normalisation(state["mean"].flatten().tolist(), state["std"].flatten().tolist())
    return layout


def _to_channels(value: Tensor, own: Tensor) -> Tensor:
    """Return a first convolution for as many channels as the net has: a grey image gives what it gave before."""
    if value.ndim != 4 or value.shape[1] == own.shape[1] or {value.shape[1], own.shape[1]} != {1, 3}:
        return value
    return value.sum(dim=1, keepdim=True) if own.shape[1] == 1 else value.repeat(1, 3, 1, 1) / 3
