"""An exponential moving average of the weights, which swings less from epoch to epoch than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engine.models import Classifier


class WeightAverage:
    """The average of what a phase trains, and of the statistics of batch norm.

    In its first steps it follows closely: an average that began at weights drawn at random would keep them.

    Args:
        classifier: As `engine.models.set_trainable` left it for the phase.
        decay: Share of the average that a step keeps.
    """

    def __init__(self, classifier: Classifier, decay: float) -> None:
        frozen = {name for name, parameter in classifier.named_parameters() if not parameter.requires_grad}
        self._live = {
            name: value
            for name, value in classifier.state_dict().items()  # of the same storage as the weights, detached
            if value.is_floating_point() and name not in frozen
        }
        self._average = {name: value.clone() for name, value in self._live.items()}
        self._decay = decay
        self.steps = 0

    def update(self) -> None:
        """Take in the weights after a step of the optimiser."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        move([*self._average.values()], [*self._live.values()], self.steps)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average in the weights' place, and afterwards the weights back."""
        weights = {name: value.clone() for name, value in self._live.items()}
        self._fill(self._average)
        try:
            yield
        finally:
            self._fill(weights)

    def state(self) -> dict[str, Tensor]:
        """Return the average, on the CPU."""
        return {name: value.detach().cpu().contiguous() for name, value in self._average.items()}

    def load(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Go on from what `state` gave after so many steps."""
        for name, value in self._average.items():
            value.copy_(state[name])
        self.steps = steps

    def _fill(self, values: Mapping[str, Tensor]) -> None:
        for name, value in self._live.items():
            value.copy_(values[name])
