"""Data: bring a folder, table or archive; see what is in it, what the checks found, how it will be split.

Handlers are functions of plain values that return what the page's outputs show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup

from engine import labels  # suspects load torch, when they are asked for
from engine.data import (
    Choices,
    list_indexes,
    load_choices,
    load_index,
    positive_of,
    ratios_of,
    save_choices,
    split_as_chosen,
)
from engine.errors import DataError, EngineError, SplitError
from engine.kept_files import ignore
from engine.language import _, moment, ngettext, number
from engine.records import FIRST_VERSION, Index, Split
from engine.retelling import retold
from gui.pages.data.bringing.pane import bring_pane
from gui.pages.data.labelled.pane import labels_pane
from gui.pages.data.overview import (
    class_pictures,
    counts_headings,
    counts_table,
    issues,
    split_headings,
    split_overview,
    summary,
)
from gui.pages.data.pictures import issue_image, picture_of
from gui.pages.data.split_form import choices_from_percent, split_modes
from gui.pages.data.using.pane import using_pane
from gui.pages.keeping import DATA, come_again, named_in_a_field, offered, place as place_keeping, told_apart
from gui.pages.meant import data_meant
from gui.pages.tables import headed, placed
from gui.pages.where_now import ASKING, found as found_images, missed, place
from gui.web import AppSession, arrival, chosen_here, markup, meant_now, shown, static_pane, tab_again

# While something is brought in, or was refused, the pictures of the data set before must not stand under it.
STYLE = Markup("""<style>
body:has(#data-bring [data-stage]:not([data-stage=idle], [data-stage=done])) #data-shown { display: none !important; }
#data-bring .html-container { padding: 0 !important; }
</style>""")

# To the form of a new study, of these images.
LABEL = """(dataset) => {
  if (!dataset) return;
  sessionStorage.setItem('overread.new-study', dataset);
  document.getElementById('page-studies-button').click();
  window.dispatchEvent(new Event('overread-study-new'));
}"""


# -------------------------------------------------------------------------------- handlers


def dataset_choices(
    session: AppSession, *, on_damaged: Callable[[DataError], None] = ignore, also: str | None = None
) -> list[tuple[str, str]]:
    """Return the data sets for a drop-down, newest first: (name in words, dataset id).

    Archived ones are left out, but for the one named by `also`: its own id, or a run's that was trained on it.
    """
    also = next((run.dataset_id for run in session.store.runs() if also and run.run_id == also), also)
    summaries = list_indexes(session.workspace, on_damaged=on_damaged)
    return [
        (
            ngettext(
                "{name} · {count} image · {when}", "{name} · {count} images · {when}", one.images
            ).format(
                name=named_in_a_field(folder, one.name),
                count=number(one.images),
                when=moment(one.created.astimezone(), "%d %b %H:%M"),
            ),
            one.dataset_id,
        )
        for one in summaries
        if offered(folder := session.workspace.datasets / one.dataset_id, also)
    ]


SHOWN = 13 + ASKING
"""How many outputs `show` returns."""


def show(session: AppSession, dataset_id: str | None) -> tuple[Any, ...]:
    """Return all that the page shows of a data set, in the order of the page's outputs."""
    if not dataset_id:
        return _nothing(session, _("No images have been imported yet. Enter a folder, or choose a data set."))
    try:
        index = load_index(session.workspace, dataset_id)
        index = replace(index, samples=tuple(index.samples))  # once: what is shown walks over them many times
    except DataError as error:
        return _nothing(session, markup.told(error), tone="serious")
    unread = ""
    try:
        choices = load_choices(session.workspace, dataset_id)
        now = labelled_as_used(session, index, choices)
    except EngineError as error:
        choices, now, unread = Choices(), index, markup.note(markup.told(error), tone="serious")

    def of_issue(issue: int, path: int) -> markup.Picture:
        return picture_of(session, index, issue_image(issue, path), index.issues[issue].paths[path])

    two = len(now.classes) == 2
    table, remark, problem = preview_split(index, choices, partial(_split_in_use, session))
    return (
        summary(now),
        headed(counts_table(index), counts_headings()),
        class_pictures(now, lambda sample: picture_of(session, index, sample.image_id, sample.path)),
        issues(index, of_issue),
        choices.mode,
        *(round(100 * share, 2) for share in choices.ratios),
        choices.seed,
        gr.Dropdown(
            choices=told_apart(now.classes),
            value=positive_of(now.classes, choices.positive) if two else None,
            visible=two,
        ),
        table,
        remark,
        unread + problem,
        *missed(session, [sample.path for sample in index.samples]),
    )


def _nothing(session: AppSession, why: str, *, tone: str = "plain") -> tuple[Any, ...]:
    """Return what `show` does where there is no data set to be shown."""
    no_positive = gr.Dropdown(choices=[], value=None, visible=False)
    told = markup.note(why, tone=tone)
    counts, parts = headed([], counts_headings()), headed([], split_headings())
    return told, counts, "", "", *(gr.skip(),) * 5, no_positive, parts, "", "", *missed(session, [])


def labelled_as_used(session: AppSession, index: Index, choices: Choices) -> Index:
    """Return a data set with the labels that its next training uses.

    Raises:
        ReviewError: The version that was chosen is not there.
    """
    version = labels.version_named(session.store, index, str(choices.labels))
    return labels.on_version(session.workspace, session.store, index, version)[0]


def _split_in_use(session: AppSession, index: Index, choices: Choices) -> Split:
    return labels.splits_in_use(session.workspace, session.store, index, choices)[0]


def preview_split(
    index: Index, choices: Choices, split_of: Callable[[Index, Choices], Split] = split_as_chosen
) -> tuple[list[list[str]], str, str]:
    """Return the table of a split, the remark on it, and why it cannot be made, each empty where there is none."""
    try:
        split = split_of(index, choices)
    except EngineError as error:
        return headed([], split_headings()), "", markup.note(markup.told(error), tone="serious")
    rows, remark = split_overview(split)
    return headed(rows, split_headings()), remark, ""


def apply_split(
    session: AppSession,
    dataset_id: str | None,
    how: str,
    train: float | None,
    val: float | None,
    test: float | None,
    seed: float | None,
    positive: str | None,
) -> tuple[list[list[str]], str, str]:
    """Split as the form says and keep the choice for training; return what `preview_split` does."""
    if not dataset_id:
        return (
            headed([], split_headings()),
            "",
            markup.note(_("No data set is chosen. Import a folder, or choose a data set.")),
        )
    try:
        choices = choices_from_percent(how, train, val, test, seed, positive)
        choices = replace(choices, labels=_labels_kept(session, dataset_id))
        index = load_index(session.workspace, dataset_id)
        if not session.read_only:
            save_choices(session.workspace, dataset_id, choices)
    except EngineError as error:
        return headed([], split_headings()), "", markup.note(markup.told(error), tone="serious")
    return preview_split(index, choices, partial(_split_in_use, session))


def _labels_kept(session: AppSession, dataset_id: str) -> int:
    """Return the version of the labels in use; of a choice that cannot be read, which a new one replaces, the first."""
    try:
        return load_choices(session.workspace, dataset_id).labels
    except DataError:
        return FIRST_VERSION


def check_shares(train: float | None, val: float | None, test: float | None) -> str:
    """Return what is wrong with the shares, to be said beside them at once; nothing where they add up."""
    try:
        ratios_of(train, val, test)
    except SplitError as error:
        return markup.note(
            markup.told(error), tone="serious", inner=markup.said_at("data-shares", retold(error))
        )
    return ""


def choose(session: AppSession, dataset_id: str | None) -> tuple[Any, ...]:
    """Return what is shown of a data set that a person chose; what came of looking for another's images goes."""
    return *show(session, dataset_id), ""


def find_images(session: AppSession, dataset_id: str | None, folder: str) -> tuple[Any, ...]:
    """Look for a data set's images in a folder; return what is shown of it then, and what came of it.

    Raises:
        EngineError: There is no such folder.
    """
    answer = found_images(session, dataset_id, folder)
    return *show(session, dataset_id), answer


def first_look(session: AppSession, meant: str | None, standing: str | None = None) -> tuple[Any, ...]:
    """Return the drop-down and all that is shown, when the page is come to; what is on it already stays.

    Args:
        session: The window.
        meant: The data set, or a run of it, that the page is come to for; None means the newest.
        standing: The data set that is on the page.
    """
    damaged: list[DataError] = []
    choices = dataset_choices(session, on_damaged=damaged.append, also=meant)
    value = data_meant(session, meant, [dataset_id for _words, dataset_id in choices])
    if value and value == standing:
        return gr.Dropdown(choices=choices, value=value), *(gr.skip(),) * SHOWN
    overview, *rest = show(session, value)
    return gr.Dropdown(choices=choices, value=value), markup.problems(damaged) + overview, *rest


# -------------------------------------------------------------------------------- layout


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
    come_to = arrival()
    gr.HTML(markup.STYLE + STYLE, elem_classes="or-style")
    bring = bring_pane(session)
    with gr.Row(elem_id="data-shown"):
        with gr.Column(scale=1, min_width=340):
            gr.Markdown("## " + _("In this workspace"))
            dataset = gr.Dropdown(
                label=_("Data set"),
                choices=[],
                interactive=True,
                elem_id="data-dataset",
                info=_("Kept when you close Overread."),
            )
            chosen_data = chosen_here("data", dataset)
            label = gr.Button(_("Label these images"), elem_id="data-label")
            gr.Markdown("## " + _("Split into training, validation and test"))
            how = gr.Radio(
                label=_("How"),
                choices=[(words, name) for name, words in split_modes().items()],
                value="automatic",
                elem_id="data-split-mode",
            )
            with gr.Row(elem_id="data-shares"):
                shares = [
                    gr.Number(label=words, value=value, min_width=80)
                    for words, value in ((_("Training %"), 60), (_("Validation %"), 20), (_("Test %"), 20))
                ]
            seed = gr.Number(
                label=_("Seed"), info=_("Another seed gives another split."), value=0, precision=0
            )
            gr.Markdown(
                _(
                    "All images of a patient who is named in the data stay in one part. The model learns from "
                    "training, is tuned on validation, and is evaluated on test, which it has never seen."
                ),
                elem_classes="or-sub",
            )
            positive = gr.Dropdown(
                label=_("The finding (positive class)"),
                info=_("Sensitivity is the share of these cases that are found."),
                visible=False,
                interactive=True,
                elem_id="data-positive",
            )
            apply = gr.Button(_("Apply split"), elem_id="data-apply-split")
            problem = gr.HTML(elem_id="data-split-problem", padding=False)
        with gr.Column(scale=2, min_width=420):
            question = place("data")
            overview = gr.HTML(markup.skeleton(), elem_id="data-summary", padding=False)
            with gr.Tabs():
                with gr.Tab(_("Pictures")):
                    pictures = gr.HTML(markup.skeleton(), elem_id="data-images", padding=False)
                with gr.Tab(_("Labels"), id="data-labels", elem_id="data-labels") as labelled:
                    relabelled = labels_pane(session, dataset)
                with gr.Tab(_("What the checks found")):
                    found = gr.HTML(markup.skeleton(), elem_id="data-issues", padding=False)
                with gr.Tab(_("Counts")):
                    counts = placed(counts_headings(), _("As the data came"), "data-counts", [28, *[12] * 6])
            split_table = placed(split_headings(), _("Split"), "data-split", [37, 21, 21, 21])
            remark = gr.HTML(elem_id="data-split-note", padding=False)
            used, uses = using_pane(session, dataset)
            place_keeping(
                session, DATA, dataset, come_again("data", dataset, "data: '', run: ''"), prefix="dataset"
            )

    static_pane("gui.pages.data", "large_view", ["large_view.js"], elem_id="data-large")

    split_parts = [split_table, remark, problem]
    shown_parts = [
        *(overview, counts, pictures, found, how, *shares, seed, positive, *split_parts),
        *question.asking,
    ]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    label.click(None, dataset, None, js=LABEL)
    brought = bring.submit(
        partial(shown(first_look), session, None),
        None,
        [dataset, *shown_parts],
        api_name="data_read",
        **quiet,
    )
    meant_now(brought, "data", dataset)
    chosen = chosen_data(
        partial(shown(choose), session),
        [],
        [*shown_parts, question.answer],
        api_name="data_show",
        **quiet,
    )
    gr.on(
        [question.button.click, question.folder.submit],
        partial(shown(find_images), session),
        [dataset, question.folder],
        [*shown_parts, question.answer],
        api_name="data_find",
        api_visibility="undocumented",
        show_progress_on=[question.answer],
        trigger_mode="once",
    )
    gr.on(
        [share.input for share in shares],
        shown(check_shares),
        shares,
        problem,
        trigger_mode="always_last",
        api_name="data_check_shares",
        **quiet,
    )
    gr.on(
        [apply.click, how.input, positive.input, seed.submit],
        partial(shown(apply_split), session),
        [dataset, how, *shares, seed, positive],
        split_parts,
        api_name="data_apply_split",
        **quiet,
    )
    come = come_to(
        shown(lambda *asked: (*first_look(session, *asked), *used())),
        [dataset],
        [dataset, *shown_parts, *uses],
        named=("data", "run"),
        says=("data", dataset),
        api_name="data_open",
        **quiet,
    )
    for event in (brought, chosen, come):
        tab_again(event, labelled)
    for event in relabelled:
        event.then(partial(shown(show), session), dataset, shown_parts, api_name="data_labels_show", **quiet)
