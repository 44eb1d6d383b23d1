"""One training by two processes of a real cluster is what one process would do, though one of them is killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.cluster import train_on
from engine.recipes import RECIPES
from engine.records import Epoch, Index, Split, TrainingRequest
from engine.runs import load_history, load_run
from engine.training import train
from tests.clusters import kill_one


def curve(epochs: list[Epoch]) -> np.ndarray:
    return np.array([[one.train_loss, one.val_loss, one.val_auc] for one in epochs])


def test_two_processes_give_the_curve_of_one_though_one_of_them_is_killed(
    ray_cluster: None, tiny_index: Index, tiny_split: Split, tmp_path: Path
) -> None:
    """Batch norm, dropout, a last batch of one image more than there are processes, and a checkpoint."""
    scnnb = RECIPES["scnnb"]
    recipe = replace(scnnb, batch_size=7, phases=tuple(replace(each, epochs=3) for each in scnnb.phases))
    request = TrainingRequest(recipe=recipe, dataset_id=tiny_index.dataset_id, device="cpu")
    given = {"cache_dir": tmp_path / "workspace" / "cache", "dataset_name": "films"}
    given["cache_dir"].mkdir(parents=True)
    alone = list(train(request, tiny_split, folder=tmp_path / "workspace" / "alone", **given))
    together, killed = dict[int, Epoch](), list[int]()
    for epoch in train_on("ray", 2, request, tiny_split, folder=tmp_path / "workspace" / "both", **given):
        together[epoch.number] = epoch
        if epoch.number == 2 and not killed:
            killed.append(2)
            kill_one("Trainer")
    assert killed
    assert np.allclose(curve([*together.values()]), curve(alone), atol=1e-5)
    kept = load_history(tmp_path / "workspace" / "both")
    assert np.allclose(curve(kept), curve(alone), atol=1e-5)
    assert load_run(tmp_path / "workspace" / "both").classes == tiny_split.classes
