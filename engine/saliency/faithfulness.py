"""Faithfulness: does a heatmap look where the finding is, and does it depend on what the net has learnt?

Three questions, none of which answers another: does the peak lie on the known finding (pointing game), does the
score fall when the hot places are taken away (deletion and insertion), and does the map change when the net forgets
(randomisation)?
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import integrate, ndimage, stats
from torch import Tensor
from torch.nn import functional as F

from engine.errors import DataError
from engine.records import Estimate, Explanation
from engine.saliency.heatmap import upsample
from engine.saliency.methods import DEFAULT_SALIENCY, explain
from engine.statistics import proportion

if TYPE_CHECKING:
    from engine.models import Classifier

POINTING_TOLERANCE = 0.03
"""Of the image's side: the published game's 15 pixels of 500 (doi:10.1007/s11263-017-1059-x)."""

Masks = Mapping[str, NDArray[np.bool_]]


# --------------------------------------------------------------------------------------- against known findings


def peak(heatmap: NDArray[np.floating], height: int, width: int) -> tuple[int, int] | None:
    """Return row and column of the hottest pixel of a map laid over an image, or None for a map without a peak.

    The map is brought to the image's size as it is shown to the reader, cell centres kept in place.
    """
    heat = np.nan_to_num(np.asarray(heatmap, dtype=np.float32)).clip(min=0)
    if heat.max() <= heat.min():
        return None
    large = upsample(heat / heat.max(), height, width)
    # Where the top is cut flat by rounding, its middle is meant and not its first corner.
    rows, columns = np.nonzero(large >= large.max())
    middle = (rows.mean(), columns.mean())
    nearest = np.argmin((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2)
    return int(rows[nearest]), int(columns[nearest])


def _wanted(mask: NDArray[np.bool_], tolerance: float) -> NDArray[np.bool_]:
    """Widen a mask by a share of the image's longer side."""
    if tolerance <= 0 or not mask.any():
        return mask
    distance = ndimage.distance_transform_edt(~mask)
    return np.asarray(distance <= tolerance * max(mask.shape), dtype=np.bool_)


def _scored(explanations: Mapping[str, Explanation], masks: Masks) -> list[str]:
    chosen = [image_id for image_id, mask in masks.items() if image_id in explanations and mask.any()]
    if not chosen:
        raise DataError(
            "No heatmap can be scored, because no explained image has a mask with a finding in it",
            "Give masks in the table's mask column, or draw regions while reviewing",
        )
    return chosen


def pointing_game(
    explanations: Mapping[str, Explanation],
    masks: Masks,
    *,
    tolerance: float = 0.0,
    patients: Mapping[str, str] | None = None,
) -> Estimate:
    """Return how often the heatmap's peak lies on the known finding (doi:10.1007/s11263-017-1059-x).

    Args:
        explanations: By image id.
        masks: (H, W) bool by image id, any size: where the finding lies. Empty masks are left out.
        tolerance: How far beside the finding still counts, as a share of the image's longer side; the published game
            allows 15 pixels of about 500, that is .03.
        patients: The patient of each image, so that the interval knows of films of one patient.

    Returns:
        The share of hits, with Wilson's interval. A map without a peak misses. What guessing would hit is
        `chance_level`.

    Raises:
        DataError: Nothing can be scored.
    """
    chosen = _scored(explanations, masks)
    hits = []
    for image_id in chosen:
        mask = masks[image_id]
        place = peak(explanations[image_id].heatmap, *mask.shape)
        hits.append(place is not None and bool(_wanted(mask, tolerance)[place]))
    return proportion(hits, None if patients is None else [patients[image_id] for image_id in chosen])


def chance_level(masks: Masks, *, tolerance: float = 0.0) -> float:
    """Return the pointing game's share of hits for a peak thrown at random: the mean share of the image masked."""
    areas = [float(_wanted(mask, tolerance).mean()) for mask in masks.values() if mask.any()]
    return float(np.mean(areas)) if areas else float("nan")


def energy_inside(explanations: Mapping[str, Explanation], masks: Masks) -> dict[str, float]:
    """Return the share of each map's heat that lies on the finding (energy-based pointing game, arXiv:1910.01279).

    Returns:
        By image id, in [0, 1]; 0 for a map without heat. Guessing gives the masked share of the image.

    Raises:
        DataError: Nothing can be scored.
    """
    shares: dict[str, float] = {}
    for image_id in _scored(explanations, masks):
        mask = masks[image_id]
        heat = np.nan_to_num(explanations[image_id].heatmap).clip(min=0)
        heat = upsample(heat / max(float(heat.max()), 1e-30), *mask.shape).astype(np.float64)
        total = float(heat.sum())
        shares[image_id] = float(heat[mask].sum()) / total if total > 0 else 0.0
    return shares


# ----------------------------------------------------------------------------------------- against the net itself


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """How the target's probability goes as the hottest places are taken away, or given back.

    Attributes:
        fraction: (S + 1,) share of the image changed, 0 to 1.
        deletion: (B, S + 1) probability as the hottest places are blurred away, hottest first.
        insertion: (B, S + 1) probability as they are put back into a blurred image.
        deletion_auc: (B,) area under the first: low is faithful.
        insertion_auc: (B,) area under the second: high is faithful.
    """

    fraction: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    deletion_auc: NDArray[np.float64]
    insertion_auc: NDArray[np.float64]


def blurred(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) without their detail: what a place is replaced by when it is taken away."""
    side = max(images.shape[2:])
    small = F.adaptive_avg_pool2d(images, 4)
    return F.interpolate(small, size=images.shape[2:], mode="bilinear") if side > 4 else images


def deletion_insertion(
    classifier: Classifier,
    images: Tensor,
    heatmaps: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    targets: Tensor,
    *,
    steps: int = 16,
) -> Curves:
    """Take away and give back the hottest places first (RISE, arXiv:1806.07421).

    Args:
        classifier: In eval mode.
        images: (B, C, H, W) float in [0, 1].
        heatmaps: (B, h, w) in [0, 1].
        targets: (B,) int64.
        steps: S; probability is asked for S + 1 times an image and curve.
    """
    height, width = images.shape[2:]
    fraction = np.linspace(0, 1, steps + 1)
    ranks = []
    for heatmap in heatmaps:
        order = np.argsort(-upsample(heatmap, height, width).ravel(), kind="stable")
        rank = np.empty(height * width, dtype=np.float32)
        rank[order] = (np.arange(height * width) + 0.5) / (height * width)
        ranks.append(rank.reshape(1, height, width))
    rank_map = torch.from_numpy(np.stack(ranks)).to(images.device)
    veil = blurred(images)
    deletion: list[NDArray[np.float64]] = []
    insertion: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for share in fraction:
            hot = rank_map <= float(share)
            for first, second, curve in ((veil, images, deletion), (images, veil, insertion)):
                logits = classifier(torch.where(hot, first, second)).float()
                probability = logits.softmax(dim=1).gather(1, targets[:, None])[:, 0]
                curve.append(probability.double().cpu().numpy())
    down, up = np.stack(deletion, axis=1), np.stack(insertion, axis=1)
    return Curves(
        fraction=fraction,
        deletion=down,
        insertion=up,
        deletion_auc=integrate.trapezoid(down, fraction, axis=1),
        insertion_auc=integrate.trapezoid(up, fraction, axis=1),
    )


def randomised(classifier: Classifier, *, head_only: bool = False, seed: int = 0) -> Classifier:
    """Return a copy of a classifier that has forgotten: each parameter's values shuffled among themselves.

    Shuffling keeps every layer's scale, so that what changes is what was learnt and not how large it is.
    """
    forgotten = copy.deepcopy(classifier)
    generator = torch.Generator().manual_seed(seed)
    part = forgotten.head if head_only else forgotten
    with torch.no_grad():
        for parameter in part.parameters():
            shuffled = parameter.flatten()[torch.randperm(parameter.numel(), generator=generator)]
            parameter.copy_(shuffled.view_as(parameter))
    return forgotten.eval()


def randomisation_check(
    classifier: Classifier,
    images: Tensor,
    targets: Tensor,
    method: str = DEFAULT_SALIENCY,
    *,
    head_only: bool = False,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Compare maps with those of a net that has forgotten (sanity check, arXiv:1810.03292).

    Args:
        classifier: As trained.
        images: (B, C, H, W) float in [0, 1].
        targets: (B,) int64.
        method: A key of `engine.saliency.methods.SALIENCIES`.
        head_only: Forget the head alone.
        seed: Of the forgetting.

    Returns:
        (B,) Spearman's rank correlation of the two maps: near 1 means that the method shows the film and not the
        net. 0 where one of the two has no peak.
    """
    before = explain(classifier, images, targets, method)
    after = explain(randomised(classifier, head_only=head_only, seed=seed), images, targets, method)
    correlations = []
    for first, second in zip(before, after, strict=True):
        flat = np.ptp(first) == 0 or np.ptp(second) == 0
        correlations.append(0.0 if flat else float(stats.spearmanr(first.ravel(), second.ravel()).statistic))
    return np.array(correlations)
