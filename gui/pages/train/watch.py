"""During a run: look, stop, go on. Handlers of the train page, as functions of plain values.

A run is known by its folder alone, so whoever looks at the folder sees the same run, and `look` can be asked by any
tab at any time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import gradio as gr

from engine import jobs
from engine.errors import EngineError, RunError, TrainingError
from engine.language import _, counted, in_digits, isolated, language, moment, ngettext, number
from engine.naming import given_of
from engine.recipes import recipe_words
from engine.records import Epoch
from engine.report import edge_words, figure, operating_words
from engine.runs import load_history, load_run
from gui.pages.keeping import named, named_in_a_field, offered
from gui.pages.tables import headed
from gui.pages.train.offered import lasting
from gui.pages.train.plan import refuse_guests
from gui.web import AppSession, markup

TICK_WORKING, TICK_IDLE = 1.0, 5.0
"""Seconds between two looks while the page is looked at; the idle ones let a tab see what another one started. Each
answer costs the browser a walk to every component of which anything was ever asked: thousands of steps."""

TONES = {"done": "good", "stopped": "mild", "failed": "serious", "lost": "serious"}


def states() -> dict[str, str]:
    """Return the states of a run in words."""
    return {
        "starting": _("loading the program that trains"),
        "training": _("training"),
        "calibrating": _("calibrating"),
        "predicting": _("predicting the images"),
        "done": _("done"),
        "stopped": _("stopped"),
        "failed": _("failed"),
        "lost": _("interrupted"),
    }


def stop(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Ask the run to stop, and wait a moment to show that it did.

    Raises:
        TrainingError: No run is selected.
    """
    refuse_guests(session)
    if not run_id:
        raise TrainingError(_("No run is selected"), _("Choose the run to stop"))
    folder = session.workspace.runs / run_id
    jobs.stop(folder)
    for _moment in range(20):
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
        raise TrainingError(_("No run is selected"), _("Choose the run to resume"))
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
    now = f"{working.job_id if working else ''}|{sha256(now.encode()).hexdigest()[:32]}"
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
        headed(earlier(listed), run_headings()),
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
        return markup.note(_("No runs yet. Choose data and a recipe, then start training."))
    box = _ended(status, working) if not status.working else _at_work(status)
    said = endpoint_words(status.folder, language())
    return box + markup.remark(said) if said else box


def _ended(status: jobs.JobStatus, working: jobs.JobStatus | None) -> str:
    """Return what became of a run, and what can be done with it."""
    state = _capital(states()[status.state])
    said = status.message
    begins = not said or said.lower().startswith(status.state)  # a message may say the state itself
    heading = markup.told(_capital(said)) if said else state
    more: list[str] = []
    if status.epoch and status.state != "done":
        more.append(_completed(status))
    if status.state == "done":
        more += [said for said in (_validated(status.folder, language()), time_words(status)) if said]
        more.append(_("Read its cases on the Review page and see its results on the Report page."))
    elif working is None and not status.epoch:
        more.append(
            _("No epoch was completed: Resume starts again from the beginning, with the same settings.")
        )
    elif working is None:
        more.append(
            _(
                "Resume continues with the same settings from the last checkpoint. One is written after an epoch, at "
                "most every 15 seconds."
            )
        )
    else:
        more.append(_("Another run is in progress; this one can be resumed after it."))
    whole = heading if begins else markup.joined([f"{state}. ", markup.told(said)])
    return markup.note(whole, tone=TONES[status.state], more=more)


def _completed(status: jobs.JobStatus) -> str:
    done = {"n": number(status.epoch), "epochs": counted(status.epochs, "epoch")}
    if not status.folds:
        return ngettext(
            "{n} of {epochs} was completed.", "{n} of {epochs} were completed.", status.epoch
        ).format(**done)
    return ngettext(
        "{n} of {epochs} of fold {fold} of {folds} was completed.",
        "{n} of {epochs} of fold {fold} of {folds} were completed.",
        status.epoch,
    ).format(**done, fold=number(status.fold), folds=number(status.folds))


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _at_work(status: jobs.JobStatus) -> str:
    """Return how far a run is."""
    state = states()[status.state]
    epochs = max(status.epochs, 1)
    within = status.batch / status.batches if status.batches else 0.0
    fraction = status.share_trained if status.state == "training" else within
    pieces = [state]
    begun = status.state == "training" and status.phase
    if begun:
        now = number(min(status.epoch + 1, epochs))
        pieces = [
            _("{state} of {phase}").format(state=state, phase=isolated(status.phase)),
            _("epoch {n} of {total}").format(n=now, total=number(status.epochs)),
        ]
    if status.folds and status.state != "predicting":
        pieces.insert(0, _("fold {n} of {total}").format(n=number(status.fold), total=number(status.folds)))
    if status.batches:
        pieces.append(_("batch {n} of {total}").format(n=number(status.batch), total=number(status.batches)))
    expected = jobs.expected_of(status.folder)
    if status.seconds_left is not None and math.isfinite(status.seconds_left):
        pieces.append(_("about {time} left").format(time=lasting(max(1, status.seconds_left))))
    elif expected is not None and status.state in ("starting", "training"):
        pieces.append(_("about {time} in all, by the estimate").format(time=lasting(expected.said)))
    # What was said while the images were read is over once a phase has begun.
    over = begun and status.message != jobs.QUIET
    heading = f"{_capital(state)}." if over or not status.message else markup.told(status.message)
    line = " · ".join(pieces) if len(pieces) > 1 else ""
    return markup.note(heading, inner=markup.progress(fraction, line))


def losses(history: Sequence[Epoch]) -> str:
    """Return the loss of each epoch as curves."""
    return _curves(
        _("Loss"),
        history,
        {markup.part_title("train"): "train_loss", markup.part_title("val"): "val_loss"},
    )


def scores(history: Sequence[Epoch]) -> str:
    """Return accuracy and AUROC on validation images as curves."""
    return _curves(_("On validation images"), history, {_("accuracy"): "val_accuracy", _("AUROC"): "val_auc"})


def _curves(title: str, history: Sequence[Epoch], figures: dict[str, str]) -> str:
    lines = {
        words: [
            (float(epoch.number), float(getattr(epoch, name)))
            for epoch in history
            if math.isfinite(getattr(epoch, name))
        ]
        for words, name in figures.items()
    }
    return markup.curves(title, _("epoch"), lines, none_yet=_("The curve begins with the first epoch."))


@lru_cache(maxsize=256)
def _asked(folder: Path) -> tuple[str | None, str]:
    """Return a run's recipe and data set, by name; both never change. No recipe where it cannot be read."""
    try:
        request = jobs.load_request(folder)
    except EngineError:
        return None, ""
    return request.training.recipe.title, request.training.dataset_id


def time_words(status: jobs.JobStatus) -> str:
    """Say how long a finished run took, beside what was expected of it; empty where neither is known."""
    seconds = jobs.took(status)
    if seconds is None or seconds <= 0:
        return ""
    expected = jobs.expected_of(status.folder)
    if expected is None:
        return _("It took {time}.").format(time=lasting(seconds))
    return _("It took {time}; about {estimate} had been estimated.").format(
        time=lasting(seconds), estimate=lasting(expected.said)
    )


@lru_cache(maxsize=256)
def endpoint_words(folder: Path, code: str) -> str:
    """Say what a run is to show, in a language, with the digest to be told to others; empty where nothing is fixed."""
    try:
        fixed = jobs.load_request(folder).training.endpoint
    except EngineError:
        return ""
    if fixed is None:
        return ""
    return _("Primary endpoint: {figure}, fixed on {moment} UTC, before training. Digest: {digest}.").format(
        figure=endpoint_names()[fixed.figure],
        moment=moment(fixed.fixed.astimezone(UTC), "%d %b %Y %H:%M"),
        digest=isolated(fixed.sha256[:12]),
    )


def endpoint_names() -> dict[str, str]:
    """Return what each figure is called that a run may be to show."""
    return {
        "AUROC": _("AUROC"),
        "sensitivity": _("sensitivity"),
        "specificity": _("specificity"),
        "accuracy": _("accuracy"),
    }


@lru_cache(maxsize=256)
def _validated(folder: Path, code: str) -> str:
    """Say how a finished run's operating point did on validation data, in a language; it never changes."""
    try:
        run = load_run(folder)
    except RunError:
        return ""
    said = operating_words(run)
    if not said:
        return ""
    first = _("Operating point: {finding} predicted {edge}.").format(
        finding=isolated(str(run.positive)), edge=edge_words(run)
    )
    return markup.joined([first, " ", markup.told(said)])


def _run_choice(status: jobs.JobStatus) -> tuple[str, str]:
    started = datetime.fromtimestamp(status.started).astimezone()
    title = named_in_a_field(status.folder, _recipe_words(status))
    return f"{moment(started, '%d %b %Y %H:%M')} · {title} · {states()[status.state]}", status.job_id


def _recipe_words(status: jobs.JobStatus) -> str:
    return recipe_words(_asked(status.folder)[0] or "") or _("unknown recipe")


def run_headings() -> list[str]:
    """Return the headings of the table of runs."""
    return [_("started"), _("recipe"), _("state"), _("epochs"), _("AUROC, last validation"), _("run")]


def earlier(listed: Sequence[jobs.JobStatus]) -> list[list[str]]:
    """Return the rows of the table of runs, newest first."""
    rows = []
    for one in listed:
        last = one.last_epoch
        auc = figure(last.val_auc) if last else "–"
        started = datetime.fromtimestamp(one.started).astimezone()
        rows.append(
            [
                isolated(in_digits(f"{started:%Y-%m-%d %H:%M}")),
                isolated(named(one.folder, _recipe_words(one))),
                states()[one.state],
                _progress(one),
                auc,
                isolated(one.job_id),
            ]
        )
    return rows


def _progress(status: jobs.JobStatus) -> str:
    """Return `JobStatus.progress` in the language that is spoken."""
    epochs = f"{number(status.epoch)} / {number(status.epochs)}"
    if not status.folds:
        return epochs
    return _("fold {n} of {total}: {epochs}").format(
        n=number(status.fold), total=number(status.folds), epochs=epochs
    )
