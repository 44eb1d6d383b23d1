"""Promises of the training loop: its figures are those of the net, and a phase can only help.

A phase begins from the best of those before it and must beat it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch.nn import functional

from engine.data import index_folder, limit_training, split_index
from engine.errors import TrainingError, TrainingStopped
from engine.images.cache import open_cache
from engine.models.device import device_name
from engine.models.trainable import set_trainable
from engine.models.weights import read_safetensors
from engine.prediction import predict
from engine.records import (
    Augmentation,
    Balance,
    Epoch,
    FixedEndpoint,
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
from engine.training.checkpoint import copy_state, load_checkpoint, save_checkpoint
from engine.training.feature_bank import VALUES
from engine.training.fit import train
from engine.training.loop import TrainingLoop
from engine.training.processes import Processes
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


def test_a_step_is_no_longer_than_the_clipped_gradient_allows(
    tiny_split: Split, workspace: Workspace
) -> None:
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
    (epoch,), _ = trained_on(
        still({}, batch_size=size),
        tiny_split,
        workspace,
        on_batch=lambda done, total: steps.append((done, total)),
    )
    assert epoch.seconds * epoch.images_per_second == pytest.approx(size + seen)
    assert steps[-1] == ((2, 2) if seen else (1, 1))


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


# ------------------------------------------------------------------------------------------------ checkpoints


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


def test_a_run_that_is_not_resumed_begins_anew(tiny_split: Split, workspace: Workspace) -> None:
    folder = workspace.runs / "a"
    epochs = loop(still({"epochs": 3}), tiny_split, folder, workspace.cache)
    next(epochs)
    epochs.close()
    again = [epoch.number for epoch in loop(still({"epochs": 3}), tiny_split, folder, workspace.cache)]
    assert again == [1, 2, 3] == [epoch.number for epoch in the_loop.load_history(folder)]


def test_a_stop_is_heard_in_every_batch_of_validation(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    within: list[int] = []
    validate = TrainingLoop._validate

    def counted(self: TrainingLoop, *arguments: Any) -> Any:
        before = len(asked)
        found = validate(self, *arguments)
        within.append(len(asked) - before)
        return found

    monkeypatch.setattr(TrainingLoop, "_validate", counted)
    trained_on(
        still({"trainable": "all"}, batch_size=3), tiny_split, workspace, should_stop=lambda: asked.append(0)
    )  # type: ignore[func-returns-value]
    assert within == [math.ceil(len(tiny_split.val) / 3)] and within[0] > 1


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
    tiny_split: Split, workspace: Workspace
) -> None:
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


def test_a_bank_is_made_where_all_its_views_fit_and_not_where_one_byte_is_wanting(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = still({}, augmentation=Augmentation(rotation=10), views=2)
    list(loop(recipe, tiny_split, workspace.runs / "roomy", workspace.root / "roomy"))
    needed = sum(file.stat().st_size for file in (workspace.root / "roomy").rglob(VALUES))
    assert (
        needed % (3 * len(tiny_split.train) + len(tiny_split.val)) == 0
    )  # as they are, and two views to train on
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
