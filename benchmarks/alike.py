"""The five training images most like one, of 100,000: beside the same search through all features of the net."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.measuring import LeftOut, Row, Setting, interleaved, percentile
from engine.runs import FITTED_ON, Alike, fit_alike, load_alike, nearest, save_alike

WIDTH = 1280  # features of EfficientNet-B0
KINDS = 40  # of images that look alike
FACTORS = 600
BUDGET = 50.0  # ms
BATCH = 5000


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    count = 2000 if setting.quick else 100_000
    rng = np.random.default_rng(0)
    kinds = rng.normal(0, 1, (KINDS, WIDTH))
    # Features of a trained net vary mostly along few directions: here as 1/n along the n-th.
    slow = rng.normal(0, 1, (FACTORS, WIDTH)) / np.sqrt(np.arange(1, FACTORS + 1))[:, None]

    def drawn(n: int) -> np.ndarray:
        noise = rng.normal(0, 1, (n, FACTORS)) @ slow
        return (kinds[rng.integers(0, KINDS, n)] + noise).astype(np.float32)

    features = np.concatenate([drawn(min(BATCH, count - at)) for at in range(0, count, BATCH)])
    fitted = fit_alike(features[:FITTED_ON], [str(number) for number in range(FITTED_ON)])
    places = np.concatenate([fitted.directions(features[at : at + BATCH]) for at in range(0, count, BATCH)])
    names = tuple(f"{number:064x}" for number in range(count))
    save_alike(
        setting.scratch, replace(fitted, image_ids=names, patients=names, known=count, features=places)
    )
    began = time.perf_counter()
    alike = load_alike(setting.scratch)
    assert alike is not None
    nearest(alike, names[0])
    first = time.perf_counter() - began
    asked = [names[number] for number in rng.integers(0, count, 200)]
    each = [1000 * _seconds(alike, name) for name in asked]
    whole = features - features.mean(axis=0)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)

    def of_all(name: str) -> set[str]:
        cosines = whole @ whole[int(name, 16)]
        cosines[int(name, 16)] = -2
        return {names[place] for place in np.argpartition(-cosines, 5)[:5]}

    turns = interleaved({"ours": lambda: nearest(alike, asked[0]), "all": lambda: of_all(asked[0])}, rounds=9)
    found = np.mean(
        [len(of_all(name) & {one.image_id for one in nearest(alike, name) or ()}) for name in asked[:40]]
    )
    p95 = percentile(each, 0.95)
    yield Row(
        work=f"the five most alike of {count:,} training images",
        ours=p95,
        unit="ms",
        peer=f"all {WIDTH:,} features in NumPy",
        theirs=1000 * turns["all"],
        ratio=turns["all"] / turns["ours"],
        budget=f"≤ {BUDGET:g} ms",
        met=p95 <= BUDGET,
        quality=f"{found:.1f} of its five are found",
        note=f"p95 of {len(each)}; p50 {percentile(each, 0.5):.1f} ms; the first, with reading the file, {first:.1f} s",
    )


def _seconds(alike: Alike, name: str) -> float:
    began = time.perf_counter()
    nearest(alike, name)
    return time.perf_counter() - began
