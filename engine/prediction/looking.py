"""One forward pass of a run's net that gives both: what is predicted, and the maps that say why."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.images import placed_in_square
from engine.models import Features, cut_behind_backbone, fast_layers, in_unit, own_layers, thread_on
from engine.records import Explanation, MapSettings, Run, Sample, recipe_of
from engine.saliency import EVIDENCE, SALIENCIES, EvidenceMaps, grids_of, normalise, placed, upsample, within

if TYPE_CHECKING:
    from engine.models import Classifier, Frozen

AT_ONCE = 2  # batches that are told of at once on a CPU, each on its share of the cores

Asked = TypeVar("Asked")
Told = TypeVar("Told")


@dataclass(frozen=True, eq=False)
class Map:
    """One map as an `Explanation` holds it."""

    heatmap: NDArray[np.float32]
    scale: float | None = None
    rest: float | None = None


def on_image(made: Map, run: Run, sample: Sample) -> Map:
    """Return a map of the square that the net was given as a map of the image that lies in it.

    What a scaled map says of the black around the image goes into its rest, so that its mean and rest still make up the
    log-odds.
    """
    if recipe_of(run).fit != "letterbox" or not (sample.width and sample.height):
        return made
    side = recipe_of(run).image_size
    left, top, right, bottom = (edge / side for edge in placed_in_square(sample.width, sample.height, side))
    heatmap = within(made.heatmap, (left, top, right, bottom))
    if made.rest is None:
        return Map(normalise(torch.from_numpy(heatmap)[None])[0].numpy())
    return Map(heatmap, made.scale, made.rest + float(made.heatmap.mean()) - float(heatmap.mean()))


def place_in_square(run: Run, sample: Sample) -> tuple[slice, slice]:
    """Return rows and columns of the net's square in which an image lies."""
    side = recipe_of(run).image_size
    if recipe_of(run).fit != "letterbox" or not (sample.width and sample.height):
        return slice(0, side), slice(0, side)
    left, top, right, bottom = placed_in_square(sample.width, sample.height, side)
    return slice(top, bottom), slice(left, right)


def map_in_square(run: Run, sample: Sample, heatmap: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return a map of an image as one of the square that the net is given; what is around the image comes last."""
    rows, columns = place_in_square(run, sample)
    side = recipe_of(run).image_size
    if rows.stop - rows.start == columns.stop - columns.start == side:
        return heatmap
    low, high = float(heatmap.min()), float(heatmap.max())
    square = np.full((side, side), -1.0)
    even = (heatmap - low) / max(high - low, 1e-30)
    square[rows, columns] = upsample(even, rows.stop - rows.start, columns.stop - columns.start)
    return square


def explanation_of(run: Run, sample: Sample, made: Map, target: str, method: str) -> Explanation:
    """Return the record of a map of the square that the net was given."""
    laid = on_image(made, run, sample)
    return Explanation(
        image_id=sample.image_id,
        heatmap=laid.heatmap,
        target=target,
        method=method,
        scale=laid.scale,
        rest=laid.rest,
    )


@dataclass(frozen=True, eq=False)
class Look:
    """What one pass over a batch saw.

    Attributes:
        pooled: (B, c) what the head reads of the net's last map.
        logits: (B, classes).
        maps: Numbers of the classes that are argued for → their maps; asked for once.
    """

    pooled: Tensor
    logits: Tensor
    maps: Callable[[Sequence[int]], Sequence[Map]]


@dataclass(frozen=True, eq=False)
class Looker:
    """Looks at batches of images (B, C, H, W), float in [0, 1] or bytes, in two steps.

    Attributes:
        begin: Runs what an inference engine runs of the net, as often as images are looked at (twice where they are
            mirrored too); see `engine.models.Features`.
        finish: Images and what `begin` gave of them → what was seen.
        at_once: Whether several threads may finish at once, and ask for maps: nothing is hung on the net for that.
    """

    begin: Callable[[Tensor], tuple[Tensor, ...]]
    finish: Callable[[Tensor, tuple[Tensor, ...]], Look]
    at_once: bool = False

    def __call__(self, images: Tensor) -> Look:
        """Look at one batch."""
        return self.finish(images, self.begin(images))


def looker(
    run: Run,
    classifier: Classifier,
    *,
    method: str | None,
    settings: MapSettings | None,
    images: int,
    cache_dir: Path,
    changes: bool = False,
) -> Looker:
    """Return what looks at images.

    Args:
        run: Whose net it is.
        classifier: The net, in eval mode.
        method: A key of `engine.saliency.SALIENCIES`; None where no maps are wanted.
        settings: How the run's maps are made and read; None where that is not fixed.
        images: How many there are in all.
        cache_dir: Where converted nets are kept.
        changes: Whether the net's parameters change while it is looked with: no layers that were converted before stand
            in for its own then.
    """
    look = _looker(
        run,
        classifier,
        method=method,
        settings=settings,
        images=images,
        cache_dir=cache_dir,
        changes=changes,
    )
    return _both_ways(look) if recipe_of(run).test_time_flip else look


def looks_at(
    lookers: Sequence[Looker],
    batches: Sequence[Asked],
    pixels_of: Callable[[Asked], Tensor],
    tell: Callable[[Asked, Sequence[Look]], Told],
) -> Iterator[Told]:
    """Yield what is told of each batch, in their order; others go through the engine and are told of meanwhile.

    Args:
        lookers: Of the nets.
        batches: Of images.
        pixels_of: Returns a batch as (B, C, H, W).
        tell: Of a batch and what each net sees in it; threads may tell of several at once.
    """

    def begun(pixels: Tensor) -> list[tuple[Tensor, ...]]:
        return [look.begin(pixels) for look in lookers if not over.is_set()]

    def told(batch: Asked, pixels: Tensor, known: Callable[[], list[tuple[Tensor, ...]]]) -> Told:
        return tell(batch, [look.finish(pixels, one) for look, one in zip(lookers, known(), strict=True)])

    over = threading.Event()  # whoever stops waits for no further net
    with ExitStack() as ending:
        engine = ending.enter_context(ThreadPoolExecutor(1))
        tellers: deque[ThreadPoolExecutor] = deque()
        if len(batches) > 1 and all(look.at_once for look in lookers):
            # Beside an engine that has work for every core, a sum that is shared by cores waits for each of them.
            cores = torch.get_num_threads()
            at_once = min(AT_ONCE, cores)
            tellers.extend(ending.enter_context(thread_on(cores // at_once)) for _ in range(at_once))
        for teller in tellers:
            ending.callback(teller.shutdown, wait=False, cancel_futures=True)
        ending.callback(over.set)

        def sent(batch: Asked) -> Callable[[], Told]:
            pixels = pixels_of(batch)
            if pixels.device.type != "cpu":
                # No engine runs there, and of two threads that use Apple's processors at once the process dies.
                return partial(told, batch, pixels, partial(begun, pixels))
            known = engine.submit(begun, pixels).result
            if not tellers:
                return partial(told, batch, pixels, known)
            tellers.rotate(1)
            return tellers[0].submit(told, batch, pixels, known).result

        ahead = max(1, len(tellers)) + 1
        coming = deque(sent(batch) for batch in batches[:ahead])
        for number in range(len(batches)):
            made = coming.popleft()()
            coming.extend(sent(batch) for batch in batches[number + ahead : number + ahead + 1])
            yield made


def _looker(
    run: Run,
    classifier: Classifier,
    *,
    method: str | None,
    settings: MapSettings | None,
    images: int,
    cache_dir: Path,
    changes: bool,
) -> Looker:
    device = classifier.mean.device.type

    def fast(net: Frozen, layers: Sequence[nn.Module]) -> Features:
        if changes:
            return own_layers(net, size=recipe_of(run).image_size)
        return fast_layers(
            net, layers, device=device, images=images, size=recipe_of(run).image_size, cache_dir=cache_dir
        )

    if method in EVIDENCE:
        maker = EvidenceMaps(
            classifier,
            channels=recipe_of(run).channels,
            size=recipe_of(run).image_size,
            calibration=run.calibration,
            grids=grids_of(settings.grids) if settings else None,
            fine=method == EVIDENCE[0],
        )
        scale = settings.scale if settings else None  # log-odds are log-odds, by either method
        if maker.front is None:
            return Looker(lambda batch: (), lambda batch, _: _evident(maker, in_unit(batch), None, scale))
        front = fast(maker.front, maker.layers)
        return Looker(
            lambda batch: (front.begin(batch),),
            lambda batch, known: _evident(maker, batch, front.finish(known[0]), scale),
            at_once=True,
        )
    features = fast(cut_behind_backbone(classifier).frozen, classifier.backbone_sequence() or [])
    return Looker(
        lambda batch: (features.begin(batch),),
        lambda batch, known: _plain(classifier, batch, features.finish(known[0]), method, settings),
        at_once=method is None,
    )


def _evident(maker: EvidenceMaps, images: Tensor, known: Tensor | None, scale: float | None) -> Look:
    seen = maker.look(images, known)

    def maps(targets: Sequence[int]) -> list[Map]:
        found = maker.explain(seen, torch.tensor(targets, device=images.device))
        if scale is None:
            return [Map(heat) for heat in normalise(found.maps).cpu().numpy()]
        rests = found.rest.cpu().tolist()
        return [Map(heat, scale, rest) for heat, rest in zip(found.maps.cpu().numpy(), rests, strict=True)]

    return Look(seen.pooled.detach(), seen.logits.detach(), maps)


def _both_ways(look: Looker) -> Looker:
    """Return what looks at images and at their mirror images, and takes the mean of what it sees."""

    def looked(images: Tensor, known: tuple[Tensor, ...]) -> Look:
        half = len(known) // 2
        plain, mirrored = look.finish(images, known[:half]), look.finish(images.flip(3), known[half:])

        def maps(targets: Sequence[int]) -> list[Map]:
            return [
                _mean_map((one, replace(other, heatmap=other.heatmap[:, ::-1])))
                for one, other in zip(plain.maps(targets), mirrored.maps(targets), strict=True)
            ]

        return Look(
            (plain.pooled + mirrored.pooled) / 2,
            (plain.logits + mirrored.logits) / 2,
            maps,
        )

    return Looker(lambda images: (*look.begin(images), *look.begin(images.flip(3))), looked, look.at_once)


def mean_maps(maps: Sequence[Sequence[Map]]) -> Sequence[Map]:
    """Return the maps of several models' mean, image by image; one model's own where there is but one.

    Evidence in log-odds is averaged as it is, and explains the mean log-odds; relative maps are relative again.

    Args:
        maps: Of each model, of the same images.
    """
    if len(maps) == 1:
        return maps[0]
    return [_mean_map(of_image) for of_image in zip(*maps, strict=True)]


def _mean_map(maps: Sequence[Map]) -> Map:
    heat: NDArray[np.float32] = np.stack([one.heatmap for one in maps]).mean(axis=0)
    rests = [one.rest for one in maps if one.rest is not None]
    if maps[0].scale is None:
        return Map(normalise(torch.from_numpy(heat[None]))[0].numpy())
    return Map(heat, maps[0].scale, float(np.mean(rests)) if rests else None)


def _plain(
    classifier: Classifier,
    images: Tensor,
    activations: Tensor,
    method: str | None,
    settings: MapSettings | None,
) -> Look:
    def maps(targets: Sequence[int]) -> list[Map]:
        chosen = torch.tensor(targets, device=images.device)
        made = SALIENCIES[str(method)].maps(classifier, in_unit(images), chosen, activations)
        laid = placed(classifier, images, made, str(method), grids_of(settings.grids) if settings else None)
        return [Map(heat) for heat in normalise(laid).cpu().numpy()]

    with torch.no_grad():
        pooled = classifier.head.pool(activations)
        return Look(pooled, classifier.head.from_pooled(pooled), maps)
