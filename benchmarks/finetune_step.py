"""A fine-tuning step, beside the same step on synthetic tensors (the limit), timm's loop, and fastai.

Ours is `train` itself, loading, augmentation and bookkeeping included, from an epoch's first batch to its last, in a
process that begins as every training here does (`engine.jobs`); the limit's epochs are run between ours. Peers run as a
script of theirs would, and timm's loop also in a process like ours. With $OVERREAD_COMPILE set, ours is compiled and
the others are not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import ParamSpec, TypeVar
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.films import split_of
from benchmarks.head_phase import fastai_seconds_an_image
from benchmarks.measuring import LeftOut, Row, Setting, is_installed, not_installed
from benchmarks.timm_loop import images_per_second
from engine.jobs import KEEP_MEMORY
from engine.models import (
    COMPILE_VARIABLE,
    build_classifier,
    find_frozen_part,
    load_pretrained,
    pick_device,
    set_trainable,
)
from engine.recipes import RECIPES
from engine.records import Phase, Recipe, Split, TrainingRequest
from engine.training import train

Given = ParamSpec("Given")
Found = TypeVar("Found")

TURNS = 3
WHAT = {"all": "the whole net", "last 6": "the last 6 blocks on banked activations"}


@dataclass(frozen=True)
class _Films:
    """Which films are learnt from: each process draws the same."""

    setting: Setting
    images: int

    def split(self) -> Split:
        """Return so many for training, and others."""
        count = 60 if self.setting.quick else max(400, 2 * self.images)
        return split_of(self.setting, count, train_images=self.images)


@dataclass(frozen=True)
class _Side:
    """Images a second, and the device's peak memory in bytes where it tells."""

    speed: float
    memory: int


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure: on a GPU also at a batch that fills more of it."""
    on_gpu = pick_device().startswith("cuda")
    batches = 3 if setting.quick else 16 if on_gpu else 8
    for batch_size in (8,) if setting.quick else (16, 64) if on_gpu else (16,):
        images = batches * batch_size
        yield from _at(_Films(setting, images), batch_size, batches)


def _at(films: _Films, batch_size: int, batches: int) -> Iterator[Row | LeftOut]:
    note = "in mixed precision both" if pick_device().startswith("cuda") else ""
    for trainable, what in WHAT.items():
        recipe = _recipe(trainable, batch_size, epochs=2 if films.setting.quick else 4)
        is_compiled = os.environ.get(COMPILE_VARIABLE) == "1"
        work = f"fine-tuning step, {what}, batch of {batch_size}{', compiled' if is_compiled else ''}"
        turns = _turns(recipe, films, batches)
        ours, limit, *timms = map(_middle, zip(*turns, strict=True))
        yield _row(work, ours, limit, "bare loop on synthetic tensors (the limit)", 0.95, note)
        least = 1.0 if pick_device().startswith("cuda") else 1.15
        peers = (("timm's loader, augmentation and loop", least), ("timm's, in a process like ours", 1.0))
        for theirs, (peer, at_least) in zip(timms, peers, strict=False):
            yield _row(work, ours, theirs, peer, at_least, note)
        if not is_installed("fastai"):
            yield not_installed(work, "fastai")
            continue
        fastais = 1 / fastai_seconds_an_image(
            films.split(),
            recipe,
            images=batches * batch_size,
            frozen=trainable != "all",
            trainable=trainable,
        )
        banked = "the bank is filled once before, 3 passes over each film"
        yield _row(
            work,
            ours,
            _Side(fastais, 0),
            "fastai, the same parameters trained",
            1.5,
            "" if trainable == "all" else banked,
        )


def _turns(recipe: Recipe, films: _Films, batches: int) -> Iterator[tuple[_Side, ...]]:
    """Yield ours, the limit and, of the whole net, timm's in both processes, turn by turn."""
    for _ in range(1 if films.setting.quick else TURNS):
        ours, limit = _as_a_training(_side_by_side, recipe, films)
        if recipe.phases[0].trainable == "all":
            timms = _timms(recipe, films, batches)
            yield ours, limit, timms, _as_a_training(_timms, recipe, films, batches)
        else:
            yield ours, limit


def _middle(turns: Sequence[_Side]) -> _Side:
    return _Side(float(np.median([one.speed for one in turns])), max(one.memory for one in turns))


def _row(work: str, ours: _Side, theirs: _Side, peer: str, least: float, note: str) -> Row:
    ratio = ours.speed / theirs.speed
    memory = f"peak memory {ours.memory / 1e6:,.0f} MB" if ours.memory else ""
    return Row(
        work=work,
        ours=ours.speed,
        unit="images/s",
        peer=peer,
        theirs=theirs.speed,
        ratio=ratio,
        budget=f"≥ {f'{least:g}'.removeprefix('0')}×",
        met=ratio >= least,
        quality=f"{memory} beside {theirs.memory / 1e6:,.0f} MB" if memory and theirs.memory else memory,
        note=note,
    )


def _as_a_training(work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs) -> Found:
    """Do a work in a process of its own that begins as a training does."""
    with (
        patch.dict(os.environ, {**KEEP_MEMORY, **os.environ}),
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        return process.submit(work, *args, **kwargs).result()


def _timms(recipe: Recipe, films: _Films, batches: int) -> _Side:
    return _Side(images_per_second(films.split(), recipe, batches=batches), _peak_memory())


def _peak_memory() -> int:
    """Return the most that a GPU has held since it was asked last; 0 on a CPU."""
    if not torch.cuda.is_available():
        return 0
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return peak


def _recipe(trainable: str, batch_size: int, *, epochs: int) -> Recipe:
    phase = Phase(name="tune", epochs=epochs, trainable=trainable, optimizer="adamw", learning_rate=1e-4)
    return replace(RECIPES["default"], phases=(phase,), batch_size=batch_size)


def _side_by_side(recipe: Recipe, films: _Films) -> tuple[_Side, _Side]:
    """Train, and take the limit's steps between the epochs; return both."""
    split = films.split()
    stamps: list[float] = []
    batches = len(split.train) // recipe.batch_size

    def on_batch(done: int, total: int) -> None:
        if total < len(split.train) and done in (1, batches):  # else it tells of images that are decoded
            _wait()
            stamps.append(time.perf_counter())

    folder = films.setting.scratch / f"{recipe.phases[0].trainable.replace(' ', '-')}-{recipe.batch_size}"
    limit: list[float] = []
    ours: list[float] = []
    memory: list[int] = []
    _peak_memory()
    bare = _Bare(recipe, len(split.classes))
    training = train(
        TrainingRequest(recipe=recipe, dataset_id="benchmark"),
        split,
        folder=folder / "20260101-000000-0000",
        cache_dir=folder / "cache",
        dataset_name="benchmark",
        on_batch=on_batch,
    )
    for number, _ in enumerate(training):
        first, last = stamps[-2:]
        memory.append(_peak_memory())
        taken = [bare.step() for _ in range(batches)]
        _peak_memory()
        if number:  # the first epoch warms both up
            ours.append((last - first) / (batches - 1))
            limit += taken[1:]
    return (
        _Side(recipe.batch_size / float(np.median(ours)), memory[-1]),
        _Side(recipe.batch_size / float(np.median(limit)), 0),
    )


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


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
