"""Robustness: the test images a little brighter, noisier, turned, and what is predicted of them then.

The changes are made to what the net sees, after an image was brought to its size: one decoding serves them all.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import DataError
from engine.images import ImageCache, open_cache
from engine.models import pick_device
from engine.prediction.predictor import Loaded, Progress, predict_and_explain
from engine.records import Disturbed, Estimate, Prediction, Robustness, Run, Sample, recipe_of
from engine.runs import save_robustness, split_of
from engine.statistics import overall, proportion

Pixels = NDArray[np.uint8]
FIGURES = ("AUROC", "sensitivity", "specificity", "accuracy")


@dataclass(frozen=True)
class Disturbance:
    """A change of an image.

    Attributes:
        title: In a table.
        unit: What its steps are.
        steps: That are tried.
        change: (H, W, C) uint8, a step, random numbers → (H, W, C) uint8.
    """

    title: str
    unit: str
    steps: tuple[float, ...]
    change: Callable[[Pixels, float, np.random.Generator], Pixels]


def measure_robustness(
    run: Run,
    *,
    cache_dir: Path,
    images: int = 200,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Robustness:
    """Predict a run's test images changed in every way of `DISTURBANCES`, and keep what came of it with the run.

    Args:
        run: Trained here.
        cache_dir: `Workspace.cache`.
        images: At most so many, drawn at random.
        seed: Of the drawing and of the noise.
        device: See `engine.models.pick_device`.
        progress: Called with what is done and what there is; may raise to stop.

    Raises:
        DataError: There is no labelled test image, or none can be read.
        WorkspaceError: The run's folder cannot be written to.
    """
    began = time.monotonic()
    labelled = [sample for sample in split_of(run).test if sample.label in run.classes]
    if not labelled:
        raise DataError(
            f"Run {run.run_id} has no test image with a label",
            "Split the data set with a test part and train",
        )
    generator = np.random.default_rng(seed)
    places = sorted(generator.choice(len(labelled), min(images, len(labelled)), replace=False).tolist())
    drawn, recipe = [labelled[at] for at in places], recipe_of(run)
    cache = open_cache(cache_dir, drawn, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit)
    samples = [sample for sample in drawn if sample.image_id in cache.row]
    if not samples:
        raise DataError("None of the run's test images can be read", "Say where they are on the Data page")
    wanted = [(kind, step) for kind, one in DISTURBANCES.items() for step in one.steps]
    loaded = Loaded(images=len(samples) * (1 + len(wanted)))
    told = _Told(run, samples, _held(cache, samples), cache_dir, pick_device(device), loaded)
    unchanged = told.of(None, 0.0, seed)
    steps = []
    for done, (kind, step) in enumerate(wanted, start=1):
        changed = told.of(kind, step, seed)
        same = [one.predicted == other.predicted for one, other in zip(unchanged, changed, strict=True)]
        steps.append(
            Disturbed(
                kind=kind,
                title=DISTURBANCES[kind].title,
                unit=DISTURBANCES[kind].unit,
                step=step,
                kept=proportion(same, told.patients),
                figures=told.figures(changed),
            )
        )
        if progress is not None:
            progress(done, len(wanted))
    made = Robustness(
        images=len(samples),
        of=len(labelled),
        size=recipe.image_size,
        seed=seed,
        seconds=time.monotonic() - began,
        figures=told.figures(unchanged),
        steps=tuple(steps),
    )
    save_robustness(run.folder, made)
    return made


@dataclass(frozen=True, eq=False)
class _Told:
    """The images, and whoever predicts them."""

    run: Run
    samples: Sequence[Sample]
    held: ImageCache
    cache_dir: Path
    device: str
    loaded: Loaded

    @property
    def patients(self) -> list[str]:
        return [sample.patient_id for sample in self.samples]

    def of(self, kind: str | None, step: float, seed: int) -> list[Prediction]:
        """Predict the images, changed so."""
        cache = self.held
        if kind is not None:
            change, generator = DISTURBANCES[kind].change, np.random.default_rng(seed)
            cache = replace(cache, images=np.stack([change(one, step, generator) for one in cache.images]))
        return [
            prediction
            for prediction, _ in predict_and_explain(
                self.run,
                self.samples,
                cache_dir=self.cache_dir,
                device=self.device,
                method=None,
                cache=cache,
                loaded=self.loaded,
            )
        ]

    def figures(self, predictions: Sequence[Prediction]) -> dict[str, Estimate]:
        """Return the figures that can be estimated, by name."""
        code: Mapping[str, int] = {name: at for at, name in enumerate(self.run.classes)}
        found = overall(
            np.array([code[str(sample.label)] for sample in self.samples]),
            np.array([code[each.predicted] for each in predictions]),
            np.array([each.probabilities for each in predictions]),
            self.run.classes,
            positive=self.run.positive,
            groups=self.patients,
        )
        known = {name: found[name] for name in FIGURES if name in found}
        return {
            name: one
            for name, one in known.items()
            if all(math.isfinite(number) for number in (one.low, one.value, one.high))
        }


def _held(cache: ImageCache, samples: Sequence[Sample]) -> ImageCache:
    """Return the samples' images in memory, in their order."""
    row = {sample.image_id: at for at, sample in enumerate(samples)}
    return replace(cache, images=np.array(cache.images[cache.rows(samples)]), row=row, failed=())


# --------------------------------------------------------------------------------------------------- the changes


def _brighter(image: Pixels, step: float, _: np.random.Generator) -> Pixels:
    return _rounded(image + 255.0 * step)


def _contrasted(image: Pixels, step: float, _: np.random.Generator) -> Pixels:
    return _rounded((image - image.mean()) * step + image.mean())


def _noisy(image: Pixels, step: float, generator: np.random.Generator) -> Pixels:
    noise = generator.normal(0.0, 255.0 * step, (*image.shape[:2], 1))  # grey: the same in every channel
    return _rounded(image + noise)


def _compressed(image: Pixels, step: float, _: np.random.Generator) -> Pixels:
    stream = io.BytesIO()
    _picture(image).save(stream, "JPEG", quality=int(step))
    with Image.open(stream) as opened:
        return _array(opened, image)


def _turned(image: Pixels, step: float, _: np.random.Generator) -> Pixels:
    return _array(_picture(image).rotate(step, Image.Resampling.BILINEAR), image)


def _coarse(image: Pixels, step: float, _: np.random.Generator) -> Pixels:
    picture = _picture(image)
    width, height = (max(1, round(side * step)) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX)
    return _array(small.resize(picture.size, Image.Resampling.BILINEAR), image)


def _rounded(image: NDArray[np.floating]) -> Pixels:
    rounded: Pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return rounded


def _picture(image: Pixels) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _array(picture: Image.Image, like: Pixels) -> Pixels:
    pixels: Pixels = np.asarray(picture, dtype=np.uint8).reshape(like.shape)
    return pixels


DISTURBANCES: Mapping[str, Disturbance] = {
    "brightness": Disturbance("Brightness", "of full scale, added", (-0.2, -0.1, 0.1, 0.2), _brighter),
    "contrast": Disturbance("Contrast", "times, about the image's mean", (0.5, 0.75, 1.25, 1.5), _contrasted),
    "noise": Disturbance("Noise", "of full scale, standard deviation", (0.02, 0.05, 0.1), _noisy),
    "jpeg": Disturbance("JPEG", "quality", (70, 40, 20), _compressed),
    "rotation": Disturbance("Rotation", "degrees", (-10, -5, 5, 10), _turned),
    "resolution": Disturbance("Resolution", "of the pixels of a side", (0.75, 0.5, 0.25), _coarse),
}
"""To try another change, add a function and a line."""
