"""A recipe and films small enough for a test that really trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from engine.records import Epoch, Head, Phase, Recipe

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
