"""The tables of a report as CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.records import Estimate, Review, Verdict
from engine.report.computed import Computed
from engine.report.exports.dictionary import dictionary_of
from engine.report.exports.numbers import report_document
from engine.report.readers import answers_in
from engine.report.records import Report

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
OF_SUSPECTS = {
    "suspected": "images",
    "read again": "read",
    "upheld": "upheld",
    "changed": "changed",
    "undecided": "undecided",
    "not read yet": "open",
}
"""Column of suspected labels → what it is called of their counts."""
OF_PASSES = {
    "mean over passes": "mean",
    "variance over passes": "variance",
    "mutual information": "mutual_information",
    "passes": "passes",
    "dropout rate": "rate",
    "scale of variance": "scale",
}
"""Column of the cases → what it is called of a case's uncertainty."""


def tables_of(report: Report, document: Mapping[str, Any] | None = None) -> dict[str, list[Row]]:
    """Return the report's tables: name → rows, each column → value.

    Args:
        report: What they are of.
        document: Its `report_document`, where that is made already.
    """
    if document is None:
        document = report_document(report)
    tables = {**computed_tables(report, report.classes), **told_tables(document)}
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
        "label_errors": [
            {
                "search": place,
                "label": row.label,
                "likeliest": row.likely,
                **{column: getattr(row, name) for column, name in OF_SUSPECTS.items()},
            }
            for place, one in enumerate(found.label_errors, 1)
            for row in one.by_class
        ],
    }


def told_tables(document: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Return the tables that repeat what report.json says: external, elsewhere, heatmaps, checklists, history, cases,
    numbers.

    Raises:
        KeyError: The document does not say it.
        TypeError: It says it in another form.
        ValueError: Likewise.
    """
    heatmaps = document["heatmaps"]
    return {
        "external": [
            {"data set": test["dataset_name"], "data set id": test["dataset_id"], **line}
            for test in document["elsewhere"]["tests"]
            for line in external_lines(test)
        ],
        "elsewhere": [
            {
                "source": of["source"],
                "reference standard": one["name"],
                "metric": name,
                **_told_cells(estimate),
                "caution": one["note"],
            }
            for of in document["elsewhere"]["images"]
            for one in of["against"]
            for name, estimate in one["estimates"].items()
        ],
        "heatmaps": [
            {
                "question": check["question"],
                "answer": check["answer"],
                "figure": one["title"],
                **_told_cells(one["estimate"]),
                "held against": one["limit"],
            }
            for check in (heatmaps["checks"] if heatmaps else ())
            for one in check["figures"]
        ],
        "checklists": checklist_rows(document["checklists"]),
        "history": [dict(epoch) for epoch in document["history"]],
        "cases": [row for case in document["cases"] for row in _told_case(case)],
        "numbers": [_number_row(name, told) for name, told in dict(document["numbers"]).items()],
    }


def _told_cells(estimate: Mapping[str, Any]) -> dict[str, Any]:
    names = ("value", "low", "high", "method", "n", "patients", "effective_n")
    return {name.replace("_", " "): estimate[name] for name in names}


def checklist_rows(checklists: Mapping[str, Any]) -> list[Row]:
    """Return one row an item of what `checklists_document` says."""
    return [_told_item(one["title"], each) for one in checklists["answered"] for each in one["items"]]


def _told_item(title: str, item: Mapping[str, Any]) -> Row:
    sections = dict.fromkeys(said["section"] for said in item["answers"] if said["section"])
    last = item["written"][-1] if item["written"] else None
    return {
        "checklist": title,
        "item": f"item {item['item']}",  # 10a and 1e5 stay what they are in a spreadsheet
        "part of the paper": item["part"],
        "asks": item["asks"],
        "answer of the report": " ".join(said["text"] for said in item["answers"]),
        "section": "; ".join(sections),
        "written": last and last["text"],
        "by": last and last["by"],
        "at": last and f"{datetime.fromisoformat(last['at']):%Y-%m-%d %H:%M} UTC",
        "open": item["left"] if item["open"] else "",
    }


def _told_case(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a reader; one without a reader where nobody has read the case."""
    passes = case["uncertainty"]
    fixed = {
        "case": case["case"],
        "label": case["label"],
        "reviewed label": case["reviewed"],
        "predicted": case["predicted"],
        **{f"probability of {name}": p for name, p in dict(case["probabilities"]).items()},
        "entropy": case["entropy"],
        "margin": case["margin"],
        "distance": case["distance"],
        "conformal set": " | ".join(case["conformal_set"]),
        **{column: passes and passes[name] for column, name in OF_PASSES.items()},
    }
    kept = _answers(NOBODY)
    said = [
        {**fixed, **{_heading(name): value for name, value in review.items() if _heading(name) in kept}}
        for review in map(dict, case["reviews"])
    ]
    return said or [{**fixed, **dict.fromkeys(kept, "")}]


def _number_row(name: str, told: Mapping[str, Any]) -> Row:
    return {
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


NOBODY = Review(run_id="", image_id="", reader="", verdict=Verdict.UNSURE, label=None)


def _answers(review: Review) -> dict[str, Any]:
    """Return what a reader said in cells; what was drawn stands in the JSON alone."""
    return {
        _heading(name): value for name, value in answers_in(review).items() if not isinstance(value, tuple)
    }


def _heading(name: str) -> str:
    return "reader's label" if name == "label" else name.replace("_", " ")


def external_lines(test: Mapping[str, Any]) -> Iterator[Row]:
    """Yield one line a figure of an external test, as `external_document` has it, and one for each after re-tuning."""
    for one in test["figures"]:
        yield {"figure": one["name"]} | _columns(
            internal=one["internal"], external=one["external"], difference=one["difference"]
        )
    if (again := test["retuned"]) is not None:
        at_home = {one["name"]: one["internal"] for one in test["figures"]}
        for name, estimate in (again["at_threshold"] | again["calibration"]).items():
            yield {"figure": f"{name}, tuned to these data"} | _columns(
                internal=at_home[name], external=estimate
            )


def _columns(**estimates: Mapping[str, Any]) -> dict[str, Any]:
    return {
        heading: value
        for column, one in estimates.items()
        for heading, value in (
            (column, one["value"]),
            (f"{column} low", one["low"]),
            (f"{column} high", one["high"]),
            (f"{column} images", one["n"]),
            (f"{column} method", one["method"]),
        )
    }
