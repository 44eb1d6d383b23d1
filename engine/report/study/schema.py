"""What study.json holds, as JSON Schema."""

from __future__ import annotations

from typing import TypedDict

from engine.report.exports.schema.documents import ChecklistsDocument
from engine.report.exports.schema.of_records import Node, fields_of, schema_of
from engine.report.study.records import StudyReport


class StudyAnswerDocument(TypedDict):
    """An answer of a reader of a study."""

    reader: str
    reading: str
    case: str
    patient: str
    label: str
    answer: str
    certainty: float | None
    shown: str
    seconds: float


class ReaderDocument(TypedDict):
    """A reader, by number."""

    reader: str


def study_schema() -> Node:
    """Return the JSON Schema of study.json."""
    hints = fields_of(StudyReport)
    del hints["readings"]  # everything that counts, which is written as answers
    del hints["made"]  # which stands in what people read
    hints |= {
        "people": tuple[ReaderDocument, ...],
        "answers": tuple[StudyAnswerDocument, ...],
        "checklists": ChecklistsDocument,
    }
    return schema_of(hints, "study-report")
