"""Optimisers, learning-rate schedules and penalties, by the names that a recipe's phases use."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler

from engine.records import Phase

Mode = Literal["min", "max"]
MONITORS: Final[dict[str, Mode]] = {"val_loss": "min", "val_accuracy": "max", "val_auc": "max"}
"""Phase.monitor → which way is better."""


def is_better(monitor: str, value: float, best: float) -> bool:
    """Return whether `value` improves on `best`. NaN never improves on anything; anything improves on NaN."""
    if math.isnan(value) or math.isnan(best):
        return not math.isnan(value)
    return value < best if MONITORS[monitor] == "min" else value > best


# ---------------------------------------------------------------------------------------------- optimisers


def _fused(parameters: list[nn.Parameter]) -> bool | None:
    """Ask for one kernel a step where that is sure to work; None leaves the choice to PyTorch."""
    return True if all(parameter.is_cuda for parameter in parameters) else None


def _sgd(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=phase.learning_rate,
        momentum=phase.momentum,
        weight_decay=phase.weight_decay,
        fused=_fused(parameters),
    )


def _momentum(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=phase.learning_rate,
        momentum=phase.momentum or 0.9,
        weight_decay=phase.weight_decay,
        fused=_fused(parameters),
    )


def _nesterov(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=phase.learning_rate,
        momentum=phase.momentum or 0.9,
        weight_decay=phase.weight_decay,
        nesterov=True,
        fused=_fused(parameters),
    )


def _rmsprop(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.RMSprop(
        parameters, lr=phase.learning_rate, momentum=phase.momentum, weight_decay=phase.weight_decay
    )


def _adadelta(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.Adadelta(parameters, lr=phase.learning_rate, weight_decay=phase.weight_decay)


def _adam(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.Adam(
        parameters, lr=phase.learning_rate, weight_decay=phase.weight_decay, fused=_fused(parameters)
    )


def _adamw(parameters: list[nn.Parameter], phase: Phase) -> Optimizer:
    return torch.optim.AdamW(
        parameters, lr=phase.learning_rate, weight_decay=phase.weight_decay, fused=_fused(parameters)
    )


OPTIMIZERS: Final[dict[str, Callable[[list[nn.Parameter], Phase], Optimizer]]] = {
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
    weights = [
        parameter.abs().sum() for parameter in parameters if parameter.requires_grad and parameter.ndim > 1
    ]
    return torch.stack(weights).sum() if weights else torch.zeros(())


# ---------------------------------------------------------------------------------------------- schedules


class Schedule:
    """Moves the learning rate once an epoch.

    Args:
        scheduler: PyTorch's.
    """

    def __init__(self, scheduler: lr_scheduler.LRScheduler) -> None:
        self._scheduler = scheduler

    def step(self, metric: float) -> None:
        """End an epoch.

        Args:
            metric: The epoch's value of `Phase.monitor`; only "plateau" looks at it. NaN is no improvement.
        """
        if isinstance(self._scheduler, lr_scheduler.ReduceLROnPlateau):
            self._scheduler.step(metric)
        else:
            self._scheduler.step()

    @property
    def learning_rate(self) -> float:
        """The rate that the next epoch runs at."""
        return float(self._scheduler.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Return plain values from which `load_state_dict` goes on exactly.

        The learning rate itself is in the optimiser's state.
        """
        # The constant schedule's function is not state, and JSON has no place for it.
        return {key: value for key, value in self._scheduler.state_dict().items() if key != "lr_lambdas"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        missing = {key: value for key, value in self._scheduler.state_dict().items() if key not in state}
        self._scheduler.load_state_dict({**missing, **state})


def _constant(optimizer: Optimizer, phase: Phase) -> Schedule:
    return Schedule(lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0))


def _plateau(optimizer: Optimizer, phase: Phase) -> Schedule:
    return Schedule(
        lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode=MONITORS[phase.monitor],
            factor=phase.schedule_factor,
            # PyTorch counts the epochs it lets pass, a recipe those it takes to act: one more.
            patience=max(phase.schedule_patience - 1, 0),
            threshold=1e-4,
            threshold_mode="abs",
        )
    )


def _step(optimizer: Optimizer, phase: Phase) -> Schedule:
    return Schedule(
        lr_scheduler.StepLR(optimizer, step_size=max(phase.schedule_patience, 1), gamma=phase.schedule_factor)
    )


def _cosine(optimizer: Optimizer, phase: Phase) -> Schedule:
    """From the learning rate to nothing over the phase's epochs (arXiv:1608.03983), without restarts."""
    epochs = max(phase.epochs, 1)
    # In closed form; PyTorch's CosineAnnealingLR multiplies from epoch to epoch and drifts.
    return Schedule(
        lr_scheduler.LambdaLR(
            optimizer, lambda epoch: 0.5 * (1.0 + math.cos(math.pi * min(epoch / epochs, 1.0)))
        )
    )


SCHEDULES: Final[dict[str, Callable[[Optimizer, Phase], Schedule]]] = {
    "constant": _constant,
    "plateau": _plateau,
    "step": _step,
    "cosine": _cosine,
}
"""Phase.schedule → (optimiser, phase) → `Schedule`."""
