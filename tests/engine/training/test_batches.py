"""Promises of batches: banked views of an image are shown in turn, and copies are changed in their own way."""

from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import DataError
from engine.images.cache import ImageCache
from engine.models import build_classifier, find_frozen_part, set_trainable
from engine.recipes import Augmenter, Balanced, changes_of_copies
from engine.records import Augmentation, Balance, DataIssue, DataIssueKind, Phase, Sample, Split
from engine.storage import KEPT_BYTES
from engine.training import batches
from engine.training.feature_bank import VALUES, FeatureBank
from tests.tiny import TINY_RECIPE


def test_an_image_shows_every_banked_view_once_before_any_twice() -> None:
    numbers = (batches.PLAIN, 0, 1, 2)
    views = {number: np.full((5, 1), number, dtype=np.float32) for number in numbers}
    source = batches.BatchSource(
        cache=None,
        device="cpu",
        augmenter=None,
        rest=None,
        copy_augmenter=None,
        views=views,
        copy_views={number: view for number, view in views.items() if number != batches.PLAIN},
    )  # type: ignore[arg-type]
    rows, nothing = np.arange(5), np.zeros(5, dtype=np.int64)
    shown = np.stack(
        [
            source.inputs(rows, view=epoch, copies=nothing, where=nothing > 0).numpy()[:, 0]
            for epoch in range(8)
        ]
    )
    # By the same number in every version, so that a recipe gives the curve again that it gave.
    assert shown.tolist() == [[numbers[(image + epoch) % 4] for image in range(5)] for epoch in range(8)]
    later = source.inputs(rows, view=2, copies=nothing + 3, where=nothing > 0).numpy()[:, 0]
    assert later.tolist() == [numbers[(image + 5) % 4] for image in range(5)]
    for image in range(5):
        assert set(shown[:4, image]) == set(shown[4:, image]) == set(numbers)
    everywhere = nothing == 0  # copies that must be changed: in turn too, but never as they are
    changed = np.stack(
        [
            source.inputs(rows, view=epoch, copies=nothing, where=everywhere).numpy()[:, 0]
            for epoch in range(6)
        ]
    )
    for image in range(5):
        assert set(changed[:3, image]) == set(changed[3:, image]) == set(numbers) - {batches.PLAIN}
    assert len(set(shown[0])) > 1  # not every image shows the same view in one epoch


def test_copies_are_changed_in_their_own_way_and_originals_in_theirs() -> None:
    images = np.full((4, 6, 6, 1), 100, dtype=np.uint8)
    cache = SimpleNamespace(images=images, fit="squash")
    source = batches.BatchSource(
        cache=cache,  # type: ignore[arg-type]
        device="cpu",
        augmenter=Augmenter(Augmentation(brightness=0.1), 0),
        rest=nn.Identity(),
        copy_augmenter=Augmenter(Augmentation(brightness=0.9), 0),
    )
    rows, copies = np.repeat(np.arange(4), 50), np.tile(np.arange(50), 4)
    shown = source.inputs(rows, view=0, copies=copies, where=copies > 0)[:, 0, 0, 0].numpy() / (100 / 255)
    assert (np.abs(shown[copies == 0] - 1) <= 0.101).all()
    assert np.abs(shown[copies > 0] - 1).max() > 0.5
    for image in range(4):  # no two copies of an image are changed alike, and none as in another epoch
        assert len(set(shown[(rows == image) & (copies > 0)])) > 40
    again = source.inputs(rows, view=1, copies=copies, where=copies > 0)[:, 0, 0, 0].numpy() / (100 / 255)
    assert (again != shown)[copies > 0].mean() > 0.9 < (again != shown)[copies == 0].mean()


@pytest.mark.parametrize("own_way", [False, True])
def test_no_two_copies_of_an_image_are_changed_alike(own_way: bool) -> None:
    cache = SimpleNamespace(images=np.full((2, 6, 6, 1), 100, dtype=np.uint8), fit="squash")
    source = batches.BatchSource(
        cache=cache,  # type: ignore[arg-type]
        device="cpu",
        augmenter=Augmenter(Augmentation(brightness=0.5), 0),
        rest=nn.Identity(),
        copy_augmenter=Augmenter(Augmentation(brightness=0.9), 0) if own_way else None,
    )
    rows, copies = np.repeat(np.arange(2), 50), np.tile(np.arange(50), 2)
    mixed = source.inputs(rows, view=0, copies=copies, where=copies >= 25)
    apart = [
        augmenter(images, rows, 0, copies=copies)
        for images in [torch.full((100, 1, 6, 6), 100, dtype=torch.uint8)]
        for augmenter in (source.augmenter, source.copy_augmenter or source.augmenter)
    ]  # each image in one way alone, and not in both
    for way, here in zip(apart, (copies < 25, copies >= 25), strict=True):
        torch.testing.assert_close(mixed[here], way[here])
    # Copies that need not be changed in their own way are changed as originals are, and each anew all the same.
    shown = source.inputs(rows, view=0, copies=copies, where=np.zeros(100, dtype=bool))[:, 0, 0, 0].numpy()
    assert all(len(set(shown[rows == image])) > 40 for image in range(2))


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_batches_come_in_their_order_made_one_ahead_by_a_thread_that_leaves_the_cores_to_the_net(
    count: int,
) -> None:
    pixels = np.arange(10, dtype=np.uint8).repeat(4).reshape(10, 2, 2, 1)
    made: list[tuple[int, bool]] = []

    class Telling(Augmenter):
        def __call__(self, images: torch.Tensor, *arguments: object, **more: object) -> torch.Tensor:
            made.append((torch.get_num_threads(), threading.current_thread() is threading.main_thread()))
            return images.float()

    source = batches.BatchSource(
        cache=SimpleNamespace(images=pixels, fit="squash"),  # type: ignore[arg-type]
        device="cpu",
        augmenter=Telling(Augmentation(), 0),
        rest=nn.Identity(),
        copy_augmenter=None,
    )
    nothing = np.zeros(10, dtype=np.int64)
    plan = Balanced(rows=np.arange(10)[::-1], copies=nothing, augment=nothing > 0)
    asked = [np.array([2 * at, 2 * at + 1]) for at in range(count)]
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        given = [
            batch[:, 0, 0, 0].tolist() for batch in source.prefetched(np.arange(10), asked, plan, view=0)
        ]
        assert torch.get_num_threads() == 3
        with ThreadPoolExecutor(1) as another:  # nor has what comes after the batches fewer
            assert another.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(threads)
    assert given == [[9 - 2 * at, 8 - 2 * at] for at in range(count)] and made == [(1, False)] * count


def test_a_rest_whose_folding_would_change_what_it_gives_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, ...]] = []

    class Counting(nn.Sequential):
        """Calls a convolution and a batch norm in another order than they were registered in."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            asked.append(tuple(x.shape))
            first, second = self
            return first(second(x))  # type: ignore[no-any-return]

    monkeypatch.setattr(batches, "kept_shape", lambda *_: (3, 8, 8))
    norm = nn.BatchNorm2d(3)
    norm.running_mean.add_(1.0)  # type: ignore[union-attr]
    for parameter in norm.parameters():
        parameter.requires_grad_(False)
    rest = Counting(nn.Conv2d(3, 3, 3), norm)
    spared = batches._spared(rest, None, TINY_RECIPE, "cpu")  # type: ignore[arg-type]
    assert spared is rest and not rest.training and asked
    plain = nn.Sequential(nn.Conv2d(3, 3, 3), norm)
    folded = batches._spared(plain, None, TINY_RECIPE, "cpu")  # type: ignore[arg-type]
    assert folded is not plain and not plain.training
    x = torch.rand(2, 3, 8, 8)
    assert torch.allclose(folded(x), plain(x), atol=1e-5)


@pytest.mark.parametrize(
    "why", ["images are mixed", "changed anew each time", "copies are", "nothing is frozen"]
)
def test_no_bank_stands_for_images_that_are_never_the_same_twice(why: str, tmp_path: Path) -> None:
    flips = Augmentation(horizontal_flip=True)
    recipe = {
        "changed anew each time": replace(TINY_RECIPE, augmentation=flips, views=0),
        "copies are": replace(
            TINY_RECIPE,
            augmentation=Augmentation(),
            views=0,
            balance=Balance(method="duplicate-augmented", augmentation=flips),
        ),
    }.get(why, replace(TINY_RECIPE, augmentation=Augmentation()))
    classifier = build_classifier(recipe, 2)
    set_trainable(classifier, "all" if why == "nothing is frozen" else "head", freeze_batch_norm=True)
    rows = np.arange(2)
    source = batches.open_batches(
        recipe,
        classifier,
        None,  # type: ignore[arg-type]  # a bank would look into the cache
        batches.TrainingData(
            train_rows=rows, train_labels=rows, val_rows=rows, val_labels=rows, classes=("a", "b"),
            val_patients=("p", "q"), val_patients_named=True, val_ids=("0", "1"),
        ),
        pixels=why == "images are mixed",
        device="cpu",
        cache_dir=tmp_path,
        progress=lambda done, total: None,
    )  # fmt: skip
    assert source.views == source.copy_views == {} and source.rest is classifier
    assert list(tmp_path.iterdir()) == []


def test_how_copies_are_changed_is_said_by_the_balance_or_else_by_the_recipe() -> None:
    own, flips = Augmentation(rotation=30), Augmentation(horizontal_flip=True)
    recipe = replace(
        TINY_RECIPE, augmentation=flips, balance=Balance(method="duplicate-augmented", augmentation=own)
    )
    assert changes_of_copies(recipe) == own
    assert (
        changes_of_copies(replace(recipe, balance=replace(recipe.balance, augmentation=Augmentation())))
        == flips
    )
    assert changes_of_copies(replace(recipe, balance=Balance(method="duplicate", augmentation=own))) is None


def test_images_that_cannot_be_read_any_more_are_left_out_and_a_class_of_none_is_said(tmp_path: Path) -> None:
    def film(number: int, label: str) -> Sample:
        return Sample(
            path=tmp_path / f"{number}.png", image_id=f"{number}" * 64, label=label, patient_id=f"p{number}"
        )

    one, other, third, last, gone, only = (film(n, label) for n, label in enumerate("ababba"))
    split = Split(
        train=(one, other, gone),
        val=(third, last, only),
        test=(),
        classes=("a", "b"),
        seed=0,
        method="by patient",
    )
    issue = DataIssue(kind=DataIssueKind.UNREADABLE, message="4.png is cut short", paths=(gone.path,))
    row = {each.image_id: number for number, each in enumerate((last, only, third, one, other))}
    cache = ImageCache(images=np.zeros((5, 2, 2, 1), np.uint8), row=row, failed=(issue,), folder=tmp_path)
    data = batches.TrainingData.of(split, cache)
    assert (data.train_rows.tolist(), data.train_labels.tolist()) == ([3, 4], [0, 1])
    assert (data.val_rows.tolist(), data.val_labels.tolist()) == ([2, 0, 1], [0, 1, 0])
    assert data.val_patients == ("p2", "p3", "p5") and data.val_patients_named and data.classes == ("a", "b")
    assert data.val_ids == (third.image_id, last.image_id, only.image_id)
    for part, lost in (("training", other), ("validation", last)):
        less = replace(cache, row={name: at for name, at in row.items() if name != lost.image_id})
        with pytest.raises(DataError, match=rf"No {part} image of class b .*4.png is cut short"):
            batches.TrainingData.of(split, less)
        of_a = DataIssue(kind=DataIssueKind.UNREADABLE, message="0.png is gone", paths=(one.path,))
        with pytest.raises(DataError, match=rf"No {part} image of class b"):
            batches.TrainingData.of(split, replace(less, failed=()))
        with pytest.raises(
            DataError, match=r"No training .*4.png is cut short"
        ):  # of this class, not the first
            batches.TrainingData.of(replace(split, train=(one, gone)), replace(cache, failed=(of_a, issue)))
    with pytest.raises(DataError, match=r"The split has no validation image of class b\.") as caught:
        batches.TrainingData.of(replace(split, val=(third, only)), cache)
    assert "leave the class out" in caught.value.remedy


def eight_images(tmp_path: Path) -> tuple[ImageCache, batches.TrainingData]:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    row = {hashlib.sha256(image.tobytes()).hexdigest(): number for number, image in enumerate(pixels)}
    cache = ImageCache(images=pixels, row=row, failed=(), folder=tmp_path / "films")
    labels = np.array([0, 1] * 3)
    data = batches.TrainingData(
        train_rows=np.arange(6),
        train_labels=labels,
        val_rows=np.array([6, 7]),
        val_labels=labels[:2],
        classes=("a", "b"),
        val_patients=("x", "y"),
        val_patients_named=True,
        val_ids=("6", "7"),
    )
    return cache, data


def test_copies_that_are_changed_in_their_own_way_have_banks_of_their_own(tmp_path: Path) -> None:
    cache, data = eight_images(tmp_path)
    own = Augmentation(rotation=40)
    recipe = replace(TINY_RECIPE, views=2, balance=Balance(method="duplicate-augmented", augmentation=own))
    torch.manual_seed(0)
    net = build_classifier(recipe, 2)
    set_trainable(net, "head", freeze_batch_norm=True)
    source = batches.open_batches(
        recipe,
        net,
        cache,
        data,
        pixels=False,
        device="cpu",
        cache_dir=tmp_path,
        progress=lambda done, of: None,
    )
    assert source.views.keys() == {batches.PLAIN} and source.copy_views.keys() == {0, 1}
    rows, nothing = data.train_rows, np.zeros(6, dtype=np.int64)
    plain = source.inputs(rows, view=0, copies=nothing, where=nothing > 0)
    first, second, third = (
        source.inputs(rows, view=view, copies=nothing, where=nothing == 0) for view in range(3)
    )
    cut = find_frozen_part(net)
    assert cut is not None and torch.equal(plain, source.plain(rows))
    alone = FeatureBank(tmp_path / "alone", cache, cut, augmentation=own, seed=recipe.seed, device="cpu")
    turned = np.stack([alone.view(view, rows)[rows] for view in (0, 1)])
    for shown, views in ((first, (0, 1)), (second, (1, 0)), (third, (0, 1))):  # in turn, from image to image
        expected = [turned[views[row % 2], row] for row in rows]
        np.testing.assert_allclose(shown.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(first.numpy(), plain.numpy(), rtol=1e-2)


def test_batches_of_pixels_lie_in_memory_as_convolutions_read_them_fastest() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    source = batches.BatchSource(
        cache=SimpleNamespace(images=pixels, fit="squash"),  # type: ignore[arg-type]
        device="cpu",
        augmenter=Augmenter(Augmentation(), 0),
        rest=nn.Identity(),
        copy_augmenter=None,
    )
    rows, nothing = np.array([2, 0]), np.zeros(2, dtype=np.int64)
    expected = torch.from_numpy(pixels[rows].transpose(0, 3, 1, 2).astype(np.float32) / 255)
    learnt_from = source.inputs(rows, view=0, copies=nothing, where=nothing > 0)
    for batch in (source.plain(rows), learnt_from):
        torch.testing.assert_close(batch, expected)
        assert batch.is_contiguous(memory_format=torch.channels_last)


def test_what_the_next_phase_banks_is_made_once_for_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, data = eight_images(tmp_path)
    torch.manual_seed(0)
    net = build_classifier(TINY_RECIPE, 2)
    recipe = replace(TINY_RECIPE, augmentation=Augmentation(rotation=10), views=2)
    head, blocks = (
        replace(TINY_RECIPE.phases[0], name=name, trainable=name, freeze_batch_norm=True)
        for name in ("head", "last 2")
    )

    def opened(phase: Phase, following: Phase | None) -> batches.BatchSource:
        set_trainable(net, phase.trainable, freeze_batch_norm=True)
        learns = [parameter.requires_grad for parameter in net.parameters()]
        source = batches.open_batches(
            recipe,
            net,
            cache,
            data,
            pixels=False,
            device="cpu",
            cache_dir=tmp_path,
            progress=lambda done, of: None,
            following=following,
        )
        assert [parameter.requires_grad for parameter in net.parameters()] == learns
        return source

    def written() -> dict[str, int]:
        return {file.parent.name: file.stat().st_size for file in tmp_path.rglob(VALUES)}

    # Where the next phase banks nothing, or as much, or what it would bank has no room, there is one cut alone.
    everything, mixing = replace(head, name="all", trainable="all"), replace(blocks, cutmix=1.0)
    for following, scarce in ((None, 0), (head, 0), (everything, 0), (mixing, 0), (blocks, 1)):
        if scarce:
            monkeypatch.setitem(KEPT_BYTES, "features", sum(written().values()))
        shutil.rmtree(tmp_path / "features", ignore_errors=True)
        opened(head, following)
        assert len(written()) == 3, following
    monkeypatch.undo()
    shutil.rmtree(tmp_path / "features")
    first = opened(head, blocks)
    banks = written()
    assert len(banks) == 2 * 3  # two cuts, three views each
    second = opened(blocks, None)
    assert written() == banks  # nothing was added
    net.eval()
    rows = np.arange(8)
    with torch.no_grad():
        assert torch.allclose(first.logits(first.plain(rows)), second.logits(second.plain(rows)), atol=1e-5)
    # Of two cuts in the row of blocks the earlier one serves both; where the next is the same or later, there is one.
    fewer = replace(blocks, name="last 1", trainable="last 1")
    for phase, following, cuts in ((fewer, blocks, 2), (blocks, blocks, 1), (blocks, fewer, 1)):
        shutil.rmtree(tmp_path / "features")
        source = opened(phase, following)
        assert len(written()) == cuts * 3, (phase.name, following.name)
        net.eval()
        with torch.no_grad():
            whole = net(torch.from_numpy(cache.images).permute(0, 3, 1, 2).float() / 255)
            assert torch.allclose(source.logits(source.plain(rows)), whole, atol=1e-4)
