"""What becomes of a run's predictions when its images are changed a little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval, Len

from engine.records.estimates import Estimate
from engine.records.passports import Count
from engine.records.runs import Seconds
from engine.records.weights import Seed


@dataclass(frozen=True, kw_only=True, slots=True)
class Disturbed:
    """One change, by one step.

    Attributes:
        kind: A key of `engine.prediction.DISTURBANCES`.
        title: For people.
        unit: What the step is.
        step: How much of it.
        kept: The share of images whose predicted class stayed.
        figures: By name, as in a report; those that can be estimated.
    """

    kind: str
    title: str
    unit: str
    step: float
    kept: Estimate
    figures: dict[str, Estimate]


@dataclass(frozen=True, kw_only=True, slots=True)
class Robustness:
    """A run's test images changed in several ways, and what was predicted then.

    Attributes:
        images: That were drawn.
        of: Test images with a label of the run.
        size: Pixels of a side of what the net sees, where the changes were made.
        seed: Of the drawing and of the noise.
        seconds: What it took.
        figures: Of the same images unchanged.
        steps: In the order of `engine.prediction.DISTURBANCES`.
    """

    images: Count
    of: Count
    size: Annotated[int, Interval(ge=1, le=100_000)]
    seed: Seed
    seconds: Seconds
    figures: dict[str, Estimate]
    steps: Annotated[tuple[Disturbed, ...], Len(0, 1000)]
