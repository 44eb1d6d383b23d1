"""An external test as files: one HTML page that needs nothing else, CSV, and JSON of every number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.external.comparison import ExternalTest
from engine.records import Estimate
from engine.report import fill_template, plain
from engine.spreadsheet import write_csv
from engine.storage import storage_error, versioned, write_atomic


@dataclass(frozen=True, slots=True)
class WrittenExternal:
    """Where an external test was written."""

    html: Path
    csv: Path
    json: Path


def write_external(test: ExternalTest, folder: Path) -> WrittenExternal:
    """Write external.html, external.csv and external.json.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    written = WrittenExternal(
        html=folder / "external.html", csv=folder / "external.csv", json=folder / "external.json"
    )
    page = fill_template("external.html", test=test, written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    write_atomic(written.html, page)
    write_atomic(written.csv, write_csv(list(_lines(test))))
    document = versioned(external_document(test))
    write_atomic(written.json, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return written


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
