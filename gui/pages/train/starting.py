"""A run is started: on which labels, tested how, and what it is to show, written down before.

Handlers of the train page, as functions of plain values.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from engine import jobs
from engine.data import Choices, load_choices, load_index, load_summary, training_request
from engine.errors import EngineError, RecipeError
from engine.language import _, ngettext, number
from engine.records import FIRST_VERSION, Recipe
from engine.runs import endpoints_of, fix_endpoint, tested_before
from gui.pages.train.offered import expected_of_recipe
from gui.pages.train.plan import chosen_folds, chosen_split, label_choices, on_labels, refuse_guests
from gui.pages.train.recipe_form import recipe_of
from gui.pages.train.watch import endpoint_names, look
from gui.web import AppSession


def endpoint_field() -> gr.Dropdown:
    """Return the field in which a run's primary endpoint is chosen."""
    return gr.Dropdown(
        label=_("Primary endpoint"),
        info=about_endpoint(0),
        choices=endpoint_choices(endpoints_of(2)),
        value="",
        interactive=True,
        elem_id="train-endpoint",
    )


def endpoint_choices(figures: list[str]) -> list[tuple[str, str]]:
    """Return what a run may be to show: (words, figure); none is fixed where nothing is chosen."""
    said = endpoint_names()
    return [(_("none fixed"), ""), *((said[figure], figure) for figure in figures)]


def about_endpoint(before: int) -> str:
    """Return what fixing an endpoint means; `before` runs on the same data are finished already."""
    said = _(
        "What the run is to show on its test part. It is kept with the time before anything is trained; without it no "
        "report of the run is final."
    )
    if not before:
        return said
    more = ngettext(
        "{count} run on these data is finished already, and the report will say so.",
        "{count} runs on these data are finished already, and the report will say so.",
        before,
    ).format(count=number(before))
    return f"{said} {more}"


def of_data_set(session: AppSession, dataset_id: str | None, endpoint: str) -> tuple[Any, Any]:
    """Return what a data set offers: the versions of its labels, and the figures that a run on it may be to show."""
    labels = label_choices(session, dataset_id)
    try:
        figures = endpoints_of(len(load_summary(session.workspace, dataset_id or "").classes))
    except EngineError:  # the box on the data says so
        return labels, gr.skip()
    return labels, gr.Dropdown(
        choices=endpoint_choices(figures),
        value=endpoint if endpoint in figures else "",
        info=about_endpoint(tested_before(session.workspace, str(dataset_id))),
    )


def start_on(
    session: AppSession,
    endpoint: str,
    labels: int | None,
    dataset_id: str | None,
    folds: int,
    base: Recipe | None,
    *values: Any,
) -> tuple[Any, ...]:
    """Start a run, of one model or of a cross-validation of so many folds, and return what the page shows of it.

    Args:
        session: The window.
        endpoint: The figure that the run is to show, fixed now; empty for none.
        labels: The version of the labels; None for the one in use.
        dataset_id: The data set.
        folds: Of a cross-validation; 0 for one model.
        base: The recipe that the form was filled with.
        values: Of the form.

    Raises:
        TrainingError: Another run is in progress.
        RecipeError: The form holds no recipe.
        DataError: The data cannot be split or has one class only.
        RunError: The endpoint is none that these data can have.
    """
    refuse_guests(session)
    if base is None:
        raise RecipeError(_("No recipe is chosen"), _("Choose one from the list"))
    recipe = recipe_of(base, values)
    choices = load_choices(session.workspace, dataset_id) if dataset_id else Choices()
    labels = labels or choices.labels
    if labels == FIRST_VERSION:
        # Either says at once what the run would say in a minute.
        if folds:
            chosen_folds(session, dataset_id, folds)
        else:
            chosen_split(session, dataset_id)
    assert dataset_id is not None
    index = load_index(session.workspace, dataset_id)
    request = training_request(
        recipe,
        index,
        choices,
        allow_downloads=session.allow_downloads,
        folds=folds,
    )
    expected = None if folds else expected_of_recipe(session, dataset_id, recipe)
    request = on_labels(session, request, labels)
    if endpoint:
        request = fix_endpoint(session.workspace, request, endpoint, len(index.classes))
    job = jobs.submit(session.workspace, request)
    if expected is not None:
        jobs.keep_expected(job.folder, expected)
    return look(session, job.job_id, "")
