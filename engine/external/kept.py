"""External tests kept with their run, in external/<dataset id>/external.json: a report made later holds them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from os.path import lexists
from typing import Any, TypeVar

from engine.data import load_index
from engine.errors import DataError, ReportError, RunError
from engine.kept_files import MIB, JsonFile, ignore, read_json
from engine.records import ExternalTest, Run
from engine.report import Abroad, WrittenPage, write_external
from engine.runs import load_distances, load_distances_by_model, load_known, load_sources
from engine.workspace import Workspace

Kept = TypeVar("Kept")
FOLDER, FILE = "external", "external.json"
LOOKED_AT = 1000  # images of a set that are looked for; a network drive answers a few hundred times a second


def keep_external(run: Run, test: ExternalTest) -> WrittenPage:
    """Write an external test into its run's folder, in place of an earlier one on the same data.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    return write_external(test, run.folder / FOLDER / test.dataset_id, paper=False)


def kept_externals(
    workspace: Workspace, run: Run, *, on_damaged: Callable[[ReportError], None] = ignore
) -> list[ExternalTest]:
    """Return the external tests that a run keeps, the earliest first; what became of their images is a remark.

    Args:
        workspace: Where the data sets are.
        run: The run.
        on_damaged: Told of each that cannot be read: it must not hide the others.
    """
    found = []
    for path in sorted((run.folder / FOLDER).glob(f"*/{FILE}")):
        try:
            test = read_json(path, EXTERNAL)
        except FileNotFoundError:  # a link that leads nowhere
            continue
        except ReportError as error:
            on_damaged(error)
            continue
        remark = _whereabouts(workspace, test)
        found.append(replace(test, remarks=(*test.remarks, remark)) if remark else test)
    return sorted(found, key=lambda test: test.tested.timestamp())


def abroad_of(workspace: Workspace, run: Run) -> Abroad:
    """Return what a run keeps of images from elsewhere; what cannot be read of it is said, and the rest returned.

    Args:
        workspace: Where the data sets are.
        run: The run.
    """
    damaged: list[str] = []

    def unless_damaged(read: Callable[[], Kept], otherwise: Kept) -> Kept:
        try:
            return read()
        except RunError as error:
            damaged.append(str(error))
            return otherwise

    return Abroad(
        known=unless_damaged(lambda: load_known(run), ()),
        distances=unless_damaged(lambda: load_distances(run.folder), {}),
        by_model=unless_damaged(lambda: load_distances_by_model(run), ()),
        sources=unless_damaged(lambda: load_sources(run.folder), {}),
        tests=tuple(kept_externals(workspace, run, on_damaged=lambda error: damaged.append(str(error)))),
        damaged=tuple(damaged),
    )


def _whereabouts(workspace: Workspace, test: ExternalTest) -> str:
    """Say whether the images of a test are still there; empty where they are."""
    if not lexists(workspace.datasets / test.dataset_id / "index.json"):
        return (
            f"The data set (id {test.dataset_id}) is no longer in this workspace: these figures are those of "
            f"{test.tested:%Y-%m-%d}, and cannot be computed again here"
        )
    try:
        samples = load_index(workspace, test.dataset_id).samples
    except DataError:
        return f"The data set (id {test.dataset_id}) can no longer be read here: these figures are those kept"
    looked = samples[:: max(1, -(-len(samples) // LOOKED_AT))]
    gone = sum(not lexists(sample.path) for sample in looked)
    if not gone:
        return ""
    verb = "is" if gone == 1 else "are"
    return f"{gone:,} of {len(looked):,} images of the data set {verb} no longer where they were"


def _former(fields: dict[str, Any]) -> dict[str, Any]:
    """Put NaN where a number could not be estimated, which is written as null."""
    return {name: _with_nan(value) for name, value in fields.items()}


def _with_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_nan(one) for one in value]
    if not isinstance(value, dict):
        return value
    if {"value", "low", "high", "method", "n"} <= value.keys():
        return value | {name: math.nan for name in ("value", "low", "high") if value[name] is None}
    return {name: _with_nan(one) for name, one in value.items()}


EXTERNAL = JsonFile(
    record=ExternalTest,
    error=ReportError,
    remedy="Delete {file} from the folder external/{folder} of the run and test it again",
    option="overread validate",
    fields=("Report", "Images from elsewhere"),
    largest=128 * MIB,
    former=_former,
)
