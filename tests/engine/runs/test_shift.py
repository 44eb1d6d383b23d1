"""Promises of shift.npz and distances.npz: read back as written, and named where they are something else."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RunError
from engine.records import Run
from engine.runs.shift import (
    DISTANCES_FILE,
    SHIFT_FILE,
    load_distances,
    load_shift,
    save_distances,
    save_shift,
    with_distances,
)
from engine.workspace import Workspace
from tests.engine.uncertainty.test_shift import RUN, fitted, measured


def test_what_a_run_knows_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert load_shift(tmp_path) is None
    for model in (fitted(), replace(fitted(), threshold=math.inf)):
        save_shift(tmp_path, model)
        again = load_shift(tmp_path)
        assert again is not None
        assert (again.threshold, again.image_ids, again.patients) == (
            model.threshold,
            model.image_ids,
            model.patients,
        )
        assert np.allclose(again.axes, model.axes, atol=1e-6) and np.array_equal(again.centres, model.centres)
        assert np.array_equal(again.distances, model.distances)


def test_distances_of_new_images_stand_beside_those_that_are_kept_unless_asked_for_anew(
    tmp_path: Path,
) -> None:
    run, first, second = replace(RUN, folder=tmp_path), measured(fitted(), 3, 1), measured(fitted(), 2, 2)
    save_distances(run, first)
    save_distances(run, [*second, replace(second[0], image_id="none", distance=None)])
    assert load_distances(tmp_path) == {one.image_id: one.distance for one in (*first, *second)}
    bare = [replace(one, distance=None) for one in first]
    assert with_distances(run, bare) == first
    save_distances(run, second, anew=True)
    assert set(load_distances(tmp_path)) == {one.image_id for one in second}


@pytest.mark.parametrize(
    "change",
    [
        {"centres": np.zeros((4, 200))},
        {"axes": np.zeros((5, 64, 7))},
        {"distances": np.zeros(3)},
        {"threshold": 0.0},
        {"threshold": math.nan},
        {"patients": ("p",)},
        {"distances": np.full(200, np.nan)},
    ],
)
def test_arrays_that_do_not_belong_together_are_named(tmp_path: Path, change: dict[str, object]) -> None:
    save_shift(tmp_path, replace(fitted(), **change))  # type: ignore[arg-type]
    with pytest.raises(RunError, match=r"shift\.npz is damaged.*overread shift .* --again"):
        load_shift(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(40)])
def test_files_that_are_something_else_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SHIFT_FILE).write_bytes(content)
    (tmp_path / DISTANCES_FILE).write_bytes(content)
    with pytest.raises(RunError, match=r"shift\.npz is damaged"):
        load_shift(tmp_path)
    with pytest.raises(RunError, match=r"distances\.npz is damaged"):
        load_distances(tmp_path)


def test_training_leaves_what_its_validation_images_look_like_and_predicting_how_far_others_lie(
    walked: tuple[Workspace, Run],
) -> None:
    from engine.runs.folder import split_of

    model, split = load_shift(walked[1].folder), split_of(walked[1])
    assert model is not None and model.speaks
    assert set(model.image_ids) == {sample.image_id for sample in split.val}
    kept = load_distances(walked[1].folder)
    assert set(kept) == {sample.image_id for sample in (*split.val, *split.test)}
    assert np.mean([kept[sample.image_id] > 1 for sample in split.test]) < 0.1
