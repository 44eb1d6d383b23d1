"""A study's report as tables and as one document of every number."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from engine.records import Estimate
from engine.report.exports.numbers import checklists_document, plain
from engine.report.exports.schema.documents import ChecklistsDocument
from engine.report.exports.schema.of_records import Node, fields_of, schema_of
from engine.report.exports.tables import checklist_rows
from engine.report.printed.sheet import PRINTED_FIELDS
from engine.report.study.exchange import long_table
from engine.report.study.printed.sentences import faster
from engine.report.study.readers import reader_names
from engine.report.study.records import Compared, StudyReport
from engine.storage import versioned

Row = Mapping[str, Any]
NOT_WRITTEN = ("readings", "evidence", "made")
"""What stands elsewhere: everything that counts, as answers; when it was made, in what people read."""


def study_document(report: StudyReport) -> dict[str, Any]:
    """Return every number as JSON has it; readers and cases by number, no name and no path."""
    from engine.report.study.printed.sheet import sheet_of  # it takes what draws

    fields = {
        each.name: getattr(report, each.name)
        for each in dataclasses.fields(report)
        if each.name not in (*NOT_WRITTEN, "checklists")
    }
    document: dict[str, Any] = plain(fields)
    document["people"] = [{"reader": one.reader, "told": one.told} for one in report.people]
    document["facts"].pop("Adjudicator", None)
    document["checklists"] = checklists_document(report.checklists)
    document["answers"] = [dict(row) for row in _answers(report)]
    document["changed_in_words"] = list(faster(report))
    document |= sheet_of(report).document()
    return versioned(document)


def study_tables(report: StudyReport) -> dict[str, list[Row]]:
    """Return the tables: name → rows, each column → value."""
    return {
        "study-readers": [row for line in report.lines for row in _of_line(line)],
        "study-comparison": [row for one in (*report.compared, *report.three_ways) for row in _compared(one)],
        "study-advice": list(_advice(report)),
        "study-agreement": [
            {"reading": one.mode, "figure": one.name, **_cells(one.estimate)} for one in report.agreement
        ],
        "study-answers": list(_answers(report)),
        "study-checklists": checklist_rows(checklists_document(report.checklists)),
        "mrmc-long": long_table(report.readings),
    }


def _cells(estimate: Estimate) -> Row:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "patients": estimate.patients,
        "method": estimate.method,
    }


def _of_line(line: Any) -> Iterator[Row]:
    for name, estimate in line.figures.items():
        yield {"reader": line.reader, "reading": line.mode, "figure": name, **_cells(estimate)}
    for name, value in zip(("median", "first quartile", "third quartile"), line.seconds, strict=True):
        yield {"reader": line.reader, "reading": line.mode, "figure": f"seconds, {name}", "value": value}


def _compared(one: Compared) -> Iterator[Row]:
    if one.analysis is None:
        return
    for analysis in one.analysis.analyses:
        about = {"figure": one.figure, "indeterminate": one.rule, "for": analysis.to}
        for mode, mean in zip(one.analysis.modalities, analysis.means, strict=True):
            yield {**about, "reading": mode, **_cells(mean), "standard error": "", "df": "", "p": ""}
        for each in analysis.contrasts:
            yield {
                **about,
                "reading": f"{each.first} minus {each.second}",
                **_cells(each.difference),
                "standard error": each.error,
                "df": each.freedom if math.isfinite(each.freedom) else "",
                "p": each.p_value,
            }


def _advice(report: StudyReport) -> Iterator[Row]:
    for one in report.advice:
        for field in dataclasses.fields(one):
            value = getattr(one, field.name)
            about = {"the model was": one.advice, "figure": field.name.replace("_", " ")}
            if isinstance(value, Estimate):
                yield {**about, **_cells(value)}
            elif field.name != "advice":
                yield {**about, "value": value}


def _answers(report: StudyReport) -> Iterator[Row]:
    names = reader_names(report.readings)
    for mode in report.readings.modes:
        for reader, row in zip(report.readings.readers, report.readings.table(mode), strict=True):
            for case, answer in zip(report.readings.cases, row, strict=True):
                if answer is not None:
                    yield {
                        "reader": names[reader],
                        "reading": mode,
                        "case": f"c{case.number}",
                        "patient": f"p{case.patient}",
                        "label": case.label or "",
                        "answer": answer.label or answer.verdict,
                        "certainty": answer.certainty,
                        "shown": answer.predicted or "",
                        "seconds": answer.seconds,
                    }


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
    """A reader, by number, with profession and experience in words."""

    reader: str
    told: str


def study_schema() -> Node:
    """Return the JSON Schema of study.json."""
    hints = fields_of(StudyReport)
    for name in NOT_WRITTEN:
        del hints[name]
    hints |= {
        "people": tuple[ReaderDocument, ...],
        "answers": tuple[StudyAnswerDocument, ...],
        "checklists": ChecklistsDocument,
        "changed_in_words": tuple[str, ...],
        **PRINTED_FIELDS,
    }
    return schema_of(hints, "study-report")
