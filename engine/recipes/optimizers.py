"""Optimisers, learning-rate schedules and penalties, by the names that a recipe's phases use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.records import Phase

if TYPE_CHECKING:  # a recipe is checked by the names alone: torch is loaded by what trains
    from torch import Tensor, nn
    from torch.optim import Optimizer

# ---------------------------------------------------------------------------------------------- optimisers


Trained: TypeAlias = "list[nn.Parameter] | list[dict[str, Any]]"
"""Parameters, or groups of them with a rate each, as PyTorch's optimisers take them."""


def _fused(trained: Trained) -> bool | None:
    """Ask for one kernel a step where that is sure to work; None leaves the choice to PyTorch."""
    groups = [one["params"] if isinstance(one, dict) else [one] for one in trained]
    return True if all(parameter.is_cuda for group in groups for parameter in group) else None


def _sgd(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.SGD(
        parameters,
        lr=phase.learning_rate,
        momentum=phase.momentum,
        weight_decay=phase.weight_decay,
        fused=_fused(parameters),
    )


def _momentum(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.SGD(
        parameters,
        lr=phase.learning_rate,
        momentum=phase.momentum or 0.9,
        weight_decay=phase.weight_decay,
        fused=_fused(parameters),
    )


def _nesterov(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.SGD(
        parameters,
        lr=phase.learning_rate,
        momentum=phase.momentum or 0.9,
        weight_decay=phase.weight_decay,
        nesterov=True,
        fused=_fused(parameters),
    )


def _rmsprop(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.RMSprop(
        parameters, lr=phase.learning_rate, momentum=phase.momentum, weight_decay=phase.weight_decay
    )


def _adadelta(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.Adadelta(parameters, lr=phase.learning_rate, weight_decay=phase.weight_decay)


def _adam(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.Adam(
        parameters, lr=phase.learning_rate, weight_decay=phase.weight_decay, fused=_fused(parameters)
    )


def _adamw(parameters: Trained, phase: Phase) -> Optimizer:
    from torch import optim

    return optim.AdamW(
        parameters, lr=phase.learning_rate, weight_decay=phase.weight_decay, fused=_fused(parameters)
    )


OPTIMIZERS: Final[dict[str, Callable[[Trained, Phase], Optimizer]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamw": _adamw,
}
"""Phase.optimizer → (trainable parameters, phase) → optimiser. "sgd" takes the phase's momentum as it is;
"momentum" and "nesterov" take 0.9 where the phase has none. The weight decay of "adamw" alone is decoupled
(arXiv:1711.05101); everywhere else it is the L2 penalty's gradient."""


def l1_penalty(parameters: Iterable[nn.Parameter]) -> Tensor:
    """Return Σ|w| over the trainable weights, a scalar; biases and norms' vectors are not penalised."""
    import torch

    weights = [
        parameter.abs().sum() for parameter in parameters if parameter.requires_grad and parameter.ndim > 1
    ]
    return torch.stack(weights).sum() if weights else torch.zeros(())
