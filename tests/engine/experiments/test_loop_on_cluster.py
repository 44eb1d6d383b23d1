"""Runs of a comparison are trained on a real cluster, several at a time; a worker that is killed changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.data import Choices
from engine.data.saved import save_index
from engine.experiments import Entry, train_entries_on
from engine.jobs import list_jobs
from engine.reading import open_store
from engine.records import Index, Run
from engine.runs import load_history, load_passport
from engine.workspace import Workspace
from tests.clusters import killed_at_work
from tests.tiny import TINY_RECIPE


def test_runs_on_a_cluster_are_what_they_are_in_one_process_though_a_worker_is_killed(
    ray_cluster: None, trained: tuple[Workspace, Run], workspace: Workspace, tiny_index: Index
) -> None:
    save_index(workspace, tiny_index)
    wrong = replace(TINY_RECIPE, name="wrong", weights="file:gone.safetensors")
    entries = [Entry(name=one.name, recipe=one) for one in (TINY_RECIPE, wrong)]
    with killed_at_work("Trainer.advance") as killed:
        attempts = {
            attempt.entry.label: attempt
            for attempt in train_entries_on(
                "ray", 2, workspace, entries, tiny_index, Choices(seed=1), device="cpu"
            )
        }
    assert killed
    assert "gone.safetensors" in attempts["wrong"].problem
    run = attempts["tiny"].run
    assert run is not None
    alone = load_history(trained[1].folder)
    for one, two in zip(load_history(run.folder), alone, strict=True):
        assert np.isclose(one.train_loss, two.train_loss, atol=1e-6)
        assert np.isclose(one.val_loss, two.val_loss, atol=1e-6)
    with open_store(workspace.database) as store, open_store(trained[0].database) as before:
        told, known = (
            store.predictions(run.run_id, part="test"),
            before.predictions(trained[1].run_id, part="test"),
        )
    assert {one.image_id: one.predicted for one in told} == {one.image_id: one.predicted for one in known}
    assert (load_passport(run.folder) is None) == (load_passport(trained[1].folder) is None)
    assert sorted(now.state for now in list_jobs(workspace)) == ["done", "failed"]
