"""What each reference standard is: who, how many readers, by which rule, and what they had seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from engine.reading import latest_reviews
from engine.records import FIRST_VERSION, Review, Run, Verdict
from engine.report.formatting import counted
from engine.report.named.names import CAME


def labels_name(run: Run) -> str:
    """Name the labels that a run was tested on: once readers have corrected them they are not those that came."""
    if run.labels is None or run.labels.number <= FIRST_VERSION:
        return CAME
    return f"labels v{run.labels.number}, corrected by readers"


def defined_labels(run: Run) -> tuple[tuple[str, str], ...]:
    """Define the labels that a run was tested on."""
    unknown = "not known to Overread: state who made the labels that came with the data, from what, and how"
    if run.labels is None or run.labels.number <= FIRST_VERSION:
        return (("Who and how", unknown), ("Blinded to the index test", "not known to Overread"))
    return (
        ("Version", f"{run.labels.sentence} (sha256 {run.labels.sha256})"),
        ("The others", unknown),
    )


def chosen_labels(run: Run) -> tuple[str, str]:
    """Say that these labels were chosen for the report, and on which ones the run was trained and tested."""
    own = run.labels.sentence if run.labels else "those that came with the data (v1)"
    return ("Chosen for this report", f"yes; the run was trained and tested on {own}")


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
    yield "Readers", f"{counted(len(readers), 'reader')}, who read {counted(len(last), 'case')}"
    least, most = min(votes), max(votes)
    yield "Readings a case", f"{least}" if least == most else f"{least} to {most}"
    yield "Rule", "the majority of the readers' last words; a tie gives no class; nothing was adjudicated"
    doubts = Counter(one.verdict for one in words)
    unsure, poor = doubts[Verdict.UNSURE], doubts[Verdict.NOT_DIAGNOSTIC]
    yield (
        "Indeterminate",
        f"{unsure:,} unsure and {poor:,} not diagnostic: no vote, excluded where no other reader gave one",
    )
    yield "Blinded to the index test", "no: the prediction was on the screen (assisted readings)"
    seen, unknown = (sum(one.label_seen is it for one in words) for it in (True, None))
    yield (
        "Labels on the screen before",
        f"in {seen:,} of {counted(len(words), 'reading')}"
        + (f"; of {unknown:,} it was not written down" if unknown else ""),
    )
    changed = len(reviews) - len(words)
    yield "Corrected", f"{counted(changed, 'earlier word')} taken back or replaced" if changed else ""
