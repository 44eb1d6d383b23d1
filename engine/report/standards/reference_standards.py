"""Reference standards: what a prediction is held against. They are never mixed.

A reference standard gives some of the cases a class and says of the others why they have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.language import _, counted, ngettext, number
from engine.reading import latest_reviews
from engine.records import Prediction, Review, Run, Verdict
from engine.report.named.names import CAME, REVIEWED
from engine.report.records import Settled, Standing
from engine.report.standards.defined import defined_labels, defined_reviews, labels_name
from engine.report.standards.sampling import Sampling, sampling_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference(Standing):
    """One reference standard.

    Attributes:
        caution: What a reader of the report must know of it, as sentences.
        sampling: How the cases that have a class were drawn.
        defined: What it is, line by line.
        name: As it is printed.
        by_rule: What indeterminate readings count as → image id → class; empty where that cannot be told.
    """

    name: str
    defined: tuple[tuple[str, str], ...]
    caution: str
    sampling: Sampling = field(default_factory=Sampling)
    by_rule: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))


def answer_of(review: Review, predicted: str) -> str | None:
    """Return the class a review gives its case; None where the reader gave none."""
    if review.verdict is Verdict.AGREE:
        return review.label or predicted
    return review.label if review.verdict is Verdict.OVERRULE else None


def labels_from_data(run: Run, predictions: Sequence[Prediction], reviews: Sequence[Review]) -> Reference:
    """Take the labels that came with the data, as readers have corrected them where they have."""
    answers: dict[str, str] = {}
    without: dict[str, str] = {}
    for prediction in predictions:
        if prediction.label is None:
            without[prediction.image_id] = "no label came with the data"
        elif prediction.label not in run.classes:
            without[prediction.image_id] = "the label is not one of the model's classes"
        else:
            answers[prediction.image_id] = prediction.label
    known = _("Overread does not know how these labels were made: state who made them, from what, and how.")
    if run.labels is not None:
        known = _("These are labels {labels}.").format(labels=run.labels.sentence) + f" {known}"
    caution = known if answers else ""
    return Reference(
        name=labels_name(run), defined=defined_labels(run), answers=answers, without=without, caution=caution
    )


def reviewed_labels(run: Run, predictions: Sequence[Prediction], reviews: Sequence[Review]) -> Reference:
    """Take what readers said with the prediction before their eyes: the majority of their last words.

    Agreement gives the predicted class, overruling the reader's; unsure and not diagnostic give none, and neither
    does a tie between readers.
    """
    last = latest_reviews(reviews)
    answers: dict[str, str] = {}
    without: dict[str, str] = {}
    for prediction in predictions:
        if prediction.image_id not in last:
            without[prediction.image_id] = "not reviewed"
            continue
        of_case = last[prediction.image_id].values()
        votes = Counter(
            answer
            for review in of_case
            if (answer := answer_of(review, prediction.predicted)) is not None and answer in run.classes
        )
        first = votes.most_common(2)
        if not first:
            without[prediction.image_id] = _undecided({review.verdict for review in of_case})
        elif len(first) == 2 and first[0][1] == first[1][1]:
            without[prediction.image_id] = "readers disagree, no majority"
        else:
            answers[prediction.image_id] = first[0][0]
    caution = ""
    if answers:
        biased = _(
            "Readers saw the model's prediction before they gave their verdict, which biases them towards it: these "
            "results are not those of an independent reference standard."
        )
        before = seen_before([review for image_id in answers for review in last[image_id].values()])
        caution = " ".join(filter(None, (biased, before)))
    sampling = sampling_of(run, predictions, reviews, answers) if answers else Sampling()
    own = {each.image_id for each in predictions}
    return Reference(
        name=REVIEWED,
        defined=defined_reviews([one for one in reviews if one.image_id in own], answers),
        answers=answers,
        without=without,
        caution=caution,
        sampling=sampling,
    )


def of_study(settled: Settled) -> Reference:
    """Take what readers settled in a study."""
    return Reference(
        name=settled.name,
        defined=settled.defined,
        answers=settled.answers,
        without=settled.without,
        caution=settled.caution,
        by_rule=settled.by_rule,
        sampling=Sampling(
            kind="selected",
            note=_("counts only"),
            sentence=_(
                "These are counts of the cases of the study, not figures for all, because they were chosen one by one, "
                "or by what a model said of them."
            ),
        )
        if settled.drawn_by_model
        else Sampling(),
    )


def seen_before(readings: Sequence[Review]) -> str:
    """Say how many readings were given after the label that came with the data had been on the reader's screen.

    Such a reading is no second opinion on the label. Of readings that were kept before it was written down what was on
    the screen, and of those from elsewhere, it is not known.
    """
    seen = sum(review.label_seen is True for review in readings)
    unknown = sum(review.label_seen is None for review in readings)
    if readings and unknown == len(readings):
        return _(
            "It is not known whether readers had seen the label that came with the data: what was on their screen was "
            "not written down."
        )
    told = {"readings": counted(len(readings), "reading")}
    sentence = ""
    if seen:
        sentence = ngettext(
            "Of the {readings} behind these labels, {count} was given after the reader had seen the label that came "
            "with the data, and cannot confirm or correct it.",
            "Of the {readings} behind these labels, {count} were given after the reader had seen the label that came "
            "with the data, and cannot confirm or correct it.",
            seen,
        ).format(count=number(seen), **told)
    if unknown and seen:
        sentence += " " + _(
            "Of {count} more it is not known: what was on their screen was not written down."
        ).format(count=number(unknown))
    elif unknown:
        sentence += _(
            "Of {count} of the {readings} behind these labels it is not known whether the reader had seen the label "
            "that came with the data: what was on their screen was not written down."
        ).format(count=number(unknown), **told)
    return sentence


def _undecided(verdicts: Collection[Verdict]) -> str:
    """Say why no reader gave a class, from what they did say."""
    said = [
        words
        for verdict, words in ((Verdict.UNSURE, "unsure"), (Verdict.NOT_DIAGNOSTIC, "not diagnostic"))
        if verdict in verdicts
    ]
    return " or ".join(said) if said else "the readers' class is not one of the model's"


# The blinded consensus of readers will be the third.
REFERENCE_STANDARDS: dict[str, Callable[[Run, Sequence[Prediction], Sequence[Review]], Reference]] = {
    CAME: labels_from_data,
    REVIEWED: reviewed_labels,
}
