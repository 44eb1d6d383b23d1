"""Trials of a search are trained on a real cluster, several at a time, and a search goes on where it was."""

from __future__ import annotations

from engine.data import Choices
from engine.data.saved import save_index
from engine.experiments import run_trials_on, search_of, trials_of, varied_fields
from engine.records import Index
from engine.workspace import Workspace
from tests.clusters import killed_at_work
from tests.tiny import TINY_RECIPE


def test_trials_end_with_a_figure_each_though_a_worker_is_killed(
    ray_cluster: None, workspace: Workspace, tiny_index: Index
) -> None:
    save_index(workspace, tiny_index)
    varied = varied_fields(TINY_RECIPE, ("learning_rate=1e-4..1e-1:log",))
    wanted = search_of(workspace, TINY_RECIPE, varied, tiny_index, Choices(seed=1))
    begun = list[int]()
    with killed_at_work("Trainer.advance") as killed:
        first = list(
            run_trials_on(
                "ray", 2, workspace, wanted, 2, device="cpu", begin=lambda number, _: begun.append(number)
            )
        )
    assert killed and begun == [1, 2]
    assert [(one.state, one.epochs) for one in first] == [("done", 2), ("done", 2)]
    assert list(run_trials_on("ray", 2, workspace, wanted, 2, device="cpu")) == [], (
        "what is done is not done again"
    )
    assert {one.val_auc for one in trials_of(wanted)} == {one.val_auc for one in first}
    assert not [*wanted.folder.glob("trial-*/")], "a trial's model is not kept"
