"""Images from elsewhere on the Report page: test the run on a labelled data set, and see what was found of each.

The names of the data set's classes that are none of the run's are asked about, one by one; none is dropped in silence.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from engine.data import list_indexes, load_index, match_names
from engine.errors import DataError, EngineError, ReportError, ReviewError
from engine.language import ENGLISH, _, isolated, ngettext, number, speaking
from engine.records import recipe_of
from engine.runs import load_run
from gui.pages.report.found_elsewhere import result
from gui.pages.report.testing import ExternalTests, State
from gui.web import TAKE_FILE, AppSession, markup, new_folder, shown

if TYPE_CHECKING:
    from engine.report import Report

MOST_NAMES = 16
"""Names that can be asked about; a data set with more that mean no class is to be tested from the command line."""

TICK = 1.0


@dataclass(frozen=True)
class Form:
    """What the page has of it.

    Attributes:
        dataset: The images from elsewhere.
        note: What is said of their names.
        names: One drop-down for each name that is asked about.
        start: Begins the test.
        cancel: Ends it.
        download: Takes the kept test on the data set away.
        progress: How far it is.
        timer: Looks.
        result: What the report says of images from elsewhere.
    """

    dataset: Any
    note: Any
    names: list[Any]
    start: Any
    cancel: Any
    download: Any
    progress: Any
    timer: Any
    result: Any


# ---------------------------------------------------------------------------------------- the names


def datasets(session: AppSession, run_id: str | None) -> list[tuple[str, str]]:
    """Return the data sets that a run can be tested on, newest first: all but its own."""
    own = load_run(session.workspace.runs / run_id).dataset_id if run_id else ""
    return [
        (
            ngettext("{dataset} · {count} image", "{dataset} · {count} images", one.images).format(
                dataset=one.name, count=number(one.images)
            ),
            one.dataset_id,
        )
        for one in list_indexes(session.workspace)
        if one.dataset_id != own
    ]


def names_of(session: AppSession, run_id: str, dataset_id: str) -> tuple[dict[str, str], dict[str, int]]:
    """Return what a data set's names mean: class by name where spelling says it, and images by name where not.

    Raises:
        EngineError: The run or the data set cannot be read.
    """
    run = load_run(session.workspace.runs / run_id)
    labels = Counter(
        sample.label for sample in load_index(session.workspace, dataset_id).samples if sample.label
    )
    meant = match_names(labels, run.classes)
    return {name: meant[name] for name in labels if name in meant}, {
        name: count for name, count in labels.most_common() if name not in meant
    }


def ask(session: AppSession, run_id: str | None, dataset_id: str | None) -> tuple[Any, ...]:
    """Return what is said of a data set's names, a drop-down for each that is asked about, and the two buttons."""
    hidden = [gr.Dropdown(visible=False, value=None) for _place in range(MOST_NAMES)]
    if not run_id or not dataset_id:
        return "", *hidden, gr.Button(interactive=False), gr.Button(interactive=False)
    kept = gr.Button(interactive=_kept(session, run_id, dataset_id).exists())
    try:
        recipe_of(load_run(session.workspace.runs / run_id))  # a run without a net tests nothing
        known, unclear = names_of(session, run_id, dataset_id)
        classes = load_run(session.workspace.runs / run_id).classes
    except EngineError as error:
        return markup.note(markup.told(error), tone="serious"), *hidden, gr.Button(interactive=False), kept
    lines = [
        _("“{name}” is taken as {meant}").format(name=name, meant=meant)
        for name, meant in known.items()
        if name != meant
    ]
    if not known and not unclear:
        said = markup.note(
            _("None of these images has a label, so that nothing can be tested on them."), tone="serious"
        )
    elif len(unclear) > MOST_NAMES:
        said = markup.note(
            _(
                "{count} names of these data are none of the run's classes, more than this page asks about. Whoever "
                "runs Overread can test on them: {command}"
            ).format(
                count=number(len(unclear)),
                command=isolated(
                    f"overread validate {run_id} {dataset_id} --same NAME=CLASS --leave-out NAME"
                ),
            ),
            tone="serious",
        )
    elif unclear:
        said = markup.note(
            _("Some names are none of the run's classes: say what each means."), tone="mild", more=lines
        )
    else:
        said = markup.note(_("Every name of these data is a class of the run."), tone="good", more=lines)
    can = bool(known or unclear) and len(unclear) <= MOST_NAMES and not session.read_only
    asked = list(unclear.items())[:MOST_NAMES] if can else []
    boxes: list[Any] = [
        gr.Dropdown(
            label=ngettext("“{name}” ({count} image) means", "“{name}” ({count} images) means", count).format(
                name=isolated(name), count=number(count)
            ),
            choices=[
                *((isolated(one), one) for one in classes),
                (_("none of these classes: leave these images out"), ""),
            ],
            value=None,
            visible=True,
        )
        for name, count in asked
    ]
    return said, *boxes, *hidden[len(boxes) :], gr.Button(interactive=can), kept


def answers_of(unclear: Mapping[str, int], answers: Sequence[str | None]) -> tuple[dict[str, str], list[str]]:
    """Return class by name, and the names that are none of the classes.

    Raises:
        DataError: A name has no answer.
    """
    given = dict(zip(unclear, answers, strict=False))
    missing = [name for name in unclear if given.get(name) is None]
    if missing:
        names = ", ".join(f"“{name}”" for name in missing)
        raise DataError(
            _("It was not said what {names} means").format(names=names),
            _("Choose a class of the run for each name, or that these images are left out"),
        )
    return {name: answer for name, answer in given.items() if answer}, [
        name for name, answer in given.items() if answer == ""
    ]


# ---------------------------------------------------------------------------------------- the test


def begin(
    session: AppSession,
    testing: ExternalTests,
    run_id: str | None,
    dataset_id: str | None,
    *answers: str | None,
) -> tuple[Any, ...]:
    """Begin the test, and return what the page shows of it.

    Raises:
        EngineError: The window is read-only, nothing is chosen, a name has no answer, or another test goes on.
    """
    if session.read_only:
        raise ReviewError(_("Guests cannot test a run"), _("Ask the owner to do so"))
    if not run_id or not dataset_id:
        raise ReportError(
            _("No data set is chosen"), _("Choose images from elsewhere, which the Data page takes in")
        )
    _known, unclear = names_of(session, run_id, dataset_id)
    same, leave_out = answers_of(unclear, answers)
    testing.begin(run_id, dataset_id, same=same, leave_out=leave_out)
    return looked(testing.state, on=True)


def cancel(testing: ExternalTests) -> tuple[Any, ...]:
    """Ask the test to end, and return what the page shows of it."""
    testing.cancel()
    return looked(testing.state)


def looked(state: State | None, *, on: bool = False) -> tuple[Any, ...]:
    """Return how far the test is, and start button, cancel button and timer as they are then.

    Args:
        state: Of the test.
        on: Whether to look once more in any case: it may have ended since somebody asked.
    """
    working = state is not None and state.work.working
    timer = gr.Timer(active=working or on)
    return _words(state), gr.Button(visible=not working), gr.Button(visible=working), timer


def _words(state: State | None) -> str:
    if state is None:
        return ""
    if state.work.working:
        if not state.work.total:
            return markup.progress(
                0.0,
                _("Getting ready to predict the images of {dataset}").format(dataset=state.dataset_name),
            )
        line = _("{done} of {total} images of {dataset} predicted").format(
            done=number(state.work.done), total=number(state.work.total), dataset=state.dataset_name
        )
        return markup.progress(state.work.done / state.work.total, line)
    if state.work.result is None:
        return markup.note(markup.told(state.work.trouble), tone="serious")
    return markup.note(
        ngettext(
            "Tested on {count} image of {dataset}. The result stands below, in the report and in its downloads.",
            "Tested on {count} images of {dataset}. The result stands below, in the report and in its downloads.",
            state.work.result.images,
        ).format(count=number(state.work.result.images), dataset=state.dataset_name),
        tone="good",
    )


def _kept(session: AppSession, run_id: str, dataset_id: str) -> Path:
    return session.workspace.runs / run_id / "external" / dataset_id / "external.json"


def download(session: AppSession, run_id: str | None, dataset_id: str | None) -> str:
    """Return an archive of the kept test on a data set: page, PDF, Word, table and numbers.

    Raises:
        ReportError: The run was not tested on it.
    """
    from engine.external import kept_externals
    from engine.report import write_external

    run = load_run(session.workspace.runs / run_id) if run_id else None
    tests = kept_externals(session.workspace, run) if run is not None else []
    test = next((one for one in tests if one.dataset_id == dataset_id), None)
    if test is None:
        raise ReportError(_("The run was not tested on this data set"), _("Test it first"))
    folder = new_folder("external")
    archive = folder / f"overread-{run_id}-external-{dataset_id}.zip"
    with speaking(ENGLISH), zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in write_external(test, folder).files.values():
            packed.write(path, path.name)
    return str(archive)


# ---------------------------------------------------------------------------------------- layout


def place(session: AppSession) -> Form:
    """Place the form and the result inside the current tab."""
    gr.Markdown(
        _(
            "Test this run on labelled images that it has not seen: another hospital, another year. They are taken in "
            "on the Data page. They stay apart from the run's own validation and test images."
        )
    )
    dataset = gr.Dropdown(
        label=_("Images from elsewhere"), choices=[], interactive=True, elem_id="elsewhere-dataset"
    )
    note = gr.HTML(elem_id="elsewhere-note", padding=False)
    names = [
        gr.Dropdown(visible=False, interactive=True, elem_id=f"elsewhere-name-{place}")
        for place in range(MOST_NAMES)
    ]
    with gr.Row():
        start = gr.Button(
            _("Test the run on them"), variant="primary", interactive=False, elem_id="elsewhere-start"
        )
        stop = gr.Button(_("Cancel"), visible=False, elem_id="elsewhere-cancel")
        save = gr.Button(_("Download this test"), interactive=False, elem_id="elsewhere-download")
    progress = gr.HTML(elem_id="elsewhere-progress", padding=False)
    timer = gr.Timer(TICK, active=False)
    return Form(
        dataset=dataset,
        note=note,
        names=names,
        start=start,
        cancel=stop,
        download=save,
        progress=progress,
        timer=timer,
        result=gr.HTML(elem_id="elsewhere-result", padding=False),
    )


def wire(
    session: AppSession,
    form: Form,
    come_to: Callable[..., Any],
    chosen_run: Callable[..., Any],
    *,
    run: Any,
    part: Any,
    file: Any,
    report_of: Callable[..., Report],
) -> None:
    """Wire the form.

    Args:
        session: The window.
        form: As placed.
        come_to: Of the tab that it is placed in.
        chosen_run: Of the run's drop-down (`chosen_here`).
        run: The run's drop-down.
        part: The part's.
        file: The hidden button that downloads.
        report_of: Session, run and part to report.
    """
    testing = ExternalTests(session)
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    watched = [form.progress, form.start, form.cancel, form.timer]

    def tick(run_id: str | None, dataset_id: str | None, part: str) -> tuple[Any, ...]:
        state = testing.state
        working = state is not None and state.work.working
        if state is None or working or state.work.result is None or not run_id:
            return *looked(state, on=working), gr.skip(), gr.skip()
        kept = gr.Button(interactive=bool(dataset_id) and _kept(session, run_id, str(dataset_id)).exists())
        return *looked(state), kept, result(report_of(session, run_id, part))

    def opened(run_id: str | None) -> tuple[Any, ...]:
        return gr.Dropdown(choices=datasets(session, run_id)), *looked(testing.state)

    def found(run_id: str | None, part: str) -> str:
        try:
            return result(report_of(session, run_id, part))
        except EngineError:  # the report says so
            return ""

    asking, told = partial(shown(ask), session), [form.note, *form.names, form.start, form.download]
    form.dataset.input(asking, [run, form.dataset], told, api_name="elsewhere_ask", **quiet)
    chosen_run(asking, [form.dataset], told, api_name="elsewhere_ask_run", **quiet)
    form.start.click(
        partial(shown(begin), session, testing),
        [run, form.dataset, *form.names],
        watched,
        api_name="elsewhere_start",
        **quiet,
    )
    form.cancel.click(partial(shown(cancel), testing), None, watched, api_name="elsewhere_cancel", **quiet)
    form.timer.tick(
        shown(tick),
        [run, form.dataset, part],
        [*watched, form.download, form.result],
        api_name="elsewhere_look",
        **quiet,
    )
    form.download.click(
        partial(shown(download), session),
        [run, form.dataset],
        file,
        api_name="elsewhere_download",
        api_visibility="undocumented",
        show_progress_on=[form.download],
    ).success(None, file, None, js=TAKE_FILE)
    come_to(shown(opened), [run], [form.dataset, *watched], api_name="elsewhere_open", **quiet).then(
        shown(found), [run, part], form.result, api_name="elsewhere_result", **quiet
    )
