"""The protocol of a study: what is decided before the first case is read. Its hash shows that it was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from engine.errors import ReviewError
from engine.reading.ledger.chain import digest
from engine.reading.validation import HALF_CHARACTER, LONGEST_NAME
from engine.records import PARTS, Part

Arm = Literal["blind", "assisted", "annotation", "adjudication"]
DesignName = Literal[
    "blind",
    "blind then assisted",
    "wash-out",
    "assisted",
    "concurrent against second reader",
    "annotation",
]
Rule = Literal["all", "filter", "random stratified", "enriched"]
CERTAINTY: Mapping[str, tuple[int, int]] = {"1-5": (1, 5), "0-100": (0, 100)}
"""The scales of certainty: the least and the most."""
AIDS = ("prediction", "map")
MOST_DAYS = 3650
MOST_TEXT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """A way to read.

    Attributes:
        description: For people, in a sentence.
        arms: In which a case may be read, in this order.
        consensus: The arm from which the readers' consensus comes.
    """

    description: str
    arms: tuple[Arm, ...]
    consensus: Arm


DESIGNS: Mapping[DesignName, Design] = {
    "blind": Design(
        description="Each case is read once, without the prediction",
        arms=("blind",),
        consensus="blind",
    ),
    "blind then assisted": Design(
        description="Each case is read without the prediction, then at once with it",
        arms=("blind", "assisted"),
        consensus="blind",
    ),
    "wash-out": Design(
        description="All cases are read without the prediction, and some days later again with it, in another order",
        arms=("blind", "assisted"),
        consensus="blind",
    ),
    "assisted": Design(
        description="Each case is read once, with the prediction from the beginning",
        arms=("assisted",),
        consensus="assisted",
    ),
    "concurrent against second reader": Design(
        description="Half of each reader's cases are read with the prediction from the beginning, the other half "
        "without it and then at once with it; which half is which changes from reader to reader",
        arms=("blind", "assisted"),
        consensus="blind",
    ),
    "annotation": Design(
        description="Images are given labels; no prediction is shown",
        arms=("annotation",),
        consensus="annotation",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """Which cases, and how they were drawn.

    Attributes:
        rule: "all"; "filter" (all that fit what follows); "random stratified" (of those, `n` at random, each class by
            its share); "enriched" (of those, `n` at random, of which the share `prevalence` has the positive label).
        parts: Only of these parts; empty means any.
        labels: Only with these labels of the data; empty means any.
        predicted: Only predicted to be these; empty means any.
        listed: Whether they were also chosen by a list of ids.
        n: How many cases are to be drawn; 0 where the rule takes all. In a study: how many there are.
        prevalence: The share of positives to be drawn; None where the rule does not say.
        positives: How many of the cases have the positive label; None where not every case has a label.
        images: SHA-256 of the sorted ids of the cases, so that the protocol's hash stands for them as well.
    """

    rule: Rule = "all"
    parts: tuple[Part, ...] = ()
    labels: tuple[str, ...] = ()
    predicted: tuple[str, ...] = ()
    listed: bool = False
    n: int = 0
    prevalence: float | None = None
    positives: int | None = None
    images: str = ""

    @property
    def words(self) -> str:
        """How the cases were drawn, for people."""
        of = [
            *(["of part " + " or ".join(self.parts)] if self.parts else []),
            *(["labelled " + " or ".join(self.labels)] if self.labels else []),
            *(["predicted to be " + " or ".join(self.predicted)] if self.predicted else []),
            *(["from a list of ids"] if self.listed else []),
        ]
        kind = {
            "all": "all cases",
            "filter": "all cases",
            "random stratified": "cases drawn at random, each class by its share, from all cases",
            "enriched": f"cases drawn at random, a share of {self.prevalence or 0:.0%} positive, from all cases",
        }[self.rule]
        return " ".join([kind, ", ".join(of)]).strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """What is decided before a study is read.

    Attributes:
        name: Of the study; no two studies have the same.
        design: A key of `DESIGNS`.
        run_id: Whose predictions are shown; None where there is no model.
        dataset_id: Whose images are read; None where the run says.
        classes: What a case can be; of the run, or typed in.
        positive: The class whose finding sensitivity speaks of; empty where there is none.
        readers: Their ids, in the order in which they were chosen.
        adjudicator: The id of who settles what they disagree on; None where nobody does.
        drawn: Which cases.
        shown: What of `AIDS` an assisted arm shows.
        certainty: The scale on which a reader says how sure of the label; None where it is not asked.
        consensus: When readers agree: more than half of them; all; all, or else as adjudicated.
        indeterminate: What "unsure" and "not diagnostic" count as, in the consensus and in figures.
        wash_out_days: How long after a reader's last case without the model the first with it opens.
        endpoint: What is to be shown, in words; empty where nothing is.
        margin: Of non-inferiority or equivalence, in the endpoint's unit; None where there is none.
        wrong_advice: The share of cases for which the model shows the other class on purpose; 0 for none.
        seed: Of every order and draw.
    """

    name: str
    design: DesignName = "blind"
    run_id: str | None = None
    dataset_id: str | None = None
    classes: tuple[str, ...] = ()
    positive: str = ""
    readers: tuple[str, ...] = ()
    adjudicator: str | None = None
    drawn: Drawn = field(default_factory=Drawn)
    shown: tuple[str, ...] = AIDS
    certainty: Literal["1-5", "0-100"] | None = None
    consensus: Literal["majority", "unanimous", "adjudicated"] = "majority"
    indeterminate: Literal["excluded", "positive", "negative"] = "excluded"
    wash_out_days: float = 0.0
    endpoint: str = ""
    margin: float | None = None
    wrong_advice: float = 0.0
    seed: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 of everything in it."""
        return digest(asdict(self))


FIXED = ("design", "run_id", "dataset_id", "drawn", "wrong_advice", "seed")
"""What cases and their order were made from, and therefore stays."""
_PROTOCOL = TypeAdapter(Protocol)


def protocol_from(stored: object) -> Protocol:
    """Return the protocol that a row holds, as `as_stored` wrote it.

    Raises:
        ReviewError: Something in it is none of the values that it can have.
    """
    try:
        return _PROTOCOL.validate_python(stored)
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(each) for each in first["loc"]).replace("_", " ")
        raise ReviewError(f"The protocol's {where} cannot be {first['input']!r}", first["msg"]) from error


def check_protocol(protocol: Protocol) -> None:
    """Refuse a protocol that contradicts itself.

    Raises:
        ReviewError: In a sentence that says which part of it does.
    """
    for error in complaints(protocol).values():
        raise error


def complaints(protocol: Protocol) -> dict[str, ReviewError]:
    """Return what is wrong with a protocol: field of it, or of `Drawn` → the first thing that is, in a sentence."""
    found: dict[str, ReviewError] = {}
    for field_name, wrong, problem, remedy in (
        *_of_words(protocol),
        *_of_design(protocol),
        *_of_figures(protocol),
    ):
        if wrong:
            found.setdefault(field_name, ReviewError(problem, remedy))
    return found


Complaint = tuple[str, bool, str, str]  # the field, whether it holds, what is wrong, what to do


def _of_words(protocol: Protocol) -> list[Complaint]:
    texts = [protocol.name, protocol.endpoint, protocol.positive, *protocol.classes]
    odd = any("\0" in each or HALF_CHARACTER.search(each) for each in texts)
    classes = protocol.classes
    return [
        ("name", odd, "The study holds a character that cannot be stored", "Type it again without it"),
        (
            "name",
            not protocol.name.strip() or len(protocol.name) > LONGEST_NAME,
            "A study needs a name",
            f"Enter one of up to {LONGEST_NAME} characters",
        ),
        (
            "endpoint",
            len(protocol.endpoint) > MOST_TEXT,
            "The endpoint is too long",
            "State it in a few sentences",
        ),
        (
            "classes",
            len(classes) < 2 or len({each.casefold().strip() for each in classes}) < len(classes),
            "A study needs at least two classes, each once",
            "Type in the findings that a reader chooses from, such as normal and pneumonia",
        ),
        (
            "classes",
            any(not each.strip() or len(each) > LONGEST_NAME for each in classes),
            "A class has no name, or one that is too long",
            f"Use 1 to {LONGEST_NAME} characters",
        ),
        (
            "positive",
            bool(protocol.positive) and protocol.positive not in classes,
            f"The positive class “{protocol.positive}” is not one of the study's",
            f"Choose one of: {', '.join(classes)}",
        ),
    ]


def _of_design(protocol: Protocol) -> list[Complaint]:
    assisted = "assisted" in DESIGNS[protocol.design].arms
    adjudicator = protocol.adjudicator
    return [
        (
            "design",
            assisted and protocol.run_id is None,
            f"A study of the design “{protocol.design}” needs a run, whose predictions it shows",
            "Choose a run, or the design blind or annotation",
        ),
        (
            "design",
            protocol.design == "annotation" and protocol.run_id is not None,
            "In an annotation no prediction is shown, so that it cannot have a run",
            "Choose a data set, or the design blind",
        ),
        (
            "run_id",
            protocol.run_id is None and protocol.dataset_id is None,
            "A study needs images",
            "Choose a run or a data set",
        ),
        (
            "readers",
            not protocol.readers or len(set(protocol.readers)) < len(protocol.readers),
            "A study needs readers, each once",
            "Choose at least one reader from the list",
        ),
        (
            "adjudicator",
            adjudicator is not None and adjudicator in protocol.readers,
            "The adjudicator cannot be one of the readers",
            "Choose somebody else to settle what the readers disagree on",
        ),
        (
            "consensus",
            protocol.consensus == "adjudicated" and adjudicator is None,
            "The consensus is to be adjudicated, but there is no adjudicator",
            "Choose an adjudicator, or the rule majority or unanimous",
        ),
        (
            "shown",
            assisted and (not protocol.shown or not set(protocol.shown) <= set(AIDS)),
            "What an assisted case shows is not said",
            f"Choose one or more of: {', '.join(AIDS)}",
        ),
        (
            "shown",
            protocol.wrong_advice > 0 and "map" in protocol.shown and len(protocol.classes) > 2,
            "With more than two classes the heatmap argues for the class that was predicted, so that it would tell "
            "which advice is wrong",
            "Show the prediction alone, or leave wrong advice out",
        ),
        (
            "wrong_advice",
            protocol.wrong_advice > 0 and not assisted,
            "Wrong advice can only be shown where advice is",
            "Leave it out, or choose a design with an assisted arm",
        ),
    ]


def _of_figures(protocol: Protocol) -> list[Complaint]:
    days, margin, drawn = protocol.wash_out_days, protocol.margin, protocol.drawn
    return [
        (
            "wash_out_days",
            not (math.isfinite(days) and 0 <= days <= MOST_DAYS)
            or (protocol.design == "wash-out") != (days > 0),
            "The days of wash-out do not fit the design",
            f"Enter more than 0 (up to {MOST_DAYS}) for the design wash-out, such as 28, and 0 for any other",
        ),
        (
            "wrong_advice",
            not 0 <= protocol.wrong_advice <= 0.5,
            "The share of wrong advice is out of bounds",
            "Enter a share from 0 to .5: of advice that is mostly wrong a reader learns to do the opposite",
        ),
        (
            "margin",
            margin is not None and not (math.isfinite(margin) and margin > 0),
            "The margin is no margin",
            "Enter a number above 0, or leave it out",
        ),
        (
            "indeterminate",
            protocol.indeterminate != "excluded" and not protocol.positive,
            "What is indeterminate cannot count as positive or negative, as no class is the positive one",
            "Choose the positive class, or let it be excluded",
        ),
        (
            "indeterminate",
            protocol.indeterminate == "negative" and len(protocol.classes) != 2,
            "With more than two classes no single one is the negative",
            "Let what is indeterminate be excluded, or count as positive",
        ),
        (
            "prevalence",
            drawn.rule == "enriched" and (drawn.prevalence is None or not 0 < drawn.prevalence < 1),
            "An enriched sample needs the share of positives",
            "Enter a prevalence between 0 and 1, such as .5",
        ),
        (
            "positive",
            drawn.rule == "enriched" and not protocol.positive,
            "An enriched sample needs to know which class is the positive one",
            "Choose the positive class",
        ),
        (
            "n",
            drawn.rule in ("random stratified", "enriched") and drawn.n < 1,
            "It is not said how many cases are to be drawn",
            "Enter a number of cases",
        ),
        (
            "parts",
            not set(drawn.parts) <= set(PARTS),
            "There is no such part",
            f"Choose from: {', '.join(PARTS)}",
        ),
        (
            "seed",
            not -(2**63) <= protocol.seed < 2**63,
            "The seed is too large",
            "Enter a whole number of up to 18 digits",
        ),
    ]


def changed_fields(before: Protocol, after: Protocol) -> Sequence[str]:
    """Return the names of what differs between two protocols."""
    one, other = asdict(before), asdict(after)
    return [name for name in one if one[name] != other[name]]


def as_stored(protocol: Protocol) -> dict[str, Any]:
    """Return a protocol as its row keeps it."""
    return asdict(protocol)
