"""What was measured of a run: how far its maps can be believed, and how much its images may change. No verdicts.

The verdict follows from the figures each time it is asked for (`engine.saliency.verdicts`): a file cannot claim one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval, Len

from engine.records.estimates import Estimate
from engine.records.runs import MapSettings, Seconds
from engine.records.weights import Seed

Count = Annotated[int, Interval(ge=0, le=10**9)]


@dataclass(frozen=True, kw_only=True, slots=True)
class MapFigure:
    """One figure of a passport.

    Attributes:
        name: A key of `engine.saliency.FIGURES`, which says what it is and which side of the limit is good.
        estimate: With its interval.
        limit: What the interval is held against: what chance would give, or what was laid down.
    """

    name: str
    estimate: Estimate
    limit: float

    def __post_init__(self) -> None:
        """Refuse figures that are none."""
        one = self.estimate
        if not all(math.isfinite(number) for number in (one.low, one.value, one.high, self.limit)):
            raise ValueError(f"its figure “{self.name}” is no number")
        if not one.low <= one.value <= one.high or one.n < 1:
            raise ValueError(f"its figure “{self.name}” lies outside its own interval")


@dataclass(frozen=True, kw_only=True, slots=True)
class Passport:
    """How far a run's maps can be believed, measured once on validation images.

    Attributes:
        method: A key of `engine.saliency.SALIENCIES`: the maps that it speaks of.
        settings: How they were made; None where that was not fixed. With other settings the passport does not apply.
        images: Validation images that were drawn for it.
        of: Validation images with a label of the run.
        seed: Of everything random.
        seconds: What it took.
        figures: What was measured.
        reasons: Why others were not, by the name of the figure.
        marked: Images on which the finding lies where readers marked it, and not by a mask.
    """

    method: str
    settings: MapSettings | None
    images: Count
    of: Count
    seed: Seed
    seconds: Seconds
    figures: Annotated[tuple[MapFigure, ...], Len(0, 100)]
    reasons: dict[str, str]
    marked: Count = 0


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
