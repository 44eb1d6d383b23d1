"""Labels on the Report page: what was read of a run corrects them, one click trains again, both runs are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from engine import jobs, labels  # suspects load torch, when they are asked for
from engine.data import load_index
from engine.errors import EngineError, ReportError, ReviewError
from engine.language import ENGLISH, _, moment, number, speaking
from engine.retelling import retold
from engine.runs import load_run
from gui.pages.report.comparing import side_by_side
from gui.web import TAKE_FILE, AppSession, markup, new_folder, shown

if TYPE_CHECKING:
    from engine.experiments import RunComparison
    from engine.records import LabelVersion, Run


@dataclass(frozen=True)
class Form:
    """What the page has of it.

    Attributes:
        versions: The versions of the data set's labels, and what readings would change.
        retrain: Makes a version and trains on it.
        suspect: Looks for labels that may be wrong.
        said: What came of either.
        compared: The run beside the one whose parts it kept.
        download: Takes that comparison away.
        bundle: Takes it away so that it can be checked.
    """

    versions: Any
    retrain: Any
    suspect: Any
    said: Any
    compared: Any
    download: Any
    bundle: Any


def lineage_table(versions: Sequence[LabelVersion]) -> str:
    """Return the versions of a data set's labels, each with what it changed and what was not settled."""
    rows = [
        (
            f"v{version.number}",
            markup.marked(retold(version.sentence).partition(": ")[2]),
            markup.told("; ".join(labels.kept_words(version.kept))),
            moment(version.created.astimezone(), "%d %b %Y %H:%M") if version.created else "",
        )
        for version in versions
    ]
    return markup.table((_("version"), _("labels"), _("not settled"), _("made")), rows, numbers=False)


def of_run(session: AppSession, run_id: str | None) -> tuple[Any, ...]:
    """Return what the tab shows of a run, in the order of `outputs`."""
    if not run_id:
        return _shown()
    try:
        run = load_run(session.workspace.runs / run_id)
        pieces, can = _of_labels(session, run)
        compared, known = _compared(session, run)
    except EngineError as error:
        return _shown(markup.note(markup.told(error), tone="serious"))
    may = not session.read_only and run.recipe is not None
    return _shown(
        markup.joined(pieces), again=can and may, doubt=may and not run.folds, compared=compared, known=known
    )


def _shown(
    versions: str = "", *, again: bool = False, doubt: bool = False, compared: str = "", known: bool = False
) -> tuple[Any, ...]:
    """Return the tab's contents in the order of `outputs`; what came of a button before is gone."""
    buttons = [gr.Button(interactive=can) for can in (again, doubt)]
    return versions, *buttons, "", compared, *(gr.Button(visible=known) for _file in range(2))


def _of_labels(session: AppSession, run: Run) -> tuple[list[str], bool]:
    """Return the versions and what readings would change, and whether there is something to train again on."""
    versions = labels.versions_of(session.store, load_index(session.workspace, run.dataset_id))
    trained_on = run.labels.number if run.labels else versions[0].number
    try:
        drafted = labels.draft_from_run(session.workspace, session.store, run)
        words = _("What was read of this run: {changes}.").format(
            changes=retold(labels.drafted_words(drafted))
        )
        changes = bool(drafted.changed)
    except ReviewError as error:
        words, changes = markup.told(error), False
    newer = versions[-1].number > trained_on
    lines = [_("This run was trained and tested on labels v{version}.").format(version=trained_on)]
    if not changes and newer:
        lines.append(_("Training again would use labels v{version}.").format(version=versions[-1].number))
    return [markup.note(words, more=lines), lineage_table(versions)], changes or newer


def retrain(session: AppSession, run_id: str | None) -> str:
    """Make a version of the labels from what was read, and train the same recipe on it with the same parts.

    Raises:
        ReviewError: The window is read-only, or no label would change.
        TrainingError: Another run is in progress.
    """
    run = _own(session, run_id)
    if (busy := jobs.running_job(session.workspace)) is not None:
        raise ReviewError(
            _("Run {run} is still training").format(run=busy.job_id),
            _("Wait until it is done, or stop it on the Train page"),
        )
    version = labels.version_to_train_on(session.workspace, session.store, run)
    job = jobs.submit(
        session.workspace, labels.request_again(run, version, allow_downloads=session.allow_downloads)
    )
    return markup.note(
        _(
            "{labels}. Run {run} trains on these labels, with the same recipe and every image in the same part; the "
            "Train page shows how far it is. When it is done, choose it above to compare it with this run."
        ).format(labels=version.sentence, run=job.job_id),
        tone="good",
    )


def suspect(session: AppSession, run_id: str | None) -> str:
    """Look for labels that may be wrong, and put these images into the queue.

    Raises:
        ReviewError: The window is read-only, or the run is a cross-validation.
        DataError: The data set is gone, or a class has too few patients.
    """
    run = _own(session, run_id)
    found = labels.suspects_of_run(session.workspace, session.store, run)
    queued = labels.to_be_read(session.workspace, session.store, run, found)
    return markup.note(
        _(
            "Another class is likelier than the label of {some} of {all} training and validation images, by a model "
            "that did not see them. {queued} of them are in the queue “likely mislabelled” on the Review page, under "
            "all parts."
        ).format(
            some=number(sum(one.suspected for one in found)), all=number(len(found)), queued=number(queued)
        ),
        tone="good",
    )


def _own(session: AppSession, run_id: str | None) -> Run:
    if session.read_only:
        raise ReviewError(_("Guests cannot change labels"), _("Ask the owner to do so"))
    if not run_id:
        raise ReportError(_("No run is chosen"), _("Choose one above"))
    return load_run(session.workspace.runs / run_id)


# ---------------------------------------------------------------------------------------- before and after


def _comparison(session: AppSession, run: Run) -> RunComparison:
    from engine.experiments import compare_before_after

    return compare_before_after(session.workspace, session.store, run)


def _compared(session: AppSession, run: Run) -> tuple[str, bool]:
    """Return the comparison of a run with the one whose parts it kept, and whether there is one."""
    if run.labels is None or not run.labels.base_run:
        later = [one.run_id for one in labels.trained_after(session.workspace, run)]
        if not later:
            return "", False
        return markup.note(
            _(
                "Trained again on other labels, with the same parts: {runs}. Choose that run above to see both side by "
                "side."
            ).format(runs=", ".join(later))
        ), False
    try:
        comparison = _comparison(session, run)
    except EngineError as error:
        return markup.note(markup.told(error), tone="serious"), False
    return markup.joined(side_by_side(comparison, before=True)), True


def download(session: AppSession, run_id: str | None) -> str:
    """Return the page of the comparison as a file.

    Raises:
        ReportError: There is none.
    """
    return _written(session, run_id, "page", "html", "before-and-after.html")


def bundle(session: AppSession, run_id: str | None) -> str:
    """Return the comparison as a bundle that can be checked.

    Raises:
        ReportError: There is none, or a patient or a file would be named in it.
    """
    return _written(session, run_id, "bundle", "bundle", "before-and-after-bundle.zip")


def _written(session: AppSession, run_id: str | None, wanted: str, kind: str, ending: str) -> str:
    from engine.experiments import export_comparison

    if not run_id:
        raise ReportError(_("No run is chosen"), _("Choose one above"))
    run = load_run(session.workspace.runs / run_id)
    folder = new_folder("labels")
    with speaking(ENGLISH):
        written = export_comparison(_comparison(session, run), folder, [wanted])
    return str(written[kind].rename(folder / f"overread-{run_id}-{ending}"))


# ---------------------------------------------------------------------------------------- layout


def place() -> Form:
    """Place the tab's contents."""
    gr.Markdown(
        _(
            "What readers say of training and validation images corrects their labels; labels of test images stay, so "
            "that the test does not move towards the model."
        )
    )
    versions = gr.HTML(elem_id="labels-versions", padding=False)
    with gr.Row():
        again = gr.Button(
            _("Retrain on the corrected labels"),
            variant="primary",
            interactive=False,
            elem_id="labels-retrain",
        )
        doubt = gr.Button(_("Look for mislabelled images"), interactive=False, elem_id="labels-suspects")
    return Form(
        versions=versions,
        retrain=again,
        suspect=doubt,
        said=gr.HTML(elem_id="labels-said", padding=False),
        compared=gr.HTML(elem_id="labels-compared", padding=False),
        download=gr.Button(_("Download this comparison"), visible=False, elem_id="labels-download"),
        bundle=gr.Button(_("Download as a checkable bundle (ZIP)"), visible=False, elem_id="labels-bundle"),
    )


def outputs(form: Form) -> list[Any]:
    """Return the outputs of `of_run`."""
    return [form.versions, form.retrain, form.suspect, form.said, form.compared, form.download, form.bundle]


def wire(session: AppSession, form: Form, come_to: Callable[..., Any], *, run: Any, file: Any) -> None:
    """Wire the tab; `come_to` says when it is opened."""
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    come_to(partial(shown(of_run), session), [run], outputs(form), api_name="labels_show", **quiet)
    into = [
        (retrain, form.retrain, "labels_retrain", form.said),
        (suspect, form.suspect, "labels_suspects", form.said),
        (download, form.download, "labels_download", file),
        (bundle, form.bundle, "labels_bundle", file),
    ]
    for work, button, name, there in into:
        done = button.click(
            partial(shown(work), session),
            run,
            there,
            api_name=name,
            api_visibility="undocumented",
            show_progress_on=[button],
            trigger_mode="once",
            concurrency_limit=1,
        )
        if there is file:
            done.success(None, file, None, js=TAKE_FILE)
