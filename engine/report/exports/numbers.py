"""Every number of a report as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

from engine.records import ExternalTest, Passport, Run
from engine.report.checklists.items import OFFLINE_ONLY
from engine.report.checklists.records import AnsweredChecklist
from engine.report.computed import Computed
from engine.report.passport_words import marked_in_words, passport_in_words, why_off
from engine.report.printed.book import Book, numbers_of
from engine.report.printed.figures import figures_told
from engine.report.readers import answers_in
from engine.report.records import GALLERY_SEED, CaseRow, Report, Standing
from engine.storage import versioned


def render_json(report: Report) -> str:
    """Return every number of a report as JSON; see `report_document`."""
    return written_json(report_document(report))


def written_json(document: Mapping[str, Any]) -> str:
    """Return a document as report.json has it."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def report_document(report: Report) -> dict[str, Any]:
    """Return every number of a report as what JSON has; what cannot be estimated is null. No path, no patient."""
    run, book = report.run, Book(report)
    document = {
        "run_id": run.run_id,
        "dataset_id": run.dataset_id,
        "labels": run.labels,
        "held_against": report.evidence.labels,
        "part": None if run.supplied else report.part,
        "heading": report.heading,
        "folds": [
            {"threshold": one.threshold, "history": history}
            for one, history in zip(report.folds.models, report.folds.histories, strict=True)
        ]
        if report.folds
        else [],
        "facts": report.facts,
        "participants": report.participants,
        **computed_document(report, run),
        "pointing_game": report.pointing,
        "marked_by_readers": report.marked,
        "marked_in_words": marked_in_words(report.marked) if report.marked else (),
        "heatmaps": report.passport and passport_document(report.passport),
        "robustness": report.robustness,
        "readers": report.readers,
        "shift": report.shift,
        "elsewhere": {
            "tests": [external_document(test) for test in report.elsewhere.tests],
            "sentences": [test.sentences for test in report.elsewhere.tests],
            "images": report.elsewhere.images,
            "damaged": report.elsewhere.damaged,
        },
        "history": report.history,
        "limitations": report.limitations,
        "checklists": checklists_document(report.checklists),
        "cautions": report.cautions,
        "shown": [
            {
                "by": one.name,
                "wrong": {"shown": len(one.wrong), "of": one.wrong_of},
                "right": {"shown": len(one.right), "of": one.right_of},
            }
            for one in report.galleries
        ],
        "shown_seed": GALLERY_SEED,
        "tables": {table.id: table.caption for table in book.tables()},
        "notes": {table.id: table.notes for table in book.tables() if table.notes},
        "figures": {one.id: one.caption for one in figures_told(report).values()},
        "numbers": numbers_of(book),
        "cases": [
            _case_document(case, report.classes, report.standards)
            | {"distance": case.distance, "uncertainty": case.uncertainty}
            for case in report.cases
        ],
    }
    return versioned(plain(document))


def computed_document(found: Report | Computed, run: Run) -> dict[str, Any]:
    """Return the figures that whoever has a report's evidence can compute again."""
    return {
        "classes": run.classes,
        "positive": run.positive if len(run.classes) == 2 else None,
        "threshold": run.threshold if len(run.classes) == 2 else None,
        "patients": found.patients.count,
        "cases_with_a_named_patient": found.patients.named,
        "images_by_part": found.balance,
        "images_in_an_epoch": found.rebalanced,
        "patients_by_part": found.patients_by_part,
        "against": found.against,
        "reviews": found.reviews,
        "subgroups": found.subgroups,
        "subgroup_tests": found.subgroup_tests,
        "label_errors": found.label_errors,
        "cases": [_case_document(case, run.classes, found.standards) for case in found.cases],
    }


def checklists_document(checklists: Sequence[AnsweredChecklist]) -> dict[str, Any]:
    """Return checklists with their answers, and what the report does not claim; empty without checklists."""
    return {
        "not_claimed": OFFLINE_ONLY if checklists else None,
        "answered": [
            {
                **{
                    name: getattr(one.checklist, name)
                    for name in ("name", "title", "about", "cited", "doi", "sure")
                },
                "open": len(one.open),
                "closed": len(one.items) - len(one.open),
                "of": len(one.items),
                "items": [
                    {
                        "item": each.item.number,
                        "part": each.item.part,
                        "asks": each.item.asks,
                        "kind": each.item.kind,
                        "answers": [{"text": said.text, "section": said.anchor} for said in each.said],
                        "written": [
                            {"text": text.text, "by": text.by, "at": text.at.isoformat()}
                            for text in each.written
                        ],
                        "left": each.left,
                        "open": each.open,
                    }
                    for each in one.items
                ],
            }
            for one in checklists
        ],
    }


def external_document(test: ExternalTest) -> dict[str, Any]:
    """Return an external test as what JSON has; what cannot be estimated is null. No path, no patient."""
    document: dict[str, Any] = plain(test)
    return document | {"tested": test.tested.isoformat()}


def passport_document(passport: Passport) -> dict[str, Any]:
    """Return a passport with its answers."""
    return {
        "method": passport.method,
        "images": passport.images,
        "of": passport.of,
        "seed": passport.seed,
        "seconds": passport.seconds,
        "off_by_default": why_off(passport) or None,
        "checks": [
            {
                "question": check.question,
                "answer": check.answer,
                "sentence": f"{check.short}. {check.details}",
                "figures": [{"title": title, **plain(one)} for title, one in check.figures],
            }
            for check in passport_in_words(passport)
        ],
    }


def _case_document(
    case: CaseRow, classes: Sequence[str], standards: Mapping[str, Standing]
) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "label": case.label,
        "reviewed": case.reviewed,
        "reference": _said_of(case, {name: one.answers for name, one in standards.items()}),
        "without": _said_of(case, {name: one.without for name, one in standards.items()}),
        "predicted": case.predicted,
        "probabilities": dict(zip(classes, case.probabilities, strict=True)),
        "entropy": case.entropy,
        "margin": case.margin,
        "conformal_set": case.conformal_set,
        "reviews": [answers_in(review) for review in case.reviews],
    }


def _said_of(case: CaseRow, by_standard: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: of[case.image_id] for name, of in by_standard.items() if case.image_id in of}


def plain(value: Any) -> Any:
    """Turn records and arrays into what JSON has; a number that is none becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
