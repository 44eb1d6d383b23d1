"""timm's own way to train, on the same files: its loader and augmentation, its optimiser, mixed precision on a GPU."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import timm
import torch
from PIL import Image
from timm.data import create_loader  # type: ignore[attr-defined]
from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]
from torch.nn import functional
from torch.utils.data import Dataset

from engine.models import TimmBackbone, autocast, build_backbone, pick_device
from engine.records import Recipe, Sample, Split


class _Films(Dataset[tuple[Any, int]]):
    """Films as files; timm's `create_loader` sets `transform`."""

    transform: Callable[[Image.Image], Any]

    def __init__(self, samples: Sequence[Sample], classes: Sequence[str]) -> None:
        # Plain values: a sample cannot be sent to the loader's workers where they are not forked.
        self.files = [(sample.path, classes.index(sample.label or "")) for sample in samples]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        path, label = self.files[number]
        with Image.open(path) as film:
            return self.transform(film.convert("RGB")), label


def images_per_second(split: Split, recipe: Recipe, *, batches: int) -> float:
    """Train all of a net as timm does and return how many images a second go through.

    Args:
        split: Its training side is read from the files.
        recipe: Whose net, size, batch size and rate are taken; the first phase's.
        batches: How many are timed at least: what the loader's workers have ready at the start is left out, and three
            times as many batches are timed.
    """
    device = torch.device(pick_device())
    workers = os.cpu_count() or 1
    warm_up = 2 * workers  # a worker decodes two ahead
    wanted = (warm_up + max(batches, 3 * warm_up)) * recipe.batch_size
    samples = [split.train[number % len(split.train)] for number in range(wanted)]
    backbone = build_backbone(recipe.backbone, channels=recipe.channels, image_size=recipe.image_size)
    assert isinstance(backbone, TimmBackbone)
    net: Any = timm.create_model(backbone.timm_name, num_classes=len(split.classes))
    net.to(device, memory_format=torch.channels_last).train()
    loader = create_loader(
        _Films(samples, split.classes),  # type: ignore[arg-type]
        input_size=(3, recipe.image_size, recipe.image_size),
        batch_size=recipe.batch_size,
        is_training=True,
        hflip=0.5 if recipe.augmentation.horizontal_flip else 0.0,
        color_jitter=recipe.augmentation.brightness,
        mean=net.pretrained_cfg["mean"],
        std=net.pretrained_cfg["std"],
        num_workers=workers,
        pin_memory=device.type == "cuda",
        use_prefetcher=device.type == "cuda",
        device=device,
    )
    optimizer = create_optimizer_v2(net, "adamw", lr=recipe.phases[0].learning_rate)
    started = 0.0
    for number, (inputs, labels) in enumerate(loader):
        optimizer.zero_grad()
        with autocast(str(device)):
            found = net(inputs.to(device).contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(found, labels.to(device))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if number in (warm_up - 1, len(loader) - 1):
            float(loss.detach())  # waits for the GPU
        if number == warm_up - 1:
            started = time.perf_counter()
    return recipe.batch_size * (len(loader) - warm_up) / (time.perf_counter() - started)
