"""Train: choose data and recipe, see what it will do, start it, watch it, stop it, go on with it.

A run lives in a process of its own and is known by its folder alone. The page looks at it with a timer; so a
reload, a second tab and another computer see the same run, and only one can be started at a time
(`engine.jobs`).
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
import torch
from PIL import Image

from engine import jobs
from engine.augment import Augmenter, augmentation_is_none
from engine.balance import balanced_rows, class_counts
from engine.dataset import load_index
from engine.errors import DataError, EngineError, RecipeError, TrainingError
from engine.image import load_image
from engine.records import Epoch, Recipe, Split
from engine.run import load_history
from engine.split import split_index
from engine.workspace import Workspace
from gui import markup
from gui.arrival import arrival
from gui.choices import Choices, load_choices, positive_of
from gui.data_page import dataset_choices
from gui.errors import shown
from gui.recipe_form import (
    AUGMENTATION,
    FIELDS,
    GENERAL,
    NET,
    PHASE,
    PHASE_SLOTS,
    keep_own,
    named_recipe,
    parameters,
    recipe_choices,
    recipe_of,
    save_own,
    values_of,
)
from gui.session import AppSession

TICK_WORKING, TICK_IDLE = 1.0, 5.0
"""Seconds between two looks at the runs; the idle ones let a tab see what another one started."""

STATES = {
    "starting": "starting",
    "training": "training",
    "predicting": "reading the films",
    "explaining": "making the heatmaps",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
    "lost": "lost",
}
TONES = {"done": "good", "stopped": "mild", "failed": "serious", "lost": "serious"}


# -------------------------------------------------------------------------------- before a run


def divided(session: AppSession, dataset_id: str | None) -> Split:
    """Return the division that the Data page keeps for this data set.

    Raises:
        DataError: No data set is chosen, or it cannot be divided.
    """
    if not dataset_id:
        raise DataError("No data set is chosen", "Choose one above, or bring one in on the Data page")
    choices = load_choices(session.workspace, dataset_id)
    file = session.workspace.datasets / dataset_id / "index.json"
    stamp = file.stat().st_mtime_ns if file.exists() else 0
    return _split(session.workspace, dataset_id, stamp, choices)


@lru_cache(maxsize=8)
def _split(workspace: Workspace, dataset_id: str, stamp: int, choices: Choices) -> Split:
    """Divide once for all the events of a form; `stamp` (the file's time) makes data that was brought again count."""
    index = load_index(workspace, dataset_id)
    return split_index(index, ratios=choices.ratios, seed=choices.seed, use_given=choices.use_given)


def data_facts(session: AppSession, dataset_id: str | None) -> str:
    """Return how the chosen data will be divided, in one box."""
    try:
        split = divided(session, dataset_id)
    except DataError as error:
        return markup.note(str(error), tone="serious" if dataset_id else "plain")
    choices = load_choices(session.workspace, str(dataset_id))
    positive = positive_of(load_index(session.workspace, str(dataset_id)), choices)
    parts = (
        f"{len(split.train):,} training",
        f"{len(split.val):,} validation",
        f"{len(split.test):,} test images",
    )
    finding = f" The finding is “{positive}”." if positive else ""
    return markup.note(f"{', '.join(parts)}, divided {split.method}.{finding} Change this on the Data page.")


def recipe_card(recipe: Recipe) -> str:
    """Return where a recipe comes from and what to expect of it."""
    expected = [
        f"{one.metric} {one.value:g} ± {one.tolerance:g} on {one.data} ({one.device})"
        for one in recipe.expected
    ]
    hidden = len(recipe.phases) - PHASE_SLOTS
    more = [f"Expect {line}" for line in expected] or [
        "No published figure: judge it on your own test films."
    ]
    if hidden > 0:
        more.append(f"It has {hidden} further phases that are not shown here and run as written.")
    return markup.note(recipe.source, more=more)


def facts(session: AppSession, dataset_id: str | None, base: Recipe | None, *values: Any) -> str:
    """Return how many parameters will be trained and what the balance does to the classes."""
    if base is None:
        return ""
    try:
        recipe = recipe_of(base, values)
        split = divided(session, dataset_id) if dataset_id else None
        total, trained = parameters(recipe, len(split.classes) if split else 2)
    except EngineError as error:
        return markup.note(str(error), tone="serious")
    tiles = [
        (f"{trained:,}", "parameters trained"),
        (f"{total:,}", "parameters in all"),
        (f"{sum(phase.epochs for phase in recipe.phases):,}", "epochs at most"),
    ]
    return markup.figures(tiles) + (balance_table(recipe, split) if split else "")


def balance_table(recipe: Recipe, split: Split) -> str:
    """Return the class counts of the training part, before and after balancing.

    Raises:
        RecipeError: The balance does not fit the classes.
    """
    labels = np.array([split.classes.index(str(sample.label)) for sample in split.train], dtype=np.int64)
    plan = balanced_rows(labels, recipe.balance, split.classes, np.random.default_rng(recipe.seed))
    before, after = class_counts(labels, split.classes), class_counts(labels[plan.rows], split.classes)
    weights = plan.class_weights if plan.class_weights is not None else np.ones(len(split.classes))
    rows = [
        (name, f"{before[at]:,}", f"{after[at]:,}", f"{weights[at]:.3f}")
        for at, name in enumerate(split.classes)
    ]
    return markup.table(("class", "training images", "shown in one epoch", "weight in the loss"), rows)


def augmented(session: AppSession, dataset_id: str | None, base: Recipe | None, *values: Any) -> str:
    """Return a few training images, each beside four of its augmented versions.

    Raises:
        RecipeError: The form holds no recipe.
        DataError: There is no data, or an image cannot be read.
    """
    if base is None:
        raise RecipeError("No recipe is chosen", "Choose one from the list")
    recipe = recipe_of(base, values)
    split = divided(session, dataset_id)
    changes = recipe.augmentation
    if recipe.balance.method == "duplicate-augmented" and augmentation_is_none(changes):
        changes = recipe.balance.augmentation  # then only the repeats are changed
    if augmentation_is_none(changes):
        return markup.note("These settings show the net every training image as it is.")
    change = Augmenter(changes, recipe.seed)
    films = []
    for name in split.classes[:4]:
        for row, sample in enumerate(split.train):
            if sample.label != name:
                continue
            pixels = load_image(sample.path, size=min(recipe.image_size, 224), channels=3)
            batch = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].repeat(4, 1, 1, 1)
            changed = change(batch, [row] * 4, 0, copies=[0, 1, 2, 3])
            films.append(markup.Film(source=_data_uri(pixels), caption=f"{name}, as it is"))
            for picture in changed:
                as_pixels = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
                films.append(markup.Film(source=_data_uri(as_pixels), caption="changed"))
            break
    return f'<div class="or-five">{markup.films(films)}</div>'


def _data_uri(pixels: np.ndarray[Any, Any]) -> str:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=88)
    return f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"


def choose_recipe(session: AppSession, name: str | None) -> tuple[Any, ...]:
    """Return what the form shows of a recipe: the recipe itself, its card, its phases and its values."""
    recipe = named_recipe(session.workspace, name or "default")
    return recipe, recipe_card(recipe), *_phase_groups(recipe), *values_of(recipe)


def _phase_groups(recipe: Recipe) -> list[Any]:
    groups = []
    for slot in range(PHASE_SLOTS):
        here = slot < len(recipe.phases)
        label = f"Phase {slot + 1}: {recipe.phases[slot].name}" if here else f"Phase {slot + 1}"
        groups.append(gr.Accordion(label=label, visible=here))
    return groups


def save_recipe(session: AppSession, title: str, base: Recipe | None, *values: Any) -> tuple[Any, ...]:
    """Save the form as an own recipe and choose it.

    Raises:
        RecipeError: It has no name, or is no recipe.
    """
    _refuse_guests(session)
    if base is None:
        raise RecipeError("No recipe is chosen", "Choose one from the list")
    saved = save_own(session.workspace, recipe_of(base, values), title)
    gr.Info(f"Saved as “{saved.title}”. It stands under “Mine” in the list.")
    listed = gr.Dropdown(choices=recipe_choices(session.workspace), value=saved.name)
    return listed, saved, recipe_card(saved)


def open_recipe(session: AppSession, file: str | None) -> tuple[Any, ...]:
    """Read a recipe file that somebody shared, keep it and choose it.

    Raises:
        RecipeError: It is no recipe.
    """
    from engine.recipe import load_recipe

    _refuse_guests(session)
    recipe = keep_own(session.workspace, load_recipe(Path(str(file))))
    listed = gr.Dropdown(choices=recipe_choices(session.workspace), value=recipe.name)
    return listed, *choose_recipe(session, recipe.name)


def recipe_file(base: Recipe | None, *values: Any) -> str:
    """Write the form as a JSON file to be downloaded and return its path."""
    import tempfile

    from engine.recipe import recipe_to_json

    if base is None:
        raise RecipeError("No recipe is chosen", "Choose one from the list")
    recipe = recipe_of(base, values)
    path = Path(tempfile.mkdtemp(prefix="overread-recipe-")) / f"{recipe.name}.json"
    path.write_text(recipe_to_json(recipe), encoding="utf-8")
    return str(path)


def _refuse_guests(session: AppSession) -> None:
    if session.read_only:
        raise TrainingError(
            "This window is for looking only", "Train on the computer that holds the workspace"
        )


# -------------------------------------------------------------------------------- during a run


def start(session: AppSession, dataset_id: str | None, base: Recipe | None, *values: Any) -> tuple[Any, ...]:
    """Start a run and return what the page shows of it.

    Raises:
        TrainingError: Another run is at work.
        RecipeError: The form holds no recipe.
        DataError: The data cannot be divided or has one class only.
    """
    _refuse_guests(session)
    if base is None:
        raise RecipeError("No recipe is chosen", "Choose one from the list")
    recipe = recipe_of(base, values)
    divided(session, dataset_id)  # says at once what the run would say in a minute
    assert dataset_id is not None
    choices = load_choices(session.workspace, dataset_id)
    job = jobs.submit(
        session.workspace,
        recipe=recipe,
        dataset_id=dataset_id,
        ratios=choices.ratios,
        split_seed=choices.seed,
        use_given=choices.use_given,
        positive=positive_of(load_index(session.workspace, dataset_id), choices),
        allow_downloads=session.allow_downloads,
    )
    return look(session, job.job_id, "")


def stop(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Ask the run to stop, and wait a moment to show that it did.

    Raises:
        TrainingError: No run is shown.
    """
    _refuse_guests(session)
    if not run_id:
        raise TrainingError("No run is shown", "Choose the run to stop")
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
        TrainingError: It cannot be resumed, or another one is at work.
    """
    _refuse_guests(session)
    if not run_id:
        raise TrainingError("No run is shown", "Choose the run to resume")
    jobs.resume(session.workspace, run_id)
    return look(session, run_id, "")


def look(session: AppSession, run_id: str | None, seen: str) -> tuple[Any, ...]:
    """Return what the page shows of the runs; nothing is sent again that the page has already.

    Args:
        session: The window.
        run_id: The run that is shown; None or unknown means the one at work, or the newest.
        seen: What the last look returned last: a signature of all that is shown.
    """
    listed = jobs.list_jobs(session.workspace)
    working = next((one for one in listed if one.working), None)
    # A run that started since the last look is what everybody wants to see.
    was_working = seen.split("|")[0] if seen else ""
    if working and working.job_id != was_working and (seen or not run_id):
        run_id = working.job_id
    status = next((one for one in listed if one.job_id == run_id), working or (listed[0] if listed else None))
    history = load_history(status.folder) if status else []
    names = [one.job_id + one.state for one in listed]
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
        run_box(status, working),
        losses(history),
        scores(history),
        gr.Button(interactive=working is None and not session.read_only),
        gr.Button(visible=bool(status and status.working)),
        gr.Button(visible=bool(status and status.resumable and working is None)),
        earlier(listed),
        timer,
        now,
    )


LOOKED = 10
"""How many outputs `look` returns."""


def look_at(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Return what the page shows of a run that a person chose."""
    return look(session, run_id, "")


def run_box(status: jobs.JobStatus | None, working: jobs.JobStatus | None) -> str:
    """Return the state of a run in words, with its progress."""
    if status is None:
        return markup.note("No run yet. Choose data and a recipe, and start.")
    state = STATES[status.state]
    if not status.working:
        tone = TONES[status.state]
        said = status.message or state
        heading = f"{state.capitalize()}. {said}" if not said.lower().startswith(state) else said
        more = []
        if status.epoch and status.state != "done":
            more.append(f"{status.epoch} of {status.epochs} epochs are done and kept.")
        if status.state == "done":
            more.append("Read its films under Review; its figures stand under Report.")
        elif working is None:
            more.append("Resume goes on from the last checkpoint.")
        else:
            more.append("Another run is at work; this one can be resumed after it.")
        return markup.note(heading, tone=tone, more=more)
    epochs = max(status.epochs, 1)
    within = status.batch / status.batches if status.batches else 0.0
    fraction = (status.epoch + within) / epochs if status.state == "training" else within
    pieces = [state]
    if status.state == "training":
        phase = f" of {status.phase}" if status.phase else ""
        pieces = [f"{state}{phase}", f"epoch {min(status.epoch + 1, epochs)} of {status.epochs}"]
    if status.batches:
        pieces.append(f"batch {status.batch:,} of {status.batches:,}")
    if status.seconds_left is not None and math.isfinite(status.seconds_left):
        pieces.append(f"{duration(status.seconds_left)} left")
    line = " · ".join(pieces)
    bar = markup.progress(fraction, line)
    return markup.note(status.message or f"{state.capitalize()}.", inner=bar)


def duration(seconds: float) -> str:
    """Return seconds in words for people: "about 40 s", "about 3 min", "about 2 h 10 min"."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 60 else f"about {minutes // 60} h {minutes % 60} min"


def losses(history: Sequence[Epoch]) -> pd.DataFrame | None:
    """Return the loss of each epoch for the plot; None before the first point, or no line is ever drawn."""
    return _long(history, {"training": "train_loss", "validation": "val_loss"})


def scores(history: Sequence[Epoch]) -> pd.DataFrame | None:
    """Return accuracy and AUROC on validation data for the plot; None before the first point."""
    return _long(history, {"accuracy": "val_accuracy", "AUROC": "val_auc"})


def _long(history: Sequence[Epoch], figures: dict[str, str]) -> pd.DataFrame | None:
    rows = [
        (epoch.number, words, float(getattr(epoch, name)))
        for epoch in history
        for words, name in figures.items()
        if math.isfinite(getattr(epoch, name))
    ]
    return pd.DataFrame(rows, columns=["epoch", "of", "value"]) if rows else None


@lru_cache(maxsize=256)
def _asked(folder: Path) -> tuple[str, str]:
    """Return a run's recipe and data set, by name; both never change."""
    try:
        request = jobs.load_request(folder)
    except EngineError:
        return "unknown recipe", ""
    return request.recipe.title, request.dataset_id


def _run_choice(status: jobs.JobStatus) -> tuple[str, str]:
    started = datetime.fromtimestamp(status.started).astimezone()
    return f"{started:%d %b %Y %H:%M} · {_asked(status.folder)[0]} · {STATES[status.state]}", status.job_id


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
                _asked(one.folder)[0],
                STATES[one.state],
                f"{one.epoch} / {one.epochs}",
                auc,
                one.job_id,
            ]
        )
    return rows


# -------------------------------------------------------------------------------- layout


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
    come_to = arrival()
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    base, seen = gr.State(None), gr.State("")
    timer = gr.Timer(TICK_IDLE, active=True)
    gr.HTML(markup.STYLE, elem_classes="or-style")
    with gr.Row():
        with gr.Column(scale=1, min_width=380):
            gr.Markdown("### What to train")
            dataset = gr.Dropdown(label="Data set", choices=[], interactive=True, elem_id="train-dataset")
            about_data = gr.HTML(elem_id="train-data-facts", padding=False)
            recipe = gr.Dropdown(
                label="Recipe", choices=[], interactive=True, filterable=True, elem_id="train-recipe"
            )
            card = gr.HTML(elem_id="train-recipe-card", padding=False)
            fields: dict[str, Any] = {}
            with gr.Accordion("Settings", open=False, elem_id="train-settings"):
                fields |= _place(GENERAL)
                groups = []
                for slot in range(PHASE_SLOTS):
                    with gr.Accordion(f"Phase {slot + 1}", open=slot == 0, visible=False) as group:
                        fields |= _place({f"phases.{slot}.{name}": make for name, make in PHASE.items()})
                    groups.append(group)
                with gr.Accordion("Random changes to training images", open=False):
                    fields |= _place(AUGMENTATION)
                with gr.Accordion("The net", open=False):
                    fields |= _place(NET)
            with gr.Accordion("Keep or share these settings", open=False, elem_id="train-own"):
                title = gr.Textbox(
                    label="Name of your recipe", placeholder="e.g. night-shift films", max_length=60
                )
                with gr.Row():
                    keep = gr.Button("Save as my recipe", elem_id="train-save", min_width=140)
                    give = gr.Button("Download as a file", elem_id="train-download", min_width=140)
                    take = gr.UploadButton(
                        "Open a recipe file", file_types=[".json"], elem_id="train-open", min_width=140
                    )
                hidden = gr.DownloadButton(visible="hidden", elem_id="train-recipe-file")
        with gr.Column(scale=2, min_width=420):
            gr.Markdown("### What it will do")
            about_run = gr.HTML(elem_id="train-facts", padding=False)
            with gr.Row():
                start_button = gr.Button("Start training", variant="primary", elem_id="train-start")
                preview = gr.Button("Show changed training images", elem_id="train-preview")
            examples = gr.HTML(elem_id="train-examples", padding=False)
            gr.Markdown("### The run")
            run = gr.Dropdown(label="Run", choices=[], interactive=True, elem_id="train-run")
            box = gr.HTML(elem_id="train-status", padding=False)
            with gr.Row():
                stop_button = gr.Button("Stop", variant="stop", visible=False, elem_id="train-stop")
                resume_button = gr.Button("Resume", variant="primary", visible=False, elem_id="train-resume")
            with gr.Row():
                loss_plot = gr.LinePlot(
                    x="epoch",
                    y="value",
                    color="of",
                    color_title=" ",
                    title="Loss",
                    y_title="loss",
                    height=260,
                    elem_id="train-loss",
                )
                score_plot = gr.LinePlot(
                    x="epoch",
                    y="value",
                    color="of",
                    color_title=" ",
                    title="On validation films",
                    y_title="figure",
                    height=260,
                    elem_id="train-scores",
                )
            with gr.Accordion("Earlier runs", open=False):
                runs_table = gr.Dataframe(
                    headers=["started", "recipe", "state", "epochs", "AUROC", "run"],
                    datatype="str",
                    interactive=False,
                    wrap=True,
                    column_widths=["17%", "31%", "12%", "11%", "12%", "17%"],
                    elem_id="train-runs",
                    elem_classes="or-tight",
                )
    form = [fields[name] for name in FIELDS]
    looked = [
        run,
        box,
        loss_plot,
        score_plot,
        start_button,
        stop_button,
        resume_button,
        runs_table,
        timer,
        seen,
    ]
    filled = [base, card, *groups, *form]

    recipe.input(partial(shown(choose_recipe), session), recipe, filled, api_name="train_recipe", **quiet)
    dataset.change(partial(shown(data_facts), session), dataset, about_data, api_name="train_data", **quiet)
    telling = [field.change for field in form if not isinstance(field, gr.Slider)]
    gr.on(
        [base.change, dataset.change, *telling],
        partial(shown(facts), session),
        [dataset, base, *form],
        about_run,
        trigger_mode="always_last",
        api_name="train_facts",
        **quiet,
    )
    preview.click(
        partial(shown(augmented), session),
        [dataset, base, *form],
        examples,
        api_name="train_examples",
        api_visibility="undocumented",
    )
    keep.click(
        partial(shown(save_recipe), session),
        [title, base, *form],
        [recipe, base, card],
        api_name="train_save",
        **quiet,
    )
    take.upload(partial(shown(open_recipe), session), take, [recipe, *filled], api_name="train_open", **quiet)
    give.click(shown(recipe_file), [base, *form], hidden, api_name="train_file", **quiet).success(
        None, None, None, js="() => document.querySelector('#train-recipe-file').click()"
    )
    start_button.click(
        partial(shown(start), session),
        [dataset, base, *form],
        looked,
        api_name="train_start",
        trigger_mode="once",
        concurrency_limit=1,
        **quiet,
    )
    stop_button.click(partial(shown(stop), session), run, looked, api_name="train_stop", **quiet)
    resume_button.click(partial(shown(resume), session), run, looked, api_name="train_resume", **quiet)
    run.input(partial(shown(look_at), session), run, looked, api_name="train_look_at", **quiet)
    timer.tick(
        partial(shown(look), session), [run, seen], looked, queue=False, api_name="train_look", **quiet
    )
    opening = come_to(
        partial(shown(opened), session),
        [dataset, base],
        [dataset, recipe, *filled],
        api_name="train_open_page",
        **quiet,
    )
    # The division may have been changed on the Data page, the data set's name staying the same.
    opening = opening.then(
        partial(shown(data_facts), session), dataset, about_data, api_name="train_data_again", **quiet
    )
    opening.then(
        partial(shown(facts), session),
        [dataset, base, *form],
        about_run,
        api_name="train_facts_again",
        **quiet,
    )
    gr.on(fn=partial(shown(look_at), session, None), outputs=looked, api_name="train_look_first", **quiet)


def opened(session: AppSession, chosen: str | None, base: Recipe | None) -> tuple[Any, ...]:
    """Return the data sets there are now; and, when the page is opened first, the default recipe in the form."""
    datasets = dataset_choices(session)
    known = [dataset_id for _, dataset_id in datasets]
    value = chosen if chosen in known else (known[0] if known else None)
    listed = gr.Dropdown(choices=datasets, value=value)
    if base is not None:
        return listed, *(gr.skip(),) * (3 + PHASE_SLOTS + len(FIELDS))
    recipes = gr.Dropdown(choices=recipe_choices(session.workspace), value="default")
    return listed, recipes, *choose_recipe(session, "default")


def _place(makers: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Place fields side by side; ticks stand below, because a row squeezes their words away."""
    ticks = [name for name, make in makers.items() if make.__name__ == "tick"]
    with gr.Row():
        placed = {name: make() for name, make in makers.items() if name not in ticks}
    return placed | {name: makers[name]() for name in ticks}
