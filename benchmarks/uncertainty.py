"""Dropout-injection uncertainty: T passes over what stands behind the first mask, beside T passes of the whole net."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from benchmarks.films import short_run, split_of
from benchmarks.measuring import LeftOut, Row, Setting, interleaved
from engine.images import open_cache
from engine.records import Calibration, Injection, recipe_of
from engine.runs import load_classifier
from engine.uncertainty import injected_dropout, pass_probabilities, pooled_features


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    split = split_of(setting, 60, train_images=32)
    run = short_run(setting, split)
    net = load_classifier(run).to(memory_format=torch.channels_last)
    injection = Injection(rate=0.2)
    if setting.quick:
        injection = replace(injection, passes=3)
    cache = open_cache(setting.scratch / "cache", split.train, size=recipe_of(run).image_size, channels=3)
    pixels = torch.from_numpy(np.array(cache.images[np.arange(16) % len(cache.images)]))
    images = (pixels.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)
    answers: dict[str, np.ndarray] = {}

    def ours() -> None:
        answers["ours"] = pass_probabilities(net, pooled_features(net, images), Calibration(), injection)

    def whole() -> None:
        passes = []
        for number in range(injection.passes):
            with torch.inference_mode(), injected_dropout(net, rate=injection.rate, number=number):
                passes.append(net(images).softmax(1).double().numpy())
        answers["whole"] = np.stack(passes)

    def one_pass() -> None:
        with torch.inference_mode():
            net(images)

    taken = interleaved({"ours": ours, "whole": whole, "one": one_pass}, rounds=1 if setting.quick else 3)
    difference = float(np.abs(answers["ours"] - answers["whole"]).max())
    yield Row(
        work=f"uncertainty by {injection.passes} passes, a batch of 16 films",
        ours=1e3 * taken["ours"],
        unit="ms",
        peer=f"{injection.passes} passes of the whole net",
        theirs=1e3 * taken["whole"],
        ratio=taken["whole"] / taken["ours"],
        quality=f"largest difference in probability {difference:.1e}",
        note=f"one pass of the whole net without masks takes {1e3 * taken['one']:.0f} ms",
    )
