"""The pointing game on the images whose finding is marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.data import read_mask
from engine.errors import ImageError
from engine.records import Estimate, Explanation, Part, Prediction, Run, Split
from engine.runs import load_explanations, split_of
from engine.saliency import POINTING_TOLERANCE, pointing_game

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def pointing(
    run: Run,
    predictions: Sequence[Prediction],
    explanations: Mapping[str, Explanation] | None = None,
    *,
    part: Part = "test",
    said: list[str] | None = None,
    split: Split | None = None,
) -> Estimate | None:
    """Return how often the heatmap's peak lies on the known finding, in one part; None where no mask is known.

    Args:
        run: A finished run.
        predictions: Its cases.
        explanations: Its heatmaps by image id; None reads them.
        part: The part of the split.
        said: Gets a sentence where masks cannot be used; they are left out.
        split: Of the run; None reads it.
    """
    explanations = load_explanations(run.folder) if explanations is None else explanations
    known = {prediction.image_id for prediction in predictions}
    samples = [
        sample
        for sample in (split or split_of(run)).part(part)
        if sample.mask_path is not None and sample.label == run.positive and sample.image_id in known
    ]
    masks: dict[str, NDArray[np.bool_]] = {}
    broken: list[ImageError] = []
    for sample in samples:
        try:
            masks[sample.image_id] = read_mask(sample)
        except ImageError as error:
            broken.append(error)
    if broken and said is not None:
        which = f"{len(broken):,} of {len(samples):,} masks of the finding could not be used ({broken[0].problem})"
        said.append(f"{which}; the pointing game leaves these images out.")
    if (
        len(run.classes) == 2
    ):  # a map for the other class, which somebody asked for, does not look for the finding
        explanations = {name: each for name, each in explanations.items() if each.target == run.positive}
    if not any(image_id in explanations and mask.any() for image_id, mask in masks.items()):
        return None
    patients = {sample.image_id: sample.patient_id for sample in samples}
    return pointing_game(explanations, masks, tolerance=POINTING_TOLERANCE, patients=patients)
