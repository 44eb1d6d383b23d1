"""Evidence: a map in units of the class's log-odds, so that one film can be held against another.

The target's calibrated log-odds are taken apart by gradient times activation at the net's last map. Under an average
and a linear head that is exact: the cells' shares and the net's constant add up to the log-odds. Under a deeper head
of ReLUs it is exact too, around the image at hand; what other heads leave over is told as the rest. The last map is
coarse, so a finer one from an earlier stage says where within its cells the evidence lies; the sum stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from engine.models import FineStage, Grid, cut_behind_backbone, find_fine_stage, follow_cells
from engine.records import Calibration, MapGrid
from engine.saliency.placing import SIDE, Extent, place

if TYPE_CHECKING:
    from engine.models import Classifier

EVIDENCE = ("two-scale-cam", "evidence-cam")
"""The methods whose maps are in log-odds: with and without the finer map."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One forward pass: the maps (B, c, h, w) that evidence is read from, what of them the head reads, and the logits
    (B, classes)."""

    fine: Tensor | None
    last: Tensor
    pooled: Tensor
    logits: Tensor


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for and against a class.

    Attributes:
        maps: (B, SIDE, SIDE) float32; the mean of each and its rest are the log-odds.
        rest: (B,) what of the log-odds is in no place.
        log_odds: (B,) calibrated, of the target against all other classes together.
    """

    maps: Tensor
    rest: Tensor
    log_odds: Tensor


class EvidenceMaps:
    """Makes the evidence maps of one net.

    Args:
        classifier: In eval mode.
        channels: Of its images.
        size: Their height and width in pixels.
        calibration: Of its logits.
        grids: Where the cells of its maps lie; None as its structure has them.
        fine: Whether a finer map is used where the net has one.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        channels: int,
        size: int,
        calibration: Calibration | None = None,
        grids: Mapping[Extent, Grid] | None = None,
        fine: bool = True,
    ) -> None:
        self.classifier = classifier
        self.size = (size, size)
        self.calibration = calibration or Calibration()
        self.stage: FineStage | None = None
        if fine:
            self.stage = find_fine_stage(classifier, channels=channels, size=size)
        centres = follow_cells(classifier.backbone, channels=channels, height=size, width=size)
        extents = [centres.last, *([self.stage.extent] if self.stage else [])]
        self.grids = {extent: centres.of(*extent) for extent in extents} | dict(grids or {})
        self.front = self.stage.front if self.stage else cut_behind_backbone(classifier).frozen

    @property
    def layers(self) -> list[nn.Module]:
        """What `front` is made of, where its layers stand in a row; else none."""
        if self.front is None:
            return []
        return list(self.front.layers.children()) if self.stage else self.classifier.backbone_sequence() or []

    def look(self, images: Tensor, known: Tensor | None = None) -> Seen:
        """Run the net once.

        Args:
            images: (B, C, H, W) float in [0, 1]; not read where `front` is all that reads them and `known` is given.
            known: What `front` gave of them, where it is known already.
        """
        with torch.inference_mode(False), torch.autocast(images.device.type, enabled=False):
            images = images.clone() if images.is_inference() else images
            if self.stage is not None:
                fine, last = self.stage.maps(images, known)
            else:
                with torch.no_grad():
                    last = self.classifier.features(images) if known is None else known
                last = last.clone() if last.is_inference() else last
                fine, last = None, last.detach().float().requires_grad_(True)
            with torch.enable_grad():
                pooled = self.classifier.head.pool(last)
                return Seen(fine, last, pooled, self.classifier.head.from_pooled(pooled))

    def explain(self, seen: Seen, targets: Tensor) -> Evidence:
        """Return the evidence for classes (B,) int64 in what was seen; it can be asked for once."""
        # Of a mean over the cells each has the same gradient, which nobody need write down cell by cell.
        averages = self.classifier.head.averages
        with torch.inference_mode(False), torch.enable_grad():
            asked = [seen.pooled if averages else seen.last, *([] if seen.fine is None else [seen.fine])]
            wanted = log_odds(seen.logits, targets.clone(), self.calibration)
            gradients = torch.autograd.grad(wanted.sum(), asked)
        products = [
            _mean_product(gradients[0], seen.last.detach())
            if averages
            else _product(gradients[0], seen.last),
            *(_product(gradient, seen.fine) for gradient in gradients[1:] if seen.fine is not None),
        ]
        coarse = products[0]
        told = wanted.detach()
        placed = [place(each, self.grids[_extent(each)], self.size) for each in products]
        return Evidence(
            maps=_spread(coarse, placed, 1) - _spread(coarse, placed, -1),
            rest=told - coarse.sum(dim=(1, 2)),
            log_odds=told,
        )


def log_odds(logits: Tensor, targets: Tensor, calibration: Calibration) -> Tensor:
    """Return the calibrated log-odds (B,) of a class against all others together, of logits (B, classes)."""
    scaled = logits.float() / calibration.temperature
    if calibration.bias:
        scaled = scaled + torch.tensor(calibration.bias, device=scaled.device)
    chosen = torch.nn.functional.one_hot(targets, scaled.shape[1]).bool()
    others = scaled.masked_fill(chosen, -torch.inf)
    return scaled.gather(1, targets[:, None])[:, 0] - others.logsumexp(dim=1)


def _product(gradient: Tensor, activation: Tensor) -> Tensor:
    """Return gradient times activation (B, c, h, w), summed over the channels."""
    return (gradient * activation.detach()).sum(dim=1)


def _mean_product(gradient: Tensor, activation: Tensor) -> Tensor:
    """Return the same, of the gradient (B, c) of the activation's mean over its cells."""
    summed = (gradient[:, None] @ activation.flatten(2)).reshape(len(gradient), *activation.shape[2:])
    return summed / activation[0, 0].numel()


def _extent(maps: Tensor) -> Extent:
    return (int(maps.shape[1]), int(maps.shape[2]))


def _spread(coarse: Tensor, placed: list[Tensor], sign: int) -> Tensor:
    """Spread what the cells say for (or against) over the image, where all maps say so; its sum stays as it was."""
    total = (sign * coarse).clamp_min(0).sum(dim=(1, 2))
    sides = [(sign * each).clamp_min(0) for each in placed]
    where = sides[0] if len(sides) == 1 else (sides[0] * sides[1]).sqrt()
    mean = where.mean(dim=(1, 2))
    for instead in (sides[0], torch.ones_like(where)):  # where no place has both, or none has any
        if (empty := mean <= 0).any():
            where = torch.where(empty[:, None, None], instead, where)
            mean = where.mean(dim=(1, 2))
    return where * (total / mean)[:, None, None]


def grids_of(grids: tuple[MapGrid, ...]) -> dict[Extent, Grid]:
    """Return the grids of a run's settings by extent."""
    from engine.models import Axis

    return {(each.height, each.width): (Axis(*each.rows), Axis(*each.columns)) for each in grids}


def evidence_in(classifier: Classifier, images: Tensor, targets: Tensor, *, fine: bool) -> Tensor:
    """Return the evidence for classes (B,) in images (B, C, H, W), uncalibrated, as placed maps (B, SIDE, SIDE)."""
    maps = EvidenceMaps(classifier, channels=images.shape[1], size=images.shape[2], fine=fine)
    return maps.explain(maps.look(images), targets).maps


__all__ = [
    "EVIDENCE",
    "SIDE",
    "Evidence",
    "EvidenceMaps",
    "Seen",
    "evidence_in",
    "log_odds",
]
