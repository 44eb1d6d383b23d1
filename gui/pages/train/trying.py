"""Experiments from the page: how many more images would help, and which settings are better.

Each works in a process of its own (`engine.experiments.asked`), as a training does: a reload, another tab and a closed
window change nothing. What was found stays, and a recipe that a search found is a click away from being trained.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import gradio as gr

from engine.errors import EngineError, RecipeError, RunError
from engine.experiments import (
    Asked,
    ExperimentStatus,
    begin_experiment,
    experiment_folder,
    experiment_status,
    experiments,
    go_on_experiment,
    load_asked,
    load_found,
    stop_experiment,
    varied_fields,
)
from engine.kept_files import MIB
from engine.language import _, isolated, moment, number
from engine.records import FIRST_VERSION, Recipe
from engine.retelling import retold
from engine.storage import read_regular
from gui.pages.train.plan import chosen_split, refuse_guests
from gui.pages.train.recipe_form import recipe_of
from gui.web import AppSession, markup, shown

USUAL = {"learning-curve": 1, "search": 12}
"""Trainings that are proposed, by a key of `engine.experiments.asked.work.KINDS`."""
VARIED = "phases.0.learning_rate=1e-4..1e-2:log\nbatch_size=16,32,64"
TONES = {"done": "good", "stopped": "mild", "failed": "serious", "lost": "serious"}


def questions() -> dict[str, str]:
    """Return what can be asked: a key of `engine.experiments.asked.work.KINDS` → the question."""
    return {"learning-curve": _("How many more images?"), "search": _("Which settings are better?")}


def about_question(kind: str) -> str:
    """Return how a question is answered."""
    if kind == "search":
        return _(
            "Trains the recipe above again and again with other settings, judges them on validation images alone, "
            "and saves the best as a recipe."
        )
    return _(
        "Trains the recipe above on a tenth of the training images, and on more and more of them up to all, and says "
        "what twice as many would bring."
    )


def trainings_label(kind: str) -> str:
    """Return what is counted by the number of trainings."""
    return _("Trainings in all") if kind == "search" else _("Trainings of each size")


def states() -> dict[str, str]:
    """Return the states of an experiment in words."""
    return {
        "working": _("in progress"),
        "done": _("done"),
        "stopped": _("stopped"),
        "failed": _("failed"),
        "lost": _("lost"),
    }


def place(
    session: AppSession,
    dataset: gr.Dropdown,
    labels: gr.Dropdown,
    base: gr.State,
    form: list[Any],
    train_this: Callable[..., Any],
) -> None:
    """Place what asks for experiments and shows them.

    Args:
        session: The window.
        dataset: In which the data set is chosen.
        labels: In which the version of its labels is.
        base: The recipe that the form was filled from.
        form: The form's fields.
        train_this: Given a button's click and the drop-down of experiments, makes the found recipe the form's.
    """
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    with gr.Accordion(
        _("Experiments: more images? better settings?"), open=False, elem_id="train-experiments"
    ):
        kind = gr.Radio(
            label=_("Question"),
            choices=[(words, name) for name, words in questions().items()],
            value="learning-curve",
            elem_id="experiment-kind",
        )
        about = gr.Markdown(about_question("learning-curve"), elem_id="experiment-about")
        with gr.Row():
            trainings = gr.Number(
                label=trainings_label("learning-curve"),
                value=USUAL["learning-curve"],
                elem_id="experiment-trainings",
                min_width=140,
            )
            vary = gr.Textbox(
                label=_("What is varied"),
                info=_(
                    "One setting a line, by its name in a recipe file: field=low..high, field=low..high:log or "
                    "field=value,value. Such as batch_size, phases.0.learning_rate, augmentation.rotation, "
                    "balance.method."
                ),
                value=VARIED,
                lines=2,
                visible=False,
                elem_id="experiment-vary",
                scale=3,
            )
        wrong = gr.HTML(elem_id="experiment-wrong", padding=False)
        ask = gr.Button(_("Find out"), variant="primary", elem_id="experiment-ask")
        which, box, stop, go_on, take = _place_found()
    seen, timer = gr.State(""), gr.Timer(2.0)
    looked = [which, box, ask, stop, go_on, take, seen]
    kind.input(shown(asked_for), kind, [about, trainings, vary, wrong], api_name="experiment_kind", **quiet)
    gr.on(
        [trainings.change, vary.change],  # what is pasted or deleted is no input to Gradio
        shown(check),
        [kind, trainings, vary, base, *form],
        wrong,
        trigger_mode="always_last",
        api_name="experiment_check",
        **quiet,
    )
    ask.click(
        partial(shown(begin), session),
        [dataset, labels, kind, trainings, vary, base, *form],
        looked,
        api_name="experiment_begin",
        trigger_mode="once",
        **quiet,
    )
    stop.click(partial(shown(stop_it), session), which, looked, api_name="experiment_stop", **quiet)
    go_on.click(partial(shown(go_on_with), session), which, looked, api_name="experiment_go_on", **quiet)
    which.input(partial(shown(look), session), which, looked, api_name="experiment_look_at", **quiet)
    timer.tick(
        partial(shown(look), session), [which, seen], looked, queue=False, api_name="experiment_look", **quiet
    )
    train_this(take, which)


def _place_found() -> tuple[Any, ...]:
    """Place what shows an experiment: which, what it found, and the buttons that end it, go on, and take the recipe."""
    which = gr.Dropdown(
        label=_("Experiment"), choices=[], interactive=True, visible=False, elem_id="experiment-which"
    )
    box = gr.HTML(elem_id="experiment-found", padding=False)
    with gr.Row():
        stop = gr.Button(_("Stop"), variant="stop", visible=False, elem_id="experiment-stop")
        go_on = gr.Button(_("Continue"), visible=False, elem_id="experiment-go-on")
        take = gr.Button(
            _("Train the recipe that was found"),
            variant="primary",
            visible=False,
            elem_id="experiment-take",
        )
    return which, box, stop, go_on, take


def asked_for(kind: str) -> tuple[Any, ...]:
    """Return what a question needs to be told."""
    trainings = gr.Number(label=trainings_label(kind), value=USUAL[kind])
    return about_question(kind), trainings, gr.Textbox(visible=kind == "search"), ""


def check(kind: str, trainings: float | None, vary: str, base: Recipe | None, *values: Any) -> str:
    """Return what is wrong with what was asked, to be said in its field; nothing where all is well."""
    said = ""
    if _whole(trainings) is None:
        words = _whole_number() + "."
        said += markup.said_at("experiment-trainings", words)
    if kind == "search" and base is not None:
        try:
            varied_fields(recipe_of(base, values), _lines(vary))
        except RecipeError as error:
            words = retold(error).replace("--vary ", "")
            said += markup.said_at("experiment-vary", words)
    return said


def _whole_number() -> str:
    return _("Give a whole number from {least} to {most}").format(least=number(1), most=number(10_000))


def _whole(said: float | None) -> int | None:
    return int(said) if said is not None and said == int(said) and 1 <= said <= 10_000 else None


def _lines(vary: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in vary.splitlines() if line.strip())


def begin(
    session: AppSession,
    dataset_id: str | None,
    labels: int | None,
    kind: str,
    trainings: float | None,
    vary: str,
    base: Recipe | None,
    *values: Any,
) -> tuple[Any, ...]:
    """Begin an experiment, and return what the page shows of it.

    Raises:
        EngineError: The window is read-only, something is wrong with what was asked, or something else is at work.
    """
    refuse_guests(session)
    count = _whole(trainings)
    if base is None or count is None:
        raise RecipeError(_("The number of trainings cannot be used"), _whole_number())
    if not labels or labels == FIRST_VERSION:
        chosen_split(session, dataset_id)  # says at once what the experiment would say
    recipe, varied = recipe_of(base, values), _lines(vary) if kind == "search" else ()
    if kind == "search":
        varied_fields(recipe, varied)
    folder = begin_experiment(
        session.workspace,
        Asked(
            workspace=session.workspace.root,
            kind=kind,
            recipe=recipe,
            dataset_id=str(dataset_id),
            labels=labels or FIRST_VERSION,
            trainings=count,
            vary=varied,
            allow_downloads=session.allow_downloads,
        ),
    )
    return look(session, folder.name)


def stop_it(session: AppSession, which: str | None) -> tuple[Any, ...]:
    """Ask an experiment to stop."""
    refuse_guests(session)
    stop_experiment(session.workspace, which or "")
    return look(session, which)


def go_on_with(session: AppSession, which: str | None) -> tuple[Any, ...]:
    """Go on with an experiment that was stopped; what is trained for it is not trained again."""
    refuse_guests(session)
    go_on_experiment(session.workspace, which or "")
    return look(session, which)


def look(session: AppSession, which: str | None, seen: str = "") -> tuple[Any, ...]:
    """Return what the page shows of the experiments; nothing is sent again that the page has."""
    damaged: list[RunError] = []
    listed = experiments(session.workspace, on_damaged=damaged.append)
    working = any(one.working for one in listed)
    now = next((one for one in listed if one.experiment_id == which), listed[0] if listed else None)
    signature = repr((now, [(one.experiment_id, one.state) for one in listed], list(map(str, damaged))))
    if signature == seen:
        return (gr.skip(),) * LOOKED
    found = _found(session, now)
    return (
        gr.Dropdown(
            choices=[(_title(session, one), one.experiment_id) for one in listed],
            value=now.experiment_id if now else None,
            visible=bool(listed),
        ),
        markup.problems(damaged) + (result(session, now) if now else ""),
        gr.Button(interactive=not working and not session.read_only),
        gr.Button(visible=bool(now and now.working)),
        gr.Button(visible=bool(now and now.state in ("stopped", "failed", "lost") and not working)),
        gr.Button(visible=bool(found and found.recipe)),
        signature,
    )


LOOKED = 7
"""How many outputs `look` returns."""


def _found(session: AppSession, now: ExperimentStatus | None) -> Any:
    if now is None or now.state != "done":
        return None
    try:
        return load_found(experiment_folder(session.workspace, now.experiment_id))
    except RunError:  # the box says so
        return None


def _title(session: AppSession, now: ExperimentStatus) -> str:
    began = datetime.fromtimestamp(now.started).astimezone()
    try:
        asked = load_asked(experiment_folder(session.workspace, now.experiment_id))
        what = f"{questions().get(asked.kind, asked.kind)} · {isolated(asked.recipe.title)}"
    except EngineError:
        what = _("unknown question")
    return f"{moment(began, '%d %b %Y %H:%M')} · {what} · {states()[now.state]}"


def result(session: AppSession, now: ExperimentStatus) -> str:
    """Return how far an experiment is, or what it found."""
    if now.working:
        share = now.done / now.total if now.total else 0.0
        line = _("{n} of {total} trainings done").format(n=number(now.done), total=number(now.total))
        said = markup.told(f"{now.message}.".replace("..", "."))
        return markup.note(said, inner=markup.progress(share, line if now.total else ""))
    folder = experiment_folder(session.workspace, now.experiment_id)
    try:
        found = load_found(folder)
    except RunError as error:
        return markup.note(markup.told(error), tone="serious")
    if now.state != "done" or found is None:
        done = _("{n} of {total} trainings were done.").format(n=number(now.done), total=number(now.total))
        more = [done] if now.total else []
        return markup.note(markup.told(now.message), tone=TONES.get(now.state, "plain"), more=more)
    further = [markup.told(one) for one in found.more]
    pieces: list[str] = [markup.note(markup.told(found.sentence), tone="good", more=further)]
    if found.figure:
        try:
            svg = read_regular(folder / "figure.svg", MIB).decode("utf-8")
            pieces.append(markup.drawing(svg, _("Area under the ROC curve by number of training images.")))
        except (OSError, UnicodeDecodeError):  # the table says the same
            pass
    pieces.append(markup.table([retold(one) for one in found.headings], found.rows))
    if found.page:
        pieces.append(
            markup.remark(
                _("The page with its PDF, CSV and JSON: {file}").format(
                    file=isolated(str(folder / found.page))
                )
            )
        )
    return markup.joined(pieces)


def recipe_found(session: AppSession, which: str | None) -> str:
    """Return the name of the recipe that an experiment saved.

    Raises:
        RecipeError: It saved none.
    """
    found = _found(session, experiment_status(experiment_folder(session.workspace, which or "")))
    if found is None or not found.recipe:
        raise RecipeError(_("This experiment has found no recipe"), _("Choose a search that is done"))
    return str(found.recipe)
