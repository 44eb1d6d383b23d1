"""The images of a data set read with a run: predicted, explained, and put on the Review page."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data import load_index
from engine.errors import DataError, RunError
from engine.language import _, isolated, ngettext, number
from engine.runs import find_trained, list_runs, split_of
from gui.pages.keeping import offered, run_title
from gui.web import AppSession, Progress, Work


def run_choices(session: AppSession) -> list[tuple[str, str]]:
    """Return the runs that have a network, newest first: (name in words, run id)."""
    return [
        (run_title(run), run.run_id)
        for run in list_runs(session.workspace)
        if run.recipe is not None and offered(run.folder)
    ]


def begin(session: AppSession, work: Work[Sequence[str]], run_id: str | None, dataset_id: str | None) -> None:
    """Begin to read a data set's images with a run.

    Raises:
        EngineError: The window is read-only, nothing is chosen, or something else goes on.
    """
    if session.read_only:
        raise DataError(_("This window is read-only"), _("Ask the owner to read these images with a run"))
    if not dataset_id:
        raise DataError(_("No data set is chosen"), _("Import a folder, or choose a data set"))
    if not run_id:
        raise RunError(
            _("There is no trained run to read them with"), _("Train a model on the Train page first")
        )
    chosen, images = run_id, dataset_id
    find_trained(session.workspace, chosen)  # says at once what the work would say
    name = load_index(session.workspace, images).name
    title = _("the images of {name} are read").format(name=isolated(name))
    work.begin(title, lambda progress: read(session, chosen, images, progress))


def read(session: AppSession, run_id: str, dataset_id: str, progress: Progress) -> Sequence[str]:
    """Read them, and return what came of it; what they say is kept when all of them are read."""
    from engine.pipeline import read_samples  # with it comes torch
    from engine.prediction import keep_for_review, parts_of, told_of

    run = find_trained(session.workspace, run_id)
    index = load_index(session.workspace, dataset_id)
    predictions, explanations = read_samples(
        session.workspace, run, index.samples, parts=parts_of(split_of(run)), progress=progress
    )
    progress(len(predictions), len(predictions))  # a last chance to cancel
    keep_for_review(session.store, run, index.samples, predictions, explanations, source=index.name)
    new = sum(one.part is None for one in predictions)
    first = ngettext("{count} new image was read", "{count} new images were read", new).format(
        count=number(new)
    )
    where = _("{read}; they are on the Review page under “images from elsewhere” of run {run}").format(
        read=first, run=isolated(run.run_id)
    )
    return [where if new else first, *told_of(run, index.samples, predictions)]
