"""What follows from a passport's figures: the rule, in one place.

Every figure is held against a limit, with its whole interval: yes where the interval lies on the good side, no where it
lies on the bad side, and otherwise it cannot be said. A question has the answer yes where all of its figures have, and
no where one of them has. Where a question has the answer no, the map is off by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from engine.language import N_
from engine.records import MapFigure, Passport

FEWEST = 10
"""Images: of fewer nothing is said, since an interval can be narrow by luck where all of them agree."""

ALIKE = 0.71
"""Rank correlation (its square is one half): a map that shares more than half of its order with that of a network which
has forgotten shows the image more than the model. Of LayerCAM and Grad-CAM++ it is .96 with a shuffled head; of an edge
detector 1."""

MOSTLY = 0.5
"""Of images. For deletion and insertion it is what random places give; a peak that lies beside the finding more often
than on it leads a reader astray."""


class Answer(StrEnum):
    """Of a question about a map."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot be said"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a figure is.

    Attributes:
        check: A key of `CHECKS`.
        title: Its name, for a table.
        good: On which side of its limit it is good.
    """

    check: str
    title: str
    good: Literal["above", "below"]


CHECKS: dict[str, str] = {
    "follows": "Does the map follow its model?",
    "matters": "Do the places that it shows matter for the prediction?",
    "finds": "Does it find the finding?",
    "body": "Does it stay on the body?",
}

FIGURES: dict[str, Kind] = {
    "head": Kind(
        "follows",
        N_("rank correlation with the map after shuffling the head's weights (below 0 taken as 0)"),
        "below",
    ),
    "half": Kind("follows", N_("the same, the deeper half of the backbone shuffled too"), "below"),
    "network": Kind("follows", N_("the same, the whole model shuffled"), "below"),
    "deletion": Kind(
        "matters",
        N_("images in which blurring the hottest places costs more than blurring random ones"),
        "above",
    ),
    "insertion": Kind(
        "matters", N_("images in which putting the hottest places back gives more than random ones"), "above"
    ),
    "pointing": Kind("finds", N_("images in which the peak lies on the finding"), "above"),
    "inside": Kind("finds", N_("share of the heat on the finding"), "above"),
    "outside": Kind("body", N_("share of the heat outside the body"), "below"),
}


def answer(figure: MapFigure) -> Answer:
    """Answer by one figure."""
    one = figure.estimate
    if one.n < FEWEST:
        return Answer.UNKNOWN
    above = FIGURES[figure.name].good == "above"
    if one.low > figure.limit:
        return Answer.YES if above else Answer.NO
    if one.high < figure.limit:
        return Answer.NO if above else Answer.YES
    return Answer.UNKNOWN


def figures_of(passport: Passport, check: str) -> Sequence[MapFigure]:
    """Return the figures of one question, a key of `CHECKS`; those that this version does not know are left out."""
    return [one for one in passport.figures if one.name in FIGURES and FIGURES[one.name].check == check]


def verdict(passport: Passport, check: str) -> Answer:
    """Answer one question, a key of `CHECKS`."""
    answers = [answer(one) for one in figures_of(passport, check)]
    if Answer.NO in answers:
        return Answer.NO
    wanted = sum(kind.check == check for kind in FIGURES.values())
    return Answer.YES if answers == [Answer.YES] * wanted else Answer.UNKNOWN


def failed(passport: Passport) -> list[str]:
    """Return the questions with the answer no, keys of `CHECKS`: where there is any, the map is off by default."""
    return [check for check in CHECKS if verdict(passport, check) is Answer.NO]
