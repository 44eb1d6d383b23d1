"""What the process of an experiment does, by its kind. To add a kind: a function, and a line in `KINDS`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import jobs
from engine.data import Choices, load_choices, load_index
from engine.errors import ReportError
from engine.experiments.asked.files import (
    CANCEL_FILE,
    Asked,
    ExperimentStatus,
    Found,
    write_status,
)
from engine.experiments.comparison import FIGURES, Contrast
from engine.experiments.comparison_page import write_comparison
from engine.experiments.learning_curve import fit_learning_curve
from engine.experiments.learning_curve_page import write_learning_curve
from engine.experiments.loop import Entry, compare_entries, entries_of, train_entries
from engine.experiments.search import Trial, best_of, run_trials, save_best, search_of, trials_of
from engine.experiments.search_space import varied_fields
from engine.experiments.sizes import sizes_of_curve, trained_on_sizes
from engine.labels import on_version, splits_on, version_named
from engine.language import in_print
from engine.reading import open_store
from engine.records import Epoch, Index, LabelsUsed, Run
from engine.report import figure, interval, learning_curve_svg, p_value
from engine.storage import write_atomic
from engine.workspace import Workspace

FIGURE_FILE = "figure.svg"


class StopAskedError(Exception):
    """Somebody pressed stop; no `EngineError`, which would be taken for the trouble of one training."""


@dataclass
class Progress:
    """Says how far an experiment is, and whether to stop."""

    folder: Path
    now: ExperimentStatus

    def say(self, message: str, **fields: Any) -> None:
        """Say what is being done.

        Raises:
            StopAskedError: Somebody pressed stop.
        """
        self.now = replace(self.now, message=message, **fields)
        write_status(self.folder, self.now)
        self.unless_stopped()

    def unless_stopped(self) -> None:
        """Raise `StopAskedError` when somebody pressed stop."""
        if (self.folder / CANCEL_FILE).exists():
            raise StopAskedError

    def follow(self, run: Path) -> jobs.JobStatus:
        """Wait for a training, and say how far it is; one that is stopped is waited for."""
        told = self.now.message
        for now in jobs.watch(run):
            if (self.folder / CANCEL_FILE).exists():
                jobs.stop(run)
            else:
                with suppress(StopAskedError):
                    self.say(f"{told.partition(' · ')[0]} · {now.state}, {now.reached}")
        self.unless_stopped()
        return now


def learning_curve(workspace: Workspace, asked: Asked, progress: Progress) -> Found:
    """How many more images? Train on growing shares of the training part, and fit the law."""
    on = _on_what(workspace, asked)
    (split,) = splits_on(workspace, *on)
    entries = sizes_of_curve(asked.recipe, split, asked.shares, asked.trainings)
    done, failed = _trained(workspace, asked, progress, entries, on, "Training on")
    if not done:
        raise ReportError("No size could be trained", next(iter(failed.values()), "Try another recipe"))
    progress.say("Fitting the law", done=len(entries), total=len(entries))
    curve = fit_learning_curve(trained_on_sizes(workspace, entries, done))
    write_learning_curve(curve, progress.folder)
    points = [(point.images, point.auroc) for point in curve.points]
    write_atomic(progress.folder / FIGURE_FILE, str(learning_curve_svg(points, curve.drawn)))
    return Found(
        sentence=curve.sentence,
        more=(
            curve.rests_on,
            *filter(None, [curve.reference]),
            *(f"{label} could not be trained: {why}" for label, why in failed.items()),
        ),
        headings=("training images", "patients", "seed", "AUROC", "run"),
        rows=tuple(
            (
                f"{point.images:,}",
                f"{point.patients.count:,}",
                f"{point.seed}",
                f"{figure(point.auroc.value)} ({interval(point.auroc)})",
                point.run_id,
            )
            for point in curve.points
        ),
        figure=FIGURE_FILE,
        page="learning-curve.html",
    )


def comparison(workspace: Workspace, asked: Asked, progress: Progress) -> Found:
    """Which recipe is better? Train each, with as many seeds as were asked for, and compare them case by case."""
    entries = entries_of([asked.recipe, *asked.others], vary=None, seeds=asked.trainings)
    done, failed = _trained(
        workspace, asked, progress, entries, _on_what(workspace, asked), "Training the recipe"
    )
    if len(done) < 2:
        why = next(iter(failed.values()), "Try other recipes")
        raise ReportError("Fewer than two recipes could be trained, and one alone cannot be compared", why)
    progress.say("Comparing the runs", done=len(entries), total=len(entries))
    compared = compare_entries(workspace, entries, done)
    write_comparison(compared, progress.folder)
    return Found(
        sentence=f"{len(done)} runs were compared on {compared.cases:,} test images.",
        more=(
            *filter(None, [compared.reference]),
            *(_minus_the_first(one) for one in compared.contrasts),
            *(f"{label} could not be trained: {why}" for label, why in failed.items()),
        ),
        headings=("recipe", *FIGURES, "run"),
        rows=tuple(
            (
                row.label,
                *(
                    f"{figure(row.estimates[name].value)} ({interval(row.estimates[name])})"
                    for name in FIGURES
                ),
                row.run.run_id,
            )
            for row in compared.rows
        ),
        page="comparison.html",
        runs=tuple(row.run.run_id for row in compared.rows),
    )


def _minus_the_first(one: Contrast) -> str:
    accuracy, area = (
        f"{figure(found.difference.value)} ({interval(found.difference)}), p {p_value(p)}"
        for found, p in ((one.accuracy, one.p_accuracy), (one.area, one.p_area))
    )
    return f"{one.name}, minus the first: accuracy {accuracy}; AUROC {area}"


def _trained(
    workspace: Workspace,
    asked: Asked,
    progress: Progress,
    entries: Sequence[Entry],
    on: tuple[Index, Choices, LabelsUsed | None],
    doing: str,
) -> tuple[dict[str, Run], dict[str, str]]:
    """Train what is not trained yet; return the finished runs and what went wrong, both by label.

    Raises:
        StopAskedError: Somebody pressed stop.
    """
    index, choices, labels = on

    def begin(entry: Entry) -> None:
        done = entries.index(entry)
        progress.say(f"{doing} {entry.label}", done=done, total=len(entries))
        while jobs.running_job(workspace) is not None:  # somebody else's training came between
            progress.say("Waiting for another training to end")
            time.sleep(1)
        progress.say(f"{doing} {entry.label}")

    done: dict[str, Run] = {}
    failed: dict[str, str] = {}
    for attempt in train_entries(
        workspace,
        entries,
        index,
        choices,
        labels=labels,
        folds=asked.folds,
        allow_downloads=asked.allow_downloads,
        reuse=True,
        begin=begin,
        follow=progress.follow,
    ):
        if attempt.run is None:
            failed[attempt.entry.label] = attempt.problem
        else:
            done[attempt.entry.label] = attempt.run
    return done, failed


def search(workspace: Workspace, asked: Asked, progress: Progress) -> Found:
    """Which settings are better? Train trials, judged on validation data alone, and save the best as a recipe."""
    index, choices, labels = _on_what(workspace, asked)
    varied = varied_fields(asked.recipe, asked.vary)
    wanted = search_of(workspace, asked.recipe, varied, index, choices, labels)
    epochs = sum(phase.epochs for phase in asked.recipe.phases)
    saying = ""

    def begin(number: int, values: Mapping[str, Any]) -> None:
        nonlocal saying
        saying = f"Trial {number} of {asked.trainings}: {_values(values)}"
        progress.say(saying, done=number - 1, total=asked.trainings)

    def on_epoch(epoch: Epoch) -> None:
        progress.say(f"{saying} · epoch {epoch.number} of {epochs}")

    progress.say("Reading the images", total=asked.trainings)
    for _ in run_trials(
        workspace,
        wanted,
        asked.trainings,
        allow_downloads=asked.allow_downloads,
        begin=begin,
        on_epoch=on_epoch,
    ):
        progress.unless_stopped()
    told = trials_of(wanted)
    best, saved = best_of(told), save_best(workspace, wanted, told)
    which, whose = "The one trial", "that of the epoch that did best on these images"
    if len(told) > 1:
        which, whose = f"The best of {len(told)} trials", f"the best of {len(told)}"
    return Found(
        sentence=f"{which} had {_values(best.values)}. It is saved as the recipe “{saved.title}”.",
        more=(
            f"Its AUROC on validation images, {figure(best.val_auc)}, is {whose} and so too "
            "optimistic. No test image was looked at: train the recipe to test it.",
        ),
        headings=("trial", *(one.field for one in varied), "ended", "validation AUROC"),
        rows=tuple(
            (
                str(one.number),
                *(_value(one.values[each.field]) for each in varied),
                {"pruned": "early"}.get(one.state, one.state),
                figure(one.val_auc),
            )
            for one in sorted(told, key=_from_the_best)
        ),
        recipe=saved.name,
    )


def _on_what(workspace: Workspace, asked: Asked) -> tuple[Index, Choices, LabelsUsed | None]:
    """Return the data set with the labels that were asked for, and how it is split."""
    index, choices = load_index(workspace, asked.dataset_id), load_choices(workspace, asked.dataset_id)
    with open_store(workspace.database) as store:
        index, labels = on_version(workspace, store, index, version_named(store, index, str(asked.labels)))
    return index, choices, labels


def _from_the_best(trial: Trial) -> float:
    return -trial.val_auc if math.isfinite(trial.val_auc) else 1.0


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{field} {_value(value)}" for field, value in values.items())


def _value(value: Any) -> str:
    return in_print(value, ".3g") if isinstance(value, float) else str(value)


Work = Callable[[Workspace, Asked, Progress], Found]

KINDS: dict[str, Work] = {"learning-curve": learning_curve, "search": search, "comparison": comparison}
"""Asked.kind → what is done."""
