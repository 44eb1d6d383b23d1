"""A learning curve as files: one HTML page that needs nothing else, CSV, and JSON of every number."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from engine.experiments.learning_curve import LearningCurve, Point
from engine.experiments.printed.learning_curve import curve_sheet, law_in_words
from engine.report import WrittenPage, fill_template, learning_curve_svg, plain, write_page


def write_learning_curve(curve: LearningCurve, folder: Path) -> WrittenPage:
    """Write learning-curve.html, with .pdf, .docx, .csv and .json beside it.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_page(
        folder,
        "learning-curve",
        page=curve_page(curve),
        lines=map(_line, curve.points),
        document={**curve_document(curve), **curve_sheet(curve).document()},
    )


def curve_page(curve: LearningCurve) -> str:
    """Return the curve as one HTML page without scripts or outside references."""
    sheet = curve_sheet(curve)
    return fill_template(
        "learning-curve.html",
        curve=curve,
        figure=Markup(
            learning_curve_svg([(point.images, point.auroc) for point in curve.points], curve.drawn)
        ),
        drawn=sheet.figures["curve"],
        sheet=sheet,
        told=sheet.said,
        made=datetime.now(UTC),
    )


def curve_document(curve: LearningCurve) -> dict[str, Any]:
    """Return every number as what JSON has; what cannot be estimated is null. No path, no patient."""
    return {
        "data": curve.dataset_name,
        "recipe": curve.recipe_title,
        "positive": curve.positive,
        "test_images": curve.test_images,
        "points": [{**_line(point), "auroc": plain(point.auroc)} for point in curve.points],
        "law": plain(curve.law),
        "law_in_words": law_in_words(curve),
        "curve": [{"training_images": at, "auroc": plain(estimate)} for at, estimate in curve.drawn],
        "twice_as_many": plain(curve.twice),
        "gain": plain(curve.gain),
        "sentence": curve.sentence,
        "reference": curve.reference,
        "rests_on": curve.rests_on,
        "tested": [{"case": case, "label": label} for case, label in curve.tested.items()],
    }


def _line(point: Point) -> dict[str, Any]:
    return {
        "training images": point.images,
        "training patients": point.patients.count,
        "seed": point.seed,
        "run": point.run_id,
        "AUROC": point.auroc.value,
        "AUROC low": point.auroc.low,
        "AUROC high": point.auroc.high,
    }
