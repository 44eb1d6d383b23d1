"""What each heatmap method costs: seconds an image with the net loaded, and memory, of one image and of many.

Also how far its maps outlive the head's weights: the demonstration is trained, its head shuffled, and the maps of test
images held against one another (Adebayo's check, arXiv:1810.03292). `engine.saliency.SALIENCIES` holds what came out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from benchmarks.films import train_all
from benchmarks.measuring import LeftOut, Row, Setting, in_process
from engine.data import index_data, split_index
from engine.images import open_cache
from engine.recipes import RECIPES
from engine.records import Augmentation, Run, Sample, recipe_of
from engine.runs import load_classifier, load_run
from engine.saliency import SALIENCIES, explain
from engine.saliency.faithfulness import forget, rank_correlations
from engine.training import images_of
from sample_data import SAMPLE_TABLE

BUDGET = 2.0  # seconds an image
MANY = 16
FORGETTINGS = 3  # different shuffles of the head
IMAGES = 12  # half of them with the finding

# Prints the median seconds of an image with the net loaded; the process's peak memory is that of one image, or of many.
PROGRAM = """
import statistics, sys, time
import torch
from pathlib import Path
from engine.runs import load_classifier, load_run
from engine.saliency import explain
folder, method, count, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
run = load_run(folder)
net = load_classifier(run).to(memory_format=torch.channels_last)
size, channels = recipe_of(run).image_size, recipe_of(run).channels
images = torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(0))
images = images.contiguous(memory_format=torch.channels_last)
targets = torch.zeros(count, dtype=torch.int64)
taken = []
for _ in range(rounds + 1):
    began = time.perf_counter()
    if method == "none":
        with torch.no_grad():
            net(images)
    else:
        explain(net, images, targets, method)
    taken.append(time.perf_counter() - began)
print(statistics.median(taken[1:] or taken))
"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    split = split_index(index_data(SAMPLE_TABLE, near_duplicates=False), seed=0)
    recipe = RECIPES["demo"]
    if setting.quick:
        phases = (replace(recipe.phases[0], epochs=1),)
        recipe = replace(recipe, phases=phases, views=0, augmentation=Augmentation())
    folder = setting.scratch / "runs" / "20260101-000000-0000"
    train_all(recipe, split, folder, setting.scratch / "cache")
    run = load_run(folder)
    rounds = 1 if setting.quick else 5
    _, alone = in_process(PROGRAM, str(folder), "none", "1", "1")
    for method in SALIENCIES:
        seconds, one = in_process(PROGRAM, str(folder), method, "1", str(rounds))
        _, many = in_process(PROGRAM, str(folder), method, str(MANY), "0")
        kept = _kept(setting, run, split.test, method)
        yield Row(
            work=f"heatmap of one image by {method}, the network loaded",
            ours=seconds,
            unit="s",
            budget=f"≤ {BUDGET:g} s",
            met=seconds <= BUDGET,
            quality=f"peak memory {one:.0f} MB, of {MANY} images {many:.0f} MB, of a forward pass {alone:.0f} MB; rank "
            f"correlation with the head shuffled {kept:.3f}",
        )


def _kept(setting: Setting, run: Run, samples: tuple[Sample, ...], method: str) -> float:
    """Return the median rank correlation of maps before and after the head's weights were shuffled."""
    ill = [one for one in samples if one.label == run.positive]
    well = [one for one in samples if one.label != run.positive]
    count = (2 if setting.quick else IMAGES) // 2
    chosen = [*ill[:count], *well[:count]]
    recipe = recipe_of(run)
    cache = open_cache(setting.scratch / "cache", chosen, size=recipe.image_size, channels=recipe.channels)
    images = images_of(cache, cache.rows(chosen), "cpu").float() / 255
    targets = torch.full((len(images),), run.classes.index(run.positive))
    net = load_classifier(run).to(memory_format=torch.channels_last)
    before, found = list(explain(net, images, targets, method)), []
    for seed in range(1 if setting.quick else FORGETTINGS):
        forgotten = copy.deepcopy(net)
        forget(forgotten, net, depth=0, seed=seed)
        found.append(rank_correlations(before, list(explain(forgotten, images, targets, method))))
    return float(np.median(found))
