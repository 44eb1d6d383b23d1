"""A report as files: one HTML page that needs nothing else, JSON of every number, CSV tables.

Class names, comments and file names are whatever somebody typed: the page escapes all of them, and a cell that a
spreadsheet would run as a formula is written so that it does not.
"""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from engine.facts import PART_NAMES, patients_words
from engine.figures import (
    balance_svg,
    confusion_matrix_svg,
    curves_svg,
    precision_recall_svg,
    reliability_svg,
    roc_svg,
)
from engine.records import Estimate, Uncertainty
from engine.wording import figure, interval, p_value
from engine.workspace import storage_error, write_atomic

if TYPE_CHECKING:
    from engine.report import Against, CaseRow, Report

Film = Callable[[str], bytes | None]
Heatmap = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class ExportedReport:
    """Where a report was written.

    Attributes:
        html: The page.
        json: Every number.
        csv: Name of the table → file.
    """

    html: Path
    json: Path
    csv: Mapping[str, Path]


def write_report(report: Report, folder: Path, *, film: Film, heatmap: Heatmap) -> ExportedReport:
    """See `engine.report.export_report`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    page, numbers = folder / "report.html", folder / "report.json"
    write_atomic(page, render_html(report, film=film, heatmap=heatmap))
    write_atomic(numbers, render_json(report))
    tables = {}
    for name, rows in tables_of(report).items():
        tables[name] = folder / f"{name}.csv"
        write_atomic(tables[name], render_csv(rows))
    return ExportedReport(html=page, json=numbers, csv=tables)


# ------------------------------------------------------------------------------------------------------- HTML


def render_html(report: Report, *, film: Film, heatmap: Heatmap) -> str:
    """Return the report as one HTML page without scripts or outside references; arguments as `export_report`."""
    return fill_template(
        "report.html",
        report=report,
        run=report.run,
        part=f"{PART_NAMES[report.part]} part" if report.part else "all parts",
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        figures={one.name: figures_of(report, one) for one in report.against},
        training=Markup(curves_svg(report.history)) if report.history else None,
        balance=Markup(balance_svg(report.balance)),
        names=list(dict.fromkeys(name for one in report.against for name in one.estimates)),
        methods=_methods(report.against),
        gallery=[
            (title, lead, [_picture(case, film, heatmap) for case in cases])
            for title, lead, cases in (
                ("Wrong", "Cases that a reference standard contradicts, the surest first.", report.wrong),
                ("Right", "Cases that none contradicts, the surest first.", report.right),
            )
        ],
        facts=_grouped(report.facts, "group"),
        items=_grouped(report.checklist, "section"),
    )


def fill_template(name: str, **values: Any) -> str:
    """Return a template of `engine.templates` as a page, its style inside it; everything put in is escaped."""
    folder = files("engine.templates")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": figure, "interval": interval, "p_value": p_value}
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    environment.filters["patients"] = patients_words
    environment.tests["known"] = lambda value: value is not None and math.isfinite(value)
    style = Markup(folder.joinpath("page.css").read_text(encoding="utf-8"))
    template = environment.from_string(folder.joinpath(name).read_text(encoding="utf-8"))
    return template.render(style=style, **values)


def figures_of(report: Report, against: Against) -> dict[str, Markup]:
    """Draw the figures of one reference standard: name → SVG; those that cannot be drawn are left out."""
    binary = report.positive is not None
    drawn = {"confusion": confusion_matrix_svg(against.confusion, report.classes, standard=against.name)}
    area = {row.name: row.auroc for row in against.rows}
    if binary:
        area[str(report.positive)] = against.estimates["AUROC"]
    if any(curve is not None for curve in against.roc.values()):
        point = None
        if binary:
            point = (against.estimates["specificity"].value, against.estimates["sensitivity"].value)
        drawn["roc"] = roc_svg(against.roc, areas=area, point=point)
        prevalence = None
        if binary:
            yes = report.classes.index(str(report.positive))
            prevalence = float(against.confusion[yes].sum() / against.confusion.sum())
        average = {str(report.positive): against.estimates["average precision"]} if binary else None
        drawn["precision_recall"] = precision_recall_svg(
            against.precision_recall, averages=average, prevalence=prevalence
        )
    if against.reliability:
        what = report.positive if binary else "the most probable class"
        drawn["reliability"] = reliability_svg(
            against.reliability, error=against.estimates["calibration error"], what=str(what)
        )
    return {name: Markup(svg) for name, svg in drawn.items()}


def _methods(against: Sequence[Against]) -> dict[str, list[str]]:
    """Return which figures each kind of interval was used for."""
    used: dict[str, list[str]] = {}
    for one in against:
        for name, estimate in one.estimates.items():
            if math.isfinite(estimate.low) and name not in (of := used.setdefault(estimate.method, [])):
                of.append(name)
    return used


def _picture(case: CaseRow, film: Film, heatmap: Heatmap) -> dict[str, Any]:
    return {
        "case": case,
        "film": _data_uri(film(case.image_id)),
        "heatmap": _data_uri(heatmap(case.image_id)) if case.has_heatmap else None,
    }


def _data_uri(data: bytes | None) -> str | None:
    if not data:
        return None
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _grouped(rows: Iterable[Any], by: str) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(getattr(row, by), []).append(row)
    return groups


# ------------------------------------------------------------------------------------------------------- JSON


def render_json(report: Report) -> str:
    """Return every number of a report as JSON; what cannot be estimated is null. No path, no patient."""
    run = report.run
    document = {
        "run_id": run.run_id,
        "dataset_id": run.dataset_id,
        "part": report.part,
        "classes": report.classes,
        "positive": report.positive,
        "threshold": run.threshold if report.positive else None,
        "patients": report.patients,
        "facts": report.facts,
        "images_by_part": report.balance,
        "patients_by_part": report.patients_by_part,
        "against": report.against,
        "pointing_game": report.pointing,
        "reviews": report.reviews,
        "subgroups": report.subgroups,
        "history": report.history,
        "limitations": report.limitations,
        "checklist": report.checklist,
        "cases": [_case_document(case, report.classes) for case in report.cases],
    }
    return json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _case_document(case: CaseRow, classes: Sequence[str]) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "label": case.label,
        "reviewed": case.reviewed,
        "predicted": case.predicted,
        "probabilities": dict(zip(classes, case.probabilities, strict=True)),
        "entropy": case.entropy,
        "conformal set": case.conformal_set,
        "dropout injection": case.uncertainty,
        "reviews": [
            {
                "reader": review.reader,
                "verdict": review.verdict.value,
                "label": review.label,
                "comment": review.comment,
                "regions": review.regions,
                "seconds": review.seconds,
            }
            for review in case.reviews
        ],
    }


def plain(value: Any) -> Any:
    """Turn records and arrays into what JSON has; a number that is none becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# -------------------------------------------------------------------------------------------------------- CSV

Row = Mapping[str, Any]


def tables_of(report: Report) -> dict[str, list[Row]]:
    """Return the report's tables: name → rows, each column → value."""
    return {
        "estimates": [
            {"reference standard": one.name, "figure": name, **_cells(estimate)}
            for one in report.against
            for name, estimate in one.estimates.items()
        ],
        "classification": [
            {
                "reference standard": one.name,
                "class": row.name,
                "support": row.support,
                "called": row.called,
                **_cells(row.precision, "precision "),
                **_cells(row.recall, "recall "),
                **_cells(row.f1, "F1 "),
                **_cells(row.auroc, "AUROC "),
            }
            for one in report.against
            for row in one.rows
        ],
        "confusion": [
            {
                "reference standard": one.name,
                "class": name,
                **{
                    f"called {called}": int(count) for called, count in zip(report.classes, line, strict=True)
                },
            }
            for one in report.against
            for name, line in zip(report.classes, one.confusion, strict=True)
        ],
        "roc": [
            {
                "reference standard": one.name,
                "class": name,
                "threshold": threshold if math.isfinite(threshold) else "",
                "1 - specificity": false,
                "sensitivity": true,
            }
            for one in report.against
            for name, curve in one.roc.items()
            if curve is not None
            for threshold, false, true in zip(
                curve.threshold.tolist(),
                curve.false_positive_rate.tolist(),
                curve.true_positive_rate.tolist(),
                strict=True,
            )
        ],
        "history": [dataclasses.asdict(epoch) for epoch in report.history],
        "cases": [row for case in report.cases for row in _case_rows(case, report.classes)],
    }


def _cells(estimate: Estimate, prefix: str = "") -> dict[str, Any]:
    return {
        f"{prefix}value": estimate.value,
        f"{prefix}low": estimate.low,
        f"{prefix}high": estimate.high,
        f"{prefix}method": estimate.method,
        f"{prefix}n": estimate.n,
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
        "conformal set": " | ".join(case.conformal_set),
        **_passes(case.uncertainty),
    }
    nobody = {"verdict": "", "reader's label": "", "comment": "", "reader": "", "seconds": ""}
    return [
        {
            **fixed,
            "verdict": review.verdict.value,
            "reader's label": review.label or "",
            "comment": review.comment,
            "reader": review.reader,
            "seconds": review.seconds,
        }
        for review in case.reviews
    ] or [{**fixed, **nobody}]


def render_csv(rows: Sequence[Row]) -> str:
    """Write rows as CSV, with a byte-order mark so that spreadsheets read UTF-8, and no cell that acts as a formula."""
    text = io.StringIO(newline="")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(text)
    writer.writerow([_harmless(name) for name in columns])
    writer.writerows([_harmless(row.get(name, "")) for name in columns] for row in rows)
    return "\ufeff" + text.getvalue()


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; a number that is none is an empty cell."""
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else ""
    if isinstance(cell, str) and cell.lstrip(" ")[:1] in (
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "＝",
        "＋",
        "－",
        "＠",
    ):
        return f"'{cell}"
    return cell
