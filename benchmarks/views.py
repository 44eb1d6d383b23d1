"""How many augmented views a head-only phase needs: what another view costs, and what it brings.

This is what the recipes' own number of views is chosen by.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.films import split_of, train_all
from benchmarks.head_phase import area
from benchmarks.measuring import LeftOut, Row, Setting, seconds_of
from engine.prediction import predict
from engine.recipes import RECIPES
from engine.records import Augmentation, Recipe, Split
from engine.runs import load_run

SEEDS = 3


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure; each number of views begins with an empty bank and the films decoded."""
    split = split_of(setting, 96 if setting.quick else 1200, train_images=48 if setting.quick else 1000)
    recipe = RECIPES["head-only"]
    plain = replace(recipe, views=0, augmentation=Augmentation())
    _areas(plain, split, setting, "decoded", seeds=1)
    first: float | None = None
    for views in (0, 1, 2) if setting.quick else (0, 1, 2, 4):
        chosen = replace(recipe, views=views) if views else plain
        seconds, areas = _areas(chosen, split, setting, f"{views}", seeds=1 if setting.quick else SEEDS)
        first = first or seconds
        yield Row(
            work=f"head-only phase, {len(split.train):,} films, "
            + (f"{views} augmented views" if views else "no views"),
            ours=seconds,
            unit="s",
            peer="no views" if views else "",
            theirs=first if views else None,
            ratio=seconds / first if views else None,
            quality=f"test AUC {np.mean(areas):.4f}, {min(areas):.4f} to {max(areas):.4f} over {len(areas)} seeds"
            + (", the recipes' number" if views == recipe.views else ""),
            note="the ratio is time over that without views" if views else "",
        )


def _areas(
    recipe: Recipe, split: Split, setting: Setting, name: str, *, seeds: int
) -> tuple[float, list[float]]:
    """Train with each seed; return the median seconds, and the AUC on test films with each."""
    seconds: list[float] = []
    areas: list[float] = []
    cache = setting.scratch / "cache"
    for seed in range(seeds):
        folder = setting.scratch / "runs" / f"20260101-000000-{name}-{seed}"
        shutil.rmtree(cache / "features", ignore_errors=True)
        seconds.append(seconds_of(partial(train_all, replace(recipe, seed=seed), split, folder, cache)))
        run = load_run(folder)
        positive = run.classes.index(run.positive)
        scores = {
            each.image_id: each.probabilities[positive] for each in predict(run, split.test, cache_dir=cache)
        }
        areas.append(area(split, [sample for sample in split.test if sample.image_id in scores], scores))
    return float(np.median(seconds)), areas
