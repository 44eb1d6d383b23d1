"""One forward pass of a run's net that gives both: what is predicted, and the maps that say why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.models import cut_behind_backbone, fast_features
from engine.records import MapSettings, Run
from engine.saliency import EVIDENCE, SALIENCIES, EvidenceMaps, grids_of, normalise, placed

if TYPE_CHECKING:
    from engine.models import Classifier, Frozen


@dataclass(frozen=True, eq=False)
class Map:
    """One map as an `Explanation` holds it."""

    heatmap: NDArray[np.float32]
    scale: float | None = None
    rest: float | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """What one pass over a batch saw.

    Attributes:
        activations: (B, c, h, w) the net's last map.
        logits: (B, classes).
        maps: Numbers of the classes that are argued for → their maps; asked for once.
    """

    activations: Tensor
    logits: Tensor
    maps: Callable[[Sequence[int]], Sequence[Map]]


def looker(
    run: Run,
    classifier: Classifier,
    *,
    method: str | None,
    settings: MapSettings | None,
    images: int,
    cache_dir: Path,
) -> Callable[[Tensor], Look]:
    """Return what looks at batches of images (B, C, H, W) in [0, 1].

    Args:
        run: Whose net it is.
        classifier: The net, in eval mode.
        method: A key of `engine.saliency.SALIENCIES`; None where no maps are wanted.
        settings: How the run's maps are made and read; None where that is not fixed.
        images: How many there are in all.
        cache_dir: Where converted nets are kept.
    """
    device = classifier.mean.device.type

    def fast(net: Frozen) -> Callable[[Tensor], Tensor]:
        return fast_features(
            net, device=device, images=images, size=run.recipe.image_size, cache_dir=cache_dir
        )

    if method in EVIDENCE:
        maker = EvidenceMaps(
            classifier,
            channels=run.recipe.channels,
            size=run.recipe.image_size,
            calibration=run.calibration,
            grids=grids_of(settings.grids) if settings else None,
            fine=method == EVIDENCE[0],
        )
        front = fast(maker.front) if maker.front is not None else None
        scale = settings.scale if settings and settings.method == method else None
        return lambda batch: _evident(maker, batch, front, scale)
    features = fast(cut_behind_backbone(classifier).frozen)
    return lambda batch: _plain(classifier, batch, features(batch), method, settings)


def _evident(
    maker: EvidenceMaps, images: Tensor, front: Callable[[Tensor], Tensor] | None, scale: float | None
) -> Look:
    seen = maker.look(images, front(images) if front is not None else None)

    def maps(targets: Sequence[int]) -> list[Map]:
        found = maker.explain(seen, torch.tensor(targets, device=images.device))
        if scale is None:
            return [Map(heat) for heat in normalise(found.maps).cpu().numpy()]
        rests = found.rest.cpu().tolist()
        return [Map(heat, scale, rest) for heat, rest in zip(found.maps.cpu().numpy(), rests, strict=True)]

    return Look(seen.last.detach(), seen.logits.detach(), maps)


def _plain(
    classifier: Classifier,
    images: Tensor,
    activations: Tensor,
    method: str | None,
    settings: MapSettings | None,
) -> Look:
    def maps(targets: Sequence[int]) -> list[Map]:
        chosen = torch.tensor(targets, device=images.device)
        made = SALIENCIES[str(method)](classifier, images, chosen, activations)
        laid = placed(classifier, images, made, str(method), grids_of(settings.grids) if settings else None)
        return [Map(heat) for heat in normalise(laid).cpu().numpy()]

    with torch.no_grad():
        return Look(activations, classifier.head(activations), maps)
