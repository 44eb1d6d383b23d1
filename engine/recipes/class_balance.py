"""What is done about unequal classes, on the rows of the training side alone.

A balancer takes the labels of the training rows and says which rows make up one epoch, which of them are
copies, and how the loss weighs the classes. It never sees validation or test rows: no copy can stray there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError, TrainingError
from engine.records import Balance

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Balanced:
    """One epoch over the training rows.

    Attributes:
        rows: (M,) which training rows, repeats included.
        copies: (M,) 0 for a row's first appearance in the epoch, 1 for the second, and so on.
        augment: (M,) which of them are copies that must be changed, whatever the recipe does to originals.
        class_weights: (C,) float32 factors of the loss, or None.
        loss: Which loss.
    """

    rows: NDArray[np.int64]
    copies: NDArray[np.int64]
    augment: NDArray[np.bool_]
    class_weights: NDArray[np.float32] | None = None
    loss: Literal["cross-entropy", "focal"] = "cross-entropy"


def balanced_rows(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    """Return the rows of one epoch, not yet shuffled.

    Args:
        labels: (N,) class numbers of the training rows.
        balance: What is to be done.
        classes: Names, in the order of the numbers.
        generator: Of this epoch: equal generators, equal rows.

    Raises:
        RecipeError: If the method or a target class is unknown.
        TrainingError: If a class that is to be refilled has no row.
    """
    if balance.method not in BALANCERS:
        raise RecipeError(
            f"There is no balance method “{balance.method}”", f"Choose one of: {', '.join(BALANCERS)}"
        )
    return BALANCERS[balance.method](np.asarray(labels), balance, classes, generator)


def class_counts(labels: NDArray[np.integer], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return (C,) rows of each class."""
    return np.bincount(labels, minlength=len(classes)).astype(np.int64)


def counts_after(labels: NDArray[np.integer], balance: Balance, classes: Sequence[str]) -> NDArray[np.int64]:
    """Return (C,) rows of each class in one epoch after balancing, to be shown before training starts."""
    plan = balanced_rows(labels, balance, classes, np.random.default_rng(0))
    return class_counts(np.asarray(labels)[plan.rows], classes)


def balanced_prior(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str]
) -> NDArray[np.float64]:
    """Return (C,) the class frequencies that a net trained with this balance takes for granted.

    Copies, omissions and weights all move it; the focal loss leaves the classes' shares as they are.
    Calibration puts the real frequencies back (doi:10.1162/089976602753284446).
    """
    counts = class_counts(np.asarray(labels), classes).astype(np.float64)
    if balance.method == "weighted-sampling":
        share = (counts > 0).astype(np.float64)  # as expected, not as one epoch happened to draw
    else:
        plan = balanced_rows(labels, balance, classes, np.random.default_rng(0))
        share = class_counts(np.asarray(labels)[plan.rows], classes).astype(np.float64)
        if plan.class_weights is not None:
            share = share * plan.class_weights
    return np.asarray(share / share.sum())


# ------------------------------------------------------------------------------------------------- methods


def _as_they_are(labels: NDArray[np.integer]) -> Balanced:
    rows = np.arange(len(labels), dtype=np.int64)
    return Balanced(rows=rows, copies=np.zeros_like(rows), augment=np.zeros(len(rows), dtype=bool))


def _none(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    return _as_they_are(labels)


def class_weights(labels: NDArray[np.integer], classes: Sequence[str]) -> NDArray[np.float32]:
    """Return (C,) weights N / (C · n_c), scikit-learn's "balanced"; 1 for a class without rows.

    C counts the classes that have rows.
    """
    counts = class_counts(labels, classes)
    present = counts > 0
    weights = np.ones(len(classes), dtype=np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights


def _class_weights(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    plan = _as_they_are(labels)
    weights = class_weights(labels, classes)
    return Balanced(rows=plan.rows, copies=plan.copies, augment=plan.augment, class_weights=weights)


def _duplicate(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    """Refill each target class to the size of the largest with rows drawn at random, anew in each epoch."""
    counts = class_counts(labels, classes)
    added = [np.empty(0, dtype=np.int64)]
    for number in _targets(balance, classes):
        missing = int(counts.max() - counts[number])
        if missing and not counts[number]:
            raise TrainingError(
                f"Class “{classes[number]}” has no training case to duplicate",
                "Add cases of it, or take it out of the balance's target classes",
            )
        if missing:
            added.append(generator.choice(np.flatnonzero(labels == number), size=missing, replace=True))
    rows = np.concatenate([np.arange(len(labels), dtype=np.int64), *added])
    return Balanced(rows=rows, copies=_copy_numbers(rows), augment=np.zeros(len(rows), dtype=bool))


def _duplicate_augmented(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    plan = _duplicate(labels, balance, classes, generator)
    return Balanced(rows=plan.rows, copies=plan.copies, augment=plan.copies > 0)


def _undersample(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    """Keep as many rows of each class as the smallest has; other ones in each epoch, so that none is lost."""
    counts = class_counts(labels, classes)
    size = int(counts[counts > 0].min()) if len(labels) else 0
    kept = [
        generator.choice(np.flatnonzero(labels == number), size=size, replace=False)
        for number in np.flatnonzero(counts)
    ]
    rows = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *kept]))
    return Balanced(rows=rows, copies=np.zeros_like(rows), augment=np.zeros(len(rows), dtype=bool))


def _weighted_sampling(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    """Draw as many rows as there are, with replacement, each class with the same chance."""
    counts = class_counts(labels, classes)
    chance = 1.0 / counts[labels]
    chance = chance / chance.sum()
    rows = np.sort(generator.choice(len(labels), size=len(labels), replace=True, p=chance)).astype(np.int64)
    return Balanced(rows=rows, copies=_copy_numbers(rows), augment=np.zeros(len(rows), dtype=bool))


def _focal(
    labels: NDArray[np.integer], balance: Balance, classes: Sequence[str], generator: np.random.Generator
) -> Balanced:
    plan = _as_they_are(labels)
    return Balanced(rows=plan.rows, copies=plan.copies, augment=plan.augment, loss="focal")


BALANCERS: Final[
    dict[str, Callable[[NDArray[np.integer], Balance, Sequence[str], np.random.Generator], Balanced]]
] = {
    "none": _none,
    "class-weights": _class_weights,
    "duplicate": _duplicate,
    "duplicate-augmented": _duplicate_augmented,
    "undersample": _undersample,
    "weighted-sampling": _weighted_sampling,
    "focal": _focal,
}
"""Balance.method → (labels (N,), balance, classes, generator) → `Balanced`."""


def _targets(balance: Balance, classes: Sequence[str]) -> list[int]:
    unknown = [name for name in balance.target if name not in classes]
    if unknown:
        raise RecipeError(
            f"The balance's target names classes that are not in the data: {', '.join(unknown)}",
            f"Choose among: {', '.join(classes)}",
        )
    return [classes.index(name) for name in balance.target] if balance.target else list(range(len(classes)))


def _copy_numbers(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each entry how often its row stood before it."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = (
        np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(rows) else np.empty(0, dtype=np.int64)
    )
    lengths = np.diff(np.r_[starts, len(rows)])
    numbers = np.empty(len(rows), dtype=np.int64)
    numbers[order] = np.arange(len(rows)) - np.repeat(starts, lengths)
    return numbers


# -------------------------------------------------------------------------------------------------- losses


def focal_loss(logits: Tensor, labels: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Return the mean focal loss (doi:10.1109/ICCV.2017.324), in nats: sure cases count less.

    Args:
        logits: (B, C).
        labels: (B,) int64, or (B, C) float: each class's share of a blended or smoothed label.
        gamma: Exponent; 0 gives the cross-entropy.
        weights: (C,) factor of each class, or None.
    """
    import torch  # here, because pages count balanced images and train nothing
    from torch.nn import functional

    if labels.is_floating_point():
        log_p = functional.log_softmax(logits, dim=1)
        shares = -labels * log_p * (-torch.expm1(log_p)).clamp_min(1e-12) ** gamma
        return (shares if weights is None else shares * weights).sum(dim=1).mean()
    cross_entropy = functional.cross_entropy(logits, labels, reduction="none")
    # -expm1(-loss) is 1 - p of the true class without cancellation; a root of 0 would have no gradient.
    losses = cross_entropy * (-torch.expm1(-cross_entropy)).clamp_min(1e-12) ** gamma
    return losses.mean() if weights is None else (losses * weights[labels]).mean()
