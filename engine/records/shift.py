"""What tells whether images are like those that a run was made with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.records.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHIFT_SHARE = 0.97
"""Of validation images lies within the distance at which an image is said to differ."""

SHIFT_FEWEST = math.ceil(SHIFT_SHARE / (1 - SHIFT_SHARE))
"""Validation images: of fewer, no distance is exceeded by as few as 3% of further images."""

SHIFT_LEVEL = 0.01
"""Of the test on a set: below it, the set is said to differ."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftModel:
    """What validation images look like to a run's net, and how far each of them lies from the others.

    Attributes:
        centres: (F, D) float64 mean feature of all but one fold of them.
        axes: (F, K, D) float64 their principal components, orthonormal or 0.
        threshold: The residual from which an image differs; infinite where there were too few to say.
        image_ids: (N,) of the validation images it was fitted on.
        patients: (N,) whose they are.
        distances: (N,) residuals over the threshold, each by the axes of the folds without the image's patient; 0
            where the threshold is infinite.
    """

    centres: NDArray[np.float64]
    axes: NDArray[np.float64]
    threshold: float
    image_ids: tuple[str, ...]
    patients: tuple[str, ...]
    distances: NDArray[np.float64]

    @property
    def speaks(self) -> bool:
        """Whether there were validation images enough for a threshold."""
        return math.isfinite(self.threshold)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetShift:
    """How a set of images lies to those that a run was made with.

    Attributes:
        images: How many have a distance.
        differing: Share of images beyond the threshold; of images like those of training it is 1 - `SHIFT_SHARE`.
        p_value: That a set of the same kind of images would lie as far away; by permutation of patients.
    """

    images: int
    differing: Estimate
    p_value: float

    @property
    def differs(self) -> bool:
        """Whether the set as a whole differs."""
        return self.p_value < SHIFT_LEVEL


UNLIKE_FROM = 1.0
"""The distance above which an image differs from the images of training."""


def is_unlike(distance: float | None) -> bool:
    """Return whether an image of this distance differs from the images of training."""
    return distance is not None and distance > UNLIKE_FROM
