"""The form of a new study: as a protocol, with what is wrong by field; and in words what the study will be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import report  # its power computation loads scipy.stats, when it is asked for
from engine.data import load_index
from engine.errors import EngineError
from engine.language import (
    _,
    counted,
    in_digits,
    isolated,
    listed,
    ngettext,
    number,
    short_number,
    typed_number,
)
from engine.reading import DESIGNS, Drawn, Endpoint, Protocol, Reader, complaints
from engine.records import PARTS, Sample
from engine.retelling import retold
from gui.web import AppSession

MOST_CASES = 1_000_000
SETTLERS = ("adjudicator", "administrator")
Form = Mapping[str, Any]


def certainties() -> dict[str, str]:
    """Return the scales of certainty that there are, in words."""
    return {"": _("not asked"), "1-5": _("1 to 5, by key"), "0-100": _("0 to 100, typed")}


def rules() -> dict[str, str]:
    """Return how cases may be chosen, in words."""
    return {
        "all": _("all of the chosen parts"),
        "filter": _("all with the chosen labels"),
        "random stratified": _("drawn at random, each class by its share"),
        "enriched": _("drawn at random, with a share of positives"),
    }


def consensus_rules() -> dict[str, str]:
    """Return when readers agree, in words."""
    return {
        "majority": _("what more than half of the readers say"),
        "unanimous": _("what all readers say"),
        "adjudicated": _("what all readers say, else the adjudicator"),
    }


def indeterminate_rules() -> dict[str, str]:
    """Return what an unsure or not diagnostic answer may count as, in words."""
    return {
        "excluded": _("left out of the figures"),
        "positive": _("counts as positive"),
        "negative": _("counts as negative"),
    }


def primary_figures() -> dict[str, str]:
    """Return the figures that a primary endpoint may be, in words."""
    return {
        "": _("none"),
        "AUC": _("AUC (needs certainty)"),
        "sensitivity": _("sensitivity"),
        "specificity": _("specificity"),
    }


def aims() -> dict[str, str]:
    """Return what a study may be to show, in words."""
    return {
        "superior": _("better with the prediction"),
        "not inferior": _("not worse by more than the margin"),
        "estimate": _("estimated, nothing to be shown"),
    }


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A study as the form says.

    Attributes:
        protocol: None where the form cannot be read as one.
        samples: The images of a data set; None for a run's.
        errors: Field of the form → what is wrong with it and what to do.
        promoted: Who is chosen as adjudicator and is not one yet.
    """

    protocol: Protocol | None = None
    samples: tuple[Sample, ...] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    promoted: Reader | None = None


class _Fields:
    """What the form says, read field by field; what cannot be read is collected under the field's name."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.errors: dict[str, str] = {}

    def text(self, name: str) -> str:
        value = self._form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def one_of(self, name: str, known: Mapping[Any, object]) -> Any:
        """Return one of the known names; the first of them where the form says none or another."""
        typed = self.text(name)
        return typed if typed in known else next(iter(known))

    def names(self, name: str) -> tuple[str, ...]:
        value = self._form.get(name)
        return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()

    def lines(self, name: str) -> tuple[str, ...]:
        """Return what was typed in, one a line or separated by commas."""
        return tuple(one.strip() for one in re.split(r"[\n,;،؛]", self.text(name)) if one.strip())

    def number(
        self, name: str, low: float, high: float, *, whole: bool = False, percent: float = math.nan
    ) -> float | None:
        """Return a number; None where the field is empty, or holds none within the bounds, which is said."""
        typed = self.text(name)
        if not typed:
            return None
        value = typed_number(typed, whole=whole, percent=percent)
        if not low <= value <= high:
            told = (
                _("“{typed}” is not a whole number from {low} to {high}.")
                if whole
                else _("“{typed}” is not a number from {low} to {high}.")
            )
            self.errors[name] = told.format(typed=isolated(typed[:20]), low=_plain(low), high=_plain(high))
            return None
        return value

    def needed(
        self, name: str, low: float, high: float, *, whole: bool = False, percent: float = math.nan
    ) -> float:
        """Return a number that must be there; 0 where it is not, which is said."""
        value = self.number(name, low, high, whole=whole, percent=percent)
        if value is None:
            told = _("Enter a number from {low} to {high}.").format(low=_plain(low), high=_plain(high))
            self.errors.setdefault(name, told)
            return 0
        return value


def _plain(bound: float) -> str:
    return number(bound) if bound >= 1 or bound == 0 else short_number(bound)


def draft_of(session: AppSession, form: Form) -> Draft:
    """Return the study that the form describes, with all that is wrong with it."""
    said = _Fields(form)
    kind, _colon, source = said.text("source").partition(":")
    design = said.one_of("design", DESIGNS)
    samples: tuple[Sample, ...] | None = None
    classes, positive = said.lines("findings"), said.text("positive")
    try:
        if kind == "run":
            run = session.store.run(source)
            classes, positive = run.classes, positive or run.positive or ""
        elif kind == "data":
            index = load_index(session.workspace, source)
            samples = tuple(index.samples)
            classes = classes or tuple(index.classes)
        else:
            said.errors["source"] = _("Choose a run or a data set.")
    except EngineError as error:
        said.errors["source"] = retold(error)
    positive = positive if positive in classes else ""
    readers = said.names("readers")
    settler = said.text("adjudicator") or None
    rule = said.one_of("rule", rules())
    seed = said.number("seed", 0, 10**15, whole=True) or 0
    drawn = Drawn(
        rule=rule,
        parts=tuple(part for part in PARTS if part in said.names("parts")),
        labels=said.names("labels"),
        n=int(said.needed("n", 1, MOST_CASES, whole=True))
        if rule in ("random stratified", "enriched")
        else 0,
        prevalence=said.needed("prevalence", 1, 99, percent=1) / 100 if rule == "enriched" else None,
    )
    assisted = design not in ("blind", "annotation")
    protocol = Protocol(
        name=said.text("name"),
        design=design,
        run_id=source if kind == "run" else None,
        dataset_id=source if kind == "data" else None,
        classes=tuple(classes),
        positive=positive,
        readers=readers,
        adjudicator=settler,
        drawn=drawn,
        shown=said.names("shown") if assisted else (),
        same_patient=bool(said.names("same_patient")),
        certainty=said.one_of("certainty", certainties()) or None,
        consensus=said.one_of("consensus", consensus_rules()),
        indeterminate=said.one_of("indeterminate", indeterminate_rules()),
        wash_out_days=said.needed("wash_out_days", 0.01, 3650) if design == "wash-out" else 0.0,
        endpoint=said.text("endpoint"),
        primary=_primary(said, design),
        margin=said.number("margin", 0, 1e6),
        wrong_advice=(said.number("wrong_advice", 0, 50, percent=1) or 0) / 100 if assisted else 0.0,
        seed=int(seed),
    )
    for name, complaint in complaints(protocol).items():
        said.errors.setdefault(FIELD_OF.get(name, name), str(complaint))
    if any(protocol.name == other.name for other in session.store.studies.all()):
        said.errors["name"] = _("There is already a study named “{name}”. Choose another name.").format(
            name=isolated(protocol.name)
        )
    people = {each.reader_id: each for each in session.store.people()}
    found = people.get(settler or "")
    promoted = found if found is not None and found.role not in SETTLERS else None
    return Draft(protocol=protocol, samples=samples, errors=said.errors, promoted=promoted)


def _primary(said: _Fields, design: Any) -> Endpoint | None:
    """Return the endpoint that was chosen; where there is one way of reading, there is no aim to be chosen."""
    figure = said.one_of("primary", primary_figures())
    both = any(" minus " in each for each in DESIGNS[design].compares)
    return Endpoint(figure=figure, aim=said.one_of("aim", aims()) if both else "estimate") if figure else None


FIELD_OF = {"classes": "findings", "run_id": "source", "dataset_id": "source"}
"""Fields of a protocol that have another name in the form."""


def summary_of(
    session: AppSession, protocol: Protocol, promoted: Reader | None = None, *, to_reader: bool = False
) -> list[str]:
    """Return what the study will be, in sentences.

    Args:
        session: The open window.
        protocol: With its cases drawn.
        promoted: Who becomes an adjudicator by it.
        to_reader: Whether it is told to a reader: without how many cases are positive, and without wrong advice.
    """
    cases, positives = protocol.drawn.n, protocol.drawn.positives
    people = {each.reader_id: each.name for each in session.store.people()}
    readers = [people.get(one, one) for one in protocol.readers]
    told = [_size(protocol, readers, cases)]
    if not to_reader:
        told += [_cases(protocol, cases, positives), *_advice(protocol, cases)]
    if protocol.same_patient:
        told.append(_("Other images of the patient may be looked at beside a case: images alone."))
    told += [_answers(protocol), _settled(protocol, people)]
    if promoted:
        told.append(_("{name} becomes an adjudicator.").format(name=isolated(promoted.name)))
    planned = "" if to_reader else report.planned_words(protocol, cases, positives)
    return [*told, planned] if planned else told


def _size(protocol: Protocol, readers: Sequence[str], cases: int) -> str:
    days = protocol.wash_out_days
    how = {
        "blind": _("read once, without the prediction"),
        "blind then assisted": _("blind, then at once assisted"),
        "wash-out": ngettext(
            "blind, then assisted after {days} day",
            "blind, then assisted after {days} days",
            1 if days == 1 else 2,
        ).format(days=short_number(days)),
        "assisted": _("read once, with the prediction from the beginning"),
        "concurrent against second reader": _("half assisted from the beginning, half blind then assisted"),
        "annotation": _("labelled from nothing"),
    }[protocol.design]
    return _("{readers} × {cases}, {how}: {names}.").format(
        readers=counted(len(readers), "reader"), cases=counted(cases, "case"), how=how, names=listed(readers)
    )


def _cases(protocol: Protocol, cases: int, positives: int | None) -> str:
    words = protocol.drawn.words
    told = words[:1].upper() + words[1:]
    own = _("Each reader has an order of their own (seed {seed}).").format(seed=in_digits(str(protocol.seed)))
    if positives is None or not protocol.positive:
        return f"{told}. {own}"
    labelled = _("{drawn}; {positives} of {cases} labelled {positive}").format(
        drawn=told, positives=number(positives), cases=number(cases), positive=isolated(protocol.positive)
    )
    return f"{labelled}. {own}"


def _advice(protocol: Protocol, cases: int) -> list[str]:
    if protocol.design in ("blind", "annotation"):
        return []
    told = [
        _("Assisted cases show the prediction and the heatmap.")
        if len(protocol.shown) > 1
        else _("Assisted cases show the heatmap.")
        if "map" in protocol.shown
        else _("Assisted cases show the prediction.")
    ]
    if protocol.wrong_advice:
        wrong = round(protocol.wrong_advice * cases)
        told.append(
            ngettext(
                "On {count} case ({share}%) another class is shown on purpose, "
                "to measure how far readers follow wrong advice; each reader is told which once the study is closed.",
                "On {count} cases ({share}%) another class is shown on purpose, "
                "to measure how far readers follow wrong advice; each reader is told which once the study is closed.",
                wrong,
            ).format(count=number(wrong), share=number(100 * protocol.wrong_advice))
        )
    return told


def _answers(protocol: Protocol) -> str:
    classes = listed(protocol.classes)
    told = (
        _("Answers: {classes}, each with a certainty of {scale}.").format(
            classes=classes, scale=certainties()[protocol.certainty]
        )
        if protocol.certainty
        else _("Answers: {classes}.").format(classes=classes)
    )
    counts = {
        "excluded": _("Unsure or not diagnostic is left out of the figures."),
        "positive": _("Unsure or not diagnostic counts as {positive}."),
        "negative": _("Unsure or not diagnostic counts as not {positive}."),
    }[protocol.indeterminate].format(positive=isolated(protocol.positive))
    return f"{told} {counts}"


def _settled(protocol: Protocol, people: Mapping[str, str]) -> str:
    settler = people.get(protocol.adjudicator or "")
    rule = consensus_rules()["majority" if protocol.consensus == "majority" else "unanimous"]
    if settler:
        told = _("Consensus: {rule}; {settler} settles the rest.")
        return told.format(rule=rule, settler=isolated(settler))
    return _("Consensus: {rule}; other cases stay open.").format(rule=rule)
