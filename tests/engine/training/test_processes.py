"""Several processes do together what one does: of a whole batch, each its own rows."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from engine.errors import RecipeError
from engine.records import Phase
from engine.training.processes import ALONE, Processes, _AsOneBatch, check_shareable, joined
from tests.tiny import TINY_RECIPE

IMAGES = 7
MAPS = torch.randn(IMAGES, 3, 4, 5, generator=torch.Generator().manual_seed(1)) * 3 + 2
LAST = MAPS.contiguous(memory_format=torch.channels_last)
ROWS = MAPS[:, :, 0, 0].contiguous()


@pytest.fixture(scope="module")
def one() -> Iterator[Processes]:
    """A group of this process alone, in which sums go through gloo as they do among many."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with joined(0, 1, f"tcp://127.0.0.1:{port}") as processes:
        yield processes


@pytest.mark.parametrize("x", [MAPS, LAST, ROWS], ids=["maps", "channels last", "rows"])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_over_all_processes_is_that_of_torch(x: Tensor, affine: bool, one: Processes) -> None:
    def normed(within: bool) -> list[Tensor]:
        given = x.clone().requires_grad_()
        mean, variance = torch.full((3,), 0.5), torch.full((3,), 2.0)
        weight = torch.tensor([2.0, -1.0, 0.5], requires_grad=True) if affine else None
        bias = torch.tensor([0.3, 4.0, -2.0], requires_grad=True) if affine else None
        if within:
            with _AsOneBatch(one, IMAGES):
                made = functional.batch_norm(given, mean, variance, weight, bias, True, 0.3, 1e-3)
                known = functional.batch_norm(x, mean, variance, weight, bias, False, 0.3, 1e-3)
        else:
            made = functional.batch_norm(given, mean, variance, weight, bias, True, 0.3, 1e-3)
            known = functional.batch_norm(x, mean, variance, weight, bias, False, 0.3, 1e-3)
        (made**3).sum().backward()  # type: ignore[no-untyped-call]
        gradients = [each.grad for each in (given, weight, bias) if each is not None]
        return [made, known, mean, variance, *(each for each in gradients if each is not None)]

    together, alone = normed(True), normed(False)
    assert len(together) == len(alone) == (7 if affine else 5)
    for mine, torchs in zip(together, alone, strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-4, atol=1e-4)


def test_a_batch_norm_that_is_not_asked_to_train_uses_what_it_knows(one: Processes) -> None:
    known = torch.full((3,), 0.5), torch.full((3,), 2.0)
    alone = functional.batch_norm(MAPS, *known)
    with _AsOneBatch(one, IMAGES):
        assert torch.equal(functional.batch_norm(MAPS, *known), alone)


def test_a_net_learns_by_itself_alone_and_with_the_others_where_there_are_some(one: Processes) -> None:
    net = nn.Linear(2, 2)
    assert one.world == 1 and one.learner(net) is net
    shared = Processes(rank=0, world=2).learner(net)
    assert isinstance(shared, nn.parallel.DistributedDataParallel) and shared.module is net
    assert not shared.broadcast_buffers  # a batch norm's are the same everywhere already


@pytest.mark.parametrize("blend", ["mixup", "cutmix"])
def test_a_recipe_that_blends_images_of_a_batch_is_for_one_process(blend: str) -> None:
    plain = Phase(name="head", epochs=1, trainable="head", learning_rate=1e-3)
    blended = replace(TINY_RECIPE, phases=(plain, replace(plain, name="last", **{blend: 0.2})))  # type: ignore[arg-type]
    check_shareable(blended, ALONE)
    check_shareable(replace(TINY_RECIPE, phases=(plain,)), Processes(1, 2))
    with pytest.raises(RecipeError, match="Phase last blends the images of a batch"):
        check_shareable(blended, Processes(0, 2))


def test_alone_a_sum_is_the_number_itself_and_one_process_gathers_what_it_has() -> None:
    values = torch.arange(6.0).reshape(3, 2)
    assert ALONE.total(values) is values and torch.equal(ALONE.gathered(values, 3), values)
    assert (ALONE.first, ALONE.share(np.arange(3)).tolist()) == (True, [0, 1, 2])


def test_a_sum_over_several_is_a_tensor_of_its_own(one: Processes) -> None:
    values = torch.arange(3.0)
    total = Processes(rank=0, world=2).total(values)  # in a group of one: it sums to what it is
    assert torch.equal(total, values) and total.data_ptr() != values.data_ptr()
    assert torch.equal(Processes(rank=1, world=2).gathered(values, 6), torch.tensor([0.0, 0, 0, 1, 0, 2]))


def _dropped_path(x: Tensor) -> Tensor:
    return x * x.new_empty((len(x), *[1] * (x.ndim - 1))).bernoulli_(0.6)


@pytest.mark.parametrize(
    ("draw", "x"),
    [
        (functional.dropout, MAPS),
        (functional.dropout, LAST),
        (functional.dropout1d, MAPS.flatten(2)),
        (functional.dropout2d, MAPS),
        (functional.dropout3d, MAPS[..., None]),
        (functional.alpha_dropout, MAPS),
        (functional.feature_alpha_dropout, MAPS),
        (_dropped_path, MAPS),
        (_dropped_path, ROWS),
        (functional.dropout, MAPS.flatten(0, 1)),  # three windows of each image
    ],
)
def test_what_is_drawn_does_not_depend_on_how_many_processes_there_are(
    draw: Callable[[Tensor], Tensor], x: Tensor
) -> None:
    if draw is not _dropped_path:
        draw = partial(draw, training=True)
    torch.manual_seed(5)
    alone = draw(x)
    _, counts = alone.unique(return_counts=True)
    assert counts.max() > 1 and len(counts) > 1  # what is dropped, which is 0 or alpha dropout's own number
    each = len(x) // IMAGES
    by_image = x.unflatten(0, (IMAGES, each))
    for world in (1, 2, 3):
        for rank in range(world):
            mine = Processes(rank, world)
            torch.manual_seed(5)
            share = mine.share(by_image).flatten(0, 1)
            if x is LAST:
                share = share.contiguous(memory_format=torch.channels_last)
            with _AsOneBatch(mine, IMAGES):
                drawn = draw(share)
                if draw is not _dropped_path:
                    assert functional.dropout(share, training=False) is share
            expected = mine.share(alone.unflatten(0, (IMAGES, each))).flatten(0, 1)
            torch.testing.assert_close(drawn, expected, rtol=0, atol=0)


def test_what_is_dropped_always_or_never_needs_no_draw_and_a_process_without_images_drops_none() -> None:
    with _AsOneBatch(mine := Processes(1, 3), IMAGES):
        share = mine.share(ROWS)
        assert functional.dropout(share, 0.0) is share
        assert not functional.dropout(share, 1.0).any()
        assert set(torch.full((300, 2), 9.0).bernoulli_().unique().tolist()) == {0.0, 1.0}
    with _AsOneBatch(last := Processes(2, 3), 2):
        nothing = last.share(ROWS[:2])
        torch.manual_seed(5)
        assert functional.dropout(nothing).shape == _dropped_path(nothing).shape == (0, 3)
        after = torch.rand(3)
    with _AsOneBatch(first := Processes(0, 3), 2):  # and goes on with the numbers that the others go on with
        torch.manual_seed(5)
        functional.dropout(first.share(ROWS[:2]))
        _dropped_path(first.share(ROWS[:2]))
        assert torch.equal(torch.rand(3), after)


def test_batch_norm_takes_torchs_defaults_keeps_no_statistics_unasked_and_the_kind_of_number(
    one: Processes,
) -> None:
    kept = [(torch.zeros(3), torch.ones(3)) for _ in range(2)]
    small = MAPS * 1e-3  # so that the eps counts
    alone = functional.batch_norm(small, *kept[0], training=True)
    half = functional.batch_norm(MAPS.bfloat16(), None, None, training=True)
    with _AsOneBatch(one, IMAGES):
        torch.testing.assert_close(functional.batch_norm(small, *kept[1], training=True), alone)
        torch.testing.assert_close(kept[1], kept[0])
        none = functional.batch_norm(MAPS.bfloat16(), None, None, training=True)
    torch.testing.assert_close(none, half, rtol=0.02, atol=0.01)  # bfloat16 both


def test_processes_of_one_machine_are_joined_by_it_alone_and_part_whatever_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    monkeypatch.setattr(
        distributed, "init_process_group", lambda backend, **more: told.append((backend, more))
    )
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: told.append("parted"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    for address, through in (("tcp://10.0.0.2:7", None), ("tcp://127.0.0.1:7", "lo")):
        monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
        with pytest.raises(KeyError), joined(1, 2, address) as processes:
            assert processes == Processes(rank=1, world=2) and len(told) == 1
            assert os.environ.get("GLOO_SOCKET_IFNAME") == through
            raise KeyError
        assert told == [("gloo", {"init_method": address, "rank": 1, "world_size": 2}), "parted"]
        told.clear()
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")  # whoever says it is heard
    with joined(0, 1, "tcp://127.0.0.1:7"):
        assert os.environ["GLOO_SOCKET_IFNAME"] == "eth7"
    set_to: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", set_to.append)
    for local, gpu in (("3", 3), (None, 0)):
        told.clear()
        monkeypatch.delenv("LOCAL_RANK", raising=False)
        if local is not None:
            monkeypatch.setenv("LOCAL_RANK", local)
        with joined(0, 1, "env://"):
            assert told == [("nccl", {"init_method": "env://", "rank": 0, "world_size": 1})]
        assert set_to.pop() == gpu


@pytest.mark.parametrize("images", [1, 2, 7])
def test_the_parts_of_processes_make_the_mean_of_the_whole_batch(images: int) -> None:
    losses = torch.arange(1.0, images + 1)
    crew = [Processes(rank, 3) for rank in range(3)]
    parts = [each.part_of_mean(each.share(losses).mean(), images) for each in crew]
    assert float(sum(parts)) == pytest.approx(float(losses.mean()))  # an empty share's mean is no number
    slope = torch.ones(3, requires_grad=True)
    for each, of in ((Processes(2, 3), 2), (Processes(2, 3), 1)):  # what has no images pulls nowhere
        nothing = each.share(ROWS[:of]) @ slope
        each.part_of_mean(nothing.mean(), of).backward()  # type: ignore[no-untyped-call]
        assert slope.grad is not None and slope.grad.tolist() == [0, 0, 0]
    rows = np.arange(images)
    assert sorted(np.concatenate([each.share(rows) for each in crew]).tolist()) == rows.tolist()
    assert [each.first for each in crew] == [True, False, False]
