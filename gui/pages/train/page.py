"""Train: choose data and recipe, see what it will do, start it, watch it, stop it, go on with it.

A run lives in a separate process. The page looks at it with a timer; so a reload, a second tab and another
computer see the same run, and only one can be started at a time (`engine.jobs`). What happens before a run is in
`plan`, what happens during one in `watch`; here they are placed and wired.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from engine.language import _
from gui.pages.keeping import RUN, place as place_keeping
from gui.pages.train.choices import OF_REGISTRIES, choices_of
from gui.pages.train.coming import LOOK, THEN, another, come, looked, measure, tell
from gui.pages.train.offered import balance_choices, plan_choices
from gui.pages.train.plan import (
    augmented,
    balances,
    choose_plan,
    choose_recipe,
    data_facts,
    open_recipe,
    phase_title,
    recipe_file,
    save_recipe,
    tested_by,
    use_labels,
)
from gui.pages.train.recipe_form import (
    FIELDS,
    PHASE_SLOTS,
    Field,
    augmentation,
    component,
    fine,
    general,
    is_tick,
    net,
    phase,
)
from gui.pages.train.recipes_listed import found_recipes, recipes_offered
from gui.pages.train.starting import endpoint_field, start_on
from gui.pages.train.telling import facts
from gui.pages.train.tried import recipe_found
from gui.pages.train.trying import place as place_experiments
from gui.pages.train.watch import TICK_IDLE, look_at, resume, run_headings, stop
from gui.web import TAKE_FILE, AppSession, arrival, chosen_here, markup, shown


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
    come_to = arrival()
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    # What was seen is kept by the page, not by the server: it is told together with what stands in the drop-down.
    base = gr.State(None)
    seen, asked, todo = (gr.Textbox("", visible="hidden") for _one in range(3))
    do = {
        name: gr.Button(visible="hidden", elem_id=f"train-do-{name}")
        for name in ("look", "tell", "measure", "facts")
    }
    again: list[Any] = []  # what changes a run's name, or takes it away
    timer = gr.Timer(TICK_IDLE, active=True)
    gr.HTML(markup.STYLE, elem_classes="or-style")
    with gr.Row():
        with gr.Column(scale=1, min_width=380):
            gr.Markdown("## " + _("What to train"))
            dataset = gr.Dropdown(label=_("Data set"), choices=[], interactive=True, elem_id="train-dataset")
            follow_data = chosen_here("data", dataset)
            labels = gr.Dropdown(
                label=_("Labels"), choices=[], interactive=True, visible=False, elem_id="train-labels"
            )
            about_data = gr.HTML(
                markup.remark(_("Looking at the data…")), elem_id="train-data-facts", padding=False
            )
            plan = gr.Radio(
                label=_("How thoroughly"),
                choices=plan_choices({}),
                value="recommended",
                elem_id="train-plan",
            )
            balance = gr.Radio(
                label=_("Classes of unequal size"),
                choices=balance_choices(session, None),
                elem_id="train-balance",
            )
            fields: dict[str, Any] = {}
            with gr.Accordion(_("Expert"), open=False, elem_id="train-expert"):
                folds = gr.Dropdown(
                    label=_("Test by"),
                    choices=tested_by(),
                    value=0,
                    interactive=True,
                    elem_id="train-folds",
                )
                endpoint = endpoint_field()
                with gr.Row():
                    purpose = gr.Dropdown(
                        label=_("Recipes for"),
                        choices=[(_("everything"), "")],
                        value="",
                        interactive=True,
                        elem_id="train-purpose",
                        min_width=150,
                    )
                    search = gr.Textbox(
                        label=_("Search"),
                        placeholder=_("e.g. resnet focal"),
                        max_length=100,
                        elem_id="train-search",
                        min_width=150,
                    )
                recipe = gr.Dropdown(
                    label=_("Recipe"), choices=[], interactive=True, filterable=True, elem_id="train-recipe"
                )
                none_found = gr.Markdown()
                card = gr.HTML(markup.skeleton(), elem_id="train-recipe-card", padding=False)
                with gr.Accordion(_("Settings"), open=False, elem_id="train-settings") as settings:
                    fields |= _place(general())
                    groups = []
                    for slot in range(PHASE_SLOTS):
                        with gr.Accordion(
                            phase_title(slot), open=slot == 0, visible=False, elem_id=f"train-phase-{slot}"
                        ) as group:
                            fields |= _place(
                                {f"phases.{slot}.{name}": field for name, field in phase().items()}
                            )
                            with gr.Accordion(
                                _("Schedule, penalty and clipping"), open=False, elem_id=f"train-fine-{slot}"
                            ):
                                fields |= _place(
                                    {f"phases.{slot}.{name}": field for name, field in fine().items()}
                                )
                        groups.append(group)
                    with gr.Accordion(
                        _("Augmentation of training images"), open=False, elem_id="train-augmentation"
                    ):
                        fields |= _place(augmentation())
                    with gr.Accordion(_("Network"), open=False, elem_id="train-network"):
                        fields |= _place(net())
                with gr.Accordion(_("Save or share these settings"), open=False, elem_id="train-own"):
                    title = gr.Textbox(
                        label=_("Name of your recipe"),
                        placeholder=_("e.g. night-shift images"),
                        max_length=60,
                    )
                    with gr.Row():
                        keep = gr.Button(_("Save as my recipe"), elem_id="train-save", min_width=140)
                        give = gr.Button(_("Download as a file"), elem_id="train-download", min_width=140)
                        take = gr.UploadButton(
                            _("Open a recipe file"),
                            file_types=[".json"],
                            elem_id="train-open",
                            min_width=140,
                        )
                hidden = gr.DownloadButton(visible="hidden", elem_id="train-recipe-file")
        with gr.Column(scale=2, min_width=420):
            gr.Markdown("## " + _("What this will do"))
            about_run = gr.HTML(
                markup.remark(_("Building the network…")), elem_id="train-facts", padding=False
            )
            with gr.Row():
                start_button = gr.Button(_("Start training"), variant="primary", elem_id="train-start")
                preview = gr.Button(_("Preview augmented training images"), elem_id="train-preview")
            examples = gr.HTML(elem_id="train-examples", padding=False)
            experiments_here = gr.Column()
            gr.Markdown("## " + _("The run"))
            run = gr.Dropdown(label=_("Run"), choices=[], interactive=True, elem_id="train-run")
            box = gr.HTML(markup.remark(_("Looking for runs…")), elem_id="train-status", padding=False)
            with gr.Row():
                stop_button = gr.Button(_("Stop"), variant="stop", visible=False, elem_id="train-stop")
                resume_button = gr.Button(
                    _("Resume"), variant="primary", visible=False, elem_id="train-resume"
                )
                review_button = gr.Button(
                    _("Review these images"), variant="primary", visible=False, elem_id="train-review"
                )
            with gr.Row():
                loss_plot = gr.HTML(elem_id="train-loss", padding=False, min_width=280)
                score_plot = gr.HTML(elem_id="train-scores", padding=False, min_width=280)
            with gr.Row():
                place_keeping(session, RUN, run, again.append, prefix="run")
            with gr.Accordion(_("Earlier runs"), open=False, elem_id="train-earlier"):
                runs_table = gr.Dataframe(
                    headers=run_headings(),
                    datatype="str",
                    interactive=False,
                    wrap=True,
                    column_widths=["17%", "31%", "12%", "11%", "12%", "17%"],
                    elem_id="train-runs",
                    elem_classes="or-tight",
                )
    form = [fields[name] for name in FIELDS]
    shown_of_run = [
        run,
        box,
        loss_plot,
        score_plot,
        start_button,
        stop_button,
        resume_button,
        review_button,
        runs_table,
        timer,
        seen,
    ]
    # A person waits for these with nothing else to look at.
    waited_for: dict[str, Any] = {**quiet, "show_progress": "minimal", "show_progress_on": [box]}
    filled = [base, card, plan, balance, *groups, *form]

    # Both events that tell it wait in one queue, one at a time: an earlier answer must not overtake a later one.
    told: dict[str, Any] = {
        "fn": partial(shown(facts), session),
        "inputs": [dataset, base, *form],
        "outputs": about_run,
        "concurrency_id": "train_facts",
        "concurrency_limit": 1,
        **quiet,
    }

    def train_found(button: gr.Button, which: gr.Dropdown) -> None:
        button.click(
            partial(shown(take_found), session), which, [recipe, *filled], api_name="train_found", **quiet
        ).then(api_name="train_facts_found", **told)

    with experiments_here:
        experiment, found = place_experiments(session, dataset, labels, base, form, train_found)
    chosen = recipe.input(
        partial(shown(choose_recipe), session), recipe, filled, api_name="train_recipe", **quiet
    )
    settings.expand(
        shown(choices_of), None, [fields[name] for name in OF_REGISTRIES], api_name="train_choices", **quiet
    )
    planned = plan.input(
        partial(shown(choose_plan), session), plan, [recipe, *filled], api_name="train_plan", **quiet
    )
    # The form has every way to treat unequal classes; the three that are offered first are chosen there as well.
    told_balance = balance.input(
        lambda method: method, balance, fields["balance.method"], api_name="train_balance", **quiet
    )
    fields["balance.method"].input(
        lambda method: method if method in balances() else None,
        fields["balance.method"],
        balance,
        api_name="train_balance_again",
        **quiet,
    )
    gr.on(
        [purpose.input, search.change, search.submit],  # `input` comes before the value that was pasted
        partial(shown(found_recipes), session),
        [purpose, search, recipe],
        [recipe, none_found],
        trigger_mode="always_last",
        api_name="train_find_recipes",
        **quiet,
    )
    of_data: dict[str, Any] = {
        "fn": partial(shown(data_facts), session),
        "inputs": [dataset, folds, labels],
        "outputs": about_data,
        **quiet,
    }
    folds.input(api_name="train_data", **of_data)
    used = labels.input(
        partial(shown(use_labels), session), [dataset, labels], None, api_name="train_use_labels", **quiet
    )
    used.then(api_name="train_data_then", **of_data)
    # Asked by what a person changes, and once more when an event has filled the form; never by .change, which asks in
    # the middle of the filling, of half an old recipe and half a new one. Gradio's text field has no input when
    # something is pasted or deleted: leaving it (.blur) asks as well.
    telling = [do["facts"].click]
    for field in form:
        if isinstance(field, gr.Textbox):
            telling += [field.input, field.blur]
        elif not isinstance(field, gr.Slider):  # they only change images, which the preview shows
            telling.append(field.input)
    gr.on(telling, trigger_mode="always_last", api_name="train_facts", **told)
    preview.click(
        partial(shown(augmented), session),
        [dataset, base, *form],
        examples,
        api_name="train_examples",
        api_visibility="undocumented",
    )
    kept = keep.click(
        partial(shown(save_recipe), session),
        [title, base, *form],
        [recipe, base, card],
        api_name="train_save",
        **quiet,
    )
    taken = take.upload(
        partial(shown(open_recipe), session), take, [recipe, *filled], api_name="train_open", **quiet
    )
    give.click(shown(recipe_file), [base, *form], hidden, api_name="train_file", **quiet).success(
        None, hidden, None, js=TAKE_FILE
    )
    start_button.click(
        partial(shown(start_on), session),
        [endpoint, labels, dataset, folds, base, *form],
        shown_of_run,
        api_name="train_start",
        trigger_mode="once",
        concurrency_limit=1,
        **waited_for,
    )
    # A run that is trained now is the newest of its data set, and nothing else is meant until one is chosen.
    start_button.click(None, None, None, js="() => window.overread.go({ run: '' })")
    review_button.click(None, run, None, js="(run) => window.overread.go({ tab: 'review', run })")
    stop_button.click(partial(shown(stop), session), run, shown_of_run, api_name="train_stop", **waited_for)
    resume_button.click(
        partial(shown(resume), session), run, shown_of_run, api_name="train_resume", **waited_for
    )
    run.input(partial(shown(look_at), session), run, shown_of_run, api_name="train_look_at", **quiet)
    timer.tick(None, None, None, js=LOOK)
    watched = [run, seen, *experiment]
    do["look"].click(
        partial(shown(looked), session),
        watched,
        [*shown_of_run, *found],
        queue=False,
        api_name="train_look",
        **quiet,
    )
    of_data_set = [labels, endpoint, about_data]
    opening = come_to(
        partial(shown(come), session),
        [dataset, base, folds, endpoint, asked, *watched],
        [dataset, purpose, recipe, *filled, *of_data_set, *shown_of_run, *found, asked, todo],
        named=("data", "run"),
        says=("data", dataset),
        api_name="train_open_page",
        **quiet,
    )
    chosen_data = follow_data(
        partial(shown(another), session),
        [endpoint, folds],
        [*of_data_set, asked, todo],
        api_name="train_data_set",
        **quiet,
    )
    # In one queue with what is told of the form's changes: see `told`.
    opened = do["tell"].click(
        **{**told, "fn": partial(shown(tell), session), "outputs": [about_run, balance, plan, todo]},
        api_name="train_tell",
    )
    # For each takes seconds: nothing else waits for it.
    measured = do["measure"].click(
        partial(shown(measure), session),
        [todo, dataset],
        [plan, todo],
        trigger_mode="multiple",
        api_name="train_measure",
        concurrency_id="train_time",
        concurrency_limit=1,
        **quiet,
    )
    for answer in (opening, chosen_data, opened, measured):
        answer.then(None, todo, None, js=THEN)
    for filling in (chosen, planned, told_balance, kept, taken, used):
        filling.then(api_name="train_facts_again", **told)
    for done in again:
        done.then(partial(shown(look_at), session), run, shown_of_run, api_name="train_look_kept", **quiet)


def take_found(session: AppSession, which: str | None) -> tuple[Any, ...]:
    """Make the recipe that an experiment found the next to be trained: in the list, and in the form."""
    name = recipe_found(session, which)
    listed = gr.Dropdown(choices=recipes_offered(session.workspace), value=name)
    return listed, *choose_recipe(session, name)


def _place(fields: Mapping[str, Field]) -> dict[str, Any]:
    """Place fields side by side; ticks stand below, because a row squeezes their words away."""
    ticks = [name for name in fields if is_tick(name)]
    with gr.Row():
        placed = {name: component(name, field) for name, field in fields.items() if name not in ticks}
    return placed | {name: component(name, fields[name]) for name in ticks}
