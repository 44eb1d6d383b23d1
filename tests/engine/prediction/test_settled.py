"""What is settled behind a training is the same by whatever was computed before, and nothing is looked at twice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.images import ImageCache, open_cache
from engine.models import build_classifier, fast_features, find_frozen_part, set_trainable
from engine.prediction import fit_map_settings, keep_alike, likeness, map_settings
from engine.prediction.settled import read_own
from engine.records import Run
from engine.runs import split_of
from engine.runs.alike.features import FILE, load_alike
from engine.training import images_of
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE


def test_alike_images_look_at_training_images_alone_and_are_what_a_look_at_all_gives(
    trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, like = trained
    shutil.copytree(like.folder, tmp_path / like.run_id)
    run = replace(like, folder=tmp_path / like.run_id)
    (run.folder / FILE).unlink()
    looked_at: list[int] = []

    def counted(cache: ImageCache, rows: np.ndarray, device: str) -> torch.Tensor:
        looked_at.extend(rows.tolist())
        return images_of(cache, rows, device)

    monkeypatch.setattr(likeness, "images_of", counted)
    read_own(run, ("val", "test"), cache_dir=workspace.cache, device="cpu")
    split = split_of(run)
    assert len(looked_at) == len(set(looked_at)) == len(split.train)
    found = load_alike(run.folder)
    whole = [*split.train, *split.val, *split.test]
    cache = open_cache(workspace.cache, whole, size=run.recipe.image_size, channels=run.recipe.channels)
    keep_alike(run, cache=cache, cache_dir=workspace.cache, device="cpu")
    expected = load_alike(run.folder)
    assert found is not None and expected is not None
    assert found.known == expected.known == len(split.train)
    assert sorted(found.image_ids) == sorted(expected.image_ids) == sorted(one.image_id for one in whole)
    assert [found.patients[found.rows[one.image_id]] for one in whole] == [one.patient_id for one in whole]
    cosines = []
    for each in (found, expected):
        features = np.stack([each.features[each.rows[one.image_id]] for one in whole])
        cosines.append(features @ features.T)
    assert cosines[0] == pytest.approx(cosines[1], abs=2e-3)


def test_maps_are_settled_alike_by_layers_that_training_converted_and_without_them(
    trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    _, run = trained
    torch.manual_seed(0)
    recipe = replace(TINY_RECIPE, image_size=64)
    net = build_classifier(recipe, 2)
    set_trainable(net, "last 2")
    cut = find_frozen_part(net.eval())
    assert cut is not None
    fast_features(cut.frozen, device="cpu", images=1000, size=64, cache_dir=tmp_path / "converted")
    monkeypatch.setattr(map_settings, "load_classifier", lambda run, device: net)
    run, val = replace(run, recipe=recipe), split_of(run).val
    cache = open_cache(tmp_path, val, size=64, channels=3)
    one, other = (
        fit_map_settings(run, val, cache=cache, cache_dir=tmp_path / name) for name in ("converted", "empty")
    )
    assert one is not None and other is not None
    assert not (tmp_path / "empty").exists(), "a net was converted for a few images"
    assert (one.method, one.cases, one.reasons) == (other.method, other.cases, other.reasons)
    assert one.scale == pytest.approx(other.scale, rel=1e-3)
    for mine, theirs in zip(one.grids, other.grids, strict=True):
        assert (*mine.rows, *mine.columns) == pytest.approx((*theirs.rows, *theirs.columns), abs=0.05)
