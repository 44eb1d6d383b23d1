"""What benchmarks run on: synthetic films, or real ones; and a run that was trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import Setting
from engine.data import index_data, split_index
from engine.recipes import RECIPES
from engine.records import Augmentation, Index, Recipe, Run, Sample, Split, TrainingRequest
from engine.runs import load_run
from engine.training import train

SIDE = 224


def draw_films(folder: Path, count: int, *, side: int = SIDE, seed: int = 0) -> Path:
    """Write grey JPEGs in two class folders: smooth fields, every third with a brighter spot.

    The spot is faint enough that a linear head on ImageNet features does not find all of them.
    """
    for name in ("normal", "opacity"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    down, across = np.mgrid[:side, :side] / side

    def draw(number: int) -> None:
        rng = np.random.default_rng([seed, number])
        ill = number % 3 == 0
        coarse = Image.fromarray(rng.normal(110, 25, (7, 7)).astype(np.float32))
        film = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)) + rng.normal(
            0, 8, (side, side)
        )
        if ill:
            left, top = rng.uniform(0.2, 0.8, 2)
            film = film + 55 * np.exp(-((down - top) ** 2 + (across - left) ** 2) / (2 * 0.05**2))
        image = Image.fromarray(np.clip(film, 0, 255).astype(np.uint8))
        image.save(folder / ("opacity" if ill else "normal") / f"{number:06d}.jpg", quality=85)

    with ThreadPoolExecutor() as pool:
        list(pool.map(draw, range(count)))
    return folder


def films(setting: Setting, count: int) -> Index:
    """Return real films where there are any, all of them, or so many synthetic ones."""
    if setting.data is None:
        return index_data(draw_films(setting.scratch / "films", count), near_duplicates=False)
    manifest = setting.data / "manifest.csv"
    return index_data(manifest if manifest.exists() else setting.data, near_duplicates=False)


def split_of(setting: Setting, count: int, *, train_images: int) -> Split:
    """Return a split whose training side holds at most so many images, of each class its share."""
    split = split_index(films(setting, count), seed=0)
    return replace(
        split, train=share_of(split.train, train_images), val=share_of(split.val, train_images // 3)
    )


def share_of(samples: Sequence[Sample], count: int) -> tuple[Sample, ...]:
    """Return at most so many samples, of each class its share, drawn at random."""
    if len(samples) <= count:
        return tuple(samples)
    rng = np.random.default_rng(0)
    by_class: dict[str | None, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(sample.label, []).append(sample)
    return tuple(
        of_class[place]
        for of_class in by_class.values()
        for place in rng.permutation(len(of_class))[: max(1, round(count * len(of_class) / len(samples)))]
    )


def short_run(setting: Setting, split: Split) -> Run:
    """Train a head for an epoch and return the run: real weights, soon made."""
    full = RECIPES["head-only"]
    phases = (replace(full.phases[0], epochs=1),)
    recipe = replace(full, phases=phases, views=0, augmentation=Augmentation(), calibrate=False)
    folder = setting.scratch / "runs" / "20260101-000000-0000"
    train_all(recipe, split, folder, setting.scratch / "training-cache")
    return load_run(folder)


def train_all(recipe: Recipe, split: Split, folder: Path, cache: Path) -> None:
    """Train a recipe to its end."""
    request = TrainingRequest(recipe=recipe, dataset_id="benchmark")
    for _ in train(request, split, folder=folder, cache_dir=cache, dataset_name="benchmark"):
        pass
