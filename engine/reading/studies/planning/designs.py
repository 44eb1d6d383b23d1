"""How a study is read: its arms, and what may be compared in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.language import N_

Arm = Literal["blind", "assisted", "annotation", "adjudication"]
DesignName = Literal[
    "blind",
    "blind then assisted",
    "wash-out",
    "assisted",
    "concurrent against second reader",
    "annotation",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """A way to read.

    Attributes:
        description: For people, in a sentence, in English.
        arms: In which a case may be read, in this order.
        consensus: The arm from which the readers' consensus comes.
        compares: What a primary endpoint may be of: ways of reading whose figures are held against each other, the
            usual first; of a design with one way, that way itself. "concurrent" is with the model from the beginning.
    """

    description: str
    arms: tuple[Arm, ...]
    consensus: Arm
    compares: tuple[str, ...]


DESIGNS: Mapping[DesignName, Design] = {
    "blind": Design(
        description=N_("Each case is read once, without the prediction"),
        arms=("blind",),
        consensus="blind",
        compares=("blind",),
    ),
    "blind then assisted": Design(
        description=N_("Each case is read without the prediction, then at once with it"),
        arms=("blind", "assisted"),
        consensus="blind",
        compares=("assisted minus blind",),
    ),
    "wash-out": Design(
        description=N_(
            "All cases are read without the prediction, and some days later again with it, in another order"
        ),
        arms=("blind", "assisted"),
        consensus="blind",
        compares=("assisted minus blind",),
    ),
    "assisted": Design(
        description=N_("Each case is read once, with the prediction from the beginning"),
        arms=("assisted",),
        consensus="assisted",
        compares=("assisted",),
    ),
    "concurrent against second reader": Design(
        description=N_(
            "Half of each reader's cases are read with the prediction from the beginning, the other half "
            "without it and then at once with it; which half is which changes from reader to reader"
        ),
        arms=("blind", "assisted"),
        consensus="blind",
        compares=("concurrent minus assisted", "concurrent minus blind", "assisted minus blind"),
    ),
    "annotation": Design(
        description=N_("Images are given labels; no prediction is shown"),
        arms=("annotation",),
        consensus="annotation",
        compares=(),
    ),
}
