"""During a run: start, look, stop, go on. Handlers of the train page, as functions of plain values.

A run is known by its folder alone, so whoever looks at the folder sees the same run, and `look` can be asked by any
tab at any time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from engine import jobs
from engine.data import Choices, load_choices, load_index, training_request
from engine.errors import EngineError, RecipeError, RunError, TrainingError
from engine.naming import given_of
from engine.records import FIRST_VERSION, Epoch, Recipe
from engine.report import counted, duration, edge_words, operating_words, were
from engine.runs import load_history, load_run
from gui.pages.keeping import named, offered
from gui.pages.train.offered import expected_of_recipe
from gui.pages.train.plan import chosen_folds, chosen_split, on_labels, refuse_guests
from gui.pages.train.recipe_form import recipe_of
from gui.web import AppSession, markup

TICK_WORKING, TICK_IDLE = 1.0, 5.0
"""Seconds between two looks at the runs; the idle ones let a tab see what another one started."""

STATES = {
    "starting": "loading the program that trains",
    "training": "training",
    "calibrating": "calibrating",
    "predicting": "predicting the images",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
    "lost": "lost",
}
TONES = {"done": "good", "stopped": "mild", "failed": "serious", "lost": "serious"}


def start(
    session: AppSession, dataset_id: str | None, folds: int, base: Recipe | None, *values: Any
) -> tuple[Any, ...]:
    """Start a run on the labels that came with the data: see `start_on`."""
    return start_on(session, None, dataset_id, folds, base, *values)


def start_on(
    session: AppSession,
    labels: int | None,
    dataset_id: str | None,
    folds: int,
    base: Recipe | None,
    *values: Any,
) -> tuple[Any, ...]:
    """Start a run, of one model or of a cross-validation of so many folds, and return what the page shows of it.

    Args:
        session: The window.
        labels: The version of the labels; None for the one in use.
        dataset_id: The data set.
        folds: Of a cross-validation; 0 for one model.
        base: The recipe that the form was filled with.
        values: Of the form.

    Raises:
        TrainingError: Another run is in progress.
        RecipeError: The form holds no recipe.
        DataError: The data cannot be split or has one class only.
    """
    refuse_guests(session)
    if base is None:
        raise RecipeError("No recipe is chosen", "Choose one from the list")
    recipe = recipe_of(base, values)
    choices = load_choices(session.workspace, dataset_id) if dataset_id else Choices()
    labels = labels or choices.labels
    if labels == FIRST_VERSION:
        # Either says at once what the run would say in a minute.
        _ = chosen_folds(session, dataset_id, folds) if folds else chosen_split(session, dataset_id)
    assert dataset_id is not None
    request = training_request(
        recipe,
        load_index(session.workspace, dataset_id),
        choices,
        allow_downloads=session.allow_downloads,
        folds=folds,
    )
    expected = None if folds else expected_of_recipe(session, dataset_id, recipe)
    job = jobs.submit(session.workspace, on_labels(session, request, labels))
    if expected is not None:
        jobs.keep_expected(job.folder, expected)
    return look(session, job.job_id, "")


def stop(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Ask the run to stop, and wait a moment to show that it did.

    Raises:
        TrainingError: No run is selected.
    """
    refuse_guests(session)
    if not run_id:
        raise TrainingError("No run is selected", "Choose the run to stop")
    folder = session.workspace.runs / run_id
    jobs.stop(folder)
    for _ in range(20):
        if not jobs.status(folder).working:
            break
        time.sleep(0.1)
    return look(session, run_id, "")


def resume(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Go on with a run from its last checkpoint.

    Raises:
        TrainingError: It cannot be resumed, or another one is in progress.
    """
    refuse_guests(session)
    if not run_id:
        raise TrainingError("No run is selected", "Choose the run to resume")
    jobs.resume(session.workspace, run_id)
    return look(session, run_id, "")


def look(session: AppSession, run_id: str | None, seen: str) -> tuple[Any, ...]:
    """Return what the page shows of the runs; nothing is sent again that the page has already.

    Args:
        session: The window.
        run_id: The run that is shown; None or unknown means the one at work, or the newest.
        seen: What the last look returned last: a signature of all that is shown.
    """
    damaged: list[EngineError] = []
    listed = [
        one
        for one in jobs.list_jobs(session.workspace, on_damaged=damaged.append)
        if one.working or offered(one.folder, run_id)
    ]
    working = next((one for one in listed if one.working), None)
    # A run that started since the last look is what everybody wants to see.
    was_working = seen.split("|")[0] if seen else ""
    if working and working.job_id != was_working and (seen or not run_id):
        run_id = working.job_id
    status = next((one for one in listed if one.job_id == run_id), working or (listed[0] if listed else None))
    history: list[Epoch] = []
    try:
        history = load_history(status.trained_in) if status else []
    except RunError as error:
        damaged.append(error)
    names = [one.job_id + one.state + str(given_of(one.folder)) for one in listed] + [
        str(one) for one in damaged
    ]
    now = "|".join(
        (
            working.job_id if working else "",
            status.job_id if status else "",
            repr(status),
            str(len(history)),
            *names,
        )
    )
    # The heartbeat alone is no news.
    now = now.replace(f"heartbeat={status.heartbeat!r}", "") if status else now
    if now == seen:
        return (gr.skip(),) * LOOKED
    timer = gr.Timer(TICK_WORKING if working else TICK_IDLE, active=True)
    return (
        gr.Dropdown(choices=[_run_choice(one) for one in listed], value=status.job_id if status else None),
        markup.problems(damaged) + run_box(status, working),
        losses(history),
        scores(history),
        gr.Button(interactive=working is None and not session.read_only),
        gr.Button(visible=bool(status and status.working)),
        gr.Button(visible=bool(status and status.resumable and working is None)),
        gr.Button(visible=bool(status and status.state == "done")),
        earlier(listed),
        timer,
        now,
    )


LOOKED = 11
"""How many outputs `look` returns."""


def look_at(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Return what the page shows of a run that a person chose."""
    return look(session, run_id, "")


def run_box(status: jobs.JobStatus | None, working: jobs.JobStatus | None) -> str:
    """Return the state of a run in words, with its progress."""
    if status is None:
        return markup.note("No runs yet. Choose data and a recipe, then start training.")
    state = STATES[status.state]
    if not status.working:
        tone = TONES[status.state]
        said = status.message or state
        heading = f"{state.capitalize()}. {said}" if not said.lower().startswith(state) else said
        heading = heading[:1].upper() + heading[1:]
        more = []
        if status.epoch and status.state != "done":
            where = f" of fold {status.fold} of {status.folds}" if status.folds else ""
            of_all = counted(status.epochs, "epoch")
            more.append(f"{status.epoch} of {of_all}{where} {were(status.epoch)} completed.")
        if status.state == "done":
            more += [said for said in (_validated(status.folder), time_words(status)) if said]
            more.append("Read its cases on the Review page and see its results on the Report page.")
        elif working is None and not status.epoch:
            more.append(
                "No epoch was completed: Resume starts again from the beginning, with the same settings."
            )
        elif working is None:
            more.append(
                "Resume continues with the same settings from the last checkpoint. One is written after an epoch, "
                "at most every 15 seconds."
            )
        else:
            more.append("Another run is in progress; this one can be resumed after it.")
        return markup.note(heading, tone=tone, more=more)
    epochs = max(status.epochs, 1)
    within = status.batch / status.batches if status.batches else 0.0
    fraction = status.share_trained if status.state == "training" else within
    pieces = [state]
    begun = status.state == "training" and status.phase
    if begun:
        pieces = [f"{state} of {status.phase}", f"epoch {min(status.epoch + 1, epochs)} of {status.epochs}"]
    if status.folds and status.state != "predicting":
        pieces.insert(0, f"fold {status.fold} of {status.folds}")
    if status.batches:
        pieces.append(f"batch {status.batch:,} of {status.batches:,}")
    expected = jobs.expected_of(status.folder)
    if status.seconds_left is not None and math.isfinite(status.seconds_left):
        pieces.append(f"about {duration(max(1, status.seconds_left))} left")
    elif expected is not None and status.state in ("starting", "training"):
        pieces.append(f"about {duration(expected.said)} in all, by the estimate")
    # What was said while the images were read is over once a phase has begun.
    heading = f"{state.capitalize()}." if begun or not status.message else status.message
    line = " · ".join(pieces) if len(pieces) > 1 else ""
    return markup.note(heading, inner=markup.progress(fraction, line))


def losses(history: Sequence[Epoch]) -> str:
    """Return the loss of each epoch as curves."""
    return _curves("Loss", history, {"training": "train_loss", "validation": "val_loss"})


def scores(history: Sequence[Epoch]) -> str:
    """Return accuracy and AUROC on validation images as curves."""
    return _curves("On validation images", history, {"accuracy": "val_accuracy", "AUROC": "val_auc"})


def _curves(title: str, history: Sequence[Epoch], figures: dict[str, str]) -> str:
    lines = {
        words: [
            (float(epoch.number), float(getattr(epoch, name)))
            for epoch in history
            if math.isfinite(getattr(epoch, name))
        ]
        for words, name in figures.items()
    }
    return markup.curves(title, "epoch", lines, none_yet="The curve begins with the first epoch.")


@lru_cache(maxsize=256)
def _asked(folder: Path) -> tuple[str, str]:
    """Return a run's recipe and data set, by name; both never change."""
    try:
        request = jobs.load_request(folder)
    except EngineError:
        return "unknown recipe", ""
    return request.training.recipe.title, request.training.dataset_id


def time_words(status: jobs.JobStatus) -> str:
    """Say how long a finished run took, beside what was expected of it; empty where neither is known."""
    seconds = jobs.took(status)
    if seconds is None or seconds <= 0:
        return ""
    expected = jobs.expected_of(status.folder)
    beside = "" if expected is None else f"; about {duration(expected.said)} had been estimated"
    return f"It took {duration(seconds)}{beside}."


@lru_cache(maxsize=256)
def _validated(folder: Path) -> str:
    """Say how a finished run's operating point did on validation data; it never changes."""
    try:
        run = load_run(folder)
    except RunError:
        return ""
    said = operating_words(run)
    return f"Operating point: {run.positive} predicted {edge_words(run)}. {said}" if said else ""


def _run_choice(status: jobs.JobStatus) -> tuple[str, str]:
    started = datetime.fromtimestamp(status.started).astimezone()
    return (
        f"{started:%d %b %Y %H:%M} · {named(status.folder, _asked(status.folder)[0])} · {STATES[status.state]}",
        status.job_id,
    )


def earlier(listed: Sequence[jobs.JobStatus]) -> list[list[str]]:
    """Return the rows of the table of runs, newest first."""
    rows = []
    for one in listed:
        last = one.last_epoch
        auc = f"{last.val_auc:.3f}" if last and math.isfinite(last.val_auc) else "–"
        started = datetime.fromtimestamp(one.started).astimezone()
        rows.append(
            [
                f"{started:%Y-%m-%d %H:%M}",
                named(one.folder, _asked(one.folder)[0]),
                STATES[one.state],
                one.progress,
                auc,
                one.job_id,
            ]
        )
    return rows
