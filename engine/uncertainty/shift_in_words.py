"""What is said of images that differ from those of training; sentences without full stops."""

from __future__ import annotations

from engine.records import SHIFT_FEWEST, SHIFT_SHARE, Run, SetShift, ShiftModel

UNKNOWN_WHY = "what differs, be it patients, devices or the preparation of the images, is not known"


def image_unlike(*, conformal: bool) -> str:
    """Say that an image differs.

    Args:
        conformal: Whether it has a conformal set.
    """
    promise = ", and its conformal set is no promise" if conformal else ""
    return (
        f"This image differs from those the model was trained with, more than {SHIFT_SHARE:.0%} of the validation "
        f"images do: the results of internal testing need not hold for it{promise}"
    )


def shift_words(shift: SetShift, *, coverage: float | None) -> tuple[str, str]:
    """Say how many images of a set differ, and whether the set does.

    Args:
        shift: Of the set.
        coverage: That conformal sets promise; None where there are none.
    """
    share = shift.differing
    of = f"{shift.images:,} image{'' if shift.images == 1 else 's'}"
    beyond = (
        f"{round(share.value * shift.images):,} of {of} ({share.value:.1%}, 95% interval {share.low:.1%} to "
        f"{share.high:.1%}) differ from those the model was trained with, where {1 - SHIFT_SHARE:.0%} would by chance"
    )
    p = "p < .001" if shift.p_value < 0.001 else f"p = {shift.p_value:.3f}".replace("0.", ".")
    if not shift.differs:
        return beyond, f"As a set, these images were not found to differ from those of training ({p})"
    promise = "" if coverage is None else f", nor do conformal sets promise {coverage:.0%} there"
    return beyond, (
        f"As a set, these images differ from those of training ({p}): what was found, chosen and fitted on the run's "
        f"own images need not hold for them{promise}; {UNKNOWN_WHY}"
    )


def shift_unknown(model: ShiftModel | None, run: Run) -> str | None:
    """Say why it is not known whether images differ; None where it is."""
    if run.supplied is not None:
        return (
            "Whether images differ from those of training is not known: the predictions were supplied, and the model "
            "was not"
        )
    if run.folds:
        return (
            "Whether images as a set differ from those of training is not measured for a cross-validation, whose "
            "models were each trained with other images"
        )
    if model is None:
        return (
            "Whether images differ from those of training is not known for this run: fit it with overread shift "
            f"{run.run_id}"
        )
    if model.speaks:
        return None
    return (
        "Whether images differ from those of training cannot be said: that takes "
        f"{SHIFT_FEWEST} validation images, and there are {len(model.image_ids):,}"
    )
