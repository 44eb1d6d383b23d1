"""Migration 2: how the case of a verdict was drawn, and how near a prediction is to another. Frozen.

Of verdicts given before it is not known how their cases were drawn: both columns are empty there.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import JSON, Connection, Row, text

STATEMENTS = (
    "ALTER TABLE reviews ADD COLUMN queue VARCHAR(40) NOT NULL DEFAULT ''",
    "ALTER TABLE reviews ADD COLUMN drawn VARCHAR(10) NOT NULL DEFAULT ''",
    "ALTER TABLE cases ADD COLUMN margin DOUBLE PRECISION NOT NULL DEFAULT 0",
)
INDEXES = (
    "DROP INDEX cases_uncertain",
    "DROP INDEX cases_uncertain_of_part",
    "CREATE INDEX cases_by_margin ON cases (run_id, margin, position)",
    "CREATE INDEX cases_by_margin_of_part ON cases (run_id, part, margin, position)",
)


def second(connection: Connection) -> None:
    """Add the columns, and work out the margin of the cases that are stored."""
    for statement in STATEMENTS:
        connection.execute(text(statement))
    runs = text("SELECT run_id, classes, positive, threshold FROM runs").columns(classes=JSON)
    cases = text("SELECT image_id, probabilities, predicted FROM cases WHERE run_id = :run_id")
    for run in connection.execute(runs).all():
        stored = connection.execute(cases.columns(probabilities=JSON), {"run_id": run.run_id}).all()
        margins = [
            {
                "run_id": run.run_id,
                "image_id": case.image_id,
                "margin": _margin(case.probabilities, run.classes, case.predicted, run),
            }
            for case in stored
        ]
        if margins:
            connection.execute(
                text("UPDATE cases SET margin = :margin WHERE run_id = :run_id AND image_id = :image_id"),
                margins,
            )
    for statement in INDEXES:
        connection.execute(text(statement))


def _margin(probabilities: list[float], classes: list[str], predicted: str, run: Row[Any]) -> float:
    """Return the distance from another prediction in log-odds, as `engine.records.margin_of` was at version 2."""
    logs = [math.log(max(p, 1e-300)) for p in probabilities]
    if len(classes) == 2 and run.threshold is not None and run.positive in classes:
        place = classes.index(run.positive)
        edge = min(max(run.threshold, 1e-15), 1 - 1e-15)
        return abs(logs[place] - logs[1 - place] - math.log(edge / (1 - edge)))
    own = classes.index(predicted)
    others = [value for place, value in enumerate(logs) if place != own]
    return abs(logs[own] - max(others, default=logs[own]))
