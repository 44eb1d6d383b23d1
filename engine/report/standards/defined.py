"""What each reference standard is: who, how many readers, by which rule, and what they had seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from engine.language import N_, _, counted, ngettext, number
from engine.reading import latest_reviews
from engine.records import FIRST_VERSION, Review, Run, Verdict
from engine.report.named.names import CAME


def labels_name(run: Run) -> str:
    """Name the labels that a run was tested on: once readers have corrected them they are not those that came."""
    if run.labels is None or run.labels.number <= FIRST_VERSION:
        return CAME
    return f"labels v{run.labels.number}, corrected by readers"


def defined_labels(run: Run) -> tuple[tuple[str, str], ...]:
    """Define the labels that a run was tested on."""
    unknown = _(
        "not known to Overread: state who made the labels that came with the data, from what, and how"
    )
    if run.labels is None or run.labels.number <= FIRST_VERSION:
        return ((N_("Who and how"), unknown), (N_("Blinded to the index test"), _("not known to Overread")))
    return (
        (N_("Version"), f"{run.labels.sentence} (sha256 {run.labels.sha256})"),
        (N_("The others"), unknown),
    )


def chosen_labels(run: Run) -> tuple[str, str]:
    """Say that these labels were chosen for the report, and on which ones the run was trained and tested."""
    own = run.labels.sentence if run.labels else _("those that came with the data (v1)")
    return (
        N_("Chosen for this report"),
        _("yes; the run was trained and tested on {labels}").format(labels=own),
    )


def defined_reviews(reviews: Sequence[Review], answers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Define what readers said with the prediction before their eyes."""
    return tuple((name, said) for name, said in _of_reviews(reviews, answers) if said)


def _of_reviews(reviews: Sequence[Review], answers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    last = latest_reviews(reviews)
    readers = {name for of_case in last.values() for name in of_case}
    votes = [len(of_case) for of_case in last.values()]
    words = [one for of_case in last.values() for one in of_case.values()]
    if not words:
        return
    yield (
        N_("Readers"),
        ngettext("{readers}, who read {cases}", "{readers}, who read {cases}", len(readers)).format(
            readers=counted(len(readers), "reader"), cases=counted(len(last), "case")
        ),
    )
    yield N_("Readings a case"), from_to(min(votes), max(votes))
    yield (
        N_("Rule"),
        _("the majority of the readers' last words; a tie gives no class; nothing was adjudicated"),
    )
    doubts = Counter(one.verdict for one in words)
    unsure, poor = doubts[Verdict.UNSURE], doubts[Verdict.NOT_DIAGNOSTIC]
    yield (
        N_("Indeterminate"),
        _(
            "{unsure} unsure and {poor} not diagnostic: no vote, excluded where no other reader gave one"
        ).format(unsure=number(unsure), poor=number(poor)),
    )
    yield (
        N_("Blinded to the index test"),
        _("no: the prediction was on the screen (assisted readings)"),
    )
    seen, unknown = (sum(one.label_seen is it for one in words) for it in (True, None))
    told = (
        _("in {count} of {readings}; of {unknown} it was not written down")
        if unknown
        else _("in {count} of {readings}")
    )
    yield (
        N_("Labels on the screen before"),
        told.format(count=number(seen), readings=counted(len(words), "reading"), unknown=number(unknown)),
    )
    changed = len(reviews) - len(words)
    corrected = ngettext(
        "{count} earlier word taken back or replaced", "{count} earlier words taken back or replaced", changed
    )
    yield N_("Corrected"), corrected.format(count=number(changed)) if changed else ""


def from_to(least: int, most: int) -> str:
    """Say from how many to how many: 2, 2 to 3."""
    if least == most:
        return number(least)
    return _("{low} to {high}").format(low=number(least), high=number(most))
