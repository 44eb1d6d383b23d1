"""What is wrong with a protocol that contradicts itself, field by field."""

from __future__ import annotations

import math

from engine.errors import ReviewError
from engine.language import _, isolated, listed, short_number
from engine.reading.studies.planning.designs import DESIGNS
from engine.reading.studies.planning.protocol import AIDS, MOST_DAYS, MOST_TEXT, Protocol
from engine.reading.validation import HALF_CHARACTER, LONGEST_NAME
from engine.records import PARTS


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
        *_of_primary(protocol),
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
        ("name", odd, _("The study holds a character that cannot be stored"), _("Type it again without it")),
        (
            "name",
            not protocol.name.strip() or len(protocol.name) > LONGEST_NAME,
            _("A study needs a name"),
            _("Enter one of up to {most} characters").format(most=short_number(LONGEST_NAME)),
        ),
        (
            "endpoint",
            len(protocol.endpoint) > MOST_TEXT,
            _("The endpoint is too long"),
            _("State it in a few sentences"),
        ),
        (
            "classes",
            len(classes) < 2 or len({each.casefold().strip() for each in classes}) < len(classes),
            _("A study needs at least two classes, each once"),
            _("Type in the findings that a reader chooses from, such as normal and pneumonia"),
        ),
        (
            "classes",
            any(not each.strip() or len(each) > LONGEST_NAME for each in classes),
            _("A class has no name, or one that is too long"),
            _("Use 1 to {most} characters").format(most=short_number(LONGEST_NAME)),
        ),
        (
            "positive",
            bool(protocol.positive) and protocol.positive not in classes,
            _("The positive class “{positive}” is not one of the study's").format(
                positive=isolated(protocol.positive)
            ),
            _("Choose one of: {names}").format(names=listed(classes)),
        ),
    ]


def _of_design(protocol: Protocol) -> list[Complaint]:
    assisted = "assisted" in DESIGNS[protocol.design].arms
    adjudicator = protocol.adjudicator
    return [
        (
            "design",
            assisted and protocol.run_id is None,
            _("A study of the design “{design}” needs a run, whose predictions it shows").format(
                design=isolated(protocol.design)
            ),
            _("Choose a run, or the design blind or annotation"),
        ),
        (
            "design",
            protocol.design == "annotation" and protocol.run_id is not None,
            _("In an annotation no prediction is shown, so that it cannot have a run"),
            _("Choose a data set, or the design blind"),
        ),
        (
            "run_id",
            protocol.run_id is None and protocol.dataset_id is None,
            _("A study needs images"),
            _("Choose a run or a data set"),
        ),
        (
            "readers",
            not protocol.readers or len(set(protocol.readers)) < len(protocol.readers),
            _("A study needs readers, each once"),
            _("Choose at least one reader from the list"),
        ),
        (
            "adjudicator",
            adjudicator is not None and adjudicator in protocol.readers,
            _("The adjudicator cannot be one of the readers"),
            _("Choose somebody else to settle what the readers disagree on"),
        ),
        (
            "consensus",
            protocol.consensus == "adjudicated" and adjudicator is None,
            _("The consensus is to be adjudicated, but there is no adjudicator"),
            _("Choose an adjudicator, or the rule majority or unanimous"),
        ),
        (
            "shown",
            assisted and (not protocol.shown or not set(protocol.shown) <= set(AIDS)),
            _("What an assisted case shows is not said"),
            _("Choose one or more of: {names}").format(names=listed(AIDS)),
        ),
        (
            "shown",
            protocol.wrong_advice > 0 and "map" in protocol.shown and len(protocol.classes) > 2,
            _(
                "With more than two classes the heatmap argues for the class that was predicted, so that it would tell "
                "which advice is wrong"
            ),
            _("Show the prediction alone, or leave wrong advice out"),
        ),
        (
            "wrong_advice",
            protocol.wrong_advice > 0 and not assisted,
            _("Wrong advice can only be shown where advice is"),
            _("Leave it out, or choose a design with an assisted arm"),
        ),
    ]


def _of_figures(protocol: Protocol) -> list[Complaint]:
    days, margin, drawn = protocol.wash_out_days, protocol.margin, protocol.drawn
    return [
        (
            "wash_out_days",
            not (math.isfinite(days) and 0 <= days <= MOST_DAYS)
            or (protocol.design == "wash-out") != (days > 0),
            _("The days of wash-out do not fit the design"),
            _(
                "Enter more than 0 (up to {most_days}) for the design wash-out, such as 28, and 0 for any other"
            ).format(most_days=short_number(MOST_DAYS)),
        ),
        (
            "wrong_advice",
            not 0 <= protocol.wrong_advice <= 0.5,
            _("The share of wrong advice is out of bounds"),
            _(
                "Enter a share from 0 to .5: of advice that is mostly wrong a reader learns to do the opposite"
            ),
        ),
        (
            "margin",
            margin is not None and not (math.isfinite(margin) and margin > 0),
            _("The margin is no margin"),
            _("Enter a number above 0, or leave it out"),
        ),
        (
            "indeterminate",
            protocol.indeterminate != "excluded" and not protocol.positive,
            _("What is indeterminate cannot count as positive or negative, as no class is the positive one"),
            _("Choose the positive class, or let it be excluded"),
        ),
        (
            "indeterminate",
            protocol.indeterminate == "negative" and len(protocol.classes) != 2,
            _("With more than two classes no single one is the negative"),
            _("Let what is indeterminate be excluded, or count as positive"),
        ),
        (
            "prevalence",
            drawn.rule == "enriched" and (drawn.prevalence is None or not 0 < drawn.prevalence < 1),
            _("An enriched sample needs the share of positives"),
            _("Enter a prevalence between 0 and 1, such as .5"),
        ),
        (
            "positive",
            drawn.rule == "enriched" and not protocol.positive,
            _("An enriched sample needs to know which class is the positive one"),
            _("Choose the positive class"),
        ),
        (
            "n",
            drawn.rule in ("random stratified", "enriched") and drawn.n < 1,
            _("It is not said how many cases are to be drawn"),
            _("Enter a number of cases"),
        ),
        (
            "parts",
            not set(drawn.parts) <= set(PARTS),
            _("There is no such part"),
            _("Choose from: {parts}").format(parts=listed(PARTS)),
        ),
        (
            "seed",
            not -(2**63) <= protocol.seed < 2**63,
            _("The seed is too large"),
            _("Enter a whole number of up to 18 digits"),
        ),
    ]


def _of_primary(protocol: Protocol) -> list[Complaint]:
    """Return what is wrong with the primary endpoint: it must be one that the study's readings can give."""
    primary = protocol.primary
    if primary is None:
        return []
    compares = DESIGNS[protocol.design].compares
    compared = primary.compares or next(iter(compares), "")
    return [
        (
            "primary",
            not compares or (bool(primary.compares) and primary.compares not in compares),
            _("The design “{design}” cannot have the endpoint “{figure}”").format(
                design=isolated(protocol.design), figure=isolated(primary.compares or primary.figure)
            ),
            _("Choose one of: {names}").format(names=listed(compares)) if compares else _("Leave it out"),
        ),
        (
            "primary",
            primary.figure == "AUC" and protocol.certainty is None,
            _("The AUC needs ratings, but readers are not asked how sure they are"),
            _("Ask for certainty, or choose sensitivity or specificity"),
        ),
        (
            "primary",
            not protocol.positive,
            _("The primary endpoint speaks of a finding, but no class is the positive one"),
            _("Choose the positive class"),
        ),
        (
            "primary",
            primary.aim != "estimate" and bool(compares) and " minus " not in compared,
            _("With one way of reading there is nothing to be better than"),
            _("Let the aim be estimate"),
        ),
        (
            "margin",
            primary.aim == "not inferior" and protocol.margin is None,
            _("Whether something is not inferior needs a margin"),
            _("Enter by how much it may be worse, such as .05"),
        ),
    ]
