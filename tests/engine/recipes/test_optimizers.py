"""Optimisers and schedules: each by its name, each resumed exactly."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from engine.recipes.optimizers import OPTIMIZERS, l1_penalty
from engine.recipes.schedules import SCHEDULES
from engine.records import Phase

METRICS = [1.0, 0.8, 0.81, 0.82, 0.83, 0.84, 0.2, 0.3, math.nan, 0.4, 0.5, 0.6]


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def learn(net: nn.Module, optimizer: torch.optim.Optimizer, schedule, metrics) -> list[float]:
    rates = []
    for number, metric in enumerate(metrics):
        generator = torch.Generator().manual_seed(number)
        images = torch.randn(32, 4, generator=generator)
        loss = nn.functional.cross_entropy(net(images), (images[:, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.append(schedule.learning_rate)
        schedule.step(metric)
    return rates


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_learns(name):
    net = small_net()
    rate = {"adadelta": 1.0, "sgd": 0.2}.get(name, 0.02)
    phase = Phase(name="x", epochs=60, optimizer=name, learning_rate=rate)
    optimizer = OPTIMIZERS[name](list(net.parameters()), phase)
    images = torch.randn(64, 4, generator=torch.Generator().manual_seed(9))
    labels = (images[:, 0] > 0).long()
    before = nn.functional.cross_entropy(net(images), labels).item()
    learn(net, optimizer, SCHEDULES["constant"](optimizer, phase), [0.0] * 60)
    assert nn.functional.cross_entropy(net(images), labels).item() < before - 0.1


@pytest.mark.parametrize("warm_up", [0, 7])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_resuming_gives_the_same_weights_and_rates_as_not_stopping(name, schedule, warm_up):
    phase = Phase(
        name="x", epochs=len(METRICS), optimizer=name, schedule=schedule, schedule_patience=2, momentum=0.5,
        weight_decay=1e-3, learning_rate=0.05, warm_up=warm_up,
    )  # fmt: skip

    def fresh():
        net = small_net()
        optimizer = OPTIMIZERS[name](list(net.parameters()), phase)
        return net, optimizer, SCHEDULES[schedule](optimizer, phase)

    net, optimizer, plan = fresh()
    expected = learn(net, optimizer, plan, METRICS)

    first, first_optimizer, first_plan = fresh()
    rates = learn(first, first_optimizer, first_plan, METRICS[:5])
    weights, moments, state = first.state_dict(), first_optimizer.state_dict(), first_plan.state_dict()
    second, second_optimizer, second_plan = fresh()
    second.load_state_dict(weights)
    second_optimizer.load_state_dict(moments)
    second_plan.load_state_dict(json.loads(json.dumps(state)))
    # The loss of epoch 5 on is computed from the data of epoch 5 on.
    for number, metric in enumerate(METRICS[5:], start=5):
        images = torch.randn(32, 4, generator=torch.Generator().manual_seed(number))
        loss = nn.functional.cross_entropy(second(images), (images[:, 0] > 0).long())
        second_optimizer.zero_grad()
        loss.backward()
        second_optimizer.step()
        rates.append(second_plan.learning_rate)
        second_plan.step(metric)
    assert rates == expected
    for one, other in zip(net.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def rates(schedule: str, metrics, **settings) -> list[float]:
    net = small_net()
    phase = Phase(name="x", epochs=len(metrics), learning_rate=1.0, schedule=schedule, **settings)
    optimizer = OPTIMIZERS["sgd"](list(net.parameters()), phase)
    return learn(net, optimizer, SCHEDULES[schedule](optimizer, phase), metrics)


def test_constant_stays():
    assert rates("constant", METRICS) == [1.0] * len(METRICS)


def test_step_multiplies_every_so_many_epochs():
    found = rates("step", [0.0] * 6, schedule_patience=2, schedule_factor=0.5)
    assert found == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_cosine_falls_to_nothing():
    found = rates("cosine", [0.0] * 4)
    assert found == pytest.approx(
        [1, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 + math.cos(3 * math.pi / 4)) / 2]
    )


def test_plateau_acts_after_so_many_epochs_without_improvement():
    settings = {"schedule_patience": 3, "schedule_factor": 0.1}
    assert rates("plateau", [1, 1, 1, 1, 1, 1], **settings) == pytest.approx([1, 1, 1, 1, 0.1, 0.1])
    rising = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert rates("plateau", rising, monitor="val_loss", **settings)[-1] == pytest.approx(0.1)
    assert rates("plateau", rising, monitor="val_accuracy", **settings)[-1] == 1.0
    assert rates("plateau", [math.nan] * 6, monitor="val_auc", **settings)[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_rises_evenly_and_then_the_schedule_begins_as_it_would_have_begun(schedule):
    settings = {"schedule_patience": 1, "schedule_factor": 0.5}
    with_warm_up = rates(schedule, [1.0] * 8, warm_up=3, **settings)
    assert with_warm_up[:3] == pytest.approx([0.25, 0.5, 0.75])
    assert with_warm_up[3:] == pytest.approx(rates(schedule, [1.0] * 5, **settings))


def test_a_phase_begun_by_a_version_without_warm_up_goes_on():
    phase = Phase(name="x", epochs=9, learning_rate=1.0, schedule="step", schedule_patience=2)
    optimizer = OPTIMIZERS["sgd"](list(small_net().parameters()), phase)
    plan = SCHEDULES["step"](optimizer, phase)
    learn(small_net(), optimizer, plan, [0.0] * 3)
    state = plan.state_dict()
    del state["epochs"]
    again = SCHEDULES["step"](optimizer, phase)
    again.load_state_dict(state)
    again.step(0.0)
    assert again.learning_rate == pytest.approx(0.01)


def test_momentum_has_its_usual_value_unless_the_phase_names_one():
    def momentum(name, value):
        phase = Phase(name="x", epochs=1, momentum=value)
        return OPTIMIZERS[name](list(small_net().parameters()), phase).param_groups[0]["momentum"]

    assert momentum("sgd", 0.0) == 0.0
    assert momentum("sgd", 0.7) == momentum("momentum", 0.7) == momentum("nesterov", 0.7) == 0.7
    assert momentum("momentum", 0.0) == momentum("nesterov", 0.0) == 0.9


def test_l1_penalises_trainable_weights_and_no_biases():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.0]]))
        net[2].weight.copy_(torch.tensor([[-1.0, 1.0]]))
    assert l1_penalty(net.parameters()).item() == pytest.approx(8.0)
    net[0].weight.requires_grad_(False)
    assert l1_penalty(net.parameters()).item() == pytest.approx(2.0)
    assert l1_penalty([]).item() == 0.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw"])
def test_one_kernel_a_step_on_cuda(name):
    net = small_net().cuda()
    assert OPTIMIZERS[name](list(net.parameters()), Phase(name="x", epochs=1)).param_groups[0]["fused"]
