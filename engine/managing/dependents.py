"""What depends on a run or a data set: said before it is deleted, and some of it forbids that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine import jobs
from engine.data import load_index
from engine.errors import EngineError, RunError
from engine.experiments import experiment_folder, experiments, load_asked
from engine.language import _, isolated, ngettext, number
from engine.naming import given_of
from engine.reading import Store
from engine.records import is_folder_name
from engine.runs import list_runs
from engine.workspace import Workspace

PAGES = ("comparisons", "learning-curves", "searches")
"""Folders of the workspace that hold pages and tables made of runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependents:
    """What depends on a run or data set.

    Attributes:
        forbids: Why it cannot be deleted, in sentences; empty where it can.
        stays: What stays without it, and what can no longer be done.
        goes: What is deleted with it.
    """

    forbids: tuple[str, ...]
    stays: tuple[str, ...]
    goes: tuple[str, ...]


def dependents_of_run(workspace: Workspace, store: Store, run_id: str) -> Dependents:
    """Return what depends on a run.

    Raises:
        RunError: There is no such run.
    """
    folder = folder_of(workspace.runs, run_id)
    if folder is None or given_of(folder).deleted:
        raise RunError(
            f"There is no run “{run_id}”", "Choose one of the runs there are", option="overread runs"
        )
    forbids = [
        _("The study “{study}” reads its predictions.").format(study=isolated(study.name))
        for study in store.studies.all()
        if study.protocol.run_id == run_id
    ]
    if _works(folder):
        forbids.append(_("It is still working. Stop it first."))
    stays = []
    summary = next((one for one in store.runs() if one.run_id == run_id), None)
    if summary is not None and summary.reviews:
        stays.append(
            ngettext(
                "{count} reading given on it, with the predictions that were on the screen: in the database, the "
                "readings' table and the audit. Its Review and Report pages can no longer be opened.",
                "{count} readings given on it, with the predictions that were on the screen: in the database, the "
                "readings' table and the audit. Its Review and Report pages can no longer be opened.",
                summary.reviews,
            ).format(count=number(summary.reviews))
        )
    for one in list_runs(workspace):
        if one.run_id == run_id:
            continue
        if one.weights_origin is not None and one.weights_origin.run_id == run_id:
            stays.append(
                _("Run {run} began with its weights and has weights of its own now.").format(
                    run=isolated(title_of(one.folder, one.title))
                )
            )
        elif one.labels is not None and one.labels.base_run == run_id:
            stays.append(
                _("Run {run} kept its parts; the two can no longer be compared as before and after.").format(
                    run=isolated(title_of(one.folder, one.title))
                )
            )
    dataset = summary.dataset_id if summary else ""
    for version in store.labels.versions(dataset) if dataset else []:
        if version.made_from == run_id:
            stays.append(
                _(
                    "Labels {version} were made from its readings; a training on them can no longer keep its parts."
                ).format(version=isolated(f"v{version.number}"))
            )
    stays += _pages_that_name(workspace, run_id)
    goes = [_("its network, its heatmaps and the record of its training")]
    tests = len(list((folder / "external").glob("*/external.json")))
    if tests:
        goes.append(
            ngettext(
                "{count} test on images from elsewhere, kept in it",
                "{count} tests on images from elsewhere, kept in it",
                tests,
            ).format(count=number(tests))
        )
    if (folder / "checklists.json").exists():
        goes.append(_("what was written into its reporting checklists"))
    return Dependents(forbids=tuple(forbids), stays=tuple(stays), goes=tuple(goes))


def dependents_of_data(workspace: Workspace, store: Store, dataset_id: str) -> Dependents:
    """Return what depends on a data set.

    Raises:
        DataError: There is no such data set, or it is damaged.
    """
    index = load_index(workspace, dataset_id)
    forbids = [
        _("The study “{study}” reads its images.").format(study=isolated(study.name))
        for study in store.studies.all()
        if study.protocol.dataset_id == dataset_id and study.protocol.run_id is None
    ]
    for job in jobs.list_jobs(workspace):
        if job.working and _asked_of(job.folder) == dataset_id:
            forbids.append(_("Run {run} is training on it. Stop it first.").format(run=isolated(job.job_id)))
    forbids += [
        _("An experiment ({experiment}) is training on it. Stop it first.").format(
            experiment=isolated(now.experiment_id)
        )
        for now in experiments(workspace)
        if now.working and _experiment_on(workspace, now.experiment_id) == dataset_id
    ]
    trained = [run for run in list_runs(workspace) if run.dataset_id == dataset_id]
    stays = [
        _("Run {run} was trained on it: it can be read and reported, and not trained again.").format(
            run=isolated(title_of(run.folder, run.title))
        )
        for run in trained
    ]
    versions = [one for one in store.labels.versions(dataset_id) if one.parent is not None]
    if versions:
        stays.append(
            ngettext(
                "{count} version of its labels: it belongs to it again when the same images are imported again.",
                "{count} versions of its labels: they belong to it again when the same images are imported again.",
                len(versions),
            ).format(count=number(len(versions)))
        )
    copies = own_copies(workspace, dataset_id)
    stays.append(
        _("Every reading, and the images where they lie.") if copies is None else _("Every reading.")
    )
    goes = [_("what was found in its images and how it is split")]
    if copies is not None:
        goes.append(
            _("the copies of its images that the workspace holds ({folder})").format(
                folder=isolated(str(copies))
            )
        )
    elif index.root.is_relative_to(workspace.root):
        stays.append(
            _("The copies of its images in the workspace, because a run or another data set needs them.")
        )
    return Dependents(forbids=tuple(forbids), stays=tuple(stays), goes=tuple(goes))


def own_copies(workspace: Workspace, dataset_id: str) -> Path | None:
    """Return the folder of images that were sent to, unpacked or pulled into the workspace for this data set alone.

    None where its images lie elsewhere, or a run or another data set needs them too.
    """
    index = load_index(workspace, dataset_id)
    held = next(
        (
            one
            for one in (workspace.uploads, workspace.unpacked, workspace.pulled)
            if index.root.is_relative_to(one)
        ),
        None,
    )
    if held is None or index.root == held:
        return None
    folder = held / index.root.relative_to(held).parts[0]
    if any(run.dataset_id == dataset_id for run in list_runs(workspace)):
        return None
    for other in workspace.datasets.glob("*/index.json"):
        if other.parent.name == dataset_id:
            continue
        try:
            if load_index(workspace, other.parent.name).root.is_relative_to(folder):
                return None
        except EngineError:  # what cannot be read may need them
            return None
    return folder


def folder_of(parent: Path, name: str) -> Path | None:
    """Return the folder of that name; None where there is none, whatever the name is."""
    return parent / name if is_folder_name(name) and (parent / name).is_dir() else None


def title_of(folder: Path, title: str) -> str:
    """Return the name that was given, or the title, with the id."""
    return f"“{given_of(folder).name or title}” ({folder.name})"


def _works(folder: Path) -> bool:
    try:
        return jobs.status(folder).working
    except RunError:  # it was never a job, or cannot be read: then nothing works on it
        return False


def _asked_of(folder: Path) -> str:
    try:
        return jobs.load_request(folder).training.dataset_id
    except EngineError:
        return ""


def _experiment_on(workspace: Workspace, experiment_id: str) -> str:
    try:
        return load_asked(experiment_folder(workspace, experiment_id)).dataset_id
    except EngineError:
        return ""


def _pages_that_name(workspace: Workspace, run_id: str) -> Iterable[str]:
    for kind in PAGES:
        for folder in sorted((workspace.root / kind).glob(f"*{run_id}*")):
            yield _("The page in {folder}, made of it and others, as it is.").format(
                folder=isolated(f"{kind}/{folder.name}")
            )
