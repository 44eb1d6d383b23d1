"""Promises of the training loop: a phase begins from the best of those before it, must beat it, and can only help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from engine.models.weights import read_safetensors
from engine.records import Phase, Split
from engine.training.checkpoint import copy_state
from engine.training.loop import TrainingLoop
from engine.workspace import Workspace
from tests.engine.training.test_fit import loop
from tests.tiny import TINY_RECIPE

LOSSES = (
    0.5,
    0.3,
    0.6,
    0.4,
    0.35,
)  # of three epochs of one phase, and two of another that does not beat them


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """Say what each epoch's validation shall give, and keep the net that was validated."""
    kept: list[dict[str, torch.Tensor]] = []
    losses: Iterator[float] = iter(LOSSES)
    validate = TrainingLoop._validate

    def told(self: TrainingLoop, *arguments: object) -> dict[str, float]:
        kept.append(dict(copy_state(self.classifier)))
        return {**validate(self, *arguments), "val_loss": next(losses)}  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingLoop, "_validate", told)
    return kept


def test_the_best_of_all_phases_is_kept_and_each_begins_from_it(
    tiny_split: Split, workspace: Workspace, states: list[dict[str, torch.Tensor]]
) -> None:
    first = Phase(
        name="first", epochs=3, trainable="all", optimizer="adam", learning_rate=1e-3, monitor="val_loss"
    )
    second = replace(
        first, name="second", epochs=2, optimizer="sgd", learning_rate=1e-9, freeze_batch_norm=False
    )
    folder = workspace.runs / "a"
    epochs = list(loop(replace(TINY_RECIPE, phases=(first, second)), tiny_split, folder, workspace.cache))
    assert [epoch.best for epoch in epochs] == [True, True, False, False, False]
    best, last = states[1], states[2]
    weight = next(name for name, value in best.items() if value.ndim == 4)
    assert not torch.equal(best[weight], last[weight])
    torch.testing.assert_close(
        states[3][weight], best[weight]
    )  # the second phase moves nothing: it began here
    kept = read_safetensors(folder / "model.safetensors")
    torch.testing.assert_close(kept[weight], best[weight])
