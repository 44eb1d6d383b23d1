"""What a head's activation and the first values of its weights are called in a recipe.

Torch is loaded where one is made: a recipe is checked, and a run read back, by the names alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def _layer(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from torch import nn

        layer: nn.Module = getattr(nn, name)()
        return layer

    return make


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": _layer("ReLU"),
    "tanh": _layer("Tanh"),
    "sigmoid": _layer("Sigmoid"),
    "gelu": _layer("GELU"),
    "elu": _layer("ELU"),
    "leaky-relu": _layer("LeakyReLU"),
    "silu": _layer("SiLU"),
    "identity": _layer("Identity"),
}


def _he(weight: Tensor) -> object:
    from torch.nn import init

    return init.kaiming_normal_(weight, nonlinearity="relu")


def _glorot(weight: Tensor) -> object:
    from torch.nn import init

    return init.xavier_uniform_(weight)


def _normal(weight: Tensor) -> object:
    from torch.nn import init

    return init.normal_(weight, std=0.01)


INITIALISERS: dict[str, Callable[[Tensor], object]] = {
    "default": lambda weight: None,
    "he": _he,
    "glorot": _glorot,
    "normal": _normal,
}
