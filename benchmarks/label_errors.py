"""Wrong labels: how many of those that were made wrong stand at the top of the list of suspects.

python -m benchmarks.label_errors FOLDER [--flipped 0.03] [--images 0] [--seed 0]

A share of the labels of a data set is changed to another class, and the program's own search is run on all of it as
one training part. Labels that were wrong before count as right: precision is a lower bound.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.data import index_data
from engine.labels import Suspect, suspects
from engine.records import Index, Split
from engine.statistics.proportions import wilson
from engine.workspace import open_workspace


def flipped(index: Index, share: float, seed: int) -> tuple[Index, set[str]]:
    """Return a data set with a share of its labels changed to another class, and which images these are."""
    drawn = random.Random(seed)
    labelled = [sample for sample in index.samples if sample.label is not None]
    wrong = {sample.image_id for sample in drawn.sample(labelled, round(share * len(labelled)))}
    samples = tuple(
        replace(sample, label=drawn.choice([name for name in index.classes if name != sample.label]))
        if sample.image_id in wrong
        else sample
        for sample in index.samples
    )
    return replace(index, samples=samples), wrong


def first(index: Index, images: int, seed: int) -> Index:
    """Return a data set of so many images drawn at random; all of them for 0."""
    if not images or images >= len(index.samples):
        return index
    return replace(index, samples=tuple(random.Random(seed).sample(index.samples, images)))


def lines(found: Sequence[Suspect], wrong: set[str], tops: Sequence[int]) -> list[str]:
    """Say of each length of the list how many of it are wrong, and how many of the wrong ones it holds."""
    told = []
    for top in (*tops, sum(one.suspected for one in found)):
        hits = sum(one.image_id in wrong for one in found[:top])
        precision, recall = wilson(hits, top), wilson(hits, len(wrong))
        told.append(
            f"top {top:5,}: precision {precision.value:.2f} ({precision.low:.2f}–{precision.high:.2f}), "
            f"recall {recall.value:.2f} ({recall.low:.2f}–{recall.high:.2f})"
        )
    told[-1] += " (all whose label is not the likeliest class)"
    return told


def main() -> None:
    """Flip, search, say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_errors", description=__doc__)
    parser.add_argument("data", type=Path, metavar="FOLDER")
    parser.add_argument("--flipped", type=float, default=0.03, help="share of the labels")
    parser.add_argument("--images", type=int, default=0, help="so many, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workspace", type=Path, help="where features are kept; a temporary one otherwise")
    asked = parser.parse_args()
    index, wrong = flipped(first(index_data(asked.data), asked.images, asked.seed), asked.flipped, asked.seed)
    labelled = tuple(sample for sample in index.samples if sample.label is not None)
    split = Split(train=labelled, val=(), test=(), classes=index.classes, seed=0, method="")
    with tempfile.TemporaryDirectory(prefix="overread-bench-") as scratch:
        workspace = open_workspace(asked.workspace or Path(scratch))
        begun = time.monotonic()
        found = suspects(workspace, index, split, device="cpu")
        print(f"{len(labelled):,} images, {len(wrong):,} labels flipped, {time.monotonic() - begun:.0f} s")
    print("\n".join(lines(found, wrong, [n for n in (50, 100, 200, 350) if n < len(found)])))


if __name__ == "__main__":
    main()
