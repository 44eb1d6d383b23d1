"""How a run's maps are made and read, fixed once on its validation images: where cells lie, which method, what scale.

One scale a run is what makes two films comparable: the evidence in a film far below the operating point looks as weak
as it is, because the colours end at what validation images with the finding reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import read_mask
from engine.errors import ImageError
from engine.images import ImageCache
from engine.models import Features, Grid, fast_layers, in_unit
from engine.prediction.looking import Map, on_image
from engine.records import Explanation, MapGrid, MapSettings, Run, Sample, recipe_of
from engine.runs import load_classifier, models_of, save_map_settings, split_of
from engine.saliency import (
    EVIDENCE,
    POINTING_TOLERANCE,
    EvidenceMaps,
    Extent,
    Placing,
    measured_grids,
    pointing_game,
)
from engine.training import images_of

PLANTED_FILMS = 4
MOST_IMAGES = 128  # a quantile of so many peaks is steady, and takes seconds
SCALE_QUANTILE = 0.9  # of the peaks
BATCH = 16


def fit_map_settings(
    run: Run, samples: Sequence[Sample], *, cache: ImageCache, cache_dir: Path, device: str = "cpu"
) -> MapSettings | None:
    """Fix how a run's maps are made and read.

    Args:
        run: As trained.
        samples: Its validation images.
        cache: Holds them.
        cache_dir: Where converted nets are kept.
        device: Where the net runs.

    Returns:
        The settings; None where no validation image of a class that is argued for can be read.
    """
    known = [sample for sample in samples if sample.image_id in cache.row]
    argued = [sample for sample in known if sample.label in run.classes]
    if len(run.classes) == 2:  # their maps argue for the finding, whatever is predicted
        argued = [sample for sample in argued if sample.label == run.positive]
    argued = _spread(argued, MOST_IMAGES)
    if not argued:
        return None
    classifier = load_classifier(run, device).to(memory_format=torch.channels_last)
    recipe = recipe_of(run)
    makers = {
        method: EvidenceMaps(
            classifier,
            channels=recipe.channels,
            size=recipe.image_size,
            calibration=run.calibration,
            fine=method == EVIDENCE[0],
        )
        for method in EVIDENCE
    }
    if makers[EVIDENCE[0]].stage is None:
        del makers[EVIDENCE[0]]
    first = next(iter(makers.values()))
    front: Features | None = None
    if first.front is not None:  # by what training has converted of it, if anything
        front = fast_layers(
            first.front, first.layers, device=device, images=1, size=recipe.image_size, cache_dir=cache_dir
        )
    grids, reasons = _placed(first, front, _pixels(cache, _spread(known, PLANTED_FILMS), device))
    for maker in makers.values():
        maker.grids |= grids
    maps = _maps(run, makers, front, argued, cache, device)
    method, why = _chosen(run, argued, maps)
    peaks = [made.max() for made in maps[method]]
    scale = float(np.quantile(peaks, SCALE_QUANTILE))
    return MapSettings(
        method=method,
        scale=scale if scale > 0 else max(1.0, *(float(np.abs(made).max()) for made in maps[method])),
        cases=len(argued),
        grids=tuple(
            MapGrid(
                height=height,
                width=width,
                rows=(rows.first, rows.step),
                columns=(columns.first, columns.step),
            )
            for (height, width), (rows, columns) in grids.items()
        ),
        reasons=(why, *reasons),
    )


def settle_maps(run: Run, *, cache: ImageCache, cache_dir: Path, device: str = "cpu") -> None:
    """Fix how the maps of a run are made and keep it: of several models each on its own validation images.

    Args:
        run: As trained.
        cache: Holds its images.
        cache_dir: Where converted nets are kept.
        device: Where the net runs.
    """
    models = models_of(run)
    found = [
        fit_map_settings(one, split_of(one).val, cache=cache, cache_dir=cache_dir, device=device)
        for one in models
    ]
    settings = [one for one in found if one is not None]
    if len(settings) < len(models):
        return
    shared = with_one_scale(settings)
    for model, one in zip(models, shared, strict=True):
        save_map_settings(model.folder, one)
    if run.folds:
        save_map_settings(run.folder, shared[0])


def with_one_scale(settings: Sequence[MapSettings]) -> tuple[MapSettings, ...]:
    """Return the settings of several models of one run with one method and one scale, so that their maps compare.

    The method is the one that most of the models chose; the scale is the mean of theirs.

    Args:
        settings: Of each model, fixed on its own validation images.
    """
    if len(settings) == 1:
        return tuple(settings)
    methods = [one.method for one in settings]
    method = max(methods, key=methods.count)
    chose = [one for one in settings if one.method == method]
    scale = float(np.mean([one.scale for one in chose]))
    why = (
        f"Of {len(settings)} models {len(chose)} chose this method on their own validation images; the colour bar ends "
        "at the mean of their scales"
    )
    return tuple(replace(one, method=method, scale=scale, reasons=(why, *one.reasons)) for one in settings)


def _spread(samples: Sequence[Sample], most: int) -> list[Sample]:
    """Return so many of the samples, evenly from first to last."""
    places = np.linspace(0, len(samples) - 1, min(most, len(samples))).round().astype(int)
    return [samples[place] for place in places]


def _pixels(cache: ImageCache, samples: Sequence[Sample], device: str) -> Tensor:
    rows = np.array([cache.row[sample.image_id] for sample in samples], dtype=np.int64)
    return in_unit(images_of(cache, rows, device))


def _placed(
    maker: EvidenceMaps, front: Features | None, films: Tensor
) -> tuple[dict[Extent, Grid], list[str]]:
    def maps_of(images: Tensor) -> dict[Extent, Tensor]:
        seen = maker.look(images, None if front is None else front(images))
        maps = [seen.last.detach(), *([] if seen.fine is None else [seen.fine.detach()])]
        return {(int(each.shape[2]), int(each.shape[3])): each for each in maps}

    placings = measured_grids(maps_of, films, maker.grids)
    reasons = [
        f"Cells of the {extent[0]} × {extent[1]} map: {_placing_words(placing, len(films))}"
        for extent, placing in placings.items()
    ]
    return {extent: placing.grid for extent, placing in placings.items()}, reasons


def _placing_words(placing: Placing, films: int) -> str:
    squares = f"squares planted in {films} validation images"
    match placing.basis:
        case "silent":
            return f"{squares} moved nothing in it, so the cells are drawn where the network's structure has them"
        case "agree":
            most = max(abs(pixels) for pixels in placing.off)
            return f"{squares} agree to {most:.1f} px with the network's structure, which is used"
        case "measured":
            down, right = (-pixels for pixels in placing.off)
            vertical = f"{abs(down):.1f} px {'down' if down > 0 else 'up'}"
            horizontal = f"{abs(right):.1f} px {'right' if right > 0 else 'left'}"
            return (
                f"{squares} move them {vertical} and {horizontal} of where the network's structure has them"
            )
    return (
        f"{squares} contradict the network's structure but were followed by {placing.follows:.0%} only, so the cells "
        "are drawn half way between the structure's places and tiles"
    )


def _maps(
    run: Run,
    makers: Mapping[str, EvidenceMaps],
    front: Features | None,
    samples: Sequence[Sample],
    cache: ImageCache,
    device: str,
) -> dict[str, list[NDArray[np.float32]]]:
    made: dict[str, list[NDArray[np.float32]]] = {method: [] for method in makers}
    for at in range(0, len(samples), BATCH):
        batch = samples[at : at + BATCH]
        targets = torch.tensor([run.classes.index(str(each.label)) for each in batch], device=device)
        images = _pixels(cache, batch, device)
        known = None if front is None else front(images)
        for method, maker in makers.items():
            seen = maker.look(images, known)
            found = maker.explain(seen, targets).maps.cpu().numpy()
            known = seen.last.detach()  # all that the coarser of the two reads
            made[method] += [
                on_image(Map(heatmap, scale=1.0, rest=0.0), run, sample).heatmap
                for heatmap, sample in zip(found, batch, strict=True)
            ]
    return made


def _masks(samples: Sequence[Sample]) -> dict[str, NDArray[np.bool_]]:
    masks = {}
    for sample in samples:
        if sample.mask_path is not None:
            with suppress(ImageError):  # the report says which masks cannot be used
                masks[sample.image_id] = read_mask(sample)
    return masks


def _chosen(
    run: Run, samples: Sequence[Sample], maps: dict[str, list[NDArray[np.float32]]]
) -> tuple[str, str]:
    """Choose among the methods by where their peaks lie; the first where nothing tells."""
    usual = next(iter(maps))
    if len(maps) == 1:
        return usual, "The cells of all the network's maps are of one size, so one map is used"
    masks = _masks(samples)
    hits = {}
    for method, made in maps.items():
        told = {
            sample.image_id: Explanation(
                image_id=sample.image_id, heatmap=heat, target=str(sample.label), method=method
            )
            for sample, heat in zip(samples, made, strict=True)
        }
        if not any(masks[image_id].any() for image_id in masks):
            return usual, "No validation image has a marked finding, so the finer of the two maps is used"
        hits[method] = pointing_game(told, masks, tolerance=POINTING_TOLERANCE)
    best = max(hits, key=lambda method: hits[method].value)  # the first of several
    counts = ", ".join(f"{round(each.value * each.n)} with {method}" for method, each in hits.items())
    of = hits[best].n
    return best, f"Of {of} validation images with a marked finding, the map's peak lay on it in {counts}"
