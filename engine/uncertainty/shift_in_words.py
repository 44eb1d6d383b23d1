"""What is said of images that differ from those of training; sentences without full stops."""

from __future__ import annotations

from collections.abc import Sequence

from engine.language import N_, count_of, in_print
from engine.records import SHIFT_FEWEST, SHIFT_SHARE, Prediction, Run, SetShift, ShiftModel
from engine.uncertainty.shift import shift_of

UNKNOWN_WHY = "what differs, be it patients, devices or the preparation of the images, is not known"


def image_unlike(*, conformal: bool) -> str:
    """Say that an image differs.

    Args:
        conformal: Whether it has a conformal set.
    """
    said = (
        N_(
            "This image differs from those the model was trained with, more than {share} of the validation images do: "
            "the results of internal testing need not hold for it, and its conformal set is no promise"
        )
        if conformal
        else N_(
            "This image differs from those the model was trained with, more than {share} of the validation images do: "
            "the results of internal testing need not hold for it"
        )
    )
    return said.format(share=f"{SHIFT_SHARE:.0%}")


def shift_words(shift: SetShift, *, coverage: float | None) -> tuple[str, str]:
    """Say how many images of a set differ, and whether the set does.

    Args:
        shift: Of the set.
        coverage: That conformal sets promise; None where there are none.
    """
    share = shift.differing
    of = count_of(shift.images, "image")
    beyond = (
        f"{round(share.value * shift.images):,} of {of} ({share.value:.1%}, 95% interval {share.low:.1%} to "
        f"{share.high:.1%}) differ from those the model was trained with, where {1 - SHIFT_SHARE:.0%} would by chance"
    )
    p = "p < .001" if shift.p_value < 0.001 else f"p = {in_print(shift.p_value, '.3f')}"
    if not shift.differs:
        return beyond, f"As a set, these images were not found to differ from those of training ({p})"
    promise = "" if coverage is None else f", nor do conformal sets promise {coverage:.0%} there"
    return beyond, (
        f"As a set, these images differ from those of training ({p}): what was found, chosen and fitted on the run's "
        f"own images need not hold for them{promise}; {UNKNOWN_WHY}"
    )


def shift_told(
    known: Sequence[ShiftModel | None], run: Run, predictions: Sequence[Prediction], *, coverage: float | None
) -> tuple[SetShift | None, tuple[str, ...]]:
    """Return whether a set of images differs from those of training, and what is said of it.

    Args:
        known: Of each of the run's models what it knows.
        run: That predicted.
        predictions: Of the set.
        coverage: That conformal sets promise; None where there are none.

    Returns:
        None, and why it is not known, where that is so; no sentence where nothing but images was asked about that it
        was fitted on.
    """
    if (unknown := shift_unknown(known, run)) is not None:
        return None, (unknown,)
    shift = shift_of(known, predictions)
    if shift is not None:
        return shift, shift_words(shift, coverage=coverage)
    if run.folds and predictions:
        return None, (
            "Whether these images as a set differ from those of training is not known, since they were predicted "
            f"before it was measured; whoever runs Overread can measure it: overread shift {run.run_id} --again",
        )
    return None, ()


def shift_unknown(known: Sequence[ShiftModel | None], run: Run) -> str | None:
    """Say why it is not known whether images differ; None where it is."""
    if run.supplied is not None:
        return (
            "Whether images differ from those of training is not known: the predictions were supplied, and the model "
            "was not"
        )
    if not known or any(model is None for model in known):
        return (
            "Whether images differ from those of training is not known for this run; whoever runs Overread can fit it: "
            f"overread shift {run.run_id}"
        )
    silent = [len(model.image_ids) for model in known if model is not None and not model.speaks]
    if not silent:
        return None
    if run.folds:
        return (
            "Whether images differ from those of training cannot be said: that takes "
            f"{SHIFT_FEWEST} validation images of each model, and one of the {run.folds} has {min(silent):,}"
        )
    return (
        "Whether images differ from those of training cannot be said: that takes "
        f"{SHIFT_FEWEST} validation images, and there are {silent[0]:,}"
    )
