"""A recipe and films small enough for a test that really trains."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from engine.images import open_cache
from engine.recipes import recipe_to_json
from engine.records import Epoch, Head, Phase, Recipe, Run
from engine.runs import load_run, save_map_settings, save_run, split_of
from engine.workspace import Workspace

TINY_RECIPE = Recipe(
    name="tiny",
    title="A net small enough for a test",
    source="tests",
    backbone="test_efficientnet",
    weights="random",
    image_size=32,
    head=Head(),
    phases=(Phase(name="all", epochs=2, trainable="all", optimizer="adam", learning_rate=1e-3),),
    batch_size=8,
)

EPOCH = Epoch(
    number=1,
    phase="head",
    train_loss=1.0,
    val_loss=1.0,
    val_accuracy=0.5,
    val_auc=0.5,
    learning_rate=0.1,
    seconds=1.0,
    images_per_second=1.0,
)


def draw_films(folder: Path, *, patients: int = 20, side: int = 48, seed: int = 7) -> Path:
    """Write two films a patient in class folders: every fourth patient has a bright square; return the folder."""
    rng = np.random.default_rng(seed)
    for patient in range(patients):
        ill = patient % 4 == 0
        target = folder / ("opacity" if ill else "normal")
        target.mkdir(parents=True, exist_ok=True)
        for film in range(2):
            pixels = rng.normal(90, 12, (side, side))
            if ill:
                top, left = rng.integers(4, side - 16, 2)
                pixels[top : top + 12, left : left + 12] += 90
            image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            image.save(target / f"p{patient:02d}-{film}.png")
    return folder


SIDE = 96  # at which the tiny net's last map has three by three cells, and at 32 a single one


def with_cells(workspace: Workspace, like: Run) -> Run:
    """Write a run like another into a workspace, whose net sees its images larger; return it."""
    from engine.prediction import fit_map_settings

    folder = workspace.runs / like.run_id
    folder.mkdir()
    recipe = replace(like.recipe, image_size=SIDE)
    (folder / "recipe.json").write_text(recipe_to_json(recipe))
    for name in ("model.safetensors", "split.csv"):
        shutil.copy(like.folder / name, folder)
    run = replace(like, folder=folder, recipe=recipe)
    save_run(run)
    val = split_of(run).val
    cache = open_cache(workspace.cache, val, size=SIDE, channels=recipe.channels)
    settings = fit_map_settings(run, val, cache=cache, cache_dir=workspace.cache)
    assert settings is not None
    save_map_settings(folder, settings)
    return load_run(folder)
