"""A search whose trials are trained on a cluster, several at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from engine import cluster
from engine.data import training_request
from engine.errors import EngineError
from engine.experiments.loop import alone
from engine.experiments.search import Judge, Search, Trial, distributions, study_of, trials_of
from engine.experiments.search_space import with_values
from engine.labels import splits_on
from engine.records import Epoch
from engine.workspace import Workspace


def run_trials_on(
    on: str,
    workers: int | None,
    workspace: Workspace,
    search: Search,
    trials: int,
    *,
    device: str = "auto",
    allow_downloads: bool = False,
    begin: Callable[[int, Mapping[str, Any]], None] = lambda number, values: None,
) -> Iterator[Trial]:
    """Do what `run_trials` does on a cluster, several trials at a time: each is drawn from what is known by then.

    Args:
        on: "ray", or "ray://HOST:PORT".
        workers: How many at a time; None means one a GPU, or one a core.
        workspace: See `run_trials`; so are those that follow.
        search: See above.
        trials: See above.
        device: See above.
        allow_downloads: See above.
        begin: See above.

    Yields:
        As they end.

    Raises:
        ClusterError: There is no such cluster.
    """
    (whole,) = splits_on(workspace, search.index, search.choices, search.labels)
    asked = partial(training_request, device=device, allow_downloads=allow_downloads, labels=search.labels)
    going: dict[str, Judge] = {}
    with alone(workspace), cluster.crew_on(on, workers) as crew:
        study = study_of(search)
        while (done := len(trials_of(search, study))) < trials:
            if crew.free and done + len(going) < trials:
                judge = Judge(search, study, study.ask(distributions(search.varied)))
                begin(done + len(going) + 1, judge.running.params)
                try:
                    recipe = with_values(search.recipe, search.varied, judge.running.params)
                except EngineError as error:  # the other trials are worth having all the same
                    judge.fail(error)
                    yield judge.told
                    continue
                key = f"trial-{judge.running.number}"
                shutil.rmtree(search.folder / key, ignore_errors=True)
                going[key] = judge
                crew.begin(
                    key,
                    cluster.Training(
                        request=asked(recipe, search.index, search.choices),
                        split=replace(whole, test=()),  # what is not there cannot be looked at
                        folder=search.folder / key,
                        workspace=workspace.root,
                        dataset_name=search.index.name,
                    ),
                )
                continue
            key, said = crew.next()
            if _goes_on(going[key], said):
                continue
            crew.leave(key)
            shutil.rmtree(search.folder / key, ignore_errors=True)
            yield going.pop(key).told


def _goes_on(judge: Judge, said: Epoch | cluster.Ended | EngineError) -> bool:
    """Write down what is said of a trial, and return whether it goes on."""
    if isinstance(said, Epoch):
        return not judge.prunes(said)
    if isinstance(said, EngineError):
        judge.fail(said)
    else:
        judge.end()
    return False
