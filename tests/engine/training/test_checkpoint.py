"""Promises of checkpoints: what comes back is what went in, and a write that fails leaves the last one whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.errors import TrainingError, WorkspaceError
from engine.models.classifier import build_classifier
from engine.training.checkpoint import (
    FILE,
    Checkpoint,
    copy_state,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
)
from tests.tiny import TINY_RECIPE


def tensors(value: float, size: int = 3) -> dict[str, torch.Tensor]:
    return {"a.weight": torch.full((size,), value), "b": torch.tensor(value)}


KEPT = Checkpoint(
    phase=2,
    epochs=7,
    model=tensors(1.0),
    best=tensors(2.0),
    average=tensors(3.0),
    progress={"best_value": 0.25, "schedule": {"last_epoch": 4}},
    optimizer={
        "state": {0: {"step": torch.tensor(5.0), "rate": 0.5}, 11: {"square/mean": torch.ones(2)}},
        "param_groups": [{"lr": 0.125, "params": [0, 11]}],
    },
    seconds=98.5,
)


def equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(equal(one[k], other[k]) for k in one)
        )
    return one == other


@pytest.mark.parametrize(
    "lacking", [(), ("best",), ("average",), ("optimizer",), ("best", "average", "optimizer")]
)
def test_a_checkpoint_comes_back_as_it_was(lacking: tuple[str, ...], tmp_path: Path) -> None:
    kept = replace(KEPT, **dict.fromkeys(lacking))  # type: ignore[arg-type]
    save_checkpoint(tmp_path, replace(KEPT, phase=0))  # which it stands in place of
    save_checkpoint(tmp_path, kept)
    found = load_checkpoint(tmp_path)
    assert found is not None
    for name in ("phase", "epochs", "model", "best", "average", "progress", "optimizer", "seconds"):
        assert equal(getattr(kept, name), getattr(found, name)), name
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_is_frozen_is_written_once(tmp_path: Path) -> None:
    backbone = torch.rand(100_000)
    backbone[0] = torch.nan  # which equals no number, not even itself
    model = {"backbone": backbone, "head": torch.rand(100), "seen": torch.tensor(3)}
    best = {**model, "backbone": backbone.clone(), "head": torch.rand(100), "seen": torch.tensor(2)}
    save_checkpoint(tmp_path, replace(KEPT, model=model, best=best, average=None, optimizer=None))
    written = (tmp_path / FILE).stat().st_size
    assert written < 1.1 * backbone.nbytes
    found = load_checkpoint(tmp_path)
    assert found is not None and found.best is not None
    for kept, wanted in ((found.model, model), (found.best, best)):
        assert kept.keys() == wanted.keys()
        assert all(torch.equal(kept[name].nan_to_num(-1), wanted[name].nan_to_num(-1)) for name in wanted)


@pytest.mark.parametrize("other", [torch.zeros(4, dtype=torch.int32), torch.zeros(2, 2), torch.zeros(3)])
def test_what_has_the_same_bits_in_another_form_is_not_the_same(other: torch.Tensor, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, replace(KEPT, model={"a": torch.zeros(4)}, best={"a": other}))
    found = load_checkpoint(tmp_path)
    assert found is not None and found.best is not None
    assert found.best["a"].dtype == other.dtype and equal(found.best["a"], other)


def test_without_a_checkpoint_there_is_none_and_removing_it_twice_is_no_error(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, KEPT)
    for _ in range(2):
        remove_checkpoint(tmp_path)
        assert load_checkpoint(tmp_path) is None


def test_a_disk_that_is_full_is_said_and_the_last_checkpoint_is_kept_whole(small_disk: Path) -> None:
    save_checkpoint(small_disk, KEPT)
    with pytest.raises(WorkspaceError, match="is full"):
        save_checkpoint(small_disk, replace(KEPT, phase=9, model=tensors(1.0, size=200_000)))
    found = load_checkpoint(small_disk)
    assert found is not None and found.phase == 2 and equal(found.model, KEPT.model)
    assert [path.name for path in small_disk.iterdir()] == [FILE]


@pytest.mark.parametrize(("free", "full"), [(0, True), ("a byte less", True), ("all", False), (10**9, False)])
def test_what_the_disk_did_is_told_by_the_room_that_is_left(
    free: int | str, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safetensors has one error for all that a disk may do."""

    def broken(*_: object, **__: object) -> None:
        raise SafetensorError("I/O error")

    save_checkpoint(tmp_path, KEPT)
    size = sum(value.nbytes for value in load_file(tmp_path / FILE).values())
    remove_checkpoint(tmp_path)
    room = {"a byte less": size - 1, "all": size}.get(str(free), free)
    monkeypatch.setattr("safetensors.torch.save_file", broken)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=room))
    with pytest.raises(WorkspaceError) as caught:
        save_checkpoint(tmp_path, KEPT)
    assert ("full" in str(caught.value)) == full
    assert ("I/O error" in str(caught.value)) == (not full) and list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        save_checkpoint(tmp_path / "gone", KEPT)
    assert "full" not in str(caught.value)


def test_a_checkpoint_that_cannot_be_put_in_its_place_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(WorkspaceError):
        save_checkpoint(tmp_path, KEPT)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_checkpoint_is_on_the_disk_before_it_stands_in_place_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, int, bool]] = []

    def recorded(number: int, really=os.fsync) -> None:  # type: ignore[no-untyped-def]
        there = os.fstat(number)
        synced.append((there.st_ino, there.st_size, (tmp_path / FILE).exists()))
        really(number)

    monkeypatch.setattr(os, "fsync", recorded)
    save_checkpoint(tmp_path, KEPT)
    kept = (tmp_path / FILE).stat()
    assert synced[0] == (kept.st_ino, kept.st_size, False)  # whole, and under another name


@pytest.mark.parametrize("left", [0, 4, 200, -1])
def test_a_checkpoint_cut_short_anywhere_is_said_with_what_to_do(left: int, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, KEPT)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:left])
    with pytest.raises(TrainingError, match=f"cut short or damaged. Delete {FILE}"):
        load_checkpoint(tmp_path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(TrainingError, match="cut short or damaged"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("wrong", [{"phase": -1}, {"epochs": -1}, {"seconds": -1.0}])
def test_a_checkpoint_of_less_than_nothing_is_damaged(wrong: dict[str, float], tmp_path: Path) -> None:
    save_checkpoint(tmp_path, replace(KEPT, phase=0, epochs=0, seconds=0.0))
    assert load_checkpoint(tmp_path) is not None
    save_checkpoint(tmp_path, replace(KEPT, **wrong))  # type: ignore[arg-type]
    with pytest.raises(TrainingError):
        load_checkpoint(tmp_path)


def test_a_copy_of_a_state_is_not_changed_by_training_on() -> None:
    net = build_classifier(TINY_RECIPE, 2)
    kept = copy_state(net)
    before = {name: value.clone() for name, value in kept.items()}
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(1.0)
    assert equal(kept, before) and not equal(copy_state(net), before)
    assert all(value.device.type == "cpu" and value.is_contiguous() for value in kept.values())
