"""Another model's predictions of a data set imported: from the form to a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.data import from_home, load_index
from engine.errors import DataError
from engine.language import _, isolated, number, typed_number
from engine.supplied import Claims, import_predictions
from gui.web import AppSession, Progress, Work

RECOGNISED = ""
"""Of the kind of scores: what they can only be."""


def begin(
    session: AppSession,
    work: Work[Sequence[str]],
    dataset_id: str | None,
    file: str | None,
    model: str | None,
    version: str | None,
    threshold: str | None,
    scores: str | None,
    same: str | None,
    columns: str | None,
    maps: str | None,
    incomplete: bool,
) -> None:
    """Begin to import a table; fields of a form that was never opened are None.

    Raises:
        DataError: The window is read-only, nothing is chosen, or a line of the form is no pair.
        EngineError: Something else goes on.
    """
    if session.read_only:
        raise DataError(_("This window is read-only"), _("Ask the owner to import predictions"))
    if not dataset_id:
        raise DataError(
            _("No data set is chosen"),
            _("Import the images that were predicted, or choose their data set"),
        )
    if not file:
        raise DataError(_("No table is chosen"), _("Choose the file with the predictions"))
    claims = Claims(
        model=model or "",
        version=version or "",
        threshold=share_typed(threshold or ""),
        columns=pairs(columns or "", _("Column of each class")),
        same=pairs(same or "", _("Names of classes in the file")),
        scores=scores or None,
        maps=from_home(Path(maps.strip())) if maps and maps.strip() else None,
        incomplete=bool(incomplete),
    )
    chosen, table = dataset_id, Path(file)
    title = _("{table} is imported").format(table=isolated(table.name))
    work.begin(title, lambda progress: take(session, chosen, table, claims, progress))


def take(
    session: AppSession, dataset_id: str, table: Path, claims: Claims, progress: Progress
) -> Sequence[str]:
    """Import it, and return what came of it."""
    index = load_index(session.workspace, dataset_id)
    done = import_predictions(session.workspace, session.store, index, table, claims, progress=progress)
    cases = len(session.store.predictions(done.run.run_id))
    said = (
        _("These predictions were imported before: run {run} of {title}, on the Review and Report pages")
        if done.known
        else _("{count} predictions were imported: run {run} of {title}, on the Review and Report pages")
    )
    first = said.format(count=number(cases), run=isolated(done.run.run_id), title=isolated(done.run.title))
    return [first, *done.said]


def share_typed(typed: str) -> float | None:
    """Read the threshold as it was typed, in any digits; None where nothing was.

    Raises:
        DataError: It is no number.
    """
    if not typed.strip():
        return None
    value = typed_number(typed, percent=0.01)
    if math.isnan(value):
        raise DataError(
            _("“{typed}” is no number").format(typed=isolated(typed[:20])),
            _("Enter a number from {low} to {high}.").format(low=number(0), high=number(1)),
        )
    return value


def pairs(lines: str, field: str) -> Mapping[str, str]:
    """Read one NAME=VALUE a line.

    Raises:
        DataError: A line is none.
    """
    found = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals and value):
            raise DataError(
                _("“{line}” under “{field}” is no pair").format(line=isolated(line), field=field),
                _("Write NAME=VALUE, one a line"),
            )
        found[name] = value
    return found
