"""What a checkpoint holds takes fewer bytes than it has, comes back to the last bit, or is refused where damaged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.errors import TrainingError
from engine.records import Phase, Split, TrainingRequest
from engine.training import loop as the_loop
from engine.training.checkpoint import FILE, Checkpoint, load_checkpoint, save_checkpoint
from engine.training.fit import train
from engine.training.packing import pack, unpack
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE

DRAWN = torch.Generator().manual_seed(0)


def any_bits(*shape: int) -> Tensor:
    """Numbers of whatever bits: none, without end, below the smallest, nought with a sign."""
    return torch.randint(-(2**31), 2**31, shape, dtype=torch.int32, generator=DRAWN).view(torch.float32)


ODD = torch.tensor(
    [0x7FC00001, -0x3FFFFF, 0x7F800000, -(2**31), 0, 1], dtype=torch.int32  # two that are none, no end, −0, 0
).view(torch.float32)  # fmt: skip
WEIGHTS = any_bits(5, 4, 3, 3)
MODEL = {
    "odd": ODD,
    "weights": WEIGHTS,
    "channels last": WEIGHTS.to(memory_format=torch.channels_last),
    "one number": torch.tensor(-0.0),
    "no number": torch.empty(0, 3),
    "seen": torch.tensor(2**40 + 1),
    "half": torch.tensor([1.0, -0.0, torch.nan], dtype=torch.bfloat16),
    "double": torch.rand(3, dtype=torch.float64, generator=DRAWN),
    "mask": torch.tensor([True, False]),
    "bytes": torch.arange(256, dtype=torch.uint8),
}
BEST = {
    **MODEL,  # of the same memory
    "weights": WEIGHTS * 1.001,
    "one number": torch.tensor(0.0),
    "seen": torch.tensor(3),
    "odd": ODD.double(),
    "channels last": WEIGHTS[:1],
    "other": torch.rand(3, generator=DRAWN),
}
TENSORS = {
    **{f"model/{name}": value for name, value in MODEL.items()},
    **{f"best/{name}": value for name, value in BEST.items()},
    "average/weights": WEIGHTS * 1.001,
    "average/odd": ODD.flip(0),
    "optimizer/0/exp_avg": any_bits(7),
    "optimizer/10/step": torch.tensor(5.0),
}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Tell whether both hold the same bits in the same form."""
    return one.keys() == other.keys() and all(
        value.dtype == other[name].dtype
        and value.shape == other[name].shape
        and value.contiguous().numpy(force=True).tobytes() == other[name].contiguous().numpy().tobytes()
        if value.dtype != torch.bfloat16
        else torch.equal(value.view(torch.int16), other[name].view(torch.int16))
        for name, value in one.items()
    )


def test_all_comes_back_to_the_last_bit_whatever_it_is(tmp_path: Path) -> None:
    save_file(pack(TENSORS), tmp_path / "packed")
    assert same(TENSORS, unpack(load_file(tmp_path / "packed")))
    assert same(TENSORS, unpack(pack(unpack(pack(TENSORS)))))
    assert unpack(pack({})) == {}


@pytest.mark.parametrize(
    ("phase", "most"),
    [
        ({"optimizer": "adam"}, 1.15),
        ({"optimizer": "adamw", "ema_decay": 0.9}, 1.15),
        ({"optimizer": "momentum"}, 1.3),
        ({"optimizer": "adam", "trainable": "last 3"}, 1.15),
    ],
    ids=str,
)
def test_a_training_whose_first_epoch_was_the_best_keeps_little_beside_model_and_optimiser(
    phase: dict[str, Any],
    most: float,
    tiny_split: Split,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ratios: list[float] = []

    def measured(folder: Path, checkpoint: Checkpoint) -> None:
        save_checkpoint(folder, checkpoint)
        assert checkpoint.optimizer is not None
        moments = [value for one in checkpoint.optimizer["state"].values() for value in one.values()]
        trained = [*checkpoint.model.values(), *(checkpoint.average or {}).values(), *moments]
        whole = sum(value.nbytes for value in trained)
        ratios.append((folder / FILE).stat().st_size / whole)
        found = load_checkpoint(folder)
        assert found is not None and found.best is not None and checkpoint.best is not None
        assert same(found.model, checkpoint.model) and same(found.best, checkpoint.best)

    told = iter(range(100))
    monkeypatch.setattr(the_loop, "monitored", lambda *_, **__: float(next(told)))  # a loss that only rises
    monkeypatch.setattr(the_loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(the_loop, "save_checkpoint", measured)
    recipe = replace(
        TINY_RECIPE,
        phases=(Phase(name="only", epochs=3, learning_rate=1e-3, **({"trainable": "all"} | phase)),),
    )
    request = TrainingRequest(recipe=recipe, dataset_id="d", device="cpu")
    epochs = [
        *train(
            request, tiny_split, folder=workspace.runs / "a", cache_dir=workspace.cache, dataset_name="films"
        )
    ]
    assert [epoch.best for epoch in epochs] == [True, False, False]
    assert len(ratios) == 3 and max(ratios) <= most, ratios


KEPT = Checkpoint(
    phase=0, epochs=1, model=MODEL, best=BEST, average=None, progress={}, optimizer=None, seconds=0.0
)


def test_what_an_earlier_version_wrote_is_read(tmp_path: Path) -> None:
    """It wrote all numbers as they are, and of the best model what is not in the present one."""
    model = {name: value.contiguous() for name, value in MODEL.items()}
    best = {name: BEST[name].clone() for name in ("weights", "seen", "odd")}
    tensors = {f"model/{name}": value for name, value in model.items()}
    tensors |= {f"best/{name}": value for name, value in best.items()}
    tensors |= {"optimizer/0/exp_avg": any_bits(7), "average/odd": ODD.flip(0)}
    facts = {"phase": 0, "epochs": 1, "has_best": True, "progress": {}, "seconds": 0.0,
             "optimizer": {"scalars": {}, "groups": []}}  # fmt: skip
    save_file(tensors, tmp_path / FILE, metadata={"overread": json.dumps(facts)})
    found = load_checkpoint(tmp_path)
    assert (
        found is not None
        and found.best is not None
        and found.average is not None
        and found.optimizer is not None
    )
    assert same(found.model, model) and same(found.best, {**model, **best})
    assert same(found.average, {"odd": ODD.flip(0)})
    assert same(found.optimizer["state"][0], {"exp_avg": tensors["optimizer/0/exp_avg"]})


def damaged(path: Path, changed: Mapping[str, Tensor | None]) -> None:
    """Write a checkpoint anew with some of its tensors changed or left out."""
    with safe_open(path, framework="pt") as file:
        facts = file.metadata()
    tensors = {name: value for name, value in {**load_file(path), **changed}.items() if value is not None}
    save_file(tensors, path, metadata=facts)


def test_a_byte_that_turned_among_the_deflated_ones_is_noticed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, KEPT)
    high = load_file(tmp_path / FILE)["high"]
    for at in range(len(high)):
        turned = high.clone()
        turned[at] ^= 255
        damaged(tmp_path / FILE, {"high": turned})
        with pytest.raises(TrainingError, match="cut short or damaged"):
            load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"high": torch.zeros(0, dtype=torch.uint8)},
        {"high": torch.tensor(3)},
        {"low/model/weights": None},
        {"low/model/weights": WEIGHTS},
        {"low/model/weights": torch.zeros(4, 5, 4, 3, 3, dtype=torch.uint8)},
        {"low/model/weights": torch.zeros(3, 5, 4, 3, 4, dtype=torch.uint8)},
        {"low/model/weights": torch.zeros(0, 5, 4, 3, 3, dtype=torch.uint8)},
        {"low/model/weights": torch.tensor(0, dtype=torch.uint8)},
        {"low/weights": torch.zeros(3, 2, dtype=torch.uint8)},
        {"low/elsewhere/weights": torch.zeros(3, 2, dtype=torch.uint8)},
        {"difference/best/weights": torch.zeros(2, 1, dtype=torch.uint8)},
        {"difference/best/nowhere": torch.zeros(0, 2**40, dtype=torch.uint8)},
        {"difference/model/nowhere": torch.zeros(0, 2, dtype=torch.uint8)},
    ],
    ids=lambda changed: (
        f"{next(iter(changed))} {None if (one := next(iter(changed.values()))) is None else [*one.shape]}"
    ),
)
def test_pieces_that_do_not_belong_together_are_refused(
    changed: dict[str, Tensor | None], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path, KEPT)
    assert load_checkpoint(tmp_path) is not None
    damaged(tmp_path / FILE, changed)
    with pytest.raises(TrainingError, match="cut short or damaged"):
        load_checkpoint(tmp_path)


def test_what_was_deflated_to_fill_the_memory_is_not_inflated(tmp_path: Path) -> None:
    import tracemalloc
    import zlib

    save_checkpoint(tmp_path, KEPT)
    bomb = zlib.compress(bytes(64 * 2**20), 9)
    damaged(tmp_path / FILE, {"high": torch.frombuffer(bytearray(bomb), dtype=torch.uint8)})
    tracemalloc.start()
    try:
        with pytest.raises(TrainingError, match="cut short or damaged"):
            load_checkpoint(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
