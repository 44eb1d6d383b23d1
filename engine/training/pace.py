"""How long a training will take here: a short measurement of this machine, and the number of images.

measure_pace(recipe, ...) -> Pace        a few batches of each phase, of noise, as training would run them
expected_seconds(recipe, pace, images)   what that comes to; an estimate, to be held against what it then took
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import ImageError, WeightsError
from engine.images import load_image
from engine.models import (
    Classifier,
    autocast,
    build_classifier,
    fast_features,
    find_frozen_part,
    in_unit,
    load_pretrained,
    pick_device,
    set_trainable,
)
from engine.recipes import Augmenter, augmentation_is_none, mixes_images
from engine.records import Phase, Recipe

BATCH = 8  # images a measured batch
SLOW = 0.5  # seconds: a batch that takes so long is measured once
# What comes after the last epoch, in looks of the whole net at an image, measured on the sample data:
READ = 3  # each validation and test image, to be predicted and explained
SCALED, MOST_SCALED = 5, 128  # validation images from which the maps' scale is taken
HELD = 2_000  # what a passport of the maps takes, which is made of a few images however many there are
FEWEST_HELD = 24  # images from which it takes so many
STARTING = 15.0  # seconds until a process that trains has loaded what it needs, and to its end
SecondsAnImage = Annotated[float, Interval(ge=0, le=10**6)]


@dataclass(frozen=True, kw_only=True, slots=True)
class PhasePace:
    """Seconds an image in one phase.

    Attributes:
        bank: To fill the feature bank with one view; None where the phase runs through the whole net.
        step: To learn from.
        look: To validate.
    """

    bank: SecondsAnImage | None
    step: SecondsAnImage
    look: SecondsAnImage


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How fast this machine is at a recipe.

    Attributes:
        read: Seconds to read and decode an image.
        whole: Seconds an image through the whole net.
        phases: Of the recipe.
    """

    read: SecondsAnImage
    whole: SecondsAnImage
    phases: tuple[PhasePace, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageCounts:
    """How many images a training is about: those of training, those shown in one epoch, and of the other parts."""

    train: int
    shown: int
    val: int
    test: int


def measure_pace(
    recipe: Recipe, classes: int, some: Sequence[Path], *, images: int, cache_dir: Path, device: str = "auto"
) -> Pace:
    """Run a few batches of each phase, and read a few images.

    Args:
        recipe: To be trained.
        classes: Of the data.
        some: A few of its images.
        images: Of the data: with enough of them the frozen part is converted, as training would.
        cache_dir: Where that is kept, for training finds it there.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        RecipeError: The net cannot be built.
    """
    device = pick_device(device)
    classifier = build_classifier(recipe, classes)
    with suppress(WeightsError):  # they change no time
        load_pretrained(classifier, recipe.weights, allow_downloads=False)
    classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    noise = torch.randint(
        0, 256, (BATCH, recipe.channels, recipe.image_size, recipe.image_size), dtype=torch.uint8
    )
    noise = noise.to(device)
    phases = tuple(
        _phase_pace(recipe, phase, classifier, noise, images, cache_dir) for phase in recipe.phases
    )
    classifier.eval()
    with torch.inference_mode():
        whole = _seconds(lambda: classifier(in_unit(noise)))
    return Pace(read=_reading(recipe, some), whole=whole, phases=phases)


def _phase_pace(
    recipe: Recipe, phase: Phase, classifier: Classifier, noise: Tensor, images: int, cache_dir: Path
) -> PhasePace:
    trained = set_trainable(classifier, phase.trainable, freeze_batch_norm=phase.freeze_batch_norm)
    augmenter, rows = Augmenter(recipe.augmentation, recipe.seed), np.arange(len(noise), dtype=np.int64)
    cut = find_frozen_part(classifier)
    if (
        cut is None
        or mixes_images(phase)
        or (not augmentation_is_none(recipe.augmentation) and not recipe.views)
    ):
        return PhasePace(
            bank=None,
            step=_seconds(lambda: _learn(classifier, trained, augmenter(noise, rows, 0))),
            look=_seconds(lambda: _look(classifier, noise)),
        )
    frozen, pool, rest = cut.frozen, cut.pool, cut.rest
    features = fast_features(
        frozen.eval(), device=noise.device.type, images=images, size=recipe.image_size, cache_dir=cache_dir
    )

    def banked() -> Tensor:
        with torch.inference_mode():
            kept: Tensor = pool(features(augmenter(noise, rows, 0)))
            return kept

    kept = banked().clone()
    return PhasePace(
        bank=_seconds(banked),
        step=_seconds(lambda: _learn(rest, trained, kept)),
        look=_seconds(lambda: _look_at_kept(rest, kept)),
    )


def _learn(net: nn.Module, trained: Sequence[nn.Parameter], batch: Tensor) -> None:
    net.train()
    with autocast(batch.device.type):
        logits = net(batch)
        loss = functional.cross_entropy(
            logits.reshape(len(batch), -1).float(), torch.zeros(len(batch)).long().to(batch.device)
        )
    loss.backward()  # type: ignore[no-untyped-call]
    for parameter in trained:
        parameter.grad = None


def _look(net: nn.Module, noise: Tensor) -> None:
    net.eval()
    with torch.inference_mode(), autocast(noise.device.type):
        net(in_unit(noise))


def _look_at_kept(rest: nn.Module, kept: Tensor) -> None:
    rest.eval()
    with torch.inference_mode(), autocast(kept.device.type):
        rest(kept)


def _seconds(work: Callable[[], object]) -> float:
    """Return seconds an image of a batch: the fastest of a few, of which the first warms up; of two that are slow."""

    def once() -> float:
        began = time.monotonic()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.monotonic() - began

    first = once()
    # A batch slower than the one that warmed up was disturbed: by whatever else the computer did at that moment.
    return min(first, *(once() for _ in range(1 if first > SLOW else 4))) / BATCH


def _reading(recipe: Recipe, some: Sequence[Path]) -> float:
    began, read = time.monotonic(), 0
    for path in some:
        with suppress(ImageError):
            load_image(path, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit)
            read += 1
    return (time.monotonic() - began) / max(read, 1)


def expected_seconds(recipe: Recipe, pace: Pace, images: ImageCounts) -> float:
    """Return how long a training will take from its start to its last prediction; with early stopping, at most.

    Args:
        recipe: As it was measured.
        pace: Of `measure_pace`.
        images: Of the data.
    """
    seconds = STARTING + pace.read * (images.train + images.val + images.test)
    views = 1 + (0 if augmentation_is_none(recipe.augmentation) else recipe.views)
    for phase, at in zip(recipe.phases, pace.phases, strict=True):
        if at.bank is not None:
            seconds += at.bank * (images.train * views + images.val)
        seconds += phase.epochs * (at.step * images.shown + at.look * images.val)
    looks = READ * (images.val + images.test) + SCALED * min(images.val, MOST_SCALED)
    return seconds + pace.whole * (looks + HELD * min(1.0, images.val / FEWEST_HELD))
