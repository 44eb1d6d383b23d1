"""One case explained by the method and for the class that somebody asks for, and kept.

explain_case(run, image, method, target)    once
Explainer(cache_dir).explain(…)             again and again: the nets of the runs asked for last stay loaded
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import RecipeError, RunError
from engine.images import load_unchanged
from engine.models import in_unit, pick_device
from engine.prediction.looking import Look, Map, explanation_of, looker, mean_maps
from engine.prediction.speakers import speakers
from engine.records import Explanation, MapSettings, Prediction, Run, Sample, recipe_of
from engine.runs import KeptMaps, load_classifier, load_map_settings
from engine.saliency import SALIENCIES

if TYPE_CHECKING:
    from engine.models import Classifier

WARM = 2  # nets that stay loaded
Progress = Callable[[int, int], None]


@dataclass
class _Warm:
    """A net that is loaded, and what looks at images with it, by method."""

    stamp: tuple[object, ...]
    classifier: Classifier
    settings: MapSettings | None
    one_cell: bool  # its last map
    lookers: dict[str, Callable[[Tensor], Look]] = field(default_factory=dict)


class Explainer:
    """Explains cases one by one.

    Args:
        cache_dir: `Workspace.cache`, where maps are kept.
        device: "auto", "cpu", "cuda" or "mps".
        warm: How many nets stay loaded.
    """

    def __init__(self, cache_dir: Path, *, device: str = "auto", warm: int = WARM) -> None:
        self.kept = KeptMaps(cache_dir)
        self._cache_dir = cache_dir
        self._device = device
        self._most = warm
        self._warm: OrderedDict[Path, _Warm] = OrderedDict()

    def explain(
        self,
        run: Run,
        image: Sample | Prediction,
        method: str,
        target: str,
        *,
        progress: Progress | None = None,
    ) -> Explanation:
        """Explain an image of a run, or read what was kept of it.

        Args:
            run: From `engine.runs.load_run`.
            image: Its file must be the one that was indexed.
            method: A key of `engine.saliency.SALIENCIES`.
            target: A class of the run: whose evidence is asked for.
            progress: Called with copies of the image that went through the net, and how many will; may raise to stop.

        Returns:
            The map, as rounded as it is kept.

        Raises:
            RecipeError: Nobody knows the method or the class, or the method says nothing of such a net.
            ImageError: The image is not there any more, or another one.
            RunError: The run's net cannot be loaded, or there is not enough memory.
        """
        check_choice(run, method, target)
        found = self.kept.find(run, image.image_id, method, target)
        if found is not None:
            return found
        recipe = recipe_of(run)
        pixels, (width, height) = load_unchanged(
            image.path, image.image_id, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit
        )
        sample = Sample(
            path=image.path,
            label=None,
            patient_id=image.patient_id,
            image_id=image.image_id,
            width=width,
            height=height,
        )
        try:
            made = explanation_of(
                run, sample, self._make(run, sample, pixels, method, target, progress), target, method
            )
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise RunError(
                f"There is not enough memory for {method} with the network of run {run.run_id}",
                "Close other programs, or choose a method that runs the network once, such as grad-cam",
            ) from error
        made = replace(made, heatmap=made.heatmap.astype(np.float16).astype(np.float32))
        self.kept.keep(run, made)
        return made

    def _make(
        self,
        run: Run,
        sample: Sample,
        pixels: NDArray[np.uint8],
        method: str,
        target: str,
        progress: Progress | None,
    ) -> Map:
        ((_, models, _),) = speakers(run, [sample])
        x = in_unit(torch.from_numpy(pixels).permute(2, 0, 1)[None])
        copies = SALIENCIES[method].copies
        of = (copies(*x.shape[2:]) if copies else 1) * (2 if recipe_of(run).test_time_flip else 1)
        maps = []
        for number, model in enumerate(models):
            warm = self._loaded(model, max(self._most, len(models)))
            look = self._look(warm, model, method)
            part = None if progress is None else partial(_in_part, progress, number * of, len(models) * of)
            with _told(warm.classifier, of, part):
                on_device = x.to(warm.classifier.mean.device).contiguous(memory_format=torch.channels_last)
                found = look(on_device).maps([run.classes.index(target)])
            if warm.one_cell and np.ptp(found[0].heatmap) == 0:
                others = [name for name, one in SALIENCIES.items() if one.copies]
                raise RecipeError(
                    f"The last layer of this network has a single cell, so {method} cannot say where in the image "
                    "the evidence lies",
                    f"Choose one of {', '.join(others)}",
                )
            maps.append(found)
        return mean_maps(maps)[0]

    def _look(self, warm: _Warm, run: Run, method: str) -> Callable[[Tensor], Look]:
        if method not in warm.lookers:
            warm.lookers[method] = looker(
                run,
                warm.classifier,
                method=method,
                settings=warm.settings,
                images=1,
                cache_dir=self._cache_dir,
            )
        return warm.lookers[method]

    def _loaded(self, run: Run, most: int) -> _Warm:
        settings = load_map_settings(run.folder)
        stamp = (settings, *_stamp(run.folder / "model.safetensors"))
        warm = self._warm.get(run.folder)
        if warm is None or warm.stamp != stamp:
            self._warm.pop(run.folder, None)
            while len(self._warm) >= most:  # before the next one is loaded
                self._warm.popitem(last=False)
            classifier = load_classifier(run, pick_device(self._device))
            classifier.to(memory_format=torch.channels_last)
            warm = self._warm[run.folder] = _Warm(stamp, classifier, settings, _has_one_cell(run, classifier))
        self._warm.move_to_end(run.folder)
        return warm


def explain_case(
    run: Run,
    image: Sample | Prediction,
    method: str,
    target: str,
    *,
    cache_dir: Path,
    device: str = "auto",
    progress: Progress | None = None,
) -> Explanation:
    """Explain one image; whoever explains several keeps an `Explainer`, which see."""
    return Explainer(cache_dir, device=device).explain(run, image, method, target, progress=progress)


def check_choice(run: Run, method: str | None, target: str | None) -> None:
    """Refuse a method that nobody knows and a class that the run does not have; None is no choice.

    Raises:
        RecipeError: It is one.
    """
    if method is not None and method not in SALIENCIES:
        raise RecipeError(f"There is no heatmap method “{method}”", f"Choose one of {', '.join(SALIENCIES)}")
    if target is not None and target not in run.classes:
        raise RecipeError(
            f"There is no class “{target}” in run {run.run_id}", f"Choose one of {', '.join(run.classes)}"
        )


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:  # loading it says what is wrong
        return ()
    return status.st_size, status.st_mtime_ns


def _in_part(progress: Progress, before: int, of: int, done: int, _of_part: int) -> None:
    progress(before + done, of)


def _has_one_cell(run: Run, classifier: Classifier) -> bool:
    side, channels = recipe_of(run).image_size, recipe_of(run).channels
    with torch.no_grad():
        last = classifier.features(torch.zeros(1, channels, side, side, device=classifier.mean.device))
    return tuple(last.shape[2:]) == (1, 1)


@contextmanager
def _told(classifier: Classifier, of: int, progress: Progress | None) -> Iterator[None]:
    """Tell of every copy of the image that goes through the whole net."""
    if progress is None:
        yield
        return
    done = 0

    def passing(module: object, given: tuple[Tensor, ...]) -> None:
        nonlocal done
        progress(min(done, of), of)
        done += len(given[0])

    progress(0, of)
    handle = classifier.register_forward_pre_hook(passing)
    try:
        yield
    finally:
        handle.remove()
