"""The tables of a report as CSV."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.records import Estimate, ExternalTest, Passport, Review, Uncertainty, Verdict
from engine.report.checklists.records import AnsweredChecklist
from engine.report.computed import Computed
from engine.report.exports.dictionary import dictionary_of
from engine.report.passport_words import passport_in_words
from engine.report.printed.book import Book, numbers_of
from engine.report.readers import answers_in
from engine.report.records import CaseRow, Report

Row = Mapping[str, Any]

OF_A_CLASS = {
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "negative_predictive_value": "negative predictive value",
    "positive_likelihood_ratio": "positive likelihood ratio",
    "negative_likelihood_ratio": "negative likelihood ratio",
    "f1": "F1",
    "auroc": "AUROC",
}
"""Figure of a class → what its columns are called."""


def tables_of(report: Report) -> dict[str, list[Row]]:
    """Return the report's tables: name → rows, each column → value."""
    tables: dict[str, list[Row]] = {
        **computed_tables(report, report.classes),
        "external": [
            {"data set": test.dataset_name, "data set id": test.dataset_id, **line}
            for test in report.elsewhere.tests
            for line in external_lines(test)
        ],
        "elsewhere": [
            {
                "source": of.source,
                "reference standard": one.name,
                "metric": name,
                **_cells(estimate),
                "caution": one.note,
            }
            for of in report.elsewhere.images
            for one in of.against
            for name, estimate in one.estimates.items()
        ],
        "heatmaps": _heatmap_rows(report.passport),
        "checklists": checklist_rows(report.checklists),
        "history": [dataclasses.asdict(epoch) for epoch in report.history],
        "cases": [row for case in report.cases for row in _case_rows(case, report.classes)],
        "numbers": [
            {
                "id": name,
                "printed": told["printed"],
                "line": told["line"],
                "column": told["column"],
                "at": " ".join(told["at"]),
                "cases": json.dumps(told["cases"], ensure_ascii=False),
                "n": told["n"],
                "method": told["method"],
                "seed": told["seed"],
            }
            for name, told in numbers_of(Book(report)).items()
        ],
    }
    return tables | {"dictionary": list(dictionary_of(tables))}


def computed_tables(found: Report | Computed, classes: Sequence[str]) -> dict[str, list[Row]]:
    """Return the tables that whoever has a report's evidence can compute again."""
    return {
        "estimates": [
            {"reference standard": one.name, "metric": name, **_cells(estimate), "caution": one.note}
            for one in found.against
            for name, estimate in one.estimates.items()
        ],
        "by_patient": [
            {"reference standard": one.name, "metric": name, **_cells(estimate)}
            for one in found.against
            for name, estimate in one.by_patient.estimates.items()
        ],
        "classification": [
            {
                "reference standard": one.name,
                "class": row.name,
                "support": row.support,
                "predicted": row.predicted,
                **{
                    heading: value
                    for name, title in OF_A_CLASS.items()
                    for heading, value in _cells(getattr(row, name), f"{title} ").items()
                },
            }
            for one in found.against
            for row in one.rows
        ],
        "confusion": [
            {
                "reference standard": one.name,
                "class": name,
                **{
                    f"predicted {predicted}": int(count)
                    for predicted, count in zip(classes, line, strict=True)
                },
            }
            for one in found.against
            for name, line in zip(classes, one.confusion, strict=True)
        ],
        "roc": [
            {
                "reference standard": one.name,
                "class": name,
                "threshold": threshold if math.isfinite(threshold) else "",
                "1 - specificity": false,
                "sensitivity": true,
            }
            for one in found.against
            for name, curve in one.roc.items()
            if curve is not None
            for threshold, false, true in zip(
                curve.threshold.tolist(),
                curve.false_positive_rate.tolist(),
                curve.true_positive_rate.tolist(),
                strict=True,
            )
        ],
    }


def checklist_rows(checklists: Sequence[AnsweredChecklist]) -> list[Row]:
    """Return one row an item."""
    return [
        {
            "checklist": one.checklist.title,
            "item": f"item {each.item.number}",  # 10a and 1e5 stay what they are in a spreadsheet
            "part of the paper": each.item.part,
            "asks": each.item.asks,
            "answer of the report": " ".join(said.text for said in each.said),
            "section": "; ".join(dict.fromkeys(said.anchor for said in each.said if said.anchor)),
            "written": each.last.text if each.last else "",
            "by": each.last.by if each.last else "",
            "at": f"{each.last.at:%Y-%m-%d %H:%M} UTC" if each.last else "",
            "open": each.left if each.open else "",
        }
        for one in checklists
        for each in one.items
    ]


def _heatmap_rows(passport: Passport | None) -> list[Row]:
    return [
        {
            "question": check.question,
            "answer": check.answer,
            "figure": title,
            **_cells(one.estimate),
            "held against": one.limit,
        }
        for check in (passport_in_words(passport) if passport else ())
        for title, one in check.figures
    ]


def _cells(estimate: Estimate, prefix: str = "") -> dict[str, Any]:
    return {
        f"{prefix}value": estimate.value,
        f"{prefix}low": estimate.low,
        f"{prefix}high": estimate.high,
        f"{prefix}method": estimate.method,
        f"{prefix}n": estimate.n,
        f"{prefix}patients": estimate.patients,
        f"{prefix}effective n": estimate.effective_n,
    }


def _passes(told: Uncertainty | None) -> dict[str, Any]:
    return {
        "mean over passes": told and told.mean,
        "variance over passes": told and told.variance,
        "mutual information": told and told.mutual_information,
        "passes": told and told.passes,
        "dropout rate": told and told.rate,
        "scale of variance": told and told.scale,
    }


def _case_rows(case: CaseRow, classes: Sequence[str]) -> list[Row]:
    """One row a reader; one without a reader where nobody has read the case."""
    fixed = {
        "case": case.case_id,
        "label": case.label or "",
        "reviewed label": case.reviewed or "",
        "predicted": case.predicted,
        **{f"probability of {name}": p for name, p in zip(classes, case.probabilities, strict=True)},
        "entropy": case.entropy,
        "margin": case.margin,
        "distance": case.distance,
        "conformal set": " | ".join(case.conformal_set),
        **_passes(case.uncertainty),
    }
    return [{**fixed, **_answers(review)} for review in case.reviews] or [
        {**fixed, **dict.fromkeys(_answers(NOBODY), "")}
    ]


NOBODY = Review(run_id="", image_id="", reader="", verdict=Verdict.UNSURE, label=None)


def _answers(review: Review) -> dict[str, Any]:
    """Return what a reader said in cells; what was drawn stands in the JSON alone."""
    return {
        "reader's label" if name == "label" else name.replace("_", " "): value
        for name, value in answers_in(review).items()
        if not isinstance(value, tuple)
    }


def external_lines(test: ExternalTest) -> Iterator[Row]:
    """Yield one line a figure of an external test, and one for each figure after re-tuning."""
    for one in test.figures:
        yield {"figure": one.name} | _columns(
            internal=one.internal, external=one.external, difference=one.difference
        )
    if test.retuned is not None:
        again = {**test.retuned.at_threshold, **test.retuned.calibration}
        at_home = {one.name: one.internal for one in test.figures}
        for name, estimate in again.items():
            yield {"figure": f"{name}, tuned to these data"} | _columns(
                internal=at_home[name], external=estimate
            )


def _columns(**estimates: Estimate) -> dict[str, Any]:
    return {
        heading: value
        for column, one in estimates.items()
        for heading, value in (
            (column, one.value),
            (f"{column} low", one.low),
            (f"{column} high", one.high),
            (f"{column} images", one.n),
            (f"{column} method", one.method),
        )
    }
