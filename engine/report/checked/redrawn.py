"""What the figures of a run's bundle are drawn from: what was computed again, and report.json where that has none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.kept_files import typed
from engine.records import Epoch, Part, Run
from engine.report.computed import Computed
from engine.report.drawn_records import ReaderPoint
from engine.report.records import CrossValidation, Evidence, Heading, Report


def as_drawn(
    run: Run, part: Part | None, evidence: Evidence, found: Computed, document: Mapping[str, Any]
) -> Report:
    """Return of a report all that its figures are drawn from.

    Args:
        run: Whose report it is.
        part: Of the report.
        evidence: Of the bundle.
        found: What it gives.
        document: report.json: training and the readers of studies are told in it alone.

    Raises:
        KeyError: The document does not say it.
        TypeError: It says it in another form.
        ValueError: Likewise.
    """
    folds = [_history(one["history"]) for one in document["folds"]]
    return Report(
        run=run,
        heading=Heading(line="", endpoint="", final=False, why=""),
        part=part,
        evidence=evidence,
        cases=found.cases,
        patients=found.patients,
        standards={},
        against=found.against,
        facts=(),
        balance=found.balance,
        rebalanced=found.rebalanced,
        patients_by_part=found.patients_by_part,
        history=_history(document["history"]),
        reviews=found.reviews,
        galleries=(),
        pointing=None,
        passports=(),
        subgroups=found.subgroups,
        cautions=(),
        limitations=(),
        folds=CrossValidation(fold_of=evidence.fold_of, models=(), histories=tuple(folds)) if folds else None,
        readers=tuple(typed(ReaderPoint, _with_nan(one)) for one in document["readers"]),
    )


def _history(told: Any) -> tuple[Epoch, ...]:
    return tuple(typed(Epoch, _with_nan(each)) for each in told)


def _with_nan(told: Any, place: str = "") -> Any:
    """Return what JSON says of numbers, of which it writes null for those that are none."""
    if isinstance(told, dict):
        return {name: _with_nan(value, name) for name, value in told.items()}
    return math.nan if told is None and place not in ("blind", "assisted") else told
