"""Experiments from the page: how many more images would help, which settings are better, and which recipe.

Each works in a process of its own (`engine.experiments.asked`), as a training does: a reload, another tab and a closed
window change nothing. What was found stays, and a recipe that a search found is a click away from being trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

import gradio as gr

from engine.errors import RecipeError, RunError
from engine.experiments import (
    Asked,
    begin_experiment,
    experiments,
    go_on_experiment,
    stop_experiment,
    varied_fields,
)
from engine.language import _, number
from engine.recipes import named_recipe
from engine.records import FIRST_VERSION, Recipe
from engine.retelling import retold
from gui.pages.train.plan import chosen_folds, chosen_split, refuse_guests, tested_by
from gui.pages.train.recipe_form import recipe_of
from gui.pages.train.recipes_listed import recipes_offered
from gui.pages.train.tried import found_by, questions, result, title_of
from gui.web import AppSession, markup, shown

USUAL = {"learning-curve": 1, "search": 12, "comparison": 1}
"""Trainings that are proposed, by a key of `engine.experiments.asked.work.KINDS`."""
VARIED = "phases.0.learning_rate=1e-4..1e-2:log\nbatch_size=16,32,64"
OPEN_COMPARISON = """() => {
    const runs = JSON.parse(document.querySelector('#experiment-found [data-chosen]').dataset.chosen).runs;
    sessionStorage.setItem('overread.compare', JSON.stringify(runs));
    window.overread.go({ tab: 'report', run: runs[0] });
}"""
"""The report page's script reads what it is to compare: `gui/pages/report/pane/parts.js`."""


def about_question(kind: str) -> str:
    """Return how a question is answered."""
    if kind == "comparison":
        return _(
            "Trains the recipe above and those that are chosen here on one split, each with as many seeds, and "
            "compares them case by case on the test images. A recipe that is chosen so looks better than it is: test "
            "it on other images."
        )
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
    said = {"search": _("Trainings in all"), "comparison": _("Seeds of each recipe")}
    return said.get(kind, _("Trainings of each size"))


def place(
    session: AppSession,
    dataset: gr.Dropdown,
    labels: gr.Dropdown,
    base: gr.State,
    form: list[Any],
    train_this: Callable[..., Any],
) -> tuple[list[Any], list[Any]]:
    """Place what asks for experiments and shows them.

    Args:
        session: The window.
        dataset: In which the data set is chosen.
        labels: In which the version of its labels is.
        base: The recipe that the form was filled from.
        form: The form's fields.
        train_this: Given a button's click and the drop-down of experiments, makes the found recipe the form's.

    Returns:
        Inputs and outputs of `look`, which whoever looks at the runs asks as well.
    """
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    with gr.Accordion(
        _("Experiments: more images? better settings? which recipe?"), open=False, elem_id="train-experiments"
    ):
        kind, about, trainings, vary, others, folds = _place_asked()
        wrong = gr.HTML(elem_id="experiment-wrong", padding=False)
        ask = gr.Button(_("Find out"), variant="primary", elem_id="experiment-ask")
        which, box, stop, go_on, take, opening = _place_found()
    # Kept by the page, not by the server: what was seen is told together with what stands in the drop-down.
    seen = gr.Textbox("", visible="hidden")
    looked = [which, box, ask, stop, go_on, take, opening, seen]
    kind.input(
        partial(shown(asked_for), session),
        kind,
        [about, trainings, vary, others, folds, wrong],
        api_name="experiment_kind",
        **quiet,
    )
    asked = [kind, trainings, vary, others, folds, base, *form]
    gr.on(
        # what is pasted or deleted is no input to Gradio
        [trainings.change, vary.change, others.change],
        partial(shown(check), session),
        asked,
        wrong,
        trigger_mode="always_last",
        api_name="experiment_check",
        **quiet,
    )
    ask.click(
        partial(shown(begin), session),
        [dataset, labels, *asked],
        looked,
        api_name="experiment_begin",
        trigger_mode="once",
        **quiet,
    )
    stop.click(partial(shown(stop_it), session), which, looked, api_name="experiment_stop", **quiet)
    go_on.click(partial(shown(go_on_with), session), which, looked, api_name="experiment_go_on", **quiet)
    which.input(partial(shown(look), session), which, looked, api_name="experiment_look_at", **quiet)
    train_this(take, which)
    opening.click(None, None, None, js=OPEN_COMPARISON)
    return [which, seen], looked


def _place_asked() -> tuple[Any, ...]:
    """Place what says what is to be found out: the question, how often is trained, and what the question needs."""
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
        others = gr.Dropdown(
            label=_("Compared with"),
            choices=[],
            value=[],
            multiselect=True,
            interactive=True,
            visible=False,
            elem_id="experiment-others",
            scale=3,
        )
        folds = gr.Dropdown(
            label=_("Test by"),
            choices=tested_by(),
            value=0,
            interactive=True,
            visible=False,
            elem_id="experiment-folds",
            scale=2,
        )
    return kind, about, trainings, vary, others, folds


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
        opening = gr.Button(
            _("Open the comparison"), variant="primary", visible=False, elem_id="experiment-open"
        )
    return which, box, stop, go_on, take, opening


def asked_for(session: AppSession, kind: str) -> tuple[Any, ...]:
    """Return what a question needs to be told."""
    compared = kind == "comparison"
    trainings = gr.Number(label=trainings_label(kind), value=USUAL[kind])
    listed = gr.Dropdown(choices=recipes_offered(session.workspace), visible=True) if compared else None
    return (
        about_question(kind),
        trainings,
        gr.Textbox(visible=kind == "search"),
        listed or gr.Dropdown(visible=False),
        gr.Dropdown(visible=compared),
        "",
    )


def check(
    session: AppSession,
    kind: str,
    trainings: float | None,
    vary: str,
    others: Sequence[str],
    folds: int,
    base: Recipe | None,
    *values: Any,
) -> str:
    """Return what is wrong with what was asked, to be said in its field; nothing where all is well."""
    said, count = "", _whole(trainings)
    if count is None:
        words = _whole_number() + "."
        said += markup.said_at("experiment-trainings", words)
    if base is None:
        return said
    try:
        if kind == "search":
            varied_fields(recipe_of(base, values), _lines(vary))
        elif kind == "comparison":
            compared_with(session, recipe_of(base, values), others, count or 1)
    except RecipeError as error:
        field = "experiment-vary" if kind == "search" else "experiment-others"
        said += markup.said_at(field, retold(error))
    return said


def compared_with(
    session: AppSession, recipe: Recipe, names: Sequence[str], seeds: int
) -> tuple[Recipe, ...]:
    """Return the recipes that the form's is held against; the form's own is no other.

    Raises:
        RecipeError: There is none, and one seed alone; or one of them is gone.
    """
    found = tuple(named_recipe(session.workspace, name) for name in names or ())
    others = tuple(one for one in found if one != recipe)
    if not others and seeds < 2:
        raise RecipeError(
            _("One run alone cannot be compared"), _("Choose another recipe, or more than one seed")
        )
    return others


def _named_apart(recipe: Recipe, others: Sequence[Recipe]) -> Recipe:
    """Return the form's recipe under a name of its own: changed, it is another than the one it was made from."""
    if recipe.name not in {one.name for one in others}:
        return recipe
    return replace(recipe, name=f"{recipe.name[:56]}-changed")


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
    others: Sequence[str],
    folds: int,
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
    compared: tuple[Recipe, ...] = ()
    if kind == "search":
        varied_fields(recipe, varied)
    elif kind == "comparison":
        compared = compared_with(session, recipe, others, count)
        recipe = _named_apart(recipe, compared)
        if folds:
            chosen_folds(session, dataset_id, folds)
    folder = begin_experiment(
        session.workspace,
        Asked(
            workspace=session.workspace.root,
            kind=kind,
            recipe=recipe,
            dataset_id=str(dataset_id),
            labels=labels or FIRST_VERSION,
            trainings=count,
            others=compared,
            folds=folds if kind == "comparison" else 0,
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
    working = next((one for one in listed if one.working), None)
    # One that began since the last look is what everybody wants to see: a look that was asked before would hide it.
    if working and working.experiment_id != seen.partition("|")[0] and (seen or not which):
        which = working.experiment_id
    now = next((one for one in listed if one.experiment_id == which), listed[0] if listed else None)
    states = [(one.experiment_id, one.state) for one in listed]
    all_shown = repr((now, states, list(map(str, damaged))))
    signature = f"{working.experiment_id if working else ''}|{sha256(all_shown.encode()).hexdigest()[:32]}"
    if signature == seen:
        return (gr.skip(),) * LOOKED
    found = found_by(session, now)
    return (
        gr.Dropdown(
            choices=[(title_of(session, one), one.experiment_id) for one in listed],
            value=now.experiment_id if now else None,
            visible=bool(listed),
        ),
        markup.problems(damaged) + (result(session, now) if now else ""),
        gr.Button(interactive=working is None and not session.read_only),
        gr.Button(visible=bool(now and now.working)),
        gr.Button(visible=bool(now and now.state in ("stopped", "failed", "lost") and working is None)),
        gr.Button(visible=bool(found and found.recipe)),
        gr.Button(visible=bool(found and found.runs)),
        signature,
    )


LOOKED = 8
"""How many outputs `look` returns."""
