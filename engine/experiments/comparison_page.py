"""A comparison as files: one HTML page that needs nothing else, CSV, and JSON of every number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from markupsafe import Markup

from engine.experiments.comparison import FIGURES, Contrast, Row, RunComparison, Spread
from engine.experiments.printed.comparison import curves_not_drawn, sheet_of
from engine.language import in_print
from engine.records import Epoch, Estimate
from engine.report import (
    PRINTED_FIELDS,
    WrittenPage,
    case_ids,
    duration,
    fill_template,
    forest_svg,
    overlaid_svg,
    plain,
    pointer,
    schema_of,
    settings_in_words,
    write_page,
)

NO_SETTINGS = {
    "Recipe",
    "Source",
    "Epochs run",
    "Device and time",
    "Finished",
}  # what it is called, what came of it
MOST_FIELDS = 6
"""Fields of a recipe that a line names one by one; of more it names the settings, which have a table of their own."""


def write_comparison(comparison: RunComparison, folder: Path) -> WrittenPage:
    """Write comparison.html, with .pdf, .docx, .csv, .json and the JSON's schema beside it.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_page(
        folder,
        "comparison",
        page=render_page(comparison),
        lines=comparison_lines(comparison),
        document=comparison_file(comparison),
        schema=comparison_schema(),
    )


def render_page(comparison: RunComparison, made: datetime | None = None) -> str:
    """Return the comparison, `made` then or now, as one HTML page without scripts or outside references."""
    sheet = sheet_of(comparison, document(comparison))
    return fill_template(
        "comparison.html",
        comparison=comparison,
        made=made or datetime.now(UTC),
        forests=FIGURES[:2],
        drawn={
            name: (sheet.figures[name].marked(svg), sheet.figures[name])
            for name, svg in comparison_figures(comparison).items()
        },
        sheet=sheet,
        told=sheet.said,
        left_out=[pointer("left_out", why) for why in comparison.left_out],
    )


def comparison_figures(comparison: RunComparison) -> dict[str, Markup]:
    """Return the figures of a comparison: name → SVG."""
    rows = comparison.rows
    drawn = {
        name: Markup(forest_svg({row.label: row.estimates[name] for row in rows}, name))
        for name in FIGURES[:2]
    }
    if any(row.history for row in rows):
        drawn["curves"] = Markup(overlaid_svg({row.label: row.history for row in rows if row.history}))
    return drawn


def comparison_file(comparison: RunComparison) -> dict[str, Any]:
    """Return what comparison.json holds: the document, what each run said of each image, and what is printed of it."""
    told = document(comparison)
    return {**told, "tested": _tested(comparison), **sheet_of(comparison, told).document()}


def _tested(comparison: RunComparison) -> list[dict[str, Any]]:
    """Return the images on which all rests: case, label, and what each run predicts; no path, no patient."""
    if not comparison.contestants:
        return []
    first = comparison.contestants[0].predictions
    shown = case_ids([each.image_id for each in first])
    said = [
        (row.label, {each.image_id: each.predicted for each in one.predictions})
        for row, one in zip(comparison.rows, comparison.contestants, strict=True)
    ]
    return [
        {
            "case": shown[each.image_id],
            "label": each.label,
            "predicted": {label: of[each.image_id] for label, of in said},
        }
        for each in first
    ]


def settings(comparison: RunComparison) -> dict[str, dict[str, str]]:
    """Return the settings of each run in words: label of the run → name → what it is."""
    return {row.label: dict(settings_in_words(row.run, row.history)) for row in comparison.rows}


def differing(told: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the names of settings that are not the same in all runs, in their order."""
    names = dict.fromkeys(name for of in told.values() for name in of if name not in NO_SETTINGS)
    return [name for name in names if len({of.get(name) for of in told.values()}) > 1]


def words(differs: Mapping[str, Any]) -> str:
    """Say in one line where a recipe differs: "head.hidden 128, 128; init none"."""
    return "; ".join(f"{field} {_value(value)}" for field, value in differs.items())


def where_different(comparison: RunComparison) -> list[str]:
    """Say of each run, in one line, where its recipe differs: field by field, or of many fields which settings do."""
    return _where(comparison, settings(comparison))


def _where(comparison: RunComparison, told: Mapping[str, Mapping[str, str]]) -> list[str]:
    first, lines = comparison.rows[0], []
    for row in comparison.rows:
        names = differing(told if row is first else {one.label: told[one.label] for one in (first, row)})
        lines.append("; ".join(names) if len(row.differs) > MOST_FIELDS and names else words(row.differs))
    return lines


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "none"
    if value is None:
        return "none"
    return in_print(value) if isinstance(value, float) else str(value)


def document(comparison: RunComparison) -> dict[str, Any]:
    """Return every number as what JSON has; what cannot be estimated is null. No path, no patient."""
    told = settings(comparison)
    where = _where(comparison, told)
    return {
        "data": comparison.dataset_name,
        "part": comparison.part,
        "reference": comparison.reference,
        "classes": list(comparison.classes),
        "positive": comparison.positive,
        "cases": comparison.cases,
        "patients": comparison.patients.count,
        "runs": [
            {
                "name": row.name,
                "seed": row.seed,
                "run_id": row.run.run_id,
                "recipe": row.run.recipe.name if row.run.recipe else None,
                "backbone": row.run.recipe.backbone if row.run.recipe else None,
                "supplied_by": row.run.supplied.title if row.run.supplied else None,
                "label": row.label,
                "differs": dict(row.differs),
                "differs_in_words": where[place],
                "time": duration(row.run.seconds),
                "metrics": plain(row.estimates),
                "parameters": row.run.parameters,
                "trained_parameters": row.run.trained_parameters,
                "epochs": row.epochs,
                "seconds": row.run.seconds,
                "device": row.run.device,
                "weights": row.run.weights_source,
                "settings": told[row.label],
                "history": plain(list(row.history)),
            }
            for place, row in enumerate(comparison.rows)
        ],
        "settings_that_differ": differing(told),
        "left_out": dict(comparison.left_out),
        "curves_not_drawn": curves_not_drawn(comparison),
        "against_first": plain(list(comparison.contrasts)),
        "over_seeds": plain(list(comparison.spreads)),
    }


def comparison_lines(comparison: RunComparison) -> list[dict[str, Any]]:
    """Return the rows of comparison.csv: one a run."""
    against = {one.name: one for one in comparison.contrasts}
    return [_line(row, against.get(row.name)) for row in comparison.rows]


def _line(row: Row, contrast: Contrast | None) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "name": row.name,
        "seed": row.seed,
        "run": row.run.run_id,
        "differs": words(row.differs),
    }
    for name, estimate in row.estimates.items():
        cells |= {name: estimate.value, f"{name} low": estimate.low, f"{name} high": estimate.high}
    if contrast is not None:
        tests = (
            ("accuracy", contrast.accuracy, contrast.p_accuracy),
            ("AUROC", contrast.area, contrast.p_area),
        )
        for name, test, adjusted in tests:
            cells |= {
                f"{name} minus first": test.difference.value,
                f"{name} minus first low": test.difference.low,
                f"{name} minus first high": test.difference.high,
                f"{name} p": test.p_value,
                f"{name} p, adjusted": adjusted,
            }
        cells |= {
            "right where the first is wrong": contrast.right_alone,
            "wrong where the first is right": contrast.wrong_alone,
        }
    return cells | {
        "trained parameters": row.run.trained_parameters,
        "epochs": row.epochs,
        "seconds": round(row.run.seconds, 1),
        "device": row.run.device,
    }


class RunOfComparison(TypedDict):
    """A run that takes part."""

    name: str
    seed: int
    run_id: str
    recipe: str | None
    backbone: str | None
    supplied_by: str | None
    label: str
    differs: Mapping[str, object]
    differs_in_words: str
    time: str
    metrics: Mapping[str, Estimate]
    parameters: int
    trained_parameters: int
    epochs: int
    seconds: float
    device: str
    weights: str
    settings: Mapping[str, str]
    history: tuple[Epoch, ...]


class TestedImage(TypedDict):
    """An image on which a comparison rests: its label, and what each run predicts, by the run's label."""

    case: str
    label: str
    predicted: Mapping[str, str]


def comparison_schema() -> dict[str, Any]:
    """Return the JSON Schema of comparison.json."""
    fields = {
        **dict.fromkeys(("data", "part"), str),
        "reference": str | None,
        "classes": tuple[str, ...],
        "positive": str | None,
        **dict.fromkeys(("cases", "patients"), int),
        "runs": tuple[RunOfComparison, ...],
        "settings_that_differ": tuple[str, ...],
        "left_out": Mapping[str, int],
        "curves_not_drawn": int,
        "against_first": tuple[Contrast, ...],
        "over_seeds": tuple[Spread, ...],
        "tested": tuple[TestedImage, ...],
        **PRINTED_FIELDS,
    }
    return schema_of(fields, "comparison")
