"""An external test as files: one HTML page that needs nothing else, CSV, and JSON of every number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.external.comparison import ExternalTest
from engine.records import Estimate
from engine.report import WrittenPage, fill_template, plain, write_page


def write_external(test: ExternalTest, folder: Path) -> WrittenPage:
    """Write external.html, external.csv and external.json.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_page(
        folder,
        "external",
        page=fill_template("external.html", test=test, written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        lines=_lines(test),
        document=external_document(test),
    )


def external_document(test: ExternalTest) -> dict[str, Any]:
    """Return every number as what JSON has; what cannot be estimated is null. No path, no patient."""
    retuned = test.retuned
    return {
        "run_id": test.run.run_id,
        "trained_on": test.run.dataset_name,
        "tested_on": test.dataset_name,
        "dataset_id": test.dataset_id,
        "classes": list(test.run.classes),
        "positive": test.run.positive if len(test.run.classes) == 2 else None,
        "threshold": test.run.threshold,
        "images": test.images,
        "patients": test.patients.patients if test.patients.all else None,
        "internal_images": test.internal_images,
        "same": dict(test.cases.same),
        "left_out": dict(test.cases.left_out),
        "remarks": list(test.cases.remarks),
        "figures": plain(list(test.figures)),
        "confusion": test.confusion.tolist(),
        "retuned": None if retuned is None else plain(retuned),
        "why_not_retuned": test.why_not or None,
    }


def _lines(test: ExternalTest) -> Iterator[dict[str, Any]]:
    """Yield one line a figure, and one for each figure after re-tuning."""
    for one in test.figures:
        yield {"figure": one.name} | _cells(
            internal=one.internal, external=one.external, difference=one.difference
        )
    if test.retuned is not None:
        again = {**test.retuned.at_threshold, **test.retuned.calibration}
        at_home = {one.name: one.internal for one in test.figures}
        for name, estimate in again.items():
            yield {"figure": f"{name}, tuned to these data"} | _cells(
                internal=at_home[name], external=estimate
            )


def _cells(**estimates: Estimate) -> dict[str, Any]:
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
