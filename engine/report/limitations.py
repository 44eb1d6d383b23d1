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
            "The test films come from the same source as the training films. Figures at another hospital, with other "
            "machines or other patients, are usually lower; only films from there can show it."
        )
    else:
        where = f"the {PART_NAMES[part]} part" if part else "all parts together"
        said.append(
            f"These figures are of {where}, which training has seen or has been tuned on: they are too good to be "
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
        f"Against the {one.name} only {one.cases:,} cases could be counted: every figure there is coarse."
        for one in against
        if 0 < one.cases < 100
    ]
    said.append(
        "The model was trained once, with one seed; how much the figures vary between trainings is not known."
    )
    said.append(
        "The share of films with each class here is that of this collection. Predictive values and calibration do not "
        "carry over to a clinic where the finding is rarer or more common."
    )
    if heatmaps:
        said.append(
            "A heatmap shows where the answer depends on the image, not why, and not that the finding is there."
        )
    said.append(
        "Comments are printed as readers typed them, and films may show burnt-in names: check the gallery before "
        "passing this report on."
    )
    return tuple(said)
