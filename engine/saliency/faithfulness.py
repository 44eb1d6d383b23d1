"""Faithfulness: does a heatmap look where the finding is, and does it depend on what the net has learnt?

Three questions, none of which answers another: does the peak lie on the known finding (pointing game), does the
score fall when the hot places are taken away (deletion and insertion), and does the map change when the net forgets
(randomisation)?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.errors import DataError
from engine.records import Calibration, Estimate, Explanation
from engine.saliency.heatmap import upsample
from engine.statistics import proportion

if TYPE_CHECKING:
    # Where a net is asked, torch is imported by whoever asks: a report needs the pointing game alone.
    from torch import Tensor

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

SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Of the image, taken away or given back: close together where findings are of that size; an image most of which is
blurred is unlike any, and what a net says of it tells nothing."""
PATCHES = 7  # to a side, of places taken away at random: as coarse as the last map of most nets


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """How the target's log-odds go as the hottest places are taken away, or given back.

    In log-odds, since a probability near 1 does not show what was taken.

    Attributes:
        deletion: (B, S) as the hottest places are blurred away, hottest first, at `SHARES`: low is faithful.
        insertion: (B, S) as they are put back into a blurred image: high is faithful.
    """

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]


def blurred(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) without their detail: what a place is replaced by when it is taken away."""
    from torch.nn import functional as F

    side = max(images.shape[2:])
    small = F.adaptive_avg_pool2d(images, 4)
    return F.interpolate(small, size=images.shape[2:], mode="bilinear") if side > 4 else images


Shown = Callable[[], "Tensor"]
"""Makes images (B, C, H, W) when they are wanted: thirty batches need not lie in memory at once."""


def deletion_insertion(
    logits_of: Callable[[Sequence[Shown]], Iterable[Tensor]],
    images: Tensor,
    orders: Sequence[Sequence[NDArray[np.floating]]],
    targets: Tensor,
) -> list[Curves]:
    """Take away and give back the hottest places first (RISE, arXiv:1806.07421).

    Args:
        logits_of: The net: batches of images to the logits (B, classes) of each; it may run several at once.
        images: (B, C, H, W) float in [0, 1].
        orders: In which places are taken: each a map (h, w) of every image, of any scale and sign; only the order of
            their places counts.
        targets: (B,) int64.

    Returns:
        Of each order.
    """
    import torch

    from engine.saliency.evidence import log_odds

    veil = blurred(images)
    with torch.inference_mode():
        shown: list[Shown] = []
        for rank in [_ranks(heatmaps, images) for heatmaps in orders]:
            shown += [partial(veil.where, rank <= share, images) for share in SHARES]
            shown += [partial(images.where, rank <= share, veil) for share in SHARES]
        asked = [
            log_odds(logits, targets, Calibration()).cpu().double().numpy() for logits in logits_of(shown)
        ]
    steps = len(SHARES)
    found = np.stack(asked, axis=1).reshape(len(images), len(orders), 2, steps)
    return [Curves(deletion=found[:, order, 0], insertion=found[:, order, 1]) for order in range(len(orders))]


def _ranks(heatmaps: Sequence[NDArray[np.floating]], images: Tensor) -> Tensor:
    """Return the share of an image (B, 1, H, W) that is hotter than each of its places."""
    import torch

    height, width = images.shape[2:]
    ranks = []
    for heatmap in heatmaps:
        low, high = float(np.min(heatmap)), float(np.max(heatmap))
        heat = (np.asarray(heatmap, dtype=np.float64) - low) / max(high - low, 1e-30)
        order = np.argsort(-upsample(heat, height, width).ravel(), kind="stable")
        rank = np.empty(height * width, dtype=np.float32)
        rank[order] = (np.arange(height * width) + 0.5) / (height * width)
        ranks.append(rank.reshape(1, height, width))
    return torch.from_numpy(np.stack(ranks)).to(images.device)


def random_places(count: int, seed: int) -> list[NDArray[np.float64]]:
    """Return maps that say nothing: patches of an image in random order, the baseline of deletion and insertion."""
    generator = np.random.default_rng(seed)
    return [
        generator.permutation(PATCHES**2).reshape(PATCHES, PATCHES).astype(np.float64) for _ in range(count)
    ]


def forget(
    classifier: Classifier, learnt: Classifier, *, depth: float, seed: int, forgotten: float | None = None
) -> None:
    """Make a net forget from its head down (cascading randomisation, arXiv:1810.03292).

    The values of each parameter are shuffled among themselves: every layer keeps its scale, so that what changes is
    what was learnt and not how large it is. A parameter is shuffled alike at every depth.

    Args:
        classifier: Is changed in place.
        learnt: The same net as it was trained.
        depth: The share of the backbone's parameters, the deepest first, that are forgotten beside the head's: 0 is
            the head alone.
        seed: Of the shuffling.
        forgotten: The depth, at most as deep, to which this net has forgotten with this seed: what is forgotten already
            is not shuffled again. None where it may be in any state.
    """
    import torch

    below = len(list(learnt.backbone.parameters()))
    first = round((1 - depth) * below)
    already = round((1 - forgotten) * below) if forgotten is not None else None
    for place, (name, parameter) in enumerate(classifier.named_parameters()):
        in_backbone = name.startswith("backbone.")
        if already is not None and not (in_backbone and first <= place < already):
            continue
        kept = learnt.get_parameter(name).detach()
        with torch.no_grad():
            if in_backbone and place < first:
                parameter.copy_(kept)
                continue
            generator = torch.Generator().manual_seed(seed * 100_003 + place)
            order = torch.randperm(kept.numel(), generator=generator).to(kept.device)
            parameter.copy_(kept.flatten()[order].view_as(kept))


def rank_correlations(
    first: Sequence[NDArray[np.floating]], second: Sequence[NDArray[np.floating]]
) -> NDArray[np.float64]:
    """Return Spearman's rank correlation (B,) of maps in pairs.

    Near 1 means that a method shows the film and not the net, where the second maps are of a net that has forgotten. 0
    where one of the two is the same everywhere.
    """
    from scipy import stats  # not at top: it takes half a second

    found = []
    for one, other in zip(first, second, strict=True):
        flat = np.ptp(one) == 0 or np.ptp(other) == 0 or not np.isfinite(other).all()
        found.append(0.0 if flat else float(stats.spearmanr(one.ravel(), other.ravel()).statistic))
    return np.array(found)
