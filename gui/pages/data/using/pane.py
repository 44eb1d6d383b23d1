"""The two forms under a data set: read its images with a run, import another model's predictions of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from engine.data import TABLE_SUFFIXES
from engine.language import _, number
from engine.supplied import SCALES
from gui.pages.data.using import importing, reading
from gui.web import AppSession, Work, WorkState, markup, shown

TICK = 1.0


def using_pane(session: AppSession, dataset: Any) -> tuple[Callable[[], Any], list[Any]]:
    """Place and wire the forms inside the current column.

    Args:
        session: The window.
        dataset: The drop-down of data sets.

    Returns:
        What the forms show when the page is come to, and the components that show it.
    """
    works: dict[str, Work[Sequence[str]]] = {"read": Work(), "import": Work()}
    with gr.Accordion(_("Read these images with a run"), open=False, elem_id="data-read"):
        gr.Markdown(
            _(
                "A trained run predicts every image and makes its heatmap; the Review page then has them under “images "
                "from elsewhere”. Images that the run was trained on are said."
            ),
            elem_classes="or-sub",
        )
        run = gr.Dropdown(label=_("Run"), choices=[], interactive=True, elem_id="data-read-run")
        watched = {"read": _watched("read", _("Read these images"))}
    with gr.Accordion(
        _("Import another model's predictions of these images"), open=False, elem_id="data-import"
    ):
        form = _import_form()
        watched["import"] = _watched("import", _("Import these predictions"))

    def begin_reading(dataset_id: str | None, run_id: str | None) -> tuple[Any, ...]:
        reading.begin(session, works["read"], run_id, dataset_id)
        return looked(works["read"].state)

    def begin_importing(dataset_id: str | None, *values: Any) -> tuple[Any, ...]:
        importing.begin(session, works["import"], dataset_id, *values)
        return looked(works["import"].state)

    def cancelled(work: Work[Sequence[str]]) -> tuple[Any, ...]:
        work.cancel()
        return looked(work.state)

    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    begun = {"read": (begin_reading, [dataset, run]), "import": (begin_importing, [dataset, *form])}
    for kind, parts in watched.items():
        start, stop, timer = parts[1:]
        begin, asked = begun[kind]
        start.click(shown(begin), asked, parts, api_name=f"data_{kind}_start", **quiet)
        stop.click(
            partial(shown(cancelled), works[kind]), None, parts, api_name=f"data_{kind}_cancel", **quiet
        )
        timer.tick(shown(partial(_tick, works[kind])), None, parts, api_name=f"data_{kind}_look", **quiet)

    def opened() -> tuple[Any, ...]:
        choices = reading.run_choices(session)
        first = choices[0][1] if choices else None
        return (
            gr.Dropdown(choices=choices, value=first),
            *looked(works["read"].state),
            *looked(works["import"].state),
        )

    return opened, [run, *watched["read"], *watched["import"]]


def _tick(work: Work[Sequence[str]]) -> tuple[Any, ...]:
    return looked(work.state)


def _watched(kind: str, words: str) -> list[Any]:
    """Place what shows how far work is: its words, the button that starts it, the one that ends it, the clock."""
    with gr.Row():
        start = gr.Button(words, variant="primary", elem_id=f"data-{kind}-start")
        stop = gr.Button(_("Cancel"), visible=False, elem_id=f"data-{kind}-cancel")
    told = gr.HTML(elem_id=f"data-{kind}-progress", padding=False)
    return [told, start, stop, gr.Timer(TICK, active=False)]


def _import_form() -> list[Any]:
    """Place the fields of an import, in the order of `importing.begin`."""
    gr.Markdown(
        _(
            "A table with one row for each image: its path, file name or sha256, and the score of each class, or of "
            "the finding alone. What does not fit is said, with the rows. The predictions are then read and reported "
            "like those of a run; Overread did not compute them, and the report says so."
        ),
        elem_classes="or-sub",
    )
    file = gr.File(
        label=_("Table"), file_types=sorted(TABLE_SUFFIXES), height=110, elem_id="data-import-file"
    )
    with gr.Row():
        model = gr.Textbox(label=_("Name of the model"), max_length=120, elem_id="data-import-model")
        version = gr.Textbox(label=_("Version"), max_length=60, elem_id="data-import-version")
        threshold = gr.Textbox(  # a gr.Number that nobody filled in says 0
            label=_("Threshold"),
            info=_("Probability of the finding from which it is predicted."),
            elem_id="data-import-threshold",
        )
    with gr.Accordion(_("How the table is to be read"), open=False, elem_id="data-import-more"):
        scores = gr.Dropdown(
            label=_("Scores are"),
            choices=[(_("recognised by their values"), importing.RECOGNISED), *_scales()],
            value=importing.RECOGNISED,
            interactive=True,
            elem_id="data-import-scores",
        )
        same = gr.Textbox(
            label=_("Names of classes in the file"),
            info=_("NAME=CLASS, one a line, where the file names a class otherwise."),
            lines=2,
            elem_id="data-import-same",
        )
        columns = gr.Textbox(
            label=_("Column of each class"),
            info=_("CLASS=COLUMN, one a line; image=COLUMN for the column that names the images."),
            lines=2,
            elem_id="data-import-columns",
        )
        maps = gr.Textbox(
            label=_("Folder of heatmaps"),
            info=_("On this computer: pictures named like their images, grey or with transparency."),
            elem_id="data-import-maps",
        )
    incomplete = gr.Checkbox(
        False,
        label=_("Leave out rows and images that do not fit, and count them in the report"),
        elem_id="data-import-incomplete",
    )
    return [file, model, version, threshold, scores, same, columns, maps, incomplete]


def _scales() -> list[tuple[str, str]]:
    titles = {
        "probability": _("probabilities, 0 to 1"),
        "percent": _("percentages, 0 to 100"),
        "logit": _("logits: any number, the larger the likelier"),
    }
    return [(titles.get(name, one.title), name) for name, one in SCALES.items()]


def looked(state: WorkState[Sequence[str]] | None) -> tuple[Any, ...]:
    """Return how far work is, and start button, cancel button and clock as they are then."""
    working = state is not None and state.working
    return _words(state), gr.Button(visible=not working), gr.Button(visible=working), gr.Timer(active=working)


def _words(state: WorkState[Sequence[str]] | None) -> str:
    if state is None:
        return ""
    title = f"{state.title[:1].upper()}{state.title[1:]}"
    if state.working:
        line = title
        if state.total:
            line = _("{title}: {n} of {total}").format(
                title=title, n=number(state.done), total=number(state.total)
            )
        return markup.progress(state.done / state.total if state.total else 0.0, line)
    if state.trouble:
        return markup.note(markup.told(state.trouble), tone="serious")
    first, *more = (markup.told(f"{one}.") for one in state.result or [""])
    return markup.note(first, tone="good", more=more)
