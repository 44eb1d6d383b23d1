"""Promises of the training loop: its figures are those of the net, and a phase can only help.

A phase begins from the best of those before it and must beat it.
"""

from __future__ import annotations

import itertools
import math
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch.nn import functional

from engine.data import index_folder, limit_training, split_index
from engine.errors import TrainingError, TrainingStopped
from engine.images.cache import open_cache
from engine.models.classifier import build_classifier
from engine.models.device import device_name
from engine.models.trainable import set_trainable
from engine.models.weights import read_safetensors
from engine.prediction import predict
from engine.recipes import balanced_rows
from engine.records import (
    Augmentation,
    Balance,
    Epoch,
    FixedEndpoint,
    Head,
    LabelsUsed,
    Phase,
    Recipe,
    Run,
    Sample,
    Split,
    TrainingRequest,
)
from engine.runs import load_shift, load_uncertainty
from engine.runs.folder import load_classifier, load_run, split_of
from engine.storage import KEPT_BYTES
from engine.training import fit, loop as the_loop
from engine.training.averaging import WeightAverage
from engine.training.batches import BatchSource
from engine.training.checkpoint import copy_state, load_checkpoint, save_checkpoint
from engine.training.feature_bank import VALUES
from engine.training.fit import train
from engine.training.loop import TrainingLoop
from engine.training.processes import Processes, joined
from engine.training.starting import starting_net
from engine.workspace import Workspace
from tests.engine.training.test_fit import loop
from tests.tiny import TINY_RECIPE, draw_films

pytestmark = pytest.mark.usefixtures("tiny_weights")

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

    def told(self: TrainingLoop, *arguments: object) -> tuple[dict[str, float], float]:
        kept.append(dict(copy_state(self.classifier)))
        figures, _ = validate(self, *arguments)  # type: ignore[arg-type]
        loss = next(losses)
        return {**figures, "val_loss": loss}, loss

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
    weight = next(name for name, value in best.items() if name.startswith("backbone.") and value.ndim == 4)
    assert not torch.equal(best[weight], last[weight])
    torch.testing.assert_close(
        states[3][weight], best[weight]
    )  # the second phase moves nothing: it began here
    kept = read_safetensors(folder / "model.safetensors")
    same = [name for name in kept if torch.equal(kept[name], best[name])]
    assert same == list(kept) and weight in same  # what batch norms have seen since, too
    assert not all(torch.equal(kept[name], states[-1][name]) for name in kept)


def waiting_loop(recipe: Recipe, folder: Path, **given: Any) -> TrainingLoop:
    torch.manual_seed(0)
    return TrainingLoop(
        **{
            "recipe": recipe,
            "folder": folder,
            "cache_dir": folder,
            "classifier": build_classifier(recipe, 2),
            "cache": None,
            "data": None,
            "device": "cpu",
            "positive": 1,
            "should_stop": lambda: False,
            "on_batch": lambda done, total: None,
            "began": 0.0,
            **given,
        }
    )


def test_patience_counts_from_the_best_of_a_figure_and_begins_anew_with_a_phase(tmp_path: Path) -> None:
    one = replace(TINY_RECIPE.phases[0], monitor="val_auc", stop_patience=2)
    other = replace(one, monitor="val_loss", stop_patience=1)
    course = waiting_loop(TINY_RECIPE, tmp_path)
    bias = course.classifier.head.output.bias

    def noted(phase: Phase, *values: float) -> list[tuple[bool, bool]]:
        found = []
        for value in values:
            with torch.no_grad():
                bias.fill_(value)
            found.append((course._note(value, phase), course._ended(phase)))
        return found

    no, best, end = (False, False), (True, False), (False, True)
    course._enter(one)
    assert not course._ended(one)
    assert noted(one, math.nan, 0.5, 0.5, 0.75, 0.5, 0.5) == [no, best, no, best, no, end]
    course._enter(one)
    assert bias.tolist() == [0.75] * 2 and not course._ended(one)
    assert noted(one, 0.75, 1.0, 0.75, 0.75, 0.5) == [no, best, no, end, end]
    course._enter(one)
    assert noted(one, 0.5, 1.0) == [no, end]
    assert not course._ended(replace(one, stop_patience=0)) and course._ended(replace(one, stop_patience=1))
    course._enter(other)  # of another figure nothing is known yet
    assert bias.tolist() == [1.0] * 2 and course.progress.best is None
    assert noted(other, 9.0, 9.0, 8.0) == [best, end, best]
    assert course.progress.best is not None
    assert course.progress.best["head.output.bias"].tolist() == [8.0] * 2


def test_all_that_a_phase_knows_of_itself_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phase = replace(TINY_RECIPE.phases[0], monitor="val_loss")
    course = waiting_loop(TINY_RECIPE, tmp_path, began=200.0)
    assert not course.scaler.is_enabled()
    course._enter(phase)
    course._note(0.5, phase)
    course._note(0.75, phase)
    set_trainable(course.classifier, "head")
    average = WeightAverage(course.classifier, 0.9)
    average.update()
    optimizer = torch.optim.SGD(course.classifier.head.parameters(), lr=0.125)
    monkeypatch.setattr(the_loop, "time", SimpleNamespace(monotonic=lambda: 207.5))
    for kept in (average, None):
        course._save(1, 2, 7, optimizer, {"last_epoch": 2}, kept)
        found = load_checkpoint(tmp_path)
        assert found is not None and (found.phase, found.epochs, found.seconds) == (1, 2, 7.5)
        known = {"epochs_before": 5, "average_steps": 1 if kept else None, "schedule": {"last_epoch": 2}}
        assert found.progress == {
            "best_value": 0.5, "epochs_since_best": 1, "monitor": "val_loss", "scaler": {}, **known
        }  # fmt: skip
        assert (found.average is None) == (kept is None)
        assert found.optimizer is not None and found.optimizer["param_groups"][0]["lr"] == 0.125
    fresh = waiting_loop(TINY_RECIPE, tmp_path)
    with torch.no_grad():
        fresh.classifier.head.output.bias.fill_(9)
    fresh._restore(found)
    assert replace(fresh.progress, best=None) == replace(course.progress, best=None)
    for one, other in (
        (fresh.classifier.state_dict(), course.classifier.state_dict()),
        (fresh.progress.best, course.progress.best),
    ):
        assert one is not None and other is not None and one.keys() == other.keys()
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_lower_layers_learn_more_slowly_where_the_recipe_says_so(
    tiny_split: Split, workspace: Workspace, tmp_path: Path
) -> None:
    course = waiting_loop(TINY_RECIPE, tmp_path)
    parameters = set_trainable(course.classifier, "all")
    phase = replace(TINY_RECIPE.phases[0], learning_rate=0.5)
    assert course._groups(parameters, phase) is parameters
    groups: list[Any] = course._groups(parameters, replace(phase, layer_decay=0.25))
    assert [group["lr"] for group in groups] == [0.5 * 0.25**depth for depth in range(len(groups))]
    assert len(groups) > 3 and groups[0]["params"] == list(course.classifier.head.parameters())
    decayed = {"layer_decay": 0.25, "trainable": "last 2", "learning_rate": 0.5}
    (epoch,), _ = trained_on(still(decayed), tiny_split, workspace)
    assert epoch.learning_rate == 0.5  # that of the head


@pytest.mark.parametrize("trainable", ["head", "all"])
def test_two_steps_are_those_of_gradient_descent(
    trainable: Literal["head", "all"],
    tiny_split: Split,
    workspace: Workspace,
    states: list[dict[str, torch.Tensor]],
) -> None:
    """By autograd alone: each step by the gradient of its own batch, with the bank and without."""
    recipe = still({"epochs": 2, "learning_rate": 0.5, "trainable": trainable, "freeze_batch_norm": True})
    net, _ = starting_net(recipe, tiny_split, folder=workspace.runs / "a", allow_downloads=False)
    list(loop(recipe, tiny_split, workspace.runs / "a", workspace.cache))
    cache = open_cache(workspace.cache, tiny_split.train, size=32, channels=recipe.channels)
    pixels = torch.from_numpy(cache.images[cache.rows(tiny_split.train)]).permute(0, 3, 1, 2).float() / 255
    labels = torch.tensor([tiny_split.classes.index(sample.label or "") for sample in tiny_split.train])
    weights = set_trainable(net, trainable, freeze_batch_norm=True)
    for state in states:
        loss = functional.cross_entropy(net.eval()(pixels), labels)
        with torch.no_grad():
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                weight -= 0.5 * gradient
        for name, value in net.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=1e-3, atol=1e-4)


# ---------------------------------------------------------------------------------------- figures of an epoch

# A rate at which nothing moves: what the epoch said is what the finished net says. All films are in one batch.
STILL = replace(
    TINY_RECIPE,
    weights="imagenet",
    batch_size=1000,
    phases=(
        Phase(
            name="still", epochs=1, trainable="head", optimizer="sgd", learning_rate=1e-9, monitor="val_mcc"
        ),
    ),
)


def still(phase: dict[str, Any], **recipe: Any) -> Recipe:
    return replace(STILL, phases=(replace(STILL.phases[0], **phase),), **recipe)


def trained_on(recipe: Recipe, split: Split, workspace: Workspace, **options: Any) -> tuple[list[Epoch], Run]:
    folder = workspace.runs / f"run {len(list(workspace.runs.iterdir()))}"
    return list(loop(recipe, split, folder, workspace.cache, **options)), load_run(folder)


def answers(run: Run, samples: Sequence[Sample], workspace: Workspace) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a finished run's net answers, logits (N, C), and what is right (N,)."""
    cache = open_cache(workspace.cache, samples, size=run.recipe.image_size, channels=run.recipe.channels)
    pixels = torch.from_numpy(cache.images[[cache.row[sample.image_id] for sample in samples]])
    with torch.inference_mode():
        logits = load_classifier(run)(pixels.permute(0, 3, 1, 2).float() / 255)
    return logits, torch.tensor([run.classes.index(sample.label or "") for sample in samples])


def of_three_classes(split: Split) -> Split:
    """The same films, of which every other one with the finding is of a third class."""

    def part(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        ill = [sample for sample in samples if sample.label == "opacity"]
        return tuple(replace(sample, label="third") if sample in ill[::2] else sample for sample in samples)

    return replace(
        split,
        train=part(split.train),
        val=part(split.val),
        test=part(split.test),
        classes=(*split.classes, "third"),
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_the_figures_of_an_epoch_are_those_of_the_net(
    classes: int, tiny_split: Split, workspace: Workspace
) -> None:
    split = tiny_split if classes == 2 else of_three_classes(tiny_split)
    (epoch,), run = trained_on(STILL, split, workspace)
    logits, labels = answers(run, split.val, workspace)
    assert epoch.val_loss == pytest.approx(float(functional.cross_entropy(logits, labels)), rel=1e-4)
    assert epoch.val_accuracy == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    p, right = logits.softmax(1).numpy(), labels.numpy()
    areas = [sk.roc_auc_score(right == code, p[:, code]) for code in range(classes)]
    assert epoch.val_auc == pytest.approx(areas[1] if classes == 2 else np.mean(areas))
    assert (epoch.monitor, epoch.monitored) == (
        "val_mcc",
        pytest.approx(sk.matthews_corrcoef(right, p.argmax(1))),
    )
    logits, labels = answers(run, split.train, workspace)
    assert epoch.train_loss == pytest.approx(float(functional.cross_entropy(logits, labels)), rel=1e-3)
    assert epoch.learning_rate == 1e-9 and epoch.best and epoch.phase == "still"
    assert epoch.seconds * epoch.images_per_second == pytest.approx(len(split.train))
    assert run.classes == split.classes and run.positive == split.classes[-1]
    assert (run.threshold == 0.5 and run.validated is None) == (classes == 3)


def test_the_area_is_that_of_the_class_that_was_chosen(tiny_split: Split, workspace: Workspace) -> None:
    (epoch,), run = trained_on(STILL, tiny_split, workspace, positive="normal")
    logits, labels = answers(run, tiny_split.val, workspace)
    area = sk.roc_auc_score(labels == 0, logits.softmax(1)[:, 0])
    assert run.positive == "normal" and epoch.val_auc == pytest.approx(area)


def test_the_loss_weighs_classes_and_hard_cases_and_penalises_weights_as_the_recipe_says(
    tiny_split: Split, workspace: Workspace
) -> None:
    (plain,), run = trained_on(STILL, tiny_split, workspace)
    logits, labels = answers(run, tiny_split.train, workspace)
    losses = functional.cross_entropy(logits, labels, reduction="none")
    counts = torch.bincount(labels)
    weights = len(labels) / (2 * counts)
    (weighed,), _ = trained_on(still({}, balance=Balance(method="class-weights")), tiny_split, workspace)
    assert weighed.train_loss == pytest.approx(float((losses * weights[labels]).mean()), rel=1e-3)
    focal = Balance(method="focal", focal_gamma=3.0)
    (hard,), _ = trained_on(still({}, balance=focal), tiny_split, workspace)
    assert hard.train_loss == pytest.approx(float((losses * (1 - (-losses).exp()) ** 3).mean()), rel=1e-3)
    (penalised,), _ = trained_on(still({"l1": 0.25}), tiny_split, workspace)
    size = sum(float(w.abs().sum()) for w in load_classifier(run).head.parameters() if w.ndim > 1)
    assert penalised.train_loss - plain.train_loss == pytest.approx(0.25 * size, rel=1e-3)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_step_is_no_longer_than_the_clipped_gradient_allows(
    scaled: bool, tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scaled:  # as a loss in float16 is, so that its gradients do not vanish
        monkeypatch.setattr(the_loop, "half_precision", lambda device: torch.float16)
    nets = [
        load_classifier(
            trained_on(still({"learning_rate": rate, "clip_norm": 1e-3}), tiny_split, workspace)[1]
        )
        for rate in (1e-9, 10.0)
    ]
    before, after = (torch.cat([w.flatten() for w in net.head.parameters()]) for net in nets)
    assert float((after - before).norm()) == pytest.approx(10.0 * 1e-3, rel=1e-3)


@pytest.mark.parametrize(("left_over", "seen"), [(0, 0), (1, 0), (2, 2)])
def test_one_image_left_over_is_no_batch(
    left_over: int, seen: int, tiny_split: Split, workspace: Workspace
) -> None:
    size = len(tiny_split.train) - left_over
    steps: list[tuple[int, int]] = []
    (epoch,), run = trained_on(
        still({}, batch_size=size),
        tiny_split,
        workspace,
        on_batch=lambda done, total: steps.append((done, total)),
    )
    assert epoch.seconds * epoch.images_per_second == pytest.approx(size + seen)
    assert steps[-2:] == ([(1, 2), (2, 2)] if seen else [steps[-2], (1, 1)])
    if size + seen == len(tiny_split.train):  # of batches of which one is smaller: each image counts as much
        logits, labels = answers(run, tiny_split.train, workspace)
        assert epoch.train_loss == pytest.approx(float(functional.cross_entropy(logits, labels)), rel=1e-3)


def test_a_rate_falls_when_what_is_monitored_stands_still(tiny_split: Split, workspace: Workspace) -> None:
    epochs, _ = trained_on(
        still(
            {
                "epochs": 6,
                "learning_rate": 1e-6,
                "schedule": "plateau",
                "schedule_patience": 2,
                "monitor": "val_accuracy",
            }
        ),
        tiny_split,
        workspace,
    )
    assert [epoch.best for epoch in epochs] == [True] + [False] * 5
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx([1e-6] * 3 + [1e-7] * 2 + [1e-8])


def test_what_an_epoch_draws_follows_from_the_seed_its_phase_and_its_number_alone(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same numbers in every version, so that a recipe gives the curve again that it gave."""
    seed, balance = 2**32 - 5, Balance(method="duplicate")
    drawn: list[tuple[int, int, list[int], list[list[int]]]] = []
    really = BatchSource.prefetched

    def told(
        self: BatchSource, rows: Any, batches: list[Any], plan: Any, view: int
    ) -> Iterator[torch.Tensor]:
        drawn.append((torch.initial_seed(), view, plan.rows.tolist(), [each.tolist() for each in batches]))
        return really(self, rows, batches, plan, view)

    monkeypatch.setattr(BatchSource, "prefetched", told)
    phases = tuple(replace(STILL.phases[0], name=name, epochs=2) for name in ("one", "two"))
    recipe = replace(STILL, phases=phases, seed=seed, balance=balance, batch_size=7)
    trained_on(recipe, tiny_split, workspace)
    labels = np.array([tiny_split.classes.index(sample.label or "") for sample in tiny_split.train])
    for epoch, (initial, view, rows, batches) in zip(itertools.product((0, 1), (0, 1)), drawn, strict=True):
        assert view == 10_000 * epoch[0] + epoch[1] and initial == seed * 1_000_003 + view
        rng = np.random.default_rng([seed, *epoch])
        assert rows == balanced_rows(labels, balance, tiny_split.classes, rng).rows.tolist()
        order = rng.permutation(len(rows)).tolist()
        expected = [order[at : at + 7] for at in range(0, len(order), 7)]
        assert batches == [each for each in expected if len(each) > 1]


def test_each_phase_is_fed_as_it_needs_and_told_of_the_next_and_banks_are_trimmed_behind_it(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[tuple[bool, str]] = []
    trimmed: list[tuple[Path, int]] = []
    steps: list[tuple[int, int]] = []
    really = the_loop.open_batches

    def opened(*arguments: Any, pixels: bool, following: Phase | None, **more: Any) -> BatchSource:
        assert (more["device"], more["cache_dir"]) == ("cpu", workspace.cache)
        fed.append((pixels, following.name if following else "none"))
        maps = [weight for weight in arguments[1].parameters() if weight.ndim == 4]
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in maps)
        return really(*arguments, pixels=pixels, following=following, **more)

    monkeypatch.setattr(the_loop, "open_batches", opened)
    monkeypatch.setattr(the_loop, "trim_banks", lambda *given: trimmed.append(given))
    monkeypatch.setattr(fit, "trim_images", lambda *given: trimmed.append(given))
    head = STILL.phases[0]
    phases = (
        replace(head, name="mixed", mixup=0.5),
        replace(head, name="head"),
        replace(head, name="last", trainable="last 2"),
    )
    recipe = replace(STILL, phases=phases, channels=1, weights="random", batch_size=1000)
    epochs, run = trained_on(
        recipe, tiny_split, workspace, on_batch=lambda done, total: steps.append((done, total))
    )
    assert fed == [(True, "head"), (False, "last"), (False, "none")]
    images = sum(len(tiny_split.part(part)) for part in ("train", "val", "test"))
    kept = (workspace.cache, KEPT_BYTES["images"] + images * 32 * 32)
    assert trimmed == [kept, *[(workspace.cache / "features", KEPT_BYTES["features"])] * 3]
    assert (images, images) in steps  # while they were decoded
    assert len(epochs) == 3 and run.recipe == recipe


def test_what_is_dropped_in_training_is_kept_in_validation_and_labels_are_those_that_were_blended(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = [""]
    seen: set[tuple[str, bool, bool]] = set()

    def during(name: str) -> None:
        really = getattr(TrainingLoop, name)

        def told(self: TrainingLoop, *arguments: Any) -> Any:
            stage[0] = name
            try:
                return really(self, *arguments)
            finally:
                stage[0] = ""

        monkeypatch.setattr(TrainingLoop, name, told)

    def dropped(self: torch.nn.Dropout, x: torch.Tensor) -> torch.Tensor:
        seen.add((stage[0], self.training, torch.is_inference_mode_enabled()))
        return x

    during("_epoch")
    during("_validate")
    monkeypatch.setattr(torch.nn.Dropout, "forward", dropped)
    monkeypatch.setattr(
        the_loop,
        "label_mixer",
        lambda phase, classes: (
            lambda images, labels: (images, functional.one_hot(1 - labels, classes).float())
        ),
    )
    for trainable in ("head", "all"):
        recipe = still(
            {"epochs": 2, "trainable": trainable, "freeze_batch_norm": True}, head=Head(dropout=(0.5,))
        )
        seen.clear()
        epochs, run = trained_on(recipe, tiny_split, workspace)
        during_epochs = {each for each in seen if each[0]}
        assert during_epochs == {("_epoch", True, False), ("_validate", False, True)}
        logits, labels = answers(run, tiny_split.train, workspace)
        wrong = float(functional.cross_entropy(logits, 1 - labels))
        assert [epoch.train_loss for epoch in epochs] == pytest.approx([wrong] * 2, rel=1e-3)


def test_one_of_two_processes_adds_its_share_of_the_loss_and_of_the_step(
    tiny_split: Split, workspace: Workspace
) -> None:
    """By autograd; the sums are over a group in which the other one says nothing."""
    recipe = still({"learning_rate": 0.5, "l1": 0.25})
    net, _ = starting_net(recipe, tiny_split, folder=workspace.runs / "a", allow_downloads=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with joined(0, 1, f"tcp://127.0.0.1:{port}"):
        (epoch,), run = trained_on(recipe, tiny_split, workspace, processes=Processes(rank=0, world=2))
    order = np.random.default_rng([0, 0, 0])
    count = len(tiny_split.train)
    mine = [tiny_split.train[at] for at in order.permutation(count)[::2]]
    cache = open_cache(workspace.cache, mine, size=32, channels=recipe.channels)
    pixels = torch.from_numpy(cache.images[cache.rows(mine)]).permute(0, 3, 1, 2).float() / 255
    labels = torch.tensor([tiny_split.classes.index(sample.label or "") for sample in mine])
    weights = set_trainable(net, "head")
    loss = functional.cross_entropy(net.eval()(pixels), labels, reduction="sum") / count
    loss = loss + 0.25 * sum(weight.abs().sum() for weight in weights if weight.ndim > 1) / 2
    assert epoch.train_loss == pytest.approx(float(loss.detach()), rel=1e-4)
    assert epoch.seconds * epoch.images_per_second == pytest.approx(count)
    after = load_classifier(run).head.parameters()
    for weight, gradient, learnt in zip(weights, torch.autograd.grad(loss, weights), after, strict=True):
        torch.testing.assert_close(learnt, weight - 0.5 * 2 * gradient, rtol=1e-3, atol=1e-4)


# ------------------------------------------------------------------------------------------------ checkpoints


def test_a_checkpoint_is_due_after_15_seconds_and_at_the_end_and_times_are_the_clocks(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, takes = [1000.0], iter([15.0, 0.25, 15.0, 15.25, 1.0, 1.0, 1.0, 1.0, 1.0])
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(fit, "time", clock)
    monkeypatch.setattr(the_loop, "time", clock)
    really = TrainingLoop._epoch

    def ticking(self: TrainingLoop, *arguments: Any) -> tuple[float, int]:
        found = really(self, *arguments)
        now[0] += next(takes)
        return found

    monkeypatch.setattr(TrainingLoop, "_epoch", ticking)

    def kept(folder: Path) -> tuple[int, int, float] | None:
        found = load_checkpoint(folder)
        return None if found is None else (found.phase, found.epochs, found.seconds)

    folder, said = workspace.runs / "a", []
    course = loop(still({"epochs": 5}), tiny_split, folder, workspace.cache)
    for epoch in itertools.islice(course, 4):
        said.append(kept(folder))
        assert epoch.images_per_second == len(tiny_split.train) / epoch.seconds
    course.close()
    assert said == [None, (0, 2, 15.25), (0, 2, 15.25), (0, 4, 45.5)]
    assert [epoch.seconds for epoch in the_loop.load_history(folder)] == [15.0, 0.25, 15.0, 15.25]
    now[0] += 5000  # while nobody trained
    (last,) = loop(still({"epochs": 5}), tiny_split, folder, workspace.cache, resume=True)
    assert (last.number, last.seconds, load_run(folder).seconds) == (5, 1.0, 46.5)
    # A phase that is done is no end of the run; one that has lost its patience may be.
    first = replace(STILL.phases[0], monitor="val_accuracy")
    last_one = replace(first, name="last", epochs=5, stop_patience=2)
    folder = workspace.runs / "b"
    course = loop(replace(STILL, phases=(first, last_one)), tiny_split, folder, workspace.cache)
    assert [kept(folder) for _ in course] == [None, None, (1, 2, 3.0)]
    assert load_run(folder).seconds == 3.0


def test_checkpoints_are_written_as_far_apart_as_was_said_and_count_the_time_before_them(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = still({"epochs": 3})
    folder, kept = workspace.runs / "a", []
    for _ in loop(recipe, tiny_split, folder, workspace.cache):
        kept.append(load_checkpoint(folder) is not None)
    assert kept == [False, False, True]  # the last one always, so that calibrating can be resumed
    monkeypatch.setattr(the_loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    folder = workspace.runs / "b"
    epochs = loop(recipe, tiny_split, folder, workspace.cache)
    next(epochs)
    epochs.close()
    found = load_checkpoint(folder)
    assert found is not None and (found.phase, found.epochs) == (0, 1) and 0 < found.seconds < 600
    save_checkpoint(folder, replace(found, seconds=5000.0))
    assert len(list(loop(recipe, tiny_split, folder, workspace.cache, resume=True))) == 2
    assert 5000 < load_run(folder).seconds < 5600
    save_checkpoint(folder, replace(found, epochs=4))  # of more than there are
    assert list(loop(recipe, tiny_split, folder, workspace.cache, resume=True)) == []


def test_a_run_that_is_not_resumed_begins_anew(tiny_split: Split, workspace: Workspace) -> None:
    folder = workspace.runs / "a"
    epochs = loop(still({"epochs": 3}), tiny_split, folder, workspace.cache)
    next(epochs)
    epochs.close()
    again = [epoch.number for epoch in loop(still({"epochs": 3}), tiny_split, folder, workspace.cache)]
    assert again == [1, 2, 3] == [epoch.number for epoch in the_loop.load_history(folder)]


def test_a_stop_is_heard_in_every_batch_of_training_and_validation(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    within: list[int] = []

    def count(name: str) -> None:
        really = getattr(TrainingLoop, name)

        def counted(self: TrainingLoop, *arguments: Any) -> Any:
            before = len(asked)
            found = really(self, *arguments)
            within.append(len(asked) - before)
            return found

        monkeypatch.setattr(TrainingLoop, name, counted)

    count("_epoch")
    count("_validate")
    trained_on(
        still({"trainable": "all"}, batch_size=3), tiny_split, workspace, should_stop=lambda: asked.append(0)
    )  # type: ignore[func-returns-value]
    assert within == [math.ceil(len(part) / 3) for part in (tiny_split.train, tiny_split.val)]
    assert within[1] > 1 != len(tiny_split.train) % 3


def test_a_stop_is_heard_whenever_it_comes(tiny_split: Split, workspace: Workspace, tmp_path: Path) -> None:
    # While images are decoded, in a batch, in validation, while the net is calibrated.
    asked: list[int] = []
    list(
        loop(STILL, tiny_split, workspace.runs / "whole", tmp_path / "0", should_stop=lambda: asked.append(0))
    )  # type: ignore[func-returns-value]
    assert len(asked) >= 5
    for when in range(1, len(asked) + 1):
        folder, answers_to_come = workspace.runs / f"stopped at {when}", iter([False] * (when - 1) + [True])
        stopping = partial(next, answers_to_come)
        with pytest.raises(TrainingStopped):
            list(loop(STILL, tiny_split, folder, tmp_path / str(when), should_stop=stopping))
        assert not (folder / "run.json").exists()


def test_a_process_beside_the_first_trains_and_writes_nothing(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_by_this_one(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(fit, "trim_images", not_by_this_one)
    monkeypatch.setattr(the_loop, "trim_banks", not_by_this_one)
    folder = workspace.runs / "a"
    epochs = list(
        loop(still({"epochs": 2}), tiny_split, folder, workspace.cache, processes=Processes(rank=1, world=1))
    )
    assert len(epochs) == 2 and not folder.exists()


def test_a_device_without_memory_is_said_with_what_to_change(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(the_loop, "focal_loss", full)
    with pytest.raises(TrainingError, match="ran out of memory at a batch of 1000 images") as caught:
        list(loop(STILL, tiny_split, workspace.runs / "a", workspace.cache))
    assert "batch_size or image_size" in caught.value.remedy


def test_a_limit_takes_the_training_images_that_the_seed_draws(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    told: list[tuple[str, int]] = []  # and what is fitted after training draws by it too

    def telling(name: str) -> None:
        really = getattr(fit, name)

        def recorded(*arguments: Any, **more: Any) -> Any:
            told.append((name, more.get("seed", -1)))
            return really(*arguments, **more)

        monkeypatch.setattr(fit, name, recorded)

    for name in ("cases_for_passes", "fit_uncertainty", "fit_shift"):
        telling(name)
    for seed in (1, 2):
        _, run = trained_on(replace(STILL, train_limit=12, seed=seed), tiny_split, workspace)
        kept = split_of(run)
        assert kept.train == limit_training(tiny_split, 12, seed=seed).train
        assert (kept.val, kept.test) == (tiny_split.val, tiny_split.test)
        drawn.append(kept.train)
    assert drawn[0] != drawn[1]
    assert told == [
        (name, seed) for seed in (1, 2) for name in ("cases_for_passes", "fit_uncertainty", "fit_shift")
    ]


def test_the_history_tells_no_figure_that_is_none(tiny_split: Split, workspace: Workspace) -> None:
    (epoch,), run = trained_on(STILL, tiny_split, workspace)
    assert all(math.isfinite(v) for v in (epoch.train_loss, epoch.val_loss, epoch.val_auc, epoch.seconds))
    assert the_loop.load_history(run.folder) == [epoch]
    net = load_classifier(run)
    assert run.parameters == sum(w.numel() for w in net.parameters())
    assert run.trained_parameters == sum(w.numel() for w in net.head.parameters())


def test_a_run_keeps_all_that_it_was_made_of(tiny_split: Split, workspace: Workspace) -> None:
    began = datetime.now(UTC)
    request = TrainingRequest(
        recipe=STILL,
        dataset_id="0123456789ab",
        device="cpu",
        positive="normal",
        labels=LabelsUsed(number=3, sha256="c" * 64, sentence="Corrected."),
        endpoint=FixedEndpoint(figure="auroc", operating_point="youden", fixed=began),
    )
    folder = workspace.runs / "20260101-000000-kept"
    list(train(request, tiny_split, folder=folder, cache_dir=workspace.cache, dataset_name="films"))
    run = load_run(folder)
    assert (run.run_id, run.folder, run.dataset_id, run.dataset_name) == (
        folder.name, folder, request.dataset_id, "films"
    )  # fmt: skip
    assert (run.recipe, run.labels, run.endpoint) == (STILL, request.labels, request.endpoint)
    assert (run.classes, run.positive, run.device) == (tiny_split.classes, "normal", device_name("cpu"))
    assert run.validated is not None and run.validated.sensitivity.n == sum(
        sample.label == "normal" for sample in tiny_split.val
    )
    assert run.weights_origin is not None
    assert run.weights_source == run.weights_origin.source == run.weights_origin.name != ""
    assert began <= run.created <= datetime.now(UTC) and 0 < run.seconds < 600 and 0 < run.threshold < 1
    assert (run.folds, run.supplied) == (0, None)


@pytest.mark.parametrize("copies", [False, True])
def test_a_bank_is_made_where_all_its_views_fit_and_not_where_one_byte_is_wanting(
    copies: bool, tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = Augmentation(rotation=10)
    recipe = still({}, augmentation=turned, views=2)
    if copies:
        more = Balance(method="duplicate-augmented", augmentation=Augmentation(rotation=40))
        recipe = replace(recipe, balance=more)
    list(loop(recipe, tiny_split, workspace.runs / "roomy", workspace.root / "roomy"))
    needed = sum(file.stat().st_size for file in (workspace.root / "roomy").rglob(VALUES))
    # As they are, and two views to train on; of what is copied, two more.
    assert needed % ((5 if copies else 3) * len(tiny_split.train) + len(tiny_split.val)) == 0
    for room, made in ((needed, True), (needed - 1, False)):
        monkeypatch.setitem(KEPT_BYTES, "features", room)
        cache = workspace.root / f"room for {room}"
        list(loop(recipe, tiny_split, workspace.runs / f"room for {room}", cache))
        assert bool(list(cache.rglob(VALUES))) == made


def test_the_operating_point_is_that_of_what_the_run_predicts_of_all_validation_images(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Of more of them than are run through the net at once."""
    index = index_folder(draw_films(tmp_path / "films", patients=60))
    split = replace(split_index(index, ratios=(0.2, 0.7, 0.1), seed=0), method="x")
    assert len(split.val) > 64
    _, run = trained_on(still({"learning_rate": 1e-2, "epochs": 3}), split, workspace)
    told = list(predict(run, split.val, cache_dir=workspace.cache, device="cpu"))
    assert run.validated is not None
    assert load_uncertainty(run.folder) is not None and load_shift(run.folder) is not None
    for name, label in (("sensitivity", "opacity"), ("specificity", "normal")):
        hits = [one.predicted == label for one in told if one.label == label]
        assert getattr(run.validated, name).value == pytest.approx(np.mean(hits)), name
        assert getattr(run.validated, name).n == len(hits)
    at = run.classes.index(run.positive)
    gains = [
        sum((one.probabilities[at] >= t) == (one.label == run.positive) for one in told if one.label == label)
        / sum(one.label == label for one in told)
        for label in run.classes
        for t in (run.threshold,)
    ]
    best = max(
        sum(
            np.mean(
                [
                    (one.probabilities[at] >= t) == (one.label == run.positive)
                    for one in told
                    if one.label == label
                ]
            )
            for label in run.classes
        )
        for t in [one.probabilities[at] for one in told]
    )
    assert sum(gains) == pytest.approx(best)  # Youden's: no other threshold does better on these
