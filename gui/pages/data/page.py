"""Data: bring a folder, table or archive; see what is in it, what the checks found, how it will be divided.

Handlers are functions of plain values that return what the page's outputs show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from engine.data import (
    DIVISIONS,
    Choices,
    choices_from_percent,
    from_home,
    index_data,
    list_indexes,
    load_choices,
    load_index,
    positive_of,
    save_choices,
    save_index,
    split_index,
)
from engine.errors import DataError
from engine.records import Index
from gui.pages.data.overview import class_films, counts_table, division, issues, summary
from gui.pages.data.pictures import film_of, issue_image
from gui.web import AppSession, arrival, markup, shown, static_pane

COLUMNS: Mapping[str, str] = {
    "path": "image file",
    "label": "label",
    "patient_id": "patient",
    "split": "part (train, val, test)",
    "mask": "mask",
}
"""The columns of a table that can have another name: engine's name → for people."""
UPLOADS = (".zip", ".tar", ".gz", ".tgz", ".csv", ".tsv", ".parquet")


# -------------------------------------------------------------------------------- handlers


def dataset_choices(session: AppSession) -> list[tuple[str, str]]:
    """Return the data sets of the workspace for a drop-down, newest first: (name in words, dataset id)."""
    summaries = sorted(list_indexes(session.workspace), key=lambda one: one.created, reverse=True)
    return [
        (f"{one.name} · {one.images:,} images · {one.created.astimezone():%d %b %H:%M}", one.dataset_id)
        for one in summaries
    ]


def read_data(
    session: AppSession,
    typed: str | None,
    uploaded: str | None,
    root: str | None,
    names: Sequence[str | None],
    progress: Callable[..., Any],
) -> Index:
    """Index what was typed or uploaded and save it in the workspace.

    Args:
        session: The window.
        typed: A path on this computer: folder, archive or table; wins over the upload.
        uploaded: Path of an uploaded archive or table, or None.
        root: Folder that a table's paths start from; empty for the table's own folder.
        names: The table's own names of the columns in `COLUMNS`, in that order; empty, or None from a form that
            was never unfolded, for the usual names.
        progress: Called with (done, total).

    Raises:
        DataError: Nothing was given, or what was given cannot be used.
    """
    if session.read_only:
        raise DataError(
            "This window is for looking only", "Bring data in on the computer that holds the workspace"
        )
    chosen = (typed or "").strip().strip('"').strip()  # Windows' "copy as path" puts quotation marks
    if not chosen and not uploaded:
        raise DataError(
            "No folder, table or archive was named",
            "Type the path of a folder on this computer, or upload a file",
        )
    path = from_home(Path(chosen)) if chosen else Path(str(uploaded))
    if not path.is_absolute():
        raise DataError(
            f"“{path}” does not say where it is", "Give the whole path, from the top of the disk or from ~"
        )
    columns = {ours: theirs.strip() for ours, theirs in zip(COLUMNS, names, strict=True) if theirs}
    index = index_data(
        path,
        root=from_home(Path(root.strip())) if root and root.strip() else None,
        columns=columns or None,
        unpack_into=session.workspace.root / "unpacked",
        progress=progress,
    )
    save_index(session.workspace, index)
    return index


def index_and_show(
    session: AppSession,
    typed: str | None,
    uploaded: str | None,
    root: str | None,
    path_name: str | None,
    label_name: str | None,
    patient_name: str | None,
    part_name: str | None,
    mask_name: str | None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008  how Gradio hands a progress bar to a handler
) -> tuple[Any, ...]:
    """Index what was given; return the drop-down with it chosen, and what `show` returns."""
    progress(0, desc="Looking through the files")

    def told(done: int, total: int) -> None:
        progress((done, max(total, 1)), desc="Reading and checking the images", unit="images")

    names = (path_name, label_name, patient_name, part_name, mask_name)
    index = read_data(session, typed, uploaded, root, names, told)
    choices = gr.Dropdown(choices=dataset_choices(session), value=index.dataset_id)
    return choices, *show(session, index.dataset_id)


SHOWN = 12
"""How many outputs `show` returns."""


def show(session: AppSession, dataset_id: str | None) -> tuple[Any, ...]:
    """Return all that the page shows of a data set, in the order of the page's outputs."""
    if not dataset_id:
        nothing = markup.note("Nothing has been brought in yet. Name a folder, or choose a data set.")
        return (
            nothing,
            [],
            "",
            "",
            *(gr.skip(),) * 5,
            gr.Dropdown(choices=[], value=None, visible=False),
            [],
            "",
        )
    index = load_index(session.workspace, dataset_id)
    choices = load_choices(session.workspace, dataset_id)

    def of_issue(issue: int, path: int) -> markup.Film:
        return film_of(session, index, issue_image(issue, path), index.issues[issue].paths[path])

    rows, remark = try_division(index, choices)
    two = len(index.classes) == 2
    return (
        summary(index),
        counts_table(index),
        class_films(index, lambda sample: film_of(session, index, sample.image_id, sample.path)),
        issues(index, of_issue),
        choices.division,
        *(round(100 * share, 2) for share in choices.ratios),
        choices.seed,
        gr.Dropdown(choices=list(index.classes), value=positive_of(index, choices), visible=two),
        rows,
        remark,
    )


def try_division(index: Index, choices: Choices) -> tuple[list[list[str]], str]:
    """Return the table and remark of a division, or no table and why it cannot be made."""
    try:
        split = split_index(index, ratios=choices.ratios, seed=choices.seed, use_given=choices.use_given)
    except DataError as error:
        return [], markup.note(str(error), tone="serious")
    return division(split)


def divide(
    session: AppSession,
    dataset_id: str | None,
    how: str,
    train: float | None,
    val: float | None,
    test: float | None,
    seed: float | None,
    positive: str | None,
) -> tuple[list[list[str]], str]:
    """Divide as the form says, keep the choice for training, and return the table and remark.

    Raises:
        SplitError: The shares do not add up.
        DataError: No data set is chosen.
    """
    if not dataset_id:
        raise DataError("No data set is chosen", "Bring a folder, or choose a data set")
    choices = choices_from_percent(how, train, val, test, seed, positive)
    index = load_index(session.workspace, dataset_id)
    shown = try_division(index, choices)
    if not session.read_only:
        save_choices(session.workspace, dataset_id, choices)
    return shown


def first_look(session: AppSession, chosen: str | None) -> tuple[Any, ...]:
    """Return the drop-down and all that is shown, when the page is opened; what is on it already stays."""
    choices = dataset_choices(session)
    known = [dataset_id for _, dataset_id in choices]
    if chosen in known:
        return gr.Dropdown(choices=choices, value=chosen), *(gr.skip(),) * SHOWN
    value = known[0] if known else None
    return gr.Dropdown(choices=choices, value=value), *show(session, value)


# -------------------------------------------------------------------------------- layout


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
    come_to = arrival()
    gr.HTML(markup.STYLE, elem_classes="or-style")
    with gr.Row():
        with gr.Column(scale=1, min_width=340):
            gr.Markdown("### Bring images")
            typed = gr.Textbox(
                label="Folder, archive or table on this computer",
                placeholder="/home/me/films  ·  C:\\films  ·  films.zip  ·  films.csv",
                info="A folder for each class, or train / val / test folders with a folder for each class, "
                "or a table with the columns path, label and patient. DICOM files may be among them.",
                elem_id="data-path",
            )
            uploaded = gr.File(
                label="… or upload a zip archive or a table",
                file_types=list(UPLOADS),
                height=150,
                elem_id="data-upload",
            )
            with gr.Accordion("My table is different", open=False):
                gr.Markdown(
                    "Usual names of columns are found by themselves. Fill in only what differs.",
                    elem_classes="or-sub",
                )
                root = gr.Textbox(
                    label="Folder that the table's paths start from", placeholder="the table's own folder"
                )
                with gr.Row():
                    names = [
                        gr.Textbox(label=f"Column of the {words}", min_width=130)
                        for words in COLUMNS.values()
                    ]
            read = gr.Button("Read and check", variant="primary", elem_id="data-index")
            gr.Markdown("### In this workspace")
            dataset = gr.Dropdown(
                label="Data set",
                choices=[],
                interactive=True,
                elem_id="data-dataset",
                info="Kept when you close Overread.",
            )
            gr.Markdown("### Division into training, validation and test")
            how = gr.Radio(
                label="How",
                choices=[(words, name) for name, words in DIVISIONS.items()],
                value="automatic",
                elem_id="data-division",
            )
            with gr.Row():
                shares = [
                    gr.Number(label=f"{name} %", value=value, minimum=0, maximum=98, min_width=80)
                    for name, value in (("Training", 60), ("Validation", 20), ("Test", 20))
                ]
            seed = gr.Number(
                label="Seed", info="Another one, another division.", value=0, precision=0, minimum=0
            )
            gr.Markdown(
                "All films of one patient stay on one side. The net learns from training, is tuned on "
                "validation, and is judged on test, which it never sees before.",
                elem_classes="or-sub",
            )
            positive = gr.Dropdown(
                label="The finding (positive class)",
                info="Sensitivity is the share of these cases that are found.",
                visible=False,
                interactive=True,
                elem_id="data-positive",
            )
            apply = gr.Button("Divide so", elem_id="data-divide")
        with gr.Column(scale=2, min_width=420):
            overview = gr.HTML(elem_id="data-summary", padding=False)
            with gr.Tabs():
                with gr.Tab("Pictures"):
                    pictures = gr.HTML(elem_id="data-films", padding=False)
                with gr.Tab("What the checks found"):
                    found = gr.HTML(elem_id="data-findings", padding=False)
                with gr.Tab("Counts"):
                    counts = gr.Dataframe(
                        headers=["class", "training", "validation", "test", "no part", "images", "patients"],
                        datatype="str",
                        interactive=False,
                        label="As the data came",
                        elem_id="data-counts",
                    )
            division_table = gr.Dataframe(
                headers=["class", "training", "validation", "test"],
                datatype="str",
                interactive=False,
                label="As it will be divided",
                elem_id="data-split",
            )
            remark = gr.HTML(elem_id="data-split-note", padding=False)

    static_pane("gui.pages.data", "large_view", ["large_view.js"], elem_id="data-large")

    # What was typed wins over an upload, so what was typed before must not stand in the way of it.
    uploaded.upload(fn=None, inputs=None, outputs=typed, js="() => ''", api_visibility="undocumented")

    shown_parts = [overview, counts, pictures, found, how, *shares, seed, positive, division_table, remark]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    read.click(
        partial(shown(index_and_show), session),
        [typed, uploaded, root, *names],
        [dataset, *shown_parts],
        api_visibility="undocumented",
        api_name="data_index",
        concurrency_limit=1,
        trigger_mode="once",
        show_progress="full",
        show_progress_on=[overview],
    )
    dataset.input(partial(shown(show), session), dataset, shown_parts, api_name="data_show", **quiet)
    gr.on(
        [apply.click, how.input, positive.input, seed.submit],
        partial(shown(divide), session),
        [dataset, how, *shares, seed, positive],
        [division_table, remark],
        api_name="data_divide",
        **quiet,
    )
    come_to(
        partial(shown(first_look), session), dataset, [dataset, *shown_parts], api_name="data_open", **quiet
    )
