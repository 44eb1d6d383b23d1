"""Promises of fitting it afterwards: what comes out is what training would have left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.data.index import index_folder
from engine.errors import RunError
from engine.prediction import predict, refit_shift
from engine.records import PARTS, Run, is_unlike
from engine.runs import load_alike, nearest, split_of
from engine.runs.shift import DISTANCES_FILE, SHIFT_FILE, load_distances, load_shift
from engine.workspace import Workspace
from tests.tiny import draw_films


def test_a_run_of_an_earlier_version_or_of_damaged_files_gets_what_training_leaves_and_knows_other_images(
    own_walk: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = own_walk
    split = split_of(run)
    trained, kept, alike = load_shift(run.folder), load_distances(run.folder), load_alike(run.folder)
    assert trained is not None
    assert alike is not None and alike.known == len(split.train)
    assert set(alike.image_ids) == {one.image_id for part in PARTS for one in split.part(part)}
    (run.folder / "alike.npz").write_bytes(b"damaged")
    (run.folder / SHIFT_FILE).write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"shift\.npz is damaged.*overread shift .* --again"):
        list(predict(run, split.test[:1], cache_dir=workspace.cache, device="cpu"))
    (run.folder / SHIFT_FILE).unlink()
    (run.folder / DISTANCES_FILE).write_bytes(b"damaged")
    elsewhere = index_folder(draw_films(tmp_path / "elsewhere", patients=4, side=128)).samples
    bare = list(predict(run, elsewhere, cache_dir=workspace.cache, device="cpu"))
    assert [one.distance for one in bare] == [None] * 8
    (run.folder / SHIFT_FILE).write_bytes(b"damaged")
    measured = refit_shift(run, elsewhere, cache_dir=workspace.cache, device="cpu")
    model = load_shift(run.folder)
    assert model is not None and model.image_ids == trained.image_ids
    assert model.threshold == pytest.approx(trained.threshold, rel=1e-3)
    assert np.allclose(model.distances, trained.distances, atol=1e-3)
    again = load_distances(run.folder)
    assert again.keys() == kept.keys() | {sample.image_id for sample in elsewhere}
    assert all(again[name] == pytest.approx(kept[name], abs=1e-3) for name in kept)
    assert all(is_unlike(again[sample.image_id]) for sample in elsewhere)
    assert {one.image_id: one.distance for one in measured} == again
    again_alike = load_alike(run.folder)
    assert again_alike is not None and np.allclose(again_alike.features, alike.features, atol=0.01)
    found = nearest(again_alike, split.test[0].image_id)
    train = {one.image_id: one for one in split.train}
    assert found and all(one.image_id in train for one in found)
    (told,) = predict(run, split.test[:1], cache_dir=workspace.cache, device="cpu")
    assert told.distance is not None
