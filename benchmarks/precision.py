"""What 16 bits change on a GPU: training in mixed precision beside 32 bits, and a run read in each precision.

The films are those that come with the program; what one and the same run predicts and draws is compared image by
image with the strictest arithmetic that the GPU has.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from benchmarks.films import films
from benchmarks.measuring import LeftOut, Row, Setting
from engine.data import index_data, split_index
from engine.images import ImageCache, open_cache
from engine.models import Features, autocast, fast_features, half_precision, pick_device
from engine.prediction import predict_and_explain, settle_maps
from engine.recipes import RECIPES
from engine.records import Prediction, Run, Sample, Split, TrainingRequest, recipe_of
from engine.runs import load_run
from engine.saliency import EVIDENCE
from engine.statistics import auroc
from engine.training import train
from sample_data import SAMPLE_TABLE

BATCH = 64


@dataclass(frozen=True, eq=False)
class _Read:
    predictions: list[Prediction]
    maps: list[NDArray[np.float32]]
    speed: float

    @property
    def probabilities(self) -> NDArray[np.float64]:
        return np.array([each.probabilities for each in self.predictions])


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    half = half_precision(pick_device())
    if half is None:
        yield LeftOut(
            work="mixed precision beside 32 bits", reason="this computer has no GPU that PyTorch knows"
        )
        return
    split = split_index(index_data(SAMPLE_TABLE, near_duplicates=False), seed=0)
    ways: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "mixed": contextlib.nullcontext,
        "32 bits": lambda: mock.patch("engine.models.device.half_precision", lambda device: None),
    }
    seconds: dict[str, float] = {}
    trained: dict[str, Run] = {}
    _trained(setting, split, "warm-up")
    for name, way in ways.items():
        with way():
            seconds[name], trained[name] = _trained(setting, split, name)
    samples = (*split.test, *split.val, *split.train)
    cache = open_cache(setting.scratch / "cache", samples, size=224, channels=3)
    run = trained["mixed"]
    settle_maps(run, cache=cache, cache_dir=setting.scratch / "cache", device=pick_device())
    area = {
        name: _area(_read(one, split.test, cache, setting).predictions, one) for name, one in trained.items()
    }
    yield Row(
        work=f"training the default recipe on {len(split.train)} sample films, in mixed precision",
        ours=seconds["mixed"],
        unit="s",
        peer="the same in 32 bits",
        theirs=seconds["32 bits"],
        ratio=seconds["32 bits"] / seconds["mixed"],
        quality=f"test AUC {area['mixed']:.3f} beside {area['32 bits']:.3f}",
        note=f"16-bit numbers are {str(half).removeprefix('torch.')}",
    )
    yield from _precisions(setting, run, samples, cache)


def _precisions(setting: Setting, run: Run, samples: tuple[Sample, ...], cache: ImageCache) -> Iterator[Row]:
    many = tuple(films(replace(setting, data=None), 100 if setting.quick else 2000).samples)
    decoded = open_cache(setting.scratch / "cache", many, size=224, channels=3)
    ways: dict[str, AbstractContextManager[object]] = {
        "ours": contextlib.nullcontext(),
        "TF32, as PyTorch has it": torch.backends.cudnn.flags(enabled=True, allow_tf32=True),
        "16 bits": _in_half(),
    }
    _read(run, many, decoded, setting)  # warms up
    read: dict[str, _Read] = {}
    speed: dict[str, float] = {}
    for name, way in ways.items():
        with way, mock.patch("engine.prediction.predictor.pick_device", lambda asked: asked):
            read[name] = _read(run, samples, cache, setting)
            speed[name] = max(_read(run, many, decoded, setting).speed for _ in range(2))
    for name in list(ways)[1:]:
        yield Row(
            work=f"predict and explain {len(many):,} films in 32 bits, as shipped",
            ours=speed["ours"],
            unit="images/s",
            peer=name,
            theirs=speed[name],
            ratio=speed["ours"] / speed[name],
            quality=_difference(read[name], read["ours"]),
            note="the quality is the other's, beside ours",
        )


@contextlib.contextmanager
def _in_half() -> Iterator[None]:
    """Let what is read run in 16 bits, as it does not."""

    class InHalf(Features):
        def __init__(self, *given: Any, **named: Any) -> None:
            self._features = fast_features(*given, **named)

        def finish(self, begun: Tensor) -> Tensor:
            with autocast(begun.device.type):
                return self._features(begun).float()

    with mock.patch("engine.models.last_map.fast_features", InHalf):
        yield


def _trained(setting: Setting, split: Split, name: str) -> tuple[float, Run]:
    recipe = RECIPES["default"]
    if setting.quick:
        recipe = replace(recipe, phases=tuple(replace(phase, epochs=1) for phase in recipe.phases), views=0)
    folder = setting.scratch / name / "20260101-000000-0000"
    started = time.perf_counter()
    for _ in train(
        TrainingRequest(recipe=recipe, dataset_id="benchmark"),
        split,
        folder=folder,
        cache_dir=setting.scratch / name,
        dataset_name="benchmark",
    ):
        pass
    return time.perf_counter() - started, load_run(folder)


def _read(run: Run, samples: tuple[Sample, ...], cache: ImageCache, setting: Setting) -> _Read:
    size = recipe_of(run).image_size
    assert cache.images.shape[1] == size
    started = time.perf_counter()
    told = list(
        predict_and_explain(
            run,
            samples,
            cache_dir=setting.scratch / "cache",
            device="cuda",
            batch_size=BATCH,
            method=EVIDENCE[0],
            cache=cache,
        )
    )
    seconds = time.perf_counter() - started
    maps = [explanation.heatmap for _, explanation in told if explanation is not None]
    return _Read([prediction for prediction, _ in told], maps, len(told) / seconds)


def _area(predictions: list[Prediction], run: Run) -> float:
    positive = run.classes.index(run.positive)
    present = np.array([each.label == run.positive for each in predictions])
    return auroc(present, np.array([each.probabilities[positive] for each in predictions])).value


def _difference(one: _Read, other: _Read) -> str:
    apart = np.abs(one.probabilities - other.probabilities).max()
    changed = sum(a.predicted != b.predicted for a, b in zip(one.predictions, other.predictions, strict=True))
    ranks = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one.maps, other.maps, strict=True)]
    return (
        f"{len(one.predictions)} sample films: largest difference in probability {apart:.1e}, {changed} predictions "
        f"change, rank correlation of maps {np.median(ranks):.4f}, at least {min(ranks):.4f}"
    )
