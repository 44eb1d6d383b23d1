"""Predicting a folder, beside timm's net run eagerly with the same weights and beside the inference engine alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from benchmarks import engine_limit
from benchmarks.films import films, share_of, short_run
from benchmarks.measuring import LeftOut, Row, Setting, interleaved
from engine.data import split_index
from engine.images import load_image
from engine.prediction import predict
from engine.records import Run, Sample, recipe_of
from engine.runs import load_classifier


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    count = 100 if setting.quick else 1000
    whole = split_index(films(setting, count), seed=0)
    samples = share_of([*whole.test, *whole.train, *whole.val], count)
    run = short_run(setting, replace(whole, train=share_of(whole.train, 64), val=share_of(whole.val, 22)))
    peer = _TimmEager(run)
    answers: dict[str, NDArray[np.float64]] = {}
    kept, first = setting.scratch / "kept", setting.scratch / "first"

    def ours(cache: Path, name: str) -> None:
        answers[name] = np.array([each.probabilities for each in predict(run, samples, cache_dir=cache)])

    def ours_first() -> None:
        shutil.rmtree(first, ignore_errors=True)
        ours(first, "first")

    def timm_eager() -> None:
        answers["timm"] = peer.probabilities(samples)

    taken = interleaved(
        {"again": lambda: ours(kept, "again"), "first": ours_first, "timm": timm_eager},
        rounds=1 if setting.quick else 3,
    )
    speed = {name: len(samples) / seconds for name, seconds in taken.items()}
    for name, what in {
        "first": "first time: films decoded, net converted",
        "again": "again: both found in the cache",
    }.items():
        difference = float(np.abs(answers[name] - answers["timm"]).max())
        ratio = speed[name] / speed["timm"]
        yield Row(
            work=f"prediction of a folder of {len(samples):,} films, {what}",
            ours=speed[name],
            unit="images/s",
            peer="timm eager, same weights",
            theirs=speed["timm"],
            ratio=ratio,
            budget="≥ 1.8×, equal to 1e-3",
            met=ratio >= 1.8 and difference <= 1e-3,
            quality=f"largest difference in probability {difference:.1e}",
            note="timm's loop reads the files with a DataLoader of one worker a core"
            if name == "first"
            else "",
        )
    yield from engine_limit.measure(setting, run, samples)


class _TimmEager:
    def __init__(self, run: Run) -> None:
        net = load_classifier(run)
        self.mean, self.std, self.size = net.mean, net.std, recipe_of(run).image_size
        self.net = timm.create_model("tf_efficientnet_lite0", num_classes=len(run.classes)).eval()
        state = net.backbone.get_submodule("net").state_dict()
        state |= {f"classifier.{name}": value for name, value in net.head.output.state_dict().items()}
        self.net.load_state_dict(state)

    def probabilities(self, samples: tuple[Sample, ...]) -> NDArray[np.float64]:
        """Return (N, classes)."""
        loader = DataLoader(
            _Films(samples, self.size),
            batch_size=64,
            num_workers=torch.get_num_threads(),
            persistent_workers=False,
        )
        with torch.inference_mode():
            answers = [self.net((images - self.mean) / self.std).softmax(1) for images in loader]
        return torch.cat(answers).double().numpy()


class _Films(Dataset[torch.Tensor]):
    def __init__(self, samples: tuple[Sample, ...], size: int) -> None:
        self.samples, self.size = samples, size

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> torch.Tensor:
        pixels = load_image(self.samples[number].path, size=self.size)
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
