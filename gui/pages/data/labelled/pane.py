"""The tab “Labels” of the Data page: choose the version that is trained on, and make one from what a study settled."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from engine import labels  # suspects load torch, when they are asked for
from engine.data import load_index
from engine.errors import EngineError, ReviewError
from engine.language import _, isolated
from engine.records import Index
from engine.retelling import retold
from gui.pages.data.labelled.told import changed_images, offers, versions_table
from gui.pages.data.pictures import picture_of
from gui.web import AppSession, arrival, markup, shown

# To the Train page, of this data set.
TRAIN = "(dataset) => { if (dataset) window.overread.go({ tab: 'train', data: dataset }); }"


def told(session: AppSession, dataset_id: str | None) -> tuple[Any, ...]:
    """Return what the tab shows of a data set, in the order of its outputs."""
    if not dataset_id:
        return _nothing("")
    try:
        index = load_index(session.workspace, dataset_id)
        known = labels.versions_of(session.store, index)
    except EngineError as error:
        return _nothing(markup.note(markup.told(error), tone="serious"))
    trouble, used = "", 0
    try:
        used = labels.version_in_use(session.workspace, session.store, index).number
    except EngineError as error:
        trouble = markup.note(markup.told(error), tone="serious")
    studies = labels.studies_of(session.workspace, session.store, index)
    fitting = [(one.study.name, one.study.study_id) for one in studies if one.fits]
    may = not session.read_only
    return (
        markup.joined([trouble, versions_table(session, known, used)]),
        gr.Dropdown(
            choices=[(retold(version.sentence), version.number) for version in known],
            value=used or None,
            interactive=may,
        ),
        gr.Button(interactive=may),
        markup.joined([changed_images(session, index, known, partial(_picture, session, index))]),
        offers(studies),
        gr.Dropdown(
            choices=fitting, value=fitting[0][1] if fitting else None, visible=bool(fitting), interactive=may
        ),
        gr.Button(visible=bool(fitting), interactive=may),
    )


def _picture(session: AppSession, index: Index, sample: Any) -> markup.Picture:
    return picture_of(session, index, sample.image_id, sample.path)


def _nothing(why: str) -> tuple[Any, ...]:
    empty = gr.Dropdown(choices=[], value=None)
    return (
        why,
        empty,
        gr.Button(interactive=False),
        "",
        "",
        gr.Dropdown(choices=[], value=None, visible=False),
        gr.Button(visible=False),
    )


def use(session: AppSession, dataset_id: str | None, number: int | None) -> tuple[Any, ...]:
    """Set the version that the next training of a data set uses; return what came of it and what `told` does.

    Raises:
        ReviewError: The window is read-only, or nothing is chosen.
    """
    index = _own(session, dataset_id)
    if not number:
        raise ReviewError(_("No version of the labels is chosen"), _("Choose one"))
    version = labels.use_version(session.workspace, session.store, index, str(number))
    said = markup.note(
        _("The next training uses labels {version}.").format(version=retold(version.sentence)), tone="good"
    )
    return said, *told(session, dataset_id)


def make_of_study(session: AppSession, dataset_id: str | None, study_id: str | None) -> tuple[Any, ...]:
    """Make a version of the labels from a study's consensus and use it; return what `use` does.

    Raises:
        ReviewError: The window is read-only, nothing is chosen, it is still being read, or no label would change.
    """
    index = _own(session, dataset_id)
    found = labels.studies_of(session.workspace, session.store, index)
    chosen = next((one for one in found if one.study.study_id == study_id), None)
    if chosen is None:
        raise ReviewError(_("No study is chosen"), _("Choose one of those that read these images"))
    if chosen.draft is None:
        raise ReviewError(
            chosen.trouble or _("“{study}” is still being read").format(study=isolated(chosen.study.name)),
            _("Wait until everybody has read every case, or close it"),
        )
    made = labels.make(session.workspace, session.store, index.dataset_id, chosen.draft)
    labels.use_version(session.workspace, session.store, index, str(made.number))
    used = _("The next training uses labels {version}.").format(version=f"v{made.number}")
    said = markup.note(markup.told(f"{made.sentence}."), more=[used], tone="good")
    return said, *told(session, dataset_id)


def _own(session: AppSession, dataset_id: str | None) -> Index:
    if session.read_only:
        raise ReviewError(_("Guests cannot change labels"), _("Ask the owner to do so"))
    if not dataset_id:
        raise ReviewError(_("No data set is chosen"), _("Import a folder, or choose a data set"))
    return load_index(session.workspace, dataset_id)


def labels_pane(session: AppSession, dataset: Any) -> list[Any]:
    """Place the tab's contents, and wire what a person does there and that it is asked for when it is opened.

    Returns:
        The events after which the split and the overview of the data set are others.
    """
    come_to = arrival()
    gr.Markdown(
        _(
            "A correction is a new version: what each one changed stays here. Test cases beside which labels were "
            "corrected are locked: they are never trained on, and their own labels change by blinded readings alone."
        ),
        elem_classes="or-sub",
    )
    with gr.Row(equal_height=True):
        version = gr.Dropdown(
            label=_("Labels for the next training"),
            choices=[],
            interactive=True,
            scale=3,
            elem_id="data-labels-use",
        )
        train = gr.Button(
            _("Train on these"), variant="primary", scale=1, min_width=160, elem_id="data-labels-train"
        )
    said = gr.HTML(elem_id="data-labels-said", padding=False)
    versions = gr.HTML(elem_id="data-labels-versions", padding=False)
    changed = gr.HTML(elem_id="data-labels-changed", padding=False)
    gr.Markdown("#### " + _("From studies of these images"), elem_classes="or-sub")
    studies = gr.HTML(elem_id="data-labels-studies", padding=False)
    with gr.Row(equal_height=True):
        study = gr.Dropdown(
            label=_("Study"),
            choices=[],
            interactive=True,
            visible=False,
            scale=3,
            elem_id="data-labels-study",
        )
        make = gr.Button(
            _("Make labels of its consensus"),
            visible=False,
            scale=1,
            min_width=160,
            elem_id="data-labels-make",
        )
    outputs = [versions, version, train, changed, studies, study, make]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    train.click(None, dataset, None, js=TRAIN)
    events = [
        version.input(
            partial(shown(use), session),
            [dataset, version],
            [said, *outputs],
            api_name="data_labels_use",
            **quiet,
        ),
        make.click(
            partial(shown(make_of_study), session),
            [dataset, study],
            [said, *outputs],
            api_name="data_labels_make",
            trigger_mode="once",
            concurrency_limit=1,
            **quiet,
        ),
    ]
    dataset.input(None, None, said, js="() => ''")
    come_to(partial(shown(told), session), [dataset], outputs, api_name="data_labels", **quiet)
    return events
