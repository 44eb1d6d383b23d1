"""What the page asks when it is come to, and what follows from the answer: as few questions as there is news.

Gradio's browser walks over every component of every page after each event, so that ten events at a tab's click are
seconds: there is one, which brings all that is quick to find. What a form will do is told when it has become another
since (`tell`), and how long it takes is measured where nobody has measured it yet. Which of them comes next is an
answer's last value, in the hidden field that `THEN` reads.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from engine import jobs
from engine.data import load_choices
from engine.errors import EngineError, RecipeError
from engine.language import _
from engine.recipes import own_recipes
from engine.records import Recipe
from gui.pages.data import dataset_choices
from gui.pages.meant import data_meant
from gui.pages.train import trying, watch
from gui.pages.train.offered import balance_again, timed, unmeasured
from gui.pages.train.plan import choose_recipe, data_facts
from gui.pages.train.recipe_form import FIELDS, PHASE_SLOTS
from gui.pages.train.recipes_listed import purposes, recipes_offered
from gui.pages.train.starting import of_data_set
from gui.pages.train.telling import facts
from gui.web import AppSession, markup

THEN = """(what) => {
  const name = what.split(' ')[0];
  const click = (left) => {
    const button = document.getElementById(`train-do-${name}`);
    if (button) button.click();
    else if (left) setTimeout(click, 50, left - 1);  // the page is still being put up
  };
  // The first time it loads PyTorch, during which no question is answered: not for who only passes by.
  const seen = () => document.getElementById(`train-do-${name}`)?.closest('[role=tabpanel]')?.offsetHeight !== 0;
  const look = (before) => setTimeout(() => (seen() && before ? click(400) : look(seen())), 400);
  if (what === 'tell first') look(true);
  else if (name) click(400);
}"""
"""Presses the hidden button of what comes next."""
LOOK = """() => {
  const button = document.getElementById('train-do-look'), panel = button?.closest('[role=tabpanel]');
  if (button && (!panel || panel.offsetHeight)) button.click();
}"""
"""Looks at the runs while the page is looked at: nobody who reads films waits for another page's news."""


def come(
    session: AppSession,
    named: str | None,
    chosen: str | None,
    base: Recipe | None,
    folds: int,
    endpoint: str,
    asked: str,
    run_id: str | None,
    seen: str,
    experiment: str | None,
    seen_experiments: str,
) -> tuple[Any, ...]:
    """Return all that the page shows when it is come to, but for what is told of the form.

    Args:
        session: The window.
        named: The data set or run in the address.
        chosen: The data set on the page.
        base: The recipe that the form was filled from; None when the page is opened first.
        folds: Of a cross-validation; 0 for one model.
        endpoint: The figure that the run is to show.
        asked: What the form was told of last (`_standing`).
        run_id: The run on the page.
        seen: The signature of what it shows of the runs.
        experiment: The experiment on the page.
        seen_experiments: The signature of what it shows of those.
    """
    datasets = dataset_choices(session, also=named or chosen)
    value = data_meant(session, named or chosen, [dataset_id for _words, dataset_id in datasets])
    standing = _standing(session, value)
    return (
        gr.Dropdown(choices=datasets, value=value),
        *_filled(session, base),
        *_of_data(session, value, endpoint, folds),
        *looked(session, run_id, seen, experiment, seen_experiments),
        standing,
        "tell first" if base is None else "tell" if standing != asked else "",
    )


def another(session: AppSession, dataset_id: str | None, endpoint: str, folds: int) -> tuple[Any, ...]:
    """Return what a data set that a person chose offers, and what is to be told next."""
    return *_of_data(session, dataset_id, endpoint, folds), _standing(session, dataset_id), "tell"


def looked(
    session: AppSession, run_id: str | None, seen: str, experiment: str | None, seen_experiments: str
) -> tuple[Any, ...]:
    """Return what the page shows of the runs and of the experiments."""
    return *watch.look(session, run_id, seen), *trying.look(session, experiment, seen_experiments)


def tell(session: AppSession, dataset_id: str | None, base: Recipe | None, *values: Any) -> tuple[Any, ...]:
    """Return what the form will do, the ways to treat unequal classes, the plans' times, and what is measured next."""
    return (
        facts(session, dataset_id, base, *values),
        balance_again(session, dataset_id),
        timed(session, "", dataset_id),
        _measured_next(session, dataset_id),
    )


def measure(session: AppSession, what: str, dataset_id: str | None) -> tuple[Any, str]:
    """Measure how long a plan takes; return the plans with their times, and what comes next.

    Args:
        session: The window.
        what: “measure” and the plan.
        dataset_id: The data set.
    """
    plan = what.partition(" ")[2]
    return timed(session, plan, dataset_id), _measured_next(session, dataset_id, plan) or "facts"


def _measured_next(session: AppSession, dataset_id: str | None, after: str = "") -> str:
    plan = unmeasured(session, dataset_id, after)
    return f"measure {plan}" if plan else ""


def _standing(session: AppSession, dataset_id: str | None) -> str:
    """Return a signature of what is told of the form beside what stands in it: images, split, other trainings."""
    if not dataset_id:
        return "-"
    try:
        choices = repr(load_choices(session.workspace, dataset_id))
    except EngineError as error:
        choices = str(error)
    file = session.workspace.datasets / dataset_id / "index.json"
    working = jobs.running_job(session.workspace)
    brought = file.stat().st_mtime_ns if file.exists() else 0
    return repr((dataset_id, choices, brought, working.job_id if working else ""))


def _of_data(session: AppSession, dataset_id: str | None, endpoint: str, folds: int) -> tuple[Any, ...]:
    """Return the versions of the labels, the endpoints, and how the images will be split."""
    try:
        used = load_choices(session.workspace, dataset_id).labels if dataset_id else None
    except EngineError:  # which is said beside the data
        used = None
    return *of_data_set(session, dataset_id, endpoint), data_facts(session, dataset_id, folds, used)


def _filled(session: AppSession, base: Recipe | None) -> tuple[Any, ...]:
    """Return purposes, recipes and the default one in the form, when the page is opened first."""
    if base is not None:
        return (gr.skip(),) * (6 + PHASE_SLOTS + len(FIELDS))
    damaged: list[RecipeError] = []
    own_recipes(session.workspace, on_damaged=damaged.append)
    for_what = gr.Dropdown(choices=[(_("everything"), ""), *purposes(session.workspace)], value="")
    recipes = gr.Dropdown(choices=recipes_offered(session.workspace), value="default")
    recipe, card, *filled = choose_recipe(session, "default")
    return for_what, recipes, recipe, markup.problems(damaged) + card, *filled
