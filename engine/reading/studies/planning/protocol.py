"""The protocol of a study: what is decided before the first case is read. Its hash shows that it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from engine.errors import ReviewError
from engine.language import ENGLISH, _, isolated, language, number, unitless
from engine.reading.ledger.chain import digest
from engine.reading.studies.planning.designs import DESIGNS, DesignName
from engine.records import PART_NAMES, Part

Rule = Literal["all", "filter", "random stratified", "enriched"]
CERTAINTY: Mapping[str, tuple[int, int]] = {"1-5": (1, 5), "0-100": (0, 100)}
"""The scales of certainty: the least and the most."""
AIDS = ("prediction", "map")
FIGURES = ("AUC", "sensitivity", "specificity")
MOST_DAYS = 3650
MOST_TEXT = 10_000


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
            *([_("of part {parts}").format(parts=_parts(self.parts))] if self.parts else []),
            *([_("labelled {labels}").format(labels=_either(self.labels))] if self.labels else []),
            *(
                [_("predicted to be {classes}").format(classes=_either(self.predicted))]
                if self.predicted
                else []
            ),
            *([_("from a list of ids")] if self.listed else []),
        ]
        kind = {
            "all": _("all cases"),
            "filter": _("all cases"),
            "random stratified": _("cases drawn at random, each class by its share, from all cases"),
            "enriched": _("cases drawn at random, a share of {share}% positive, from all cases").format(
                share=number(100 * (self.prevalence or 0))
            ),
        }[self.rule]
        return " ".join([kind, _(", ").join(of)]).strip()


def _either(names: Sequence[str]) -> str:
    return _(" or ").join(map(isolated, names))


def _parts(names: Sequence[str]) -> str:
    """Name parts of the data: in English as a protocol always has, so that kept reports still say the same."""
    if language() == ENGLISH:
        return _either(names)
    return _(" or ").join(_(PART_NAMES[name]) for name in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """The primary endpoint: the one figure by which a study is judged.

    Attributes:
        figure: Of the readers.
        compares: Of `Design.compares`; empty means the first that the design has.
        aim: What the study is to show of a difference: "superior" (above 0), "not inferior" (above minus the
            protocol's margin), or nothing but how large it is ("estimate").
    """

    figure: Literal["AUC", "sensitivity", "specificity"]
    compares: str = ""
    aim: Literal["superior", "not inferior", "estimate"] = "superior"


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
        same_patient: Whether a reader, in any arm, may look at other images of a case's patient: images alone.
        certainty: The scale on which a reader says how sure of the label; None where it is not asked.
        consensus: When readers agree: more than half of them; all; all, or else as adjudicated.
        indeterminate: What "unsure" and "not diagnostic" count as, in the consensus and in figures.
        wash_out_days: How long after a reader's last case without the model the first with it opens.
        endpoint: What is to be shown, in words; empty where nothing is.
        primary: The same as a choice that can be computed; None where there is none.
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
    same_patient: bool = False
    certainty: Literal["1-5", "0-100"] | None = None
    consensus: Literal["majority", "unanimous", "adjudicated"] = "majority"
    indeterminate: Literal["excluded", "positive", "negative"] = "excluded"
    wash_out_days: float = 0.0
    endpoint: str = ""
    primary: Endpoint | None = None
    margin: float | None = None
    wrong_advice: float = 0.0
    seed: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 of everything in it."""
        return digest(as_stored(self))

    @property
    def compared(self) -> str:
        """What the primary endpoint is of; empty without one."""
        if self.primary is None:
            return ""
        return self.primary.compares or next(iter(DESIGNS[self.design].compares), "")

    @property
    def planned_figure(self) -> str:
        """The figure that the study is planned for: of its endpoint, or else the first that it has."""
        return self.primary.figure if self.primary else "AUC" if self.certainty else "sensitivity"

    @property
    def primary_words(self) -> str:
        """The primary endpoint for people; empty without one."""
        if self.primary is None:
            return ""
        what = {"sensitivity": _("sensitivity"), "specificity": _("specificity")}.get(
            self.primary.figure, self.primary.figure
        )
        compared = {
            "blind": _("blind"),
            "assisted": _("assisted"),
            "assisted minus blind": _("assisted minus blind"),
            "concurrent minus assisted": _("concurrent minus assisted"),
            "concurrent minus blind": _("concurrent minus blind"),
        }.get(self.compared, self.compared)
        if " minus " not in self.compared:
            return _("{figure}, {compared}").format(figure=what, compared=compared)
        aim = {
            "superior": _("to be above 0"),
            "not inferior": _("to be above -{margin} (not inferior)").format(
                margin=unitless(self.margin or 0)
            ),
            "estimate": _("to be estimated"),
        }[self.primary.aim]
        told = _("difference in {figure}, {compared}, {aim}")
        return told.format(figure=what, compared=compared, aim=aim)


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
        raise ReviewError(
            _("The protocol's {where} cannot be {input!r}").format(where=where, input=first["input"]),
            first["msg"],
        ) from error


def changed_fields(before: Protocol, after: Protocol) -> Sequence[str]:
    """Return the names of what differs between two protocols."""
    one, other = asdict(before), asdict(after)
    return [name for name in one if one[name] != other[name]]


def as_stored(protocol: Protocol) -> dict[str, Any]:
    """Return a protocol as its row keeps it: without a field that earlier releases did not have, where it is empty."""
    stored = asdict(protocol)
    for name in ("primary", "same_patient"):
        if not stored[name]:
            del stored[name]
    return stored
