"""What the figures of a report do not show."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data import cases_of, patients_named
from engine.records import (
    PART_NAMES,
    Part,
    Run,
    Split,
)
from engine.report.records import Against


def limitations(
    run: Run, part: Part | None, against: Sequence[Against], split: Split | None, heatmaps: bool
) -> tuple[str, ...]:
    """Say what these figures do not show."""
    said = []
    if part == "test":
        said.append(
            "The test images come from the same source as the training images. Results at another hospital, with other "
            "scanners or other patients, are usually lower; only images from there can show it."
        )
    else:
        where = f"the {PART_NAMES[part]} part" if part else "all parts together"
        said.append(
            f"These results are for {where}, which was used for training or tuning: they are too optimistic to be "
            "reported as accuracy on new patients."
        )
    known = patients_named(cases_of(split)) if split is not None else None
    if known is not None and not known.all:
        which = (
            f"A patient was named for {known.named:,} of {known.images:,} images, so every other image"
            if known.named
            else "No patient was named in the data, so every image"
        )
        said.append(
            f"{which} was taken as a patient of its own. If patients have several images, some may be in two parts "
            "of the split, and the intervals are too narrow."
        )
    said += [
        f"Only {one.cases:,} cases could be compared with the {one.name}: results against it are imprecise."
        for one in against
        if 0 < one.cases < 100
    ]
    said.append(
        "The model was trained once, with one seed; how much results vary between training runs is not known."
    )
    said.append(
        "The proportion of each class is that of this collection. Predictive values and calibration do not "
        "carry over to a clinic where the classes are rarer or more common."
    )
    if heatmaps:
        said.append(
            "A heatmap shows where the prediction depends on the image, not why, and not that the finding is there."
        )
    said.append(
        "Comments are printed as readers typed them, and images may show burnt-in names: check the gallery before "
        "passing this report on."
    )
    return tuple(said)
