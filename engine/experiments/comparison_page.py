"""A comparison as files: one HTML page that needs nothing else, CSV, and JSON of every number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from markupsafe import Markup

from engine.experiments.comparison import FIGURES, Contrast, Row, RunComparison, Spread
from engine.records import PART_NAMES, Epoch, Estimate
from engine.report import (
    WrittenPage,
    duration,
    fill_template,
    forest_svg,
    overlaid_svg,
    plain,
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


def write_comparison(comparison: RunComparison, folder: Path) -> WrittenPage:
    """Write comparison.html, with .pdf, .docx, .csv, .json and the JSON's schema beside it.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_page(
        folder,
        "comparison",
        page=render_page(comparison),
        lines=_lines(comparison),
        document=document(comparison),
        schema=comparison_schema(),
    )


def render_page(comparison: RunComparison) -> str:
    """Return the comparison as one HTML page without scripts or outside references."""
    rows = comparison.rows
    return fill_template(
        "comparison.html",
        comparison=comparison,
        part=PART_NAMES.get(comparison.part, comparison.part),
        made=datetime.now(UTC),
        forests=[
            Markup(forest_svg({row.label: row.estimates[name] for row in rows}, name)) for name in FIGURES[:2]
        ],
        curves=Markup(overlaid_svg({row.label: row.history for row in rows if row.history}))
        if any(row.history for row in rows)
        else None,
        differs={row.run.run_id: words(row.differs) for row in rows},
        settings=settings(comparison),
        changed=differing(settings(comparison)),
        times={row.run.run_id: duration(row.run.seconds) for row in rows},
        tests=sum(math.isfinite(p) for one in comparison.contrasts for p in (one.p_accuracy, one.p_area)),
        methods=sorted({test.method for one in comparison.contrasts for test in (one.accuracy, one.area)}),
    )


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


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "none"
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def document(comparison: RunComparison) -> dict[str, Any]:
    """Return every number as what JSON has; what cannot be estimated is null. No path, no patient."""
    told = settings(comparison)
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
                "differs": dict(row.differs),
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
            for row in comparison.rows
        ],
        "settings_that_differ": differing(told),
        "left_out": dict(comparison.left_out),
        "against_first": plain(list(comparison.contrasts)),
        "over_seeds": plain(list(comparison.spreads)),
    }


def _lines(comparison: RunComparison) -> list[dict[str, Any]]:
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
    differs: Mapping[str, object]
    metrics: Mapping[str, Estimate]
    parameters: int
    trained_parameters: int
    epochs: int
    seconds: float
    device: str
    weights: str
    settings: Mapping[str, str]
    history: tuple[Epoch, ...]


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
        "against_first": tuple[Contrast, ...],
        "over_seeds": tuple[Spread, ...],
    }
    return schema_of(fields, "comparison")
