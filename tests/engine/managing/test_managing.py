"""Runs and data sets are named, archived and deleted; what depends on them is said first, and no reading ever goes."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data import index_folder, list_indexes, load_index, save_index
from engine.errors import DataError, EngineError, RunError, WorkspaceError
from engine.experiments.asked.files import Asked, ExperimentStatus, save_asked, write_status
from engine.managing import delete_data, delete_run, dependents_of_data, dependents_of_run
from engine.naming import give, given_of
from engine.reading import Protocol
from engine.records import WeightsOrigin
from engine.runs import find_run, list_runs, save_run
from engine.workspace import Workspace
from tests.engine.test_relocation import RUN, Kept
from tests.tiny import draw_films


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path) -> Kept:
    return Kept(workspace, tmp_path / "before")


def in_a_study(kept: Kept) -> None:
    kept.store.studies.create(Protocol(name="Two readers", run_id=RUN.run_id, readers=("Ada",)))


def test_a_name_and_a_note_stay_with_what_they_were_given_to(kept: Kept) -> None:
    folder = kept.workspace.datasets / kept.index.dataset_id
    give(folder, name="  Chest,\n May ", note="old scanner left out")
    assert (
        list_indexes(kept.workspace)[0].name
        == load_index(kept.workspace, kept.index.dataset_id).name
        == "Chest, May"
    )
    save_index(kept.workspace, kept.index)  # the same images again
    assert load_index(kept.workspace, kept.index.dataset_id).name == "Chest, May"
    give(folder, name="\u202eyaM \u200fנו\u200cי")
    assert given_of(folder).name == "yaM \u200fנו\u200cי"  # what would turn the letters after it is left out
    give(folder, name=" \u200b\u2060\t")  # nothing that can be seen is no name
    assert load_index(kept.workspace, kept.index.dataset_id).name == kept.index.name
    assert given_of(folder).note == "old scanner left out"
    with pytest.raises(WorkspaceError, match="81 characters"):
        give(folder, name="x" * 81)
    (folder / "about.json").write_text("[]")
    assert (
        load_index(kept.workspace, kept.index.dataset_id).name == kept.index.name
    )  # a damaged name stops nothing


def test_a_deleted_run_is_gone_with_its_folder_and_every_row_of_the_database_stays(kept: Kept) -> None:
    tables = ("cases", "answers", "sessions", "exposures", "predictions")
    before = {table: kept.rows(table) for table in tables}
    known = dependents_of_run(kept.workspace, kept.store, RUN.run_id)
    assert not known.forbids and "1 reading given on it" in known.stays[0]
    assert delete_run(kept.workspace, kept.store, RUN.run_id) == known
    assert list_runs(kept.workspace) == [] and given_of(RUN.folder.parent / "x").deleted == ""
    assert [path.name for path in (kept.workspace.runs / RUN.run_id).iterdir()] == ["about.json"]
    assert given_of(kept.workspace.runs / RUN.run_id).deleted
    assert {table: kept.rows(table) for table in tables} == before
    assert kept.store.reviews(RUN.run_id)
    with pytest.raises(RunError, match="There is no run"):
        delete_run(kept.workspace, kept.store, RUN.run_id)
    with pytest.raises(RunError, match=r"was deleted on 2.*its readings are kept"):
        find_run(kept.workspace, RUN.run_id)


def test_a_run_that_a_study_reads_cannot_be_deleted_and_the_study_is_named(kept: Kept) -> None:
    in_a_study(kept)
    with pytest.raises(
        EngineError, match=r"cannot be deleted\. The study “Two readers” reads its predictions"
    ):
        delete_run(kept.workspace, kept.store, RUN.run_id)
    assert len(list_runs(kept.workspace)) == 1
    give(kept.workspace.runs / RUN.run_id, archived=True)
    assert len(list_runs(kept.workspace)) == 1  # archived is not gone


def test_what_began_with_a_run_and_the_pages_made_of_it_are_said(kept: Kept) -> None:
    origin = WeightsOrigin(name=RUN.run_id, run_id=RUN.run_id)
    later = replace(
        kept.run, run_id="20260102-000000-bbbb", folder=kept.workspace.runs / "later", weights_origin=origin
    )
    shutil.copytree(kept.run.folder, later.folder)
    save_run(later)
    (kept.workspace.root / "comparisons" / f"{RUN.run_id}-other").mkdir(parents=True)
    stays = " ".join(dependents_of_run(kept.workspace, kept.store, RUN.run_id).stays)
    assert "began with its weights" in stays and f"comparisons/{RUN.run_id}-other" in stays


def test_images_outside_the_workspace_outlive_their_data_set(kept: Kept) -> None:
    known = dependents_of_data(kept.workspace, kept.store, kept.index.dataset_id)
    assert "was trained on it" in known.stays[0] and "the images where they lie" in known.stays[-1]
    delete_data(kept.workspace, kept.store, kept.index.dataset_id)
    assert list_indexes(kept.workspace) == [] and all(sample.path.exists() for sample in kept.index.samples)
    assert len(list_runs(kept.workspace)) == 1 and kept.store.reviews(RUN.run_id)
    with pytest.raises(DataError):
        delete_data(kept.workspace, kept.store, kept.index.dataset_id)


@pytest.mark.parametrize("place", ["uploads", "unpacked", "pulled"])
@pytest.mark.parametrize("needed", [False, True])
def test_copies_in_the_workspace_go_with_their_data_set_unless_a_run_needs_them(
    workspace: Workspace, tmp_path: Path, needed: bool, place: str
) -> None:
    kept = Kept(workspace, tmp_path / "before")
    sent = draw_films(getattr(workspace, place) / "1" / "films", patients=4, seed=3)
    index = index_folder(sent)
    save_index(workspace, index)
    if needed:
        save_run(replace(kept.run, dataset_id=index.dataset_id))
    delete_data(workspace, kept.store, index.dataset_id)
    assert (getattr(workspace, place) / "1").exists() is needed


def test_a_data_set_that_an_experiment_works_on_cannot_be_deleted(kept: Kept) -> None:
    folder = kept.workspace.root / "experiments" / "20260101-000000-cccc"
    folder.mkdir(parents=True)
    dataset = kept.index.dataset_id
    save_asked(
        folder, Asked(workspace=kept.workspace.root, kind="search", recipe=RUN.recipe, dataset_id=dataset)
    )
    write_status(folder, ExperimentStatus(experiment_id=folder.name, started=time.time()))
    with pytest.raises(EngineError, match=f"An experiment .{folder.name}. is training on it"):
        delete_data(kept.workspace, kept.store, dataset)
    write_status(folder, ExperimentStatus(experiment_id=folder.name, state="done"))
    delete_data(kept.workspace, kept.store, dataset)


def test_a_path_is_never_taken_for_a_run(kept: Kept) -> None:
    for name in ("", ".", "..", "../datasets", "/", "no-such-run"):
        with pytest.raises(RunError, match="There is no run"):
            delete_run(kept.workspace, kept.store, name)
    assert kept.workspace.datasets.is_dir()
