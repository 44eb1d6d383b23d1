"""Weights from a file into a net: read without executing anything, held against the net name by name, loaded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
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
PRECISIONS = {
    torch.float64: "double precision (float64)",
    torch.float32: "",  # as they are used
    torch.float16: "half precision (float16)",
    torch.bfloat16: "half precision (bfloat16)",
}
FIRST = ("conv1.weight", "features.conv0.weight", "conv_stem.weight", "patch_embed.proj.weight")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How a file stands to a net.

    Attributes:
        backbone: As a recipe names it.
        missing: Names of the net that the file lacks.
        other_shape: Names whose tensors have another shape, and cannot be adapted to the net's.
        too_much: Names of the file that the net has no place for, in parts that it has: the file is of a deeper net.
        left_over: Names of the file that the net does not take: the published classifier, for instance.
        parameters: Of the net.
        not_finite: Names of the net whose values in the file are not all numbers: a training that went wrong.
        quantised: Names of the net whose values in the file are whole numbers, or of 8 bits.
        names: How many the net has.
    """

    backbone: str
    missing: tuple[str, ...]
    other_shape: tuple[str, ...]
    too_much: tuple[str, ...]
    left_over: tuple[str, ...]
    parameters: int
    not_finite: tuple[str, ...] = ()
    quantised: tuple[str, ...] = ()
    names: int = 0

    @property
    def shares_names(self) -> bool:
        """Whether the file has at least half of the net's names: it is of the net's kind."""
        return 2 * len(self.missing) <= self.names

    @property
    def is_of_this_net(self) -> bool:
        """Whether the file has what the net has, by names and shapes."""
        return not (self.missing or self.other_shape or self.too_much)

    @property
    def fits(self) -> bool:
        """Whether the net can begin with the file."""
        return self.is_of_this_net and not (self.not_finite or self.quantised)

    @property
    def why_not(self) -> str:
        """What stands against it, in words; empty where it fits."""
        said = [
            f"{len(names)} {what} ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"
            for names, what in (
                (self.missing, "of its parameters are missing in the file"),
                (self.other_shape, "have another shape"),
                (self.too_much, "in the file have no place in it"),
                (self.not_finite, "of its parameters hold values that are no numbers (NaN or infinite)"),
                (self.quantised, "of its parameters are quantised, to whole numbers or 8 bits"),
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
            "Name a file that is there, or weights that were added",
            option="overread weights list",
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
    return _fit(state, backbone, _shapes(backbone, image_size or default_size(backbone)))[0]


def refuse_unless_fitting(path: Path, backbone: str, *, image_size: int, name: str) -> None:
    """Refuse a file that a net cannot begin with; nothing is loaded into one.

    Args:
        path: Of the file.
        backbone: As a recipe names it.
        image_size: In pixels.
        name: Of the file, for people.

    Raises:
        WeightsError: It cannot be read, or does not fit.
    """
    state = read_weights(path)
    fit = fit_of(state, backbone, image_size=image_size)
    if not fit.fits:
        raise does_not_fit(fit, name, title_of(recognised(state)[0], [fit], state))


@cache  # building is what takes the time, where a file is held against some thirty nets
def _shapes(backbone: str, image_size: int) -> torch.nn.Module:
    with torch.device("meta"):
        return build_backbone(backbone, channels=3, image_size=image_size)


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
    taken = {n: renamed[n] for n in own if n in renamed and own[n].is_floating_point()}
    found = Fit(
        backbone=backbone,
        missing=tuple(n for n in own if n not in renamed and not n.endswith("num_batches_tracked")),
        other_shape=tuple(
            n for n in own if n in renamed and not _adaptable(n, renamed[n].shape, own[n].shape)
        ),
        too_much=tuple(n for n in unknown if n.partition(".")[0] in parts),
        left_over=tuple(n for n in unknown if n.partition(".")[0] not in parts),
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        names=len(own),
        quantised=tuple(n for n, value in taken.items() if value.dtype not in PRECISIONS),
    )
    if found.fits:  # values are looked at last: a net that the file is not of needs no look
        found = replace(
            found, not_finite=tuple(n for n, value in taken.items() if not value.isfinite().all())
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
    """Return the nets that weights are of, of those that their layout is published for; `fits` says whether they do.

    Args:
        state: As `read_weights` gives it.
    """
    layout, _ = recognised(state)
    names: Iterable[str] = LAYOUTS[layout].backbones or (*BACKBONES, *RESNETS, *DENSENETS, *VITS, *DINO)
    return [fit for name in dict.fromkeys(names) if (fit := fit_of(state, name)).is_of_this_net]


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
    fit, renamed, layout = _fit(in_full(state), backbone, net)
    known = LAYOUTS[layout]
    if not fit.fits:
        raise does_not_fit(fit, name, title_of(layout, [fit], state))
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


def in_full(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in float32 where they were kept in another precision, so that what is added up loses nothing."""
    return {name: value.float() if value.dtype in PRECISIONS else value for name, value in state.items()}


def kept_in(state: Mapping[str, Tensor]) -> str:
    """Return the precision that most values are kept in, in words; empty where it is float32, which is used."""
    values: Counter[torch.dtype] = Counter()
    for value in state.values():
        if value.dtype in PRECISIONS:
            values[value.dtype] += value.numel()
    return PRECISIONS[values.most_common(1)[0][0]] if values else ""


def does_not_fit(fit: Fit, name: str, title: str) -> WeightsError:
    """Say that a net cannot begin with a file, and what to do.

    Args:
        fit: Which says why.
        name: Of the file.
        title: See `title_of`.
    """
    backbone, why_not = fit.backbone, fit.why_not
    remedy = "Set the recipe's backbone to the network that it fits"
    option = f"overread weights check {name}"
    if fit.is_of_this_net and fit.not_finite:
        remedy = "Take the weights of an epoch before that training went wrong, or another file"
    elif fit.is_of_this_net:
        remedy = "Take the weights as they were before they were quantised, in 16 or 32 bits"
    return WeightsError(
        f"{name} ({title}) does not fit {backbone}: {why_not}",
        remedy,
        option="" if fit.is_of_this_net else option,
    )


def title_of(layout: str, fits: Sequence[Fit], state: Mapping[str, Tensor]) -> str:
    """Say whose a layout is, or that nobody knows: timm's names are known by the first layer, or by a net with them.

    Args:
        layout: A key of `LAYOUTS`.
        fits: Of the nets that the state was held against.
        state: For its first names.
    """
    names = set(recognised(state)[1])
    first = any(name in FIRST or name.startswith(("stem.", "Conv2d_1a")) for name in names)
    if layout != "timm" or first or any(fit.shares_names for fit in fits):
        return LAYOUTS[layout].title
    return f"of no layout that Overread knows; its first names are {', '.join(list(state)[:3])}"


def _to_channels(value: Tensor, own: Tensor) -> Tensor:
    """Return a first convolution for as many channels as the net has: a grey image gives what it gave before."""
    if value.ndim != 4 or value.shape[1] == own.shape[1] or {value.shape[1], own.shape[1]} != {1, 3}:
        return value
    return value.sum(dim=1, keepdim=True) if own.shape[1] == 1 else value.repeat(1, 3, 1, 1) / 3
