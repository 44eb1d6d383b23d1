"""The documents that reports are written as, from the top: what `numbers` and `study` make of their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict

from engine.errors import ReportError
from engine.records import (
    Epoch,
    Estimate,
    ExternalTest,
    LabelsUsed,
    Part,
    Region,
    Robustness,
    SetShift,
    Uncertainty,
    Verdict,
)
from engine.report.drawn_records import MarkedByReaders, ReaderPoint
from engine.report.exports.schema.of_records import Fields, Node, fields_of, schema_of
from engine.report.printed.sheet import PRINTED_FIELDS, NumberDocument
from engine.report.records import (
    Against,
    Fact,
    FromElsewhere,
    Heading,
    LabelErrors,
    Participants,
    ReviewSummary,
    SubgroupRow,
    SubgroupTest,
)


class Answer(TypedDict):
    """The last word of a reader on a case."""

    reader: str
    verdict: Verdict
    label: str | None
    comment: str
    regions: tuple[Region, ...]
    seconds: float
    queue: str
    drawn: str
    label_seen: bool | None


class CaseDocument(TypedDict):
    """A case of a run's report."""

    case: str
    label: str | None
    reviewed: str | None
    reference: Mapping[str, str]
    without: Mapping[str, str]
    predicted: str
    probabilities: Mapping[str, float]
    entropy: float
    margin: float | None
    conformal_set: tuple[str, ...]
    reviews: tuple[Answer, ...]
    distance: float | None
    uncertainty: Uncertainty | None


class Fold(TypedDict):
    """One model of a cross-validation."""

    threshold: float | None
    history: tuple[Epoch, ...]


class CheckDocument(TypedDict):
    """One question asked of heatmaps, and its answer."""

    question: str
    answer: str
    sentence: str
    figures: tuple[Mapping[str, object], ...]


class HeatmapsDocument(TypedDict):
    """The passport of a run's heatmaps."""

    method: str
    images: int
    of: int
    seed: int
    seconds: float
    off_by_default: str | None
    checks: tuple[CheckDocument, ...]


class ElsewhereDocument(TypedDict):
    """Images that are no part of the run's own data."""

    tests: tuple[ExternalTest, ...]
    sentences: tuple[tuple[str, ...], ...]
    images: tuple[FromElsewhere, ...]
    damaged: tuple[str, ...]


class SaidDocument(TypedDict):
    """What a report says to an item of a checklist, and the section of its page where it stands."""

    text: str
    section: str


class WrittenDocument(TypedDict):
    """What a person wrote to an item; the last one counts, and an empty text takes back what was there."""

    text: str
    by: str
    at: str


class ItemDocument(TypedDict):
    """One row of a checklist."""

    item: str
    part: str
    asks: str
    kind: str
    answers: tuple[SaidDocument, ...]
    written: tuple[WrittenDocument, ...]
    left: str
    open: bool


class ChecklistDocument(TypedDict):
    """A checklist with its answers."""

    name: str
    title: str
    about: str
    cited: str
    doi: str
    sure: str
    open: int
    closed: int
    of: int
    items: tuple[ItemDocument, ...]


class ChecklistsDocument(TypedDict):
    """The checklists of a report, and what it does not claim."""

    not_claimed: str | None
    answered: tuple[ChecklistDocument, ...]


class ShownDocument(TypedDict):
    """How many of the cases that there are a page shows."""

    shown: int
    of: int


class GalleryDocument(TypedDict):
    """The cases shown by a reference standard: those that it contradicts, and some that it confirms."""

    by: str
    wrong: ShownDocument
    right: ShownDocument


class RunDocument(TypedDict):
    """The report of a run: report.json."""

    run_id: str
    dataset_id: str
    labels: LabelsUsed | None
    held_against: LabelsUsed | None
    heading: Heading
    part: Part | None
    classes: tuple[str, ...]
    positive: str | None
    threshold: float | None
    folds: tuple[Fold, ...]
    facts: tuple[Fact, ...]
    patients: int | None
    cases_with_a_named_patient: int
    images_by_part: Mapping[str, Mapping[str, int]]
    images_in_an_epoch: Mapping[str, int]
    patients_by_part: Mapping[str, int | None]
    against: tuple[Against, ...]
    reviews: ReviewSummary
    subgroups: tuple[SubgroupRow, ...]
    subgroup_tests: tuple[SubgroupTest, ...]
    label_errors: tuple[LabelErrors, ...]
    pointing_game: Estimate | None
    marked_by_readers: MarkedByReaders | None
    marked_in_words: tuple[str, ...]
    heatmaps: HeatmapsDocument | None
    robustness: Robustness | None
    readers: tuple[ReaderPoint, ...]
    shift: SetShift | None
    elsewhere: ElsewhereDocument
    history: tuple[Epoch, ...]
    limitations: tuple[str, ...]
    checklists: ChecklistsDocument
    participants: Participants
    cautions: tuple[str, ...]
    shown: tuple[GalleryDocument, ...]
    shown_seed: int
    tables: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]
    figures: Mapping[str, str]
    numbers: Mapping[str, NumberDocument]
    cases: tuple[CaseDocument, ...]


DOCUMENTS: Mapping[str, Callable[[], Fields]] = {
    "run-report": lambda: fields_of(RunDocument),
    "external-test": lambda: {**PRINTED_FIELDS, **fields_of(ExternalTest), "sentences": tuple[str, ...]},
}
"""What each document holds, by the name of its schema."""


def report_schema(name: str) -> Node:
    """Return the JSON Schema of a document.

    Raises:
        ReportError: `DOCUMENTS` has none of this name.
    """
    if name not in DOCUMENTS:
        raise ReportError(f"There is no schema “{name}”", f"Choose one of: {', '.join(DOCUMENTS)}")
    return schema_of(DOCUMENTS[name](), name)
