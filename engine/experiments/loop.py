"""The loop of a comparison: several recipes, or one with a field varied, trained one after another on one split,
or several at a time on a cluster.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from filelock import Timeout

from engine import cluster, jobs
from engine.data import Choices, limit_training, positive_of, training_request
from engine.errors import EngineError, RecipeError, ReportError, TrainingError
from engine.experiments.comparison import Contestant, RunComparison, compare_runs
from engine.experiments.labelled import labels_in_words
from engine.labels import splits_on
from engine.reading import Store, open_store
from engine.recipes import change_recipe
from engine.records import PARTS, Epoch, Index, LabelsUsed, Recipe, Run, Split
from engine.runs import list_runs, load_history, load_run, models_of, split_of
from engine.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run that shall take part: what it is called, and its recipe."""

    name: str
    recipe: Recipe

    @property
    def label(self) -> str:
        """The name, with the seed unless it is 0."""
        return f"{self.name}, seed {self.recipe.seed}" if self.recipe.seed else self.name


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What became of one entry.

    Attributes:
        entry: What was to be trained.
        run: The finished run; None where it could not be trained.
        known: Whether that run was there before.
        problem: Why there is none.
    """

    entry: Entry
    run: Run | None = None
    known: bool = False
    problem: str = ""


def train_entries(
    workspace: Workspace,
    entries: Sequence[Entry],
    index: Index,
    choices: Choices,
    *,
    labels: LabelsUsed | None = None,
    folds: int = 0,
    device: str = "auto",
    allow_downloads: bool = False,
    reuse: bool = False,
    begin: Callable[[Entry], None] = lambda entry: None,
    follow: Callable[[Path], jobs.JobStatus] | None = None,
) -> Iterator[Attempt]:
    """Train entries one after another, each in a process of its own; one that fails leaves the others be.

    Args:
        workspace: Holds the data set.
        entries: In order.
        index: The data set.
        choices: How it is split.
        labels: The version of its labels; None means those that came with the data.
        folds: Of a cross-validation of each; 0 means one model on one split.
        device: "auto", "cpu", "cuda" or "mps".
        allow_downloads: Whether pretrained weights may be fetched from the hub.
        reuse: Take a finished run of the same recipe, data, split and labels as it is.
        begin: Told of each entry before it is trained.
        follow: Waits for a run in that folder and returns its end; may raise to stop.

    Raises:
        SplitError: The data cannot be split as chosen.
    """
    splits = splits_on(workspace, index, choices, labels, folds=folds)
    for entry in entries:
        begin(entry)
        try:
            known = finished_run(workspace, entry.recipe, index, splits, choices) if reuse else None
            run = known
            if run is None:
                request = training_request(
                    entry.recipe,
                    index,
                    choices,
                    device=device,
                    allow_downloads=allow_downloads,
                    labels=labels,
                    folds=folds,
                )
                run = _finished(jobs.submit(workspace, request).folder, follow or _wait)
        except EngineError as error:  # the others are worth having all the same
            yield Attempt(entry=entry, problem=error.kept)
        else:
            yield Attempt(entry=entry, run=run, known=known is not None)


def train_entries_on(
    on: str,
    workers: int | None,
    workspace: Workspace,
    entries: Sequence[Entry],
    index: Index,
    choices: Choices,
    *,
    labels: LabelsUsed | None = None,
    device: str = "auto",
    allow_downloads: bool = False,
    reuse: bool = False,
    begin: Callable[[Entry], None] = lambda entry: None,
) -> Iterator[Attempt]:
    """Train entries on a cluster, several at a time; one that fails leaves the others be.

    Args:
        on: "ray", or "ray://HOST:PORT".
        workers: How many at a time; None means one a GPU, or one a core.
        workspace: See `train_entries`; so are those that follow.
        entries: See above.
        index: See above.
        choices: See above.
        labels: See above.
        device: See above.
        allow_downloads: See above.
        reuse: See above.
        begin: See above.

    Yields:
        As they end, which need not be their order.

    Raises:
        ClusterError: There is no such cluster.
        TrainingError: Another run of the workspace is training.
    """
    splits = splits_on(workspace, index, choices, labels)
    asked = partial(training_request, device=device, allow_downloads=allow_downloads, labels=labels)
    waiting = deque(entries)
    going: dict[str, tuple[Entry, jobs.RunHere]] = {}
    with alone(workspace), cluster.crew_on(on, workers) as crew, open_store(workspace.database) as store:
        try:
            while waiting or crew.busy:
                if waiting and crew.free:
                    entry = waiting.popleft()
                    begin(entry)
                    known = finished_run(workspace, entry.recipe, index, splits, choices) if reuse else None
                    if known is not None:
                        yield Attempt(entry=entry, run=known, known=True)
                        continue
                    request = asked(entry.recipe, index, choices)
                    status = jobs.begin_here(workspace, request)
                    going[status.folder.name] = entry, status
                    crew.begin(
                        status.folder.name,
                        cluster.Training(
                            request=request,
                            split=splits[0],
                            folder=status.folder,
                            workspace=workspace.root,
                            dataset_name=index.name,
                            read=True,
                        ),
                    )
                    continue
                key, said = crew.next()
                entry, status = going[key]
                if isinstance(said, Epoch):
                    status.epoch(said, sum(phase.epochs for phase in entry.recipe.phases))
                    continue
                del going[key]
                yield _ended(store, entry, status, said)
        finally:
            for _, status in going.values():
                status.end("stopped", "The run was stopped. Resume it to continue from its last checkpoint.")


def _ended(store: Store, entry: Entry, status: jobs.RunHere, said: cluster.Ended | EngineError) -> Attempt:
    """Store what a run predicted and write its last word; one that failed leaves the others be."""
    if isinstance(said, EngineError):
        status.end("failed", said.kept)
        return Attempt(entry=entry, problem=said.kept)
    run = load_run(status.folder)
    store.add_run(run)
    store.add_cases(run.run_id, said.predictions)
    status.end("done", "Done.")
    return Attempt(entry=entry, run=run)


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace for trainings of this very process.

    Raises:
        TrainingError: Another run of the workspace is training.
    """
    try:
        with jobs.training_lock(workspace.root):
            yield
    except Timeout as error:
        raise TrainingError(
            "Another run is in progress in this workspace",
            "Wait until it is done, or stop it",
            option="overread stop latest",
        ) from error


def _wait(folder: Path) -> jobs.JobStatus:
    return list(jobs.watch(folder))[-1]


def _finished(folder: Path, follow: Callable[[Path], jobs.JobStatus]) -> Run:
    end = follow(folder)
    if end.state != "done":
        problem, _, remedy = end.message.partition(". ")
        raise ReportError(
            problem, remedy or "See its log", option="" if remedy else f"overread runs; run {end.job_id}"
        )
    return load_run(folder)


def compare_entries(workspace: Workspace, entries: Sequence[Entry], done: Mapping[str, Run]) -> RunComparison:
    """Compare the runs of entries, by label, on the test images that all of them predicted; in the entries' order."""
    with open_store(workspace.database) as store:
        compared = compare_runs(
            [
                Contestant(
                    name=entry.name,
                    run=done[entry.label],
                    predictions=store.predictions(done[entry.label].run_id, part="test"),
                    history=load_history(done[entry.label].folder),
                )
                for entry in entries
                if entry.label in done
            ]
        )
    return replace(compared, reference=labels_in_words([row.run for row in compared.rows]))


def entries_of(recipes: Sequence[Recipe], *, vary: str | None, seeds: int) -> list[Entry]:
    """Return what is to be trained, in order.

    Args:
        recipes: As they are to be trained.
        vary: "field=value,value": the values of one field of one recipe.
        seeds: Runs of each, with as many seeds.

    Raises:
        RecipeError: There are fewer than two runs, `vary` cannot be understood, or a value does not fit.
    """
    entries = [Entry(name=recipe.name, recipe=recipe) for recipe in recipes]
    if vary is not None:
        if len(recipes) != 1:
            raise RecipeError("One recipe can be varied, and there are several", "Name one recipe")
        field, equals, listed = vary.partition("=")
        values = [value.strip() for value in re.split(r",(?![^\[]*\])", listed)]
        if not equals or not all(values) or not field:
            raise RecipeError(
                f"“{vary}” does not say what to vary", "Write field=value,value,…", option="--vary"
            )
        entries = [
            Entry(name=f"{field}={value}", recipe=change_recipe(recipes[0], {field: value}))
            for value in values
        ]
    if len({entry.name for entry in entries}) < len(entries):
        raise RecipeError(
            "One recipe is named twice",
            "Name each once, and repeat all of them with several seeds",
            option="--seeds",
        )
    if seeds < 1:
        raise RecipeError(f"{seeds} is not a valid number of seeds", "Set it to 1 or more", option="--seeds")
    if len(entries) * seeds < 2:
        raise RecipeError(
            "One run alone cannot be compared",
            "Name two recipes, vary one, or repeat it with several seeds",
            option="--vary, --seeds",
        )
    return [
        replace(entry, recipe=replace(entry.recipe, seed=entry.recipe.seed + more))
        for more in range(seeds)
        for entry in entries
    ]


def finished_run(
    workspace: Workspace, recipe: Recipe, found: Index, splits: Sequence[Split], choices: Choices
) -> Run | None:
    """Return the newest finished run of the same recipe on the same split of the same data and labels, if any.

    Args:
        workspace: Where the runs are.
        recipe: Of the run.
        found: The data set.
        splits: Its split, or one a fold of a cross-validation.
        choices: How it is split.
    """
    limited = [limit_training(split, recipe.train_limit, seed=recipe.seed) for split in splits]
    for run in list_runs(workspace):
        if run.recipe != recipe or run.dataset_id != found.dataset_id or max(run.folds, 1) != len(splits):
            continue
        if positive_of(run.classes, choices.positive) != run.positive or not _predicted(workspace, run):
            continue
        own = [split_of(model) for model in models_of(run)]
        if all(
            _labelled(a, part) == _labelled(b, part)
            for a, b in zip(own, limited, strict=True)
            for part in PARTS
        ):
            return run
    return None


def _labelled(split: Split, part: Any) -> set[tuple[str, str | None]]:
    return {(sample.image_id, sample.label) for sample in split.part(part)}


def _predicted(workspace: Workspace, run: Run) -> bool:
    with open_store(workspace.database) as store:
        return bool(store.predictions(run.run_id, part="test"))
