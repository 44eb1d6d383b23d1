"""What the figures of a report do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from engine.data import cases_of, patients_named
from engine.records import (
    PART_NAMES,
    Part,
    Prediction,
    Run,
    Split,
)
from engine.report.formatting import counted, images, were
from engine.report.records import Against


def limitations(
    run: Run,
    predictions: Sequence[Prediction],
    part: Part | None,
    against: Sequence[Against],
    split: Split | None,
    *,
    heatmaps: bool,
    comments: bool,
) -> tuple[str, ...]:
    """Say what these figures do not show.

    Args:
        run: Whose they are.
        predictions: On which they rest.
        part: Of the split; None means all.
        against: By reference standard.
        split: Of the data, where it is known.
        heatmaps: Whether the report has any.
        comments: Whether a reader wrote any.
    """
    if run.supplied is not None:
        said = [_OF_SUPPLIED.format(model=run.supplied.title)]
    else:
        said = list(of_parts(predictions, part) if part != "test" else _OF_TEST)
    if run.weights_origin is not None:
        said += run.weights_origin.remarks
    known = patients_named(cases_of(split)) if split is not None else None
    if known is not None and not known.all:
        which = (
            f"A patient was named for {known.named:,} of {known.images:,} images, so every other image"
            if known.named
            else "No patient was named in the data, so every image"
        )
        said.append(
            f"{which} was taken as a patient of its own. If patients have several images, some may be in two "
            f"{'folds' if run.folds else 'parts of the split'}, and the intervals are too narrow."
            if run.supplied is None
            else f"{which} was taken as a patient of its own. If patients have several images, the intervals are too "
            "narrow."
        )
    said += [
        f"Only {counted(one.cases, 'case')} could be compared with the {one.name}: these results are imprecise."
        for one in against
        if 0 < one.cases < 100 and one.drawn != "selected"
    ]
    if run.folds:
        said.append(
            f"These figures pool {run.folds} models, each tested on the images that it alone never saw. Their "
            f"intervals are of these {run.folds} models on patients like these: how much results vary when models are "
            "trained again, with another seed or other folds, they do not show (doi:10.1214/15-EJS1035)."
        )
    elif run.recipe is not None:
        said.append(
            f"These are results of one training, with seed {run.recipe.seed}, which cannot show how much results vary "
            "between trainings."
        )
    said.append(
        "The proportion of each class is that of this collection. Predictive values and calibration do not "
        "carry over to a clinic where the classes are rarer or more common."
    )
    if heatmaps:
        said.append(
            "A heatmap shows where the prediction depends on the image, not why, and not that the finding is there."
        )
    typed = "Comments are printed as readers typed them, and images" if comments else "Images"
    said.append(f"{typed} may show burnt-in names: check the gallery before passing this report on.")
    return tuple(said)


_OF_SUPPLIED = (
    "These predictions were supplied by {model}; Overread did not compute them. What the model was trained on is not "
    "known here: that it had not seen these images, and that its operating point was not chosen on them, is for "
    "the supplier to state."
)
_OF_TEST = (
    "The test images are of the same data set as the training images. Results at another hospital, with other "
    "devices or other patients, are usually lower; only images from there can show it.",
)


def of_parts(predictions: Sequence[Prediction], part: Part | None) -> Iterator[str]:
    """Say what follows from the parts of the split that the cases are of; nothing where all are test images."""
    if part == "test":
        return
    counts = Counter(each.part for each in predictions)
    purposes: tuple[tuple[Part, str], ...] = (("train", "training"), ("val", "tuning"))
    used = [
        f"{images(counts[name])} of the {PART_NAMES[name]} part {were(counts[name])} used for {purpose}"
        for name, purpose in purposes
        if counts[name]
    ]
    if used:
        yield f"{', and '.join(used)}: results on them are too optimistic to be reported as accuracy on new patients."
    if part is None and len(counts) > 1:
        yield "Figures of all parts together are of no one group of patients: report on each part alone."
