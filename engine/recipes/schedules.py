"""Learning-rate schedules: one function and one line of `SCHEDULES` each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from engine.records import Phase
from engine.statistics import MONITORS

if TYPE_CHECKING:  # a recipe is checked by the names alone: torch is loaded by what trains
    from torch.optim import Optimizer, lr_scheduler


class Schedule:
    """Moves the learning rate once an epoch.

    Args:
        scheduler: PyTorch's, which begins when the warm-up is over.
        warm_up: Epochs over which the rate rises evenly to where the scheduler begins.
    """

    def __init__(self, scheduler: lr_scheduler.LRScheduler, warm_up: int = 0) -> None:
        self._scheduler, self._warm_up, self._epochs = scheduler, warm_up, 0
        self._full = [group["lr"] for group in scheduler.optimizer.param_groups]
        if warm_up:
            self._rise()

    def _rise(self) -> None:
        share = (self._epochs + 1) / (self._warm_up + 1)
        for group, rate in zip(self._scheduler.optimizer.param_groups, self._full, strict=True):
            group["lr"] = rate * share

    def step(self, metric: float) -> None:
        """End an epoch.

        Args:
            metric: The epoch's value of `Phase.monitor`; only "plateau" looks at it. NaN is no improvement.
        """
        from torch.optim import lr_scheduler

        self._epochs += 1
        if self._epochs <= self._warm_up:
            self._rise()
        elif isinstance(self._scheduler, lr_scheduler.ReduceLROnPlateau):
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
        state = {key: value for key, value in self._scheduler.state_dict().items() if key != "lr_lambdas"}
        return {**state, "epochs": self._epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        # A run begun by a version without warm-up says no epochs, and has none to warm up in.
        self._epochs = state.get("epochs", 0)
        own = self._scheduler.state_dict()
        self._scheduler.load_state_dict({key: state.get(key, value) for key, value in own.items()})


def _constant(optimizer: Optimizer, phase: Phase) -> Schedule:
    from torch.optim import lr_scheduler

    return Schedule(lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0), phase.warm_up)


def _plateau(optimizer: Optimizer, phase: Phase) -> Schedule:
    from torch.optim import lr_scheduler

    return Schedule(
        lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode="max" if MONITORS[phase.monitor].rises else "min",
            factor=phase.schedule_factor,
            # PyTorch counts the epochs it lets pass, a recipe those it takes to act: one more.
            patience=max(phase.schedule_patience - 1, 0),
            threshold=1e-4,
            threshold_mode="abs",
        ),
        phase.warm_up,
    )


def _step(optimizer: Optimizer, phase: Phase) -> Schedule:
    from torch.optim import lr_scheduler

    return Schedule(
        lr_scheduler.StepLR(
            optimizer, step_size=max(phase.schedule_patience, 1), gamma=phase.schedule_factor
        ),
        phase.warm_up,
    )


def _cosine(optimizer: Optimizer, phase: Phase) -> Schedule:
    """From the learning rate to nothing over the epochs left after warm-up (arXiv:1608.03983), without restarts."""
    from torch.optim import lr_scheduler

    epochs = max(phase.epochs - phase.warm_up, 1)
    # In closed form; PyTorch's CosineAnnealingLR multiplies from epoch to epoch and drifts.
    return Schedule(
        lr_scheduler.LambdaLR(
            optimizer, lambda epoch: 0.5 * (1.0 + math.cos(math.pi * min(epoch / epochs, 1.0)))
        ),
        phase.warm_up,
    )


SCHEDULES: Final[dict[str, Callable[[Optimizer, Phase], Schedule]]] = {
    "constant": _constant,
    "plateau": _plateau,
    "step": _step,
    "cosine": _cosine,
}


"""Phase.schedule → (optimiser, phase) → `Schedule`."""
