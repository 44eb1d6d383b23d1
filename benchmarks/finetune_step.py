"""A fine-tuning step, beside the same step on synthetic tensors (the limit), timm's loop, and fastai.

Ours is `train` itself, loading, augmentation and bookkeeping included; its steps are timed from batch to batch. The
limit's epochs are run between ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.films import split_of
from benchmarks.head_phase import fastai_seconds_an_image
from benchmarks.measuring import LeftOut, Row, Setting, is_installed, not_installed
from benchmarks.timm_loop import images_per_second
from engine.models import build_classifier, find_frozen_part, load_pretrained, pick_device, set_trainable
from engine.recipes import RECIPES
from engine.records import Phase, Recipe, Split, TrainingRequest
from engine.training import train

WHAT = {"all": "the whole net", "last 6": "the last 6 blocks on banked activations"}


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    batches = 3 if setting.quick else 8
    batch_size = 8 if setting.quick else 16
    split = split_of(setting, 60 if setting.quick else 400, train_images=batches * batch_size)
    for trainable, what in WHAT.items():
        recipe = _recipe(trainable, batch_size, epochs=2 if setting.quick else 4)
        ours, limit = _side_by_side(recipe, split, setting)
        work = f"fine-tuning step, {what}, batch of {batch_size}"
        yield Row(
            work=work,
            ours=ours,
            unit="images/s",
            peer="bare loop on synthetic tensors (the limit)",
            theirs=limit,
            ratio=ours / limit,
            budget="≥ .95×",
            met=ours / limit >= 0.95,
        )
        if trainable == "all":
            timms = images_per_second(split, recipe, batches=batches)
            yield Row(
                work=work,
                ours=ours,
                unit="images/s",
                peer="timm's loader, augmentation and loop",
                theirs=timms,
                ratio=ours / timms,
                note="in mixed precision both" if pick_device().startswith("cuda") else "",
            )
        if not is_installed("fastai"):
            yield not_installed(work, "fastai")
            continue
        theirs = 1 / fastai_seconds_an_image(
            split,
            recipe,
            images=batches * batch_size,
            frozen=trainable != "all",
            trainable=trainable,
        )
        yield Row(
            work=work,
            ours=ours,
            unit="images/s",
            peer="fastai, the same parameters trained",
            theirs=theirs,
            ratio=ours / theirs,
            budget="≥ 1.5×",
            met=ours / theirs >= 1.5,
            note="" if trainable == "all" else "the bank is filled once before, 3 passes over each film",
        )


def _recipe(trainable: str, batch_size: int, *, epochs: int) -> Recipe:
    phase = Phase(name="tune", epochs=epochs, trainable=trainable, optimizer="adamw", learning_rate=1e-4)
    return replace(RECIPES["default"], phases=(phase,), batch_size=batch_size)


def _side_by_side(recipe: Recipe, split: Split, setting: Setting) -> tuple[float, float]:
    """Return images a second: ours, and the limit's."""
    stamps: list[tuple[int, int, float]] = []

    def on_batch(done: int, total: int) -> None:
        stamps.append((done, total, time.perf_counter()))

    bare = _Bare(recipe, len(split.classes))
    folder = setting.scratch / recipe.phases[0].trainable.replace(" ", "-")
    limit: list[float] = []
    ours: list[float] = []
    batches = len(split.train) // recipe.batch_size
    training = train(
        TrainingRequest(recipe=recipe, dataset_id="benchmark"),
        split,
        folder=folder / "20260101-000000-0000",
        cache_dir=folder / "cache",
        dataset_name="benchmark",
        on_batch=on_batch,
    )
    for number, _ in enumerate(training):
        times = [at for done, total, at in stamps if total < len(split.train)][-batches:]
        stamps.clear()
        if number:  # the first epoch warms both up
            ours += np.diff(times).tolist()
        taken = [bare.step() for _ in range(batches)]
        if number:
            limit += taken[1:]
    return recipe.batch_size / float(np.median(ours)), recipe.batch_size / float(np.median(limit))


class _Bare:
    """The limit: forward, backward and the optimiser's step, on tensors that lie ready."""

    def __init__(self, recipe: Recipe, classes: int) -> None:
        device = pick_device()
        phase = recipe.phases[0]
        net = build_classifier(recipe, classes)
        load_pretrained(net, recipe.weights)
        net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        parameters = set_trainable(net, phase.trainable)
        net.train()
        images = torch.rand(
            recipe.batch_size, recipe.channels, recipe.image_size, recipe.image_size, device=device
        )
        self.inputs: Tensor = images.contiguous(memory_format=torch.channels_last)
        self.net: nn.Module = net
        cut = find_frozen_part(net)
        if cut is not None:
            with torch.no_grad():
                # As the bank keeps them: rows of float32.
                self.inputs = cut.pool(cut.frozen.eval()(self.inputs)).contiguous()
            self.net = cut.rest
        self.labels = torch.arange(recipe.batch_size, device=device) % classes
        fused = device.startswith("cuda")
        # A rate of nought: the step costs the same, and the net does not learn the one batch by heart.
        self.optimizer = torch.optim.AdamW(parameters, lr=0.0, weight_decay=0.0, fused=fused)
        self.half = torch.autocast("cuda", dtype=torch.bfloat16, enabled=fused)

    def step(self) -> float:
        """Take one step and return its seconds."""
        started = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        with self.half:
            loss = functional.cross_entropy(self.net(self.inputs).float(), self.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        float(loss.detach())
        return time.perf_counter() - started
