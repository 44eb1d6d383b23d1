"""Promises of engine.runs.heatmaps: maps come back with their scale; those of earlier versions are still read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RunError
from engine.records import Explanation, MapGrid, MapSettings
from engine.runs.heatmaps import load_explanations, load_map_settings, save_explanations, save_map_settings

SETTINGS = MapSettings(
    method="two-scale-cam",
    scale=62.5,
    cases=21,
    grids=(MapGrid(height=7, width=7, rows=(23.75, 32.0), columns=(16.0, 32.0)),),
    reasons=("planted",),
)


def test_maps_of_several_methods_and_sizes_come_back_with_scale_and_rest(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    told = [
        Explanation(
            image_id="a",
            heatmap=rng.normal(0, 20, (56, 56)).astype(np.float32),
            target="opacity",
            method="two-scale-cam",
            scale=60.0,
            rest=-3.25,
        ),
        Explanation(
            image_id="b", heatmap=rng.random((7, 9)).astype(np.float32), target="normal", method="occlusion"
        ),
    ]
    save_explanations(tmp_path, told)
    back = load_explanations(tmp_path)
    assert list(back) == ["a", "b"]
    for before in told:
        after = back[before.image_id]
        np.testing.assert_allclose(after.heatmap, before.heatmap, rtol=1e-3, atol=1e-3)
        assert (after.target, after.method, after.scale, after.rest) == (
            before.target, before.method, before.scale, before.rest,
        )  # fmt: skip


def test_no_maps_at_all_come_back_as_none(tmp_path: Path) -> None:
    assert load_explanations(tmp_path) == {}
    save_explanations(tmp_path, [])
    assert load_explanations(tmp_path) == {}


def test_maps_of_the_first_version_are_read_as_relative_to_their_maxima(tmp_path: Path) -> None:
    np.savez_compressed(
        tmp_path / "heatmaps.npz",
        image_ids=np.array(["a"]),
        targets=np.array(["opacity"]),
        method=np.array("grad-cam"),
        maps=np.eye(7, dtype=np.float16)[None],
    )
    (only,) = load_explanations(tmp_path).values()
    assert (only.method, only.target, only.scale, only.rest) == ("grad-cam", "opacity", None, None)
    assert np.array_equal(only.heatmap, np.eye(7))


def test_a_version_to_come_is_refused_in_words(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "heatmaps.npz", version=np.array(99.0))
    with pytest.raises(RunError, match="damaged"):
        load_explanations(tmp_path)


def test_settings_come_back_and_damaged_ones_are_said(tmp_path: Path) -> None:
    assert load_map_settings(tmp_path) is None
    save_map_settings(tmp_path, SETTINGS)
    assert load_map_settings(tmp_path) == SETTINGS
    whole = json.loads((tmp_path / "maps.json").read_text())
    for broken in ("{", "[]", json.dumps({**whole, "scale": 0}), json.dumps({**whole, "grids": [1]})):
        (tmp_path / "maps.json").write_text(broken)
        with pytest.raises(RunError, match=r"maps\.json"):
            load_map_settings(tmp_path)
