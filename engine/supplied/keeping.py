"""Supplied predictions as a run of the workspace: its folder, and its cases in the database, ready to be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from engine.data import load_choices, save_split
from engine.errors import EngineError
from engine.reading import Store
from engine.records import Calibration, Index, Run, Split, Supplied
from engine.runs import list_runs, new_run_id, save_explanations, save_run, save_supplied
from engine.supplied.taking import Claims, Taken, read_predictions
from engine.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of an import.

    Attributes:
        run: The run.
        known: Whether it was there before: the same predictions are the same run.
        said: How the file was read, and what was left out: sentences without full stops.
    """

    run: Run
    known: bool
    said: tuple[str, ...]


def import_predictions(
    workspace: Workspace,
    store: Store,
    index: Index,
    table: Path,
    claims: Claims,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Take another model's predictions in as a run; a corrected file makes a new one, an equal one none.

    Args:
        workspace: Where the run goes.
        store: Where its cases go.
        index: The data set that was predicted.
        table: See `read_predictions`.
        claims: What a person says of it.
        progress: See `read_predictions`.

    Raises:
        DataError: See `read_predictions`.
        WorkspaceError: There is no room, or the workspace may not be written to.
    """
    kept = load_choices(workspace, index.dataset_id).positive
    if claims.positive is None and kept in index.classes:
        claims = replace(claims, positive=kept)
    taken = read_predictions(index, table, claims, progress=progress)
    run = next(
        (one for one in list_runs(workspace) if one.supplied and one.supplied.content == taken.content), None
    )
    known = run is not None
    if run is None:
        run = _written(workspace, index, taken, claims)
    store.add_run(run)
    store.add_cases(run.run_id, taken.predictions)  # again where a power cut came between folder and database
    return Imported(run=run, known=known, said=tuple(one.whole for one in taken.said))


def _written(workspace: Workspace, index: Index, taken: Taken, claims: Claims) -> Run:
    """Write the folder of a run; run.json comes last, and with it the run is there."""
    run_id = new_run_id(workspace.runs)
    folder = workspace.runs / run_id
    run = Run(
        run_id=run_id,
        folder=folder,
        dataset_id=index.dataset_id,
        dataset_name=index.name,
        recipe=None,
        classes=taken.classes,
        positive=taken.positive,
        threshold=taken.threshold,
        calibration=Calibration(),
        weights_source="",
        device="",
        created=datetime.now(UTC),
        seconds=0.0,
        parameters=0,
        trained_parameters=0,
        supplied=Supplied(
            model=claims.model.strip(),
            version=claims.version.strip(),
            file=taken.file,
            sha256=taken.sha256,
            content=taken.content,
            maps=len(taken.explanations),
            remarks=tuple(one.nameless for one in taken.said),
        ),
    )
    split = Split(
        train=(),
        val=(),
        test=taken.samples,
        classes=taken.classes,
        seed=0,
        method="none: the predictions were supplied",
    )
    try:
        folder.mkdir(mode=0o700)
        save_split(split, folder / "split.csv")
        if taken.explanations:
            save_explanations(folder, taken.explanations)
        assert run.supplied is not None
        save_supplied(folder, run.supplied)
        save_run(run)
    except EngineError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run
