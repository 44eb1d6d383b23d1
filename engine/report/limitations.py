"""What the figures of a report do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from engine.data import PatientsNamed, cases_of, patients_named
from engine.language import _, counted, in_digits, ngettext, number
from engine.records import (
    Part,
    Prediction,
    Run,
    Split,
)
from engine.report.named.names import standard_words
from engine.report.records import Against, LabelErrors


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
        said = [
            _(
                "These predictions were supplied by {model}; Overread did not compute them. What the model was trained "
                "on is not known here: that it had not seen these images, and that its operating point was not chosen "
                "on them, is for the supplier to state."
            ).format(model=run.supplied.title)
        ]
    else:
        said = (
            list(of_parts(predictions, part))
            if part != "test"
            else [
                _(
                    "The test images are of the same data set as the training images. Results at another hospital, "
                    "with other devices or other patients, are usually lower; only images from there can show it."
                )
            ]
        )
    if run.weights_origin is not None:
        said += run.weights_origin.remarks
    known = patients_named(cases_of(split)) if split is not None else None
    if known is not None and not known.all:
        said.append(_not_all_named(known, run))
    said += [
        _("Only {cases} could be compared with the {standard}: these results are imprecise.").format(
            cases=counted(one.cases, "case"), standard=standard_words(one.name)
        )
        for one in against
        if 0 < one.cases < 100 and one.drawn != "selected"
    ]
    said += _of_training(run)
    said.append(
        _(
            "The proportion of each class is that of this collection. Predictive values and calibration do not "
            "carry over to a clinic where the classes are rarer or more common."
        )
    )
    if heatmaps:
        said.append(
            _(
                "A heatmap shows where the prediction depends on the image, not why, and not that the finding is there."
            )
        )
    said.append(
        _(
            "Comments are printed as readers typed them, and images may show burnt-in names: check the gallery before "
            "passing this report on."
        )
        if comments
        else _("Images may show burnt-in names: check the gallery before passing this report on.")
    )
    return tuple(said)


def _not_all_named(known: PatientsNamed, run: Run) -> str:
    """Say what follows from images whose patient was not named."""
    which = (
        _(
            "A patient was named for {some} of {all} images, so every other image was taken as a patient of its own."
        ).format(some=number(known.named), all=number(known.images))
        if known.named
        else _("No patient was named in the data, so every image was taken as a patient of its own.")
    )
    if run.supplied is not None:
        told = _("If patients have several images, the intervals are too narrow.")
    elif run.folds:
        told = _(
            "If patients have several images, some may be in two folds, and the intervals are too narrow."
        )
    else:
        told = _(
            "If patients have several images, some may be in two parts of the split, and the intervals are too narrow."
        )
    return f"{which} {told}"


def _of_training(run: Run) -> Iterator[str]:
    """Say what one training, or one for each fold, cannot show."""
    if run.folds:
        yield (
            _(
                "These figures pool {count} models, each tested on the images that it alone never saw. Their "
                "intervals are of these {count} models on patients like these: how much results vary when models are "
                "trained again, with another seed or other folds, they do not show (doi:10.1214/15-EJS1035)."
            ).format(count=number(run.folds))
        )
    elif run.recipe is not None:
        yield (
            _(
                "These are results of one training, with seed {seed}, which cannot show how much results vary between "
                "trainings."
            ).format(seed=in_digits(str(run.recipe.seed)))
        )


def of_searches(searches: Sequence[LabelErrors]) -> Iterator[str]:
    """Say what is not known of wrong labels: nobody searched for them, or suspects have not been read again."""
    if not searches:
        yield _(
            "No search for wrong labels among these images is kept with this run: how many there are is not known."
        )
    count = sum(one.suspects.open for one in searches)
    if count:
        yield ngettext(
            "{count} suspected label has not been read again, and stands as it was.",
            "{count} suspected labels have not been read again, and stand as they were.",
            count,
        ).format(count=number(count))


def of_parts(predictions: Sequence[Prediction], part: Part | None) -> Iterator[str]:
    """Say what follows from the parts of the split that the cases are of; nothing where all are test images."""
    if part == "test":
        return
    counts = Counter(each.part for each in predictions)
    purposes: tuple[tuple[Part, str], ...] = (
        (
            "train",
            ngettext(
                "{images} of the training part was used for training",
                "{images} of the training part were used for training",
                counts["train"],
            ),
        ),
        (
            "val",
            ngettext(
                "{images} of the validation part was used for tuning",
                "{images} of the validation part were used for tuning",
                counts["val"],
            ),
        ),
    )
    used = [said.format(images=counted(counts[name], "image")) for name, said in purposes if counts[name]]
    if used:
        yield _(
            "{used}: results on them are too optimistic to be reported as accuracy on new patients."
        ).format(used=_(", and ").join(used))
    if part is None and len(counts) > 1:
        yield _("Figures of all parts together are of no one group of patients: report on each part alone.")
