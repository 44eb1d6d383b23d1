"""A run's passport: how far its maps can be believed, measured once on validation images.

What costs a pass through the net is asked of few images and at few steps, so that the whole takes seconds; how many
there were stands beside every figure, and the intervals heed that images of one patient are alike.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data import read_mask
from engine.errors import ImageError
from engine.images import ImageCache, open_cache
from engine.prediction.looking import place_in_square
from engine.prediction.map_trials import DEPTHS, TAKEN_IMAGES, Told, Trials
from engine.prediction.predictor import Progress, predict_and_explain
from engine.prediction.speakers import drawn_in_turn, one_model_each, shares_of
from engine.records import (
    Estimate,
    Explanation,
    MapFigure,
    MapSettings,
    Passport,
    Prediction,
    Run,
    Sample,
    recipe_of,
)
from engine.runs import load_explanations
from engine.saliency import (
    ALIKE,
    DEFAULT_SALIENCY,
    FEWEST,
    MOSTLY,
    POINTING_TOLERANCE,
    body_mask,
    chance_level,
    energy_inside,
    pointing_game,
)
from engine.statistics import mean_of_bounded, proportion

MOST_IMAGES = 128  # as many of each class as can be
FORGOTTEN_IMAGES = 24  # whose maps are made again with a net that has forgotten
NOTHING_ARGUED = "no validation image was predicted as the class that its map argues for"

Masks = Mapping[str, NDArray[np.bool_]]
NO_MASKS: Masks = {}


@dataclass
class _Found:
    """What was measured, and why the rest was not.

    Attributes:
        figures: In the order of a passport.
        reasons: Why others are not among them, by name.
        alike: By depth of forgetting, each image's likeness of the maps before and after.
        forgetting: Of each of these images, which model forgot in which shuffling.
        better: By what was done, whether each image's map did better than random places.
        taken_of: The patients of these images.
    """

    figures: list[MapFigure] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    alike: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in DEPTHS})
    forgetting: list[tuple[str, int]] = field(default_factory=list)
    better: dict[str, list[float]] = field(default_factory=lambda: {"deletion": [], "insertion": []})
    taken_of: list[str] = field(default_factory=list)

    def add(self, name: str, estimate: Estimate, limit: float) -> None:
        self.figures.append(MapFigure(name=name, estimate=estimate, limit=limit))

    def note_forgotten(self, model: Run, alike: Mapping[str, list[float]], groups: Sequence[int]) -> None:
        for name, found in alike.items():
            self.alike[name].extend(found)
        self.forgetting.extend((str(model.folder), group) for group in groups)

    def note_taken(self, samples: Sequence[Sample], better: Mapping[str, list[float]]) -> None:
        for name, won in better.items():
            self.better[name].extend(won)
        self.taken_of.extend(each.patient_id for each in samples)

    def settle(self) -> None:
        """Make figures of what was tried on the nets, over all of them."""
        number = {each: place for place, each in enumerate(dict.fromkeys(self.forgetting))}
        groups = [number[each] for each in self.forgetting]
        for name, alike in self.alike.items():
            self.add(name, _likeness(np.array(alike), groups), ALIKE)
        for name, won in self.better.items():
            if won:
                self.add(name, proportion(np.array(won), self.taken_of), MOSTLY)
            else:
                self.reasons[name] = NOTHING_ARGUED


def make_passport(
    run: Run,
    validated: Sequence[tuple[Run, Sequence[Sample]]],
    told: Told | None = None,
    *,
    settings: MapSettings | None,
    cache_dir: Path,
    cache: ImageCache | None = None,
    device: str = "cpu",
    regions: Masks = NO_MASKS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Passport | None:
    """Measure how far a run's maps can be believed.

    Args:
        run: A finished run.
        validated: The models that speak for it (`engine.runs.models_of`), each with its own validation images. Of
            several models each is asked of images that it never learned from, and an image is asked of one.
        told: Prediction and map of validation images, by image id; None reads them anew, with the method of the maps
            that the run has, or else of its settings.
        settings: How the maps are made.
        cache_dir: Where decoded images and converted nets are kept.
        cache: Already decoded images that hold them; None decodes what is needed.
        device: Where the net runs.
        regions: (H, W) bool by image id, any size: where the finding lies by readers; in place of the image's mask.
        seed: Of everything random.
        progress: Called with images read anew and how many they are; may raise to stop.

    Returns:
        The passport; None where no image has a label of the run and a map.
    """
    began = time.monotonic()
    asked = one_model_each(run, validated)
    drawn = drawn_in_turn([sample for share in asked for sample in share], MOST_IMAGES, seed)
    if not drawn:
        return None
    if cache is None:
        recipe = recipe_of(run)
        cache = open_cache(cache_dir, drawn, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit)
    if told is None:
        told = _read(run, validated, shares_of(asked, drawn), settings, cache, cache_dir, device, progress)
    drawn = [each for each in drawn if each.image_id in told and each.image_id in cache.row]
    methods = Counter(told[each.image_id][1].method for each in drawn)
    if not methods:
        return None
    method = methods.most_common(1)[0][0]
    drawn = [each for each in drawn if told[each.image_id][1].method == method]
    found = _Found()
    argued = [each for each in drawn if _argued(told[each.image_id])]
    forgotten = shares_of(asked, drawn_in_turn(drawn, FORGOTTEN_IMAGES, seed))
    taken = shares_of(asked, drawn_in_turn(argued, TAKEN_IMAGES, seed))
    for number, (model, _) in enumerate(validated):
        if forgotten[number] or taken[number]:
            trials = Trials(model, method, cache, cache_dir, device, seed)
            found.note_forgotten(model, *trials.forgotten(forgotten[number], told))
            found.note_taken(taken[number], trials.taken(taken[number], told))
    found.settle()
    marked = _hold_against_findings(found, drawn, told, regions)
    _hold_against_bodies(found, run, argued, told, cache)
    return Passport(
        method=method,
        settings=settings,
        images=len(drawn),
        of=sum(map(len, asked)),
        seed=seed,
        seconds=round(time.monotonic() - began, 2),
        figures=tuple(found.figures),
        reasons=found.reasons,
        marked=marked,
    )


def _read(
    run: Run,
    validated: Sequence[tuple[Run, Sequence[Sample]]],
    shares: Sequence[Sequence[Sample]],
    settings: MapSettings | None,
    cache: ImageCache,
    cache_dir: Path,
    device: str,
    progress: Progress | None,
) -> Told:
    kept = Counter(each.method for each in load_explanations(run.folder).values()).most_common(1)
    method = kept[0][0] if kept else settings.method if settings else DEFAULT_SALIENCY
    told: dict[str, tuple[Prediction, Explanation]] = {}
    readable = [[sample for sample in share if sample.image_id in cache.row] for share in shares]
    shares = readable if any(readable) else shares  # where none can be read, predicting says so
    images = sum(map(len, shares))

    def after(before: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(before + done, images)

    for (model, _), samples in zip(validated, shares, strict=True):
        if not samples:
            continue
        read = predict_and_explain(
            model,
            samples,
            cache_dir=cache_dir,
            cache=cache,
            device=device,
            method=method,
            progress=after(len(told)),
        )
        told |= {one.image_id: (one, explanation) for one, explanation in read if explanation is not None}
    return told


def _argued(one: tuple[Prediction, Explanation]) -> bool:
    """Tell whether a map argues for what was predicted: where it does not, there is little heat that could matter."""
    return one[0].predicted == one[1].target


def _likeness(alike: NDArray[np.float64], groups: Sequence[int]) -> Estimate:
    """Return the mean of rank correlations, with an interval that knows of images and of forgettings.

    Below 0 is no likeness, and counted as 0: a share, whose interval holds also where all maps stay the same.
    """
    found = mean_of_bounded(alike.clip(0, 1), groups)
    return replace(found, method="Wilson, by shuffling and patient", patients=None)


def _hold_against_findings(found: _Found, drawn: Sequence[Sample], told: Told, regions: Masks) -> int:
    """Ask whether maps that argue for an image's own label lie on the finding; return how often readers marked it."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for sample in drawn:
        if sample.label != told[sample.image_id][1].target:
            continue
        if sample.image_id in regions:
            masks[sample.image_id] = regions[sample.image_id]
        elif sample.mask_path is not None:
            with suppress(ImageError):  # the report says which masks cannot be used
                masks[sample.image_id] = read_mask(sample)
    masks = {image_id: mask for image_id, mask in masks.items() if mask.any()}
    if not masks:
        reason = "no validation image has a mask or region of the finding that its map argues for"
        found.reasons |= {"pointing": reason, "inside": reason}
        return 0
    patients = {sample.image_id: sample.patient_id for sample in drawn}
    maps = {image_id: told[image_id][1] for image_id in masks}
    hits = pointing_game(maps, masks, tolerance=POINTING_TOLERANCE, patients=patients)
    found.add("pointing", hits, max(MOSTLY, chance_level(masks, tolerance=POINTING_TOLERANCE)))
    shares = energy_inside(maps, masks)
    of = [patients[image_id] for image_id in shares]
    found.add("inside", mean_of_bounded(list(shares.values()), of), chance_level(masks))
    return len(masks.keys() & regions.keys())


def _hold_against_bodies(
    found: _Found, run: Run, argued: Sequence[Sample], told: Told, cache: ImageCache
) -> None:
    """Ask how much heat lies outside the body, where an image has one."""
    outside = {}
    for sample in argued:
        body = body_mask(cache.images[cache.row[sample.image_id]][place_in_square(run, sample)])
        if body is not None:
            outside[sample.image_id] = ~body
    if len(outside) < FEWEST:
        found.reasons["outside"] = (
            f"a body stands out from an even dark around it in only {len(outside)} of the {len(argued)} validation "
            "images whose map argues for what was predicted"
            if argued
            else NOTHING_ARGUED
        )
        return
    patients = {sample.image_id: sample.patient_id for sample in argued}
    shares = energy_inside({image_id: told[image_id][1] for image_id in outside}, outside)
    of = [patients[image_id] for image_id in shares]
    found.add("outside", mean_of_bounded(list(shares.values()), of), chance_level(outside))
