"""What readers drew before they saw the model's answer, and whether the heatmaps lie on it.

Whoever draws with a heatmap on the screen draws the heatmap: only those answers count that were given without the
model, by the protocol and by what is known to have been on the screen. Open studies are passed over, as everywhere in a
report, so that it tells no reader how others read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.reading import DESIGNS, Store, StudyAnswer
from engine.records import Explanation, Prediction, Region, Sample, Split
from engine.report.drawn_records import MarkedByReaders
from engine.saliency import region_mask
from engine.statistics import mean_of_bounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = 512  # pixels of a mask's longer side: finer than any heatmap


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnBlind:
    """Where readers say that findings lie.

    Attributes:
        masks: (H, W) bool by image id: what at least half of those drew who drew the finding there.
        readers: Whose regions these are.
        left_out: Answers with regions of these images that were given when the model's answer or a label had been seen.
    """

    masks: Mapping[str, NDArray[np.bool_]]
    readers: int
    left_out: int


def drawn_blind(store: Store, samples: Sequence[Sample], finding: Mapping[str, str]) -> DrawnBlind:
    """Gather what readers of closed studies drew without the model.

    Args:
        store: With the studies.
        samples: Images with their sizes.
        finding: Image id → the class whose regions are meant. A region without a name of its own is of the class that
            its reader gave the image.
    """
    by_id = {
        each.image_id: each for each in samples if each.image_id in finding and each.width and each.height
    }
    drawn: dict[str, dict[str, tuple[int, list[Region]]]] = defaultdict(dict)
    left_out = 0
    for study in store.studies.all():
        if study.state != "closed" or by_id.keys().isdisjoint(store.studies.images(study.study_id)):
            continue
        blind = DESIGNS[study.protocol.design].consensus
        for answer in store.studies.answers(study.study_id):
            regions = _of(answer, finding.get(answer.image_id)) if answer.image_id in by_id else []
            if not regions or answer.arm == "adjudication":
                continue
            if answer.arm != blind or blind == "assisted" or answer.contaminated:
                left_out += 1
                continue
            before, _ = drawn[answer.image_id].get(answer.reader, (-1, []))
            if (answer.seq or 0) > before:
                drawn[answer.image_id][answer.reader] = (answer.seq or 0, regions)
    masks = {
        image_id: _shared([regions for _, regions in of.values()], by_id[image_id])
        for image_id, of in drawn.items()
    }
    readers = {reader for of in drawn.values() for reader in of}
    return DrawnBlind(masks=masks, readers=len(readers), left_out=left_out)


def _of(answer: StudyAnswer, finding: str | None) -> list[Region]:
    return [region for region in answer.regions if (region.label or answer.label) == finding]


def _shared(drawn: Sequence[Sequence[Region]], sample: Sample) -> NDArray[np.bool_]:
    """Return what at least half of the readers drew; where they share nothing, what any of them did."""
    scale = LONGEST / max(sample.width, sample.height)
    width, height = (max(1, round(side * scale)) for side in (sample.width, sample.height))
    votes = np.sum([region_mask(regions, width, height) for regions in drawn], axis=0)
    most = votes * 2 >= len(drawn)
    return np.asarray(most if most.any() else votes > 0)


def marked_by_readers(
    store: Store,
    explanations: Mapping[str, Explanation],
    predictions: Sequence[Prediction],
    split: Split | None,
) -> MarkedByReaders | None:
    """Hold the heatmaps of a report's cases against what readers drew without the model.

    Args:
        store: With the studies.
        explanations: The run's heatmaps, by image id.
        predictions: Of the report.
        split: With the images.

    Returns:
        None where nothing was drawn of what a heatmap argues for.
    """
    if split is None:
        return None
    known = {each.image_id for each in predictions}
    samples = [each for each in (*split.train, *split.val, *split.test) if each.image_id in known]
    drawn = drawn_blind(store, samples, {image_id: each.target for image_id, each in explanations.items()})
    if not drawn.masks:
        return None
    # With them comes torch, which a report without regions does not need.
    from engine.saliency import POINTING_TOLERANCE, chance_level, energy_inside, pointing_game

    patients = {each.image_id: each.patient_id for each in samples}
    inside = energy_inside(explanations, drawn.masks)
    return MarkedByReaders(
        pointing=pointing_game(explanations, drawn.masks, tolerance=POINTING_TOLERANCE, patients=patients),
        chance=chance_level(drawn.masks, tolerance=POINTING_TOLERANCE),
        inside=mean_of_bounded(list(inside.values()), [patients[image_id] for image_id in inside]),
        even=chance_level(drawn.masks),
        readers=drawn.readers,
        left_out=drawn.left_out,
    )
