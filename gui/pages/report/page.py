"""Report: choose a run, a part of the data and the reference standards; see the results, take them away as files.

Nothing is computed here: `engine.pipeline` computes, `engine.report` draws and writes.
They are imported when a report is asked for: the window opens seconds sooner without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from engine.data import load_index
from engine.errors import EngineError, RunError
from engine.handover import MODEL_FORMATS
from engine.kept_files import ignore
from engine.labels import versions_of
from engine.language import ENGLISH, _, isolated, languages, name_of
from engine.records import FIRST_VERSION
from engine.report import CHECKLISTS, EXPORTS, REFERENCE_STANDARDS, checklist_of, standard_words
from engine.runs import find_run, list_runs
from gui.pages.keeping import RUN, come_again, offered, place as place_keeping, run_title
from gui.pages.meant import run_meant
from gui.pages.report import elsewhere, relabelling
from gui.pages.report.asked import HANDLERS
from gui.pages.report.computed import PARTS_SHOWN, part_choices, report_of
from gui.pages.report.parts import titles
from gui.pages.report.taking import OWN_LABELS, download_words, export, hand_over
from gui.pages.where_now import found, missed, place
from gui.web import (
    TAKE_FILE,
    AppSession,
    answered,
    arrival,
    chosen_here,
    markup,
    shown,
    static_pane,
    tab_again,
)

# ---------------------------------------------------------------------------------------- handlers


def run_choices(
    session: AppSession, *, on_damaged: Callable[[RunError], None] = ignore, also: str | None = None
) -> list[tuple[str, str]]:
    """Return the finished runs for a drop-down, newest first; archived ones but for `also` are left out."""
    known = set(session.store.run_ids())
    return [
        (run_title(run), run.run_id)
        for run in list_runs(session.workspace, on_damaged=on_damaged)
        if run.run_id in known and offered(run.folder, also)
    ]


def labels_offered(
    session: AppSession, run_id: str | None, chosen: str = OWN_LABELS
) -> tuple[list[tuple[str, str]], str]:
    """Return the versions of the labels that a run can be held against, in words and by name, and the one that is."""
    alone = [(_("those of the run"), OWN_LABELS)]
    if not run_id:
        return alone, OWN_LABELS
    try:
        run = find_run(session.workspace, run_id)
        known = versions_of(session.store, load_index(session.workspace, run.dataset_id))
    except EngineError:  # the box below says so
        return alone, OWN_LABELS
    own = run.labels.number if run.labels else FIRST_VERSION
    choices = [(_("those of the run: v{version}").format(version=own), OWN_LABELS)]
    choices += [
        (version.sentence, f"v{version.number}") for version in reversed(known) if version.number != own
    ]
    return choices, chosen if chosen in [name for _words, name in choices] else OWN_LABELS


def label_choices(session: AppSession, run_id: str | None, chosen: str = OWN_LABELS) -> Any:
    """Return the drop-down of the versions of the labels; hidden where there is one."""
    choices, value = labels_offered(session, run_id, chosen)
    return gr.Dropdown(choices=choices, value=value, visible=len(choices) > 1)


def show(
    session: AppSession, run_id: str | None, part: str, standards: Sequence[str], labels: str = OWN_LABELS
) -> tuple[Any, ...]:
    """Return what is chosen, for the script that asks for the parts, and the question after images that are missed."""
    nothing = markup.note(
        _("No finished run yet. Train one on the Train page; its report then appears here.")
    )
    told = {
        "run": run_id or "",
        "part": part,
        "labels": labels or OWN_LABELS,
        "standards": list(standards),
        "titles": titles(),
        "asked": time.time_ns(),  # come back to, the page asks again: cases may have been read since
    }
    if not run_id:
        return markup.chosen(told) + nothing, *missed(session, [])
    try:
        paths = [case.path for case in session.store.predictions(run_id, PARTS_SHOWN[part])]
        if not paths:
            report_of(session, run_id, part)  # which says why there is nothing to report on
    except EngineError as error:  # another run can still be chosen
        said = markup.note(markup.told(error), tone="serious")
        return markup.chosen({**told, "run": ""}) + said, *missed(session, [])
    return markup.chosen(told), *missed(session, paths)


def show_another(
    session: AppSession, run_id: str | None, part: str, standards: Sequence[str]
) -> tuple[Any, ...]:
    """Return the labels' drop-down and all that `show` returns of a run that a person chose, held against its own."""
    return label_choices(session, run_id), *show(session, run_id, part, standards)


def opened(
    session: AppSession,
    named: str | None,
    chosen: str | None,
    part: str,
    standards: Sequence[str],
    labels: str = OWN_LABELS,
) -> tuple[Any, ...]:
    """Return both drop-downs and all that `show` returns, when the page is come to: of the run, or data set, named."""
    damaged: list[RunError] = []
    choices = run_choices(session, on_damaged=damaged.append, also=named or chosen)
    run_id = run_meant(session, named or chosen, [run_id for _title, run_id in choices])
    _versions, held = labels_offered(session, run_id, labels if run_id == chosen else OWN_LABELS)
    told, *rest = show(session, run_id, part, standards, held)
    runs, versions = gr.Dropdown(choices=choices, value=run_id), label_choices(session, run_id, held)
    return runs, versions, told + markup.problems(damaged), *rest


def find_images(
    session: AppSession,
    run_id: str | None,
    folder: str,
    part: str,
    standards: Sequence[str],
    labels: str = OWN_LABELS,
) -> tuple[Any, ...]:
    """Look for a run's images in a folder; return what is shown of it then, and what came of it.

    Raises:
        EngineError: There is no such folder.
    """
    answer = found(session, run_id, folder)
    return *show(session, run_id, part, standards, labels), answer


# ---------------------------------------------------------------------------------------- layout


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
    come_to = arrival()
    gr.HTML(markup.STYLE, elem_classes="or-style")
    with gr.Row():
        run = gr.Dropdown(
            label=_("Run"), choices=[], interactive=True, elem_id="report-run", scale=5, min_width=320
        )
        part = gr.Dropdown(
            label=_("Images"),
            choices=part_choices(),
            value="test",
            interactive=True,
            elem_id="report-part",
            scale=2,
            min_width=220,
        )
        standards = gr.CheckboxGroup(
            label=_("Reference standard"),
            choices=[(standard_words(name), name) for name in REFERENCE_STANDARDS],
            value=list(REFERENCE_STANDARDS),
            elem_id="report-standards",
            scale=3,
            min_width=320,
        )
        held = gr.Dropdown(
            label=_("Labels"),
            info=_("The version that the figures are held against."),
            choices=[(_("those of the run"), OWN_LABELS)],
            value=OWN_LABELS,
            interactive=True,
            visible=False,
            elem_id="report-labels",
            scale=3,
            min_width=320,
        )
    chosen_run = chosen_here("run", run)
    place_keeping(session, RUN, run, come_again("report", run, "run: ''"), prefix="report-run")
    question = place("report")
    told = gr.HTML(elem_id="report-chosen", padding=False)
    with gr.Tabs():
        with gr.Tab(_("Report"), id="report"):
            static_pane(
                "gui.pages.report.pane",
                "parts",
                ["parts.js"],
                server_functions=[_server_function(handler, session) for handler in HANDLERS],
                elem_id="report-parts",
            )
            checklists = gr.CheckboxGroup(
                label=_("Checklists in the files"),
                choices=[(isolated(checklist_of(name).title), name) for name in CHECKLISTS],
                value=list(CHECKLISTS),
                elem_id="report-lists",
            )
            spoken = gr.Dropdown(
                label=_("Language of the files"),
                info=_("Of HTML, PDF and Word; tables, JSON and the bundle are in English."),
                choices=[(name_of(code), code) for code in languages()],
                value=ENGLISH,
                interactive=True,
                elem_id="report-language",
            )
            with gr.Row():
                buttons = {
                    kind: gr.Button(download_words(kind, one.title), elem_id=f"report-{kind}", min_width=250)
                    for kind, one in EXPORTS.items()
                }
            with gr.Row():
                models = {
                    kind: gr.Button(download_words(kind, one.title), elem_id=f"model-{kind}", min_width=250)
                    for kind, one in MODEL_FORMATS.items()
                }
        with gr.Tab(_("Images from elsewhere"), id="elsewhere") as elsewhere_tab:
            come_elsewhere, form = arrival(), elsewhere.place(session)
        with gr.Tab(_("Labels"), id="labels") as labels_tab:
            come_to_labels, labels = arrival(), relabelling.place()
    hidden = gr.DownloadButton(visible="hidden", elem_id="report-file")

    asked = [run, part, standards, held]
    outputs = [told, *question.asking]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    shown_again = partial(shown(show), session)
    # What fills the same box waits in one queue: what was asked last is answered last.
    in_turn: dict[str, Any] = {"concurrency_id": "report_told", "concurrency_limit": 1, **quiet}
    of_another = chosen_run(
        partial(shown(show_another), session),
        [part, standards],
        [held, *outputs],
        api_name="report_show_run",
        **in_turn,
    )
    of_part = gr.on(
        [part.input, standards.input, held.input],
        shown_again,
        asked,
        outputs,
        api_name="report_show",
        trigger_mode="always_last",
        **in_turn,
    )
    gr.on(
        [question.button.click, question.folder.submit],
        partial(shown(find_images), session),
        [run, question.folder, *asked[1:]],
        [*outputs, question.answer],
        api_name="report_find",
        api_visibility="undocumented",
        show_progress_on=[question.answer],
        trigger_mode="once",
    )
    writing: list[tuple[Callable[..., str], str, Any, list[Any]]] = [
        *((export, kind, button, [run, part, checklists, held, spoken]) for kind, button in buttons.items()),
        *((hand_over, kind, button, [run, part]) for kind, button in models.items()),
    ]
    for write, kind, button, needed in writing:
        button.click(
            partial(shown(write), session, kind),
            needed,
            hidden,
            api_name=f"{button.elem_id}".replace("-", "_"),
            api_visibility="undocumented",
            show_progress_on=[button],
            concurrency_limit=1,
        ).success(None, hidden, None, js=TAKE_FILE)
    elsewhere.wire(
        session, form, come_elsewhere, chosen_run, run=run, part=part, file=hidden, report_of=report_of
    )
    relabelling.wire(session, labels, come_to_labels, run=run, file=hidden)
    # Whenever the page is come to: a run may have finished since, and reviews have been made.
    come = come_to(
        partial(shown(opened), session),
        asked,
        [run, held, *outputs],
        named=("run", "data"),
        says=("run", run),
        api_name="report_open",
        **in_turn,
    )
    for event in (come, of_another, of_part):
        tab_again(event, elsewhere_tab, labels_tab)


def _server_function(
    handler: Callable[[AppSession, Mapping[str, Any]], dict[str, Any]], session: AppSession
) -> Callable[[Any], dict[str, Any]]:
    def call(asked: Any = None) -> dict[str, Any]:
        return answered(partial(handler, session))(asked if isinstance(asked, dict) else {})

    call.__name__ = handler.__name__
    return call
