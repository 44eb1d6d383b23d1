"""Promises of the weights' moving average: it is what is validated and kept, and training goes on from the weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.models.classifier import Classifier, build_classifier
from engine.models.trainable import set_trainable
from engine.models.weights import read_safetensors
from engine.records import Split
from engine.training.averaging import WeightAverage
from engine.training.checkpoint import copy_state
from engine.training.loop import TrainingLoop
from engine.workspace import Workspace
from tests.engine.training.test_fit import loop
from tests.tiny import TINY_RECIPE

AVERAGED = replace(
    TINY_RECIPE,
    phases=(replace(TINY_RECIPE.phases[0], epochs=4, ema_decay=0.9, learning_rate=3e-3, monitor="val_auc"),),
)


@pytest.fixture
def net() -> Classifier:
    torch.manual_seed(0)
    return build_classifier(TINY_RECIPE, 2)


def test_it_is_the_sum_over_all_steps_each_counting_less_the_older_it_is(net: Classifier) -> None:
    set_trainable(net, "all")
    bias = net.head.output.bias
    expected = float(bias.detach()[0])
    average = WeightAverage(net, 0.8)
    for step in range(1, 60):
        with torch.no_grad():
            bias.fill_(step**0.5)
        average.update()
        decay = min(0.8, (1 + step) / (10 + step))  # follows closely at first
        expected = decay * expected + (1 - decay) * step**0.5
        assert float(average.state()["head.output.bias"][0]) == pytest.approx(expected, rel=1e-5)
    assert average.steps == 59


def test_the_weights_come_back_whatever_happens_while_the_average_is_in_place(net: Classifier) -> None:
    set_trainable(net, "all")
    average = WeightAverage(net, 0.99)
    with torch.no_grad():
        net.head.output.weight.add_(1.0)
    weights = copy_state(net)
    with pytest.raises(KeyError), average.in_place():
        assert not torch.equal(net.head.output.weight, weights["head.output.weight"])
        raise KeyError
    assert all(torch.equal(value, weights[name]) for name, value in copy_state(net).items())


def test_what_is_frozen_costs_nothing(net: Classifier) -> None:
    set_trainable(net, "head")
    assert not any(name.endswith("conv_stem.weight") for name in WeightAverage(net, 0.9).state())


def test_the_run_keeps_the_average_that_was_validated(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    epoch = TrainingLoop._epoch
    validate = TrainingLoop._validate
    trained: list[dict[str, torch.Tensor]] = []

    def train_epoch(self: TrainingLoop, *arguments: object) -> tuple[float, int]:
        out = epoch(self, *arguments)  # type: ignore[arg-type]
        trained.append(dict(copy_state(self.classifier)))
        return out

    def told(self: TrainingLoop, *arguments: object) -> dict[str, float]:
        seen.append(dict(copy_state(self.classifier)))
        return validate(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingLoop, "_epoch", train_epoch)
    monkeypatch.setattr(TrainingLoop, "_validate", told)
    folder = workspace.runs / "a"
    epochs = list(loop(AVERAGED, tiny_split, folder, workspace.cache))
    best = max(number for number, one in enumerate(epochs) if one.best)
    kept = read_safetensors(folder / "model.safetensors")
    name = "head.output.weight"
    assert torch.equal(kept[name], seen[best][name])
    assert not torch.equal(seen[best][name], trained[best][name])
