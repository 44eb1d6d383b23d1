"""A bank holds the features of its images and of nothing else, and a full disk is said before it kills."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from torch import nn

from engine.errors import TrainingStopped, WorkspaceError
from engine.images import VERSION as PIXELS_VERSION
from engine.images.cache import ImageCache
from engine.models import in_unit, state_digest
from engine.models.classifier import build_classifier
from engine.models.frozen import FrozenPart, cut_behind_backbone, find_frozen_part
from engine.models.trainable import set_trainable
from engine.records import Augmentation, Fit
from engine.training import feature_bank as features
from engine.training.feature_bank import NAMES, PLAIN, VALUES, FeatureBank, trim_banks
from tests.tiny import TINY_RECIPE

UNCHANGED = Augmentation()


@pytest.fixture
def cut() -> FrozenPart:
    torch.manual_seed(0)
    return cut_behind_backbone(build_classifier(TINY_RECIPE, 2))


def images(tmp_path: Path, count: int) -> ImageCache:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    ids = [hashlib.sha256(image.tobytes()).hexdigest() for image in pixels]
    return ImageCache(
        images=pixels,
        row={image_id: row for row, image_id in enumerate(ids)},
        failed=(),
        folder=tmp_path / "films",
    )


def turned_round(cache: ImageCache) -> ImageCache:
    """The same images in the opposite order."""
    last = len(cache.images) - 1
    return replace(
        cache,
        images=cache.images[::-1].copy(),
        row={image_id: last - row for image_id, row in cache.row.items()},
    )


def bank(
    folder: Path, cache: ImageCache, cut: FrozenPart, augmentation: Augmentation = UNCHANGED
) -> FeatureBank:
    return FeatureBank(
        folder / "features", cache, cut, augmentation=augmentation, seed=0, device="cpu", batch_size=4
    )


def test_a_bank_that_was_stopped_goes_on_where_it_was(tmp_path: Path, cut: FrozenPart) -> None:
    cache = images(tmp_path, 12)
    rows = np.arange(12)
    asked: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        raise TrainingStopped("stopped", "resume")

    with pytest.raises(TrainingStopped):
        bank(tmp_path, cache, cut).view(PLAIN, rows, stop)
    found = bank(tmp_path, cache, cut).view(PLAIN, rows, lambda done, total: asked.append((done, total)))
    assert asked == [(4, 8), (8, 8)]
    with torch.no_grad():
        batch = torch.from_numpy(cache.images).permute(0, 3, 1, 2).float() / 255
        expected = cut.pool(cut.frozen.eval()(batch)).numpy()
    np.testing.assert_allclose(found[rows], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("view", [PLAIN, 0])
def test_a_folder_that_grew_or_was_sorted_anew_pays_for_its_new_images_alone(
    tmp_path: Path, cut: FrozenPart, view: int
) -> None:
    whole, rows = images(tmp_path, 12), np.arange(12)
    turns = Augmentation(rotation=30.0)
    fresh = bank(tmp_path / "fresh", whole, cut, turns).view(view, rows)[rows]
    bank(tmp_path, images(tmp_path, 9), cut, turns).view(view, np.arange(9))
    asked: list[tuple[int, int]] = []
    grown = bank(tmp_path, turned_round(whole), cut, turns).view(
        view, rows, lambda done, total: asked.append((done, total))
    )
    assert asked == [(3, 3)]
    np.testing.assert_allclose(grown[rows[::-1]], fresh, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lost", [5, 32, 100])
@pytest.mark.parametrize("file", [NAMES, VALUES])
def test_what_a_killed_process_left_half_written_is_made_again(
    tmp_path: Path, cut: FrozenPart, file: str, lost: int
) -> None:
    cache, rows = images(tmp_path, 12), np.arange(12)
    whole = bank(tmp_path, cache, cut).view(PLAIN, rows)[rows]
    (path,) = tmp_path.glob(f"features/*/{file}")
    os.truncate(path, path.stat().st_size - lost)
    np.testing.assert_allclose(
        bank(tmp_path, cache, cut).view(PLAIN, rows)[rows], whole, rtol=1e-3, atol=1e-5
    )


def test_a_name_is_written_when_its_features_are_on_the_disk(
    tmp_path: Path, cut: FrozenPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut leaves names without features, which would be read as noughts."""
    synced: list[tuple[int, int]] = []

    def recorded(number: int) -> None:
        (names,) = tmp_path.glob(f"features/*/{NAMES}")
        synced.append((os.fstat(number).st_size, names.stat().st_size))
        really(number)

    really = os.fsync
    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(features, "IMAGES_BETWEEN_MARKS", 4)
    bank(tmp_path, images(tmp_path, 12), cut).view(PLAIN, np.arange(12))
    (names,), (values,) = (tmp_path.glob(f"features/*/{name}") for name in (NAMES, VALUES))
    of_name, of_values = names.stat().st_size // 12, values.stat().st_size // 12
    marks = [(4 * done * of_values, (4 * done - 4) * of_name) for done in (1, 2, 3)]
    assert synced[:3] == marks and names.stat().st_size == 12 * of_name


def test_images_that_were_not_asked_for_are_not_given(tmp_path: Path, cut: FrozenPart) -> None:
    found = bank(tmp_path, images(tmp_path, 12), cut).view(PLAIN, np.arange(6))
    with pytest.raises(IndexError):
        found[np.arange(5, 8)]


def test_nets_that_normalise_differently_share_no_bank(tmp_path: Path) -> None:
    """With equal weights and layers: the mean alone tells them apart."""
    cache, rows = images(tmp_path, 2), np.arange(2)
    found = []
    for mean in (0.2, 0.8):
        torch.manual_seed(0)
        classifier = build_classifier(TINY_RECIPE, 2)
        classifier.mean.fill_(mean)
        found.append(bank(tmp_path, cache, cut_behind_backbone(classifier)).view(PLAIN, rows)[rows])
    assert not np.allclose(found[0], found[1])


def test_a_disk_too_small_for_the_bank_is_said_and_does_not_kill_the_process(
    tmp_path: Path, cut: FrozenPart, small_disk: Path
) -> None:
    wide = replace(cut, pool=nn.Sequential(cut.pool, nn.ConstantPad1d((0, 30_000), 0.0)))
    with pytest.raises(WorkspaceError, match=r"needs 1\.\d MB, and the disk .* has 0\.\d MB free"):
        bank(small_disk, images(tmp_path, 12), wide).view(PLAIN, np.arange(12))


def test_a_disk_that_fills_up_while_the_bank_is_written_is_said_and_leaves_no_half_image(
    tmp_path: Path, cut: FrozenPart, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was room when it began; another program took it."""
    wide = replace(cut, pool=nn.Sequential(cut.pool, nn.ConstantPad1d((0, 8_000), 0.0)))
    cache, rows = images(tmp_path, 12), np.arange(12)
    monkeypatch.setattr(features, "check_room", lambda *_, **__: None)
    monkeypatch.setattr(features, "IMAGES_BETWEEN_MARKS", 4)
    with pytest.raises(WorkspaceError, match="is full"):
        bank(small_disk, cache, wide).view(PLAIN, rows)
    whole = bank(tmp_path / "roomy", cache, wide).view(PLAIN, rows)[rows]
    (names,) = small_disk.glob(f"features/*/{NAMES}")
    kept = rows[: names.stat().st_size // 32]
    assert 0 < len(kept) < 12
    found = bank(small_disk, cache, wide).view(PLAIN, kept)[kept]
    np.testing.assert_allclose(found, whole[kept], rtol=1e-3, atol=1e-5)


def test_a_bank_that_is_being_filled_is_not_deleted_to_make_room(tmp_path: Path, cut: FrozenPart) -> None:
    bank(tmp_path, images(tmp_path, 4), cut).view(PLAIN, np.arange(4))
    (folder,) = (path for path in (tmp_path / "features").iterdir() if path.is_dir())
    with FileLock(folder.with_suffix(".lock")):
        trim_banks(tmp_path / "features", max_bytes=0)
        assert (folder / VALUES).exists()
    trim_banks(tmp_path / "features", max_bytes=0)
    assert not folder.exists()


def test_of_several_banks_those_used_longest_ago_go_and_no_more_of_them_than_must(
    tmp_path: Path, cut: FrozenPart
) -> None:
    within, folders = tmp_path / "features", []
    for seed in range(3):
        one = FeatureBank(
            within, images(tmp_path, 4), cut, augmentation=Augmentation(rotation=9), seed=seed, device="cpu"
        )
        one.view(0, np.arange(4))
        (made,) = {path for path in within.iterdir() if path.is_dir()} - set(folders)
        folders.append(made)
    for folder, used in zip(folders, (30, 10, 20), strict=True):
        os.utime(folder, (used, used))
    size = sum(file.stat().st_size for file in folders[0].iterdir())
    assert size == 4 * (4 * int(np.prod(one.view(0, np.arange(4)).shape[1:])) + 32)
    os.utime(folders[2], (20, 20))
    trim_banks(within, 3 * size)
    assert all(folder.exists() for folder in folders)
    trim_banks(within, 3 * size - 1)
    assert [folder.exists() for folder in folders] == [True, False, True]
    trim_banks(within, size)
    assert [folder.exists() for folder in folders] == [True, False, False]
    one.view(0, np.arange(4))
    assert folders[2].exists() and folders[2].stat().st_mtime > 1e9, "whoever uses a bank keeps it"


def test_the_frozen_part_is_converted_once_for_all_views_and_again_where_it_pays_for_more_images(
    tmp_path: Path, cut: FrozenPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counted(net: nn.Module, *, images: int, **more: object) -> nn.Module:
        asked.append(images)
        return net

    monkeypatch.setattr(features, "fast_features", counted)
    monkeypatch.setattr(features, "WORTH_CONVERTING", 6)
    made = bank(tmp_path, images(tmp_path, 12), cut, Augmentation(rotation=9))
    for view, count in enumerate((2, 5, 6, 12, 12, 3)):
        made.view(view, np.arange(count))
    assert asked == [2, 6]


def test_the_plain_view_is_the_image_as_it_is_whatever_the_others_do(tmp_path: Path, cut: FrozenPart) -> None:
    cache, rows = images(tmp_path, 6), np.arange(6)
    plain = bank(tmp_path / "plain", cache, cut).view(PLAIN, rows)[rows]
    turning = bank(tmp_path / "turning", cache, cut, Augmentation(rotation=60.0))
    np.testing.assert_allclose(turning.view(PLAIN, rows)[rows], plain, rtol=1e-4, atol=1e-5)
    assert not np.allclose(turning.view(0, rows)[rows], plain, rtol=1e-2)
    assert not np.allclose(turning.view(0, rows)[rows], turning.view(1, rows)[rows], rtol=1e-2)


class _Still(nn.Module):
    """Frozen layers that change nothing, and what batches they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.given.append(len(images))
        return images


def still_cut() -> tuple[FrozenPart, _Still]:
    frozen = _Still()
    return FrozenPart(frozen, nn.Flatten(), nn.Identity(), "backbone"), frozen  # type: ignore[arg-type]


def numbered_images(tmp_path: Path, count: int, *, fit: Fit = "squash") -> ImageCache:
    pixels = np.arange(count * 12, dtype=np.uint32).astype(np.uint8).reshape(count, 2, 2, 3)
    row = {f"{number:064x}": number for number in range(count)}
    return ImageCache(images=pixels, row=row, failed=(), folder=tmp_path / "films", fit=fit)


def test_a_bank_is_found_again_under_what_its_features_depend_on_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "kept_shape", lambda *_: (12,))
    cut, _ = still_cut()

    def name(view: int, *, device: str = "cpu", fit: Fit = "squash", turned: float = 9, seed: int = 4) -> str:
        made = FeatureBank(
            tmp_path / "features",
            numbered_images(tmp_path, 2, fit=fit),
            cut,
            augmentation=Augmentation(rotation=turned),
            seed=seed,
            device=device,
        )
        made._device = "cpu"
        before = set((tmp_path / "features").glob("*"))
        made.view(view, np.arange(2))
        found = {path.name for path in set((tmp_path / "features").glob("*")) - before if path.is_dir()}
        return found.pop() if found else "known"

    weights = state_digest(cut.frozen.state_dict())
    parts = "(_Still(), Flatten(start_dim=1, end_dim=-1))"
    plain = f"2.{PIXELS_VERSION}|cpu|(2, 2, 3)|{weights}|{parts}"
    turns = json.dumps([dict(sorted(asdict(Augmentation(rotation=9)).items())), 4])
    expected = [hashlib.sha256(key.encode()).hexdigest()[:24] for key in (plain, f"{plain}|{turns}|0")]
    assert [name(PLAIN), name(0)] == expected
    assert name(PLAIN, turned=8, seed=5) == name(0) == "known"
    assert name(PLAIN, device="cuda:0") != "known" == name(PLAIN, device="cuda:1")
    others = [name(1), name(0, turned=8), name(0, seed=5), name(PLAIN, fit="letterbox")]
    assert "known" not in others and len({*others}) == 4


def test_a_bank_marks_what_is_done_every_1024_images_and_asks_for_as_much_room_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, frozen = still_cut()
    made = FeatureBank(
        tmp_path / "features",
        cache := numbered_images(tmp_path, 2100),
        cut,
        augmentation=UNCHANGED,
        seed=0,
        device="cpu",
    )
    frozen.given.clear()
    marks: list[int] = []
    asked: list[tuple[str, int, Path]] = []

    def check_room(what: str, size: int, folder: Path, remedy: str, *, option: str) -> None:
        asked.append((f"{what} {option}", size, folder))

    monkeypatch.setattr(features, "fast_features", lambda net, **_: lambda images: net(in_unit(images)))
    monkeypatch.setattr(features, "check_room", check_room)
    monkeypatch.setattr(os, "fsync", lambda number: marks.append(os.fstat(number).st_size // 48))
    found = made.view(PLAIN, np.arange(2100))
    assert frozen.given == [64] * 32 + [52] and marks == [1024, 2048, 2100]
    (values,) = tmp_path.glob(f"features/*/{VALUES}")
    assert asked == [("The feature bank needs --workspace", values.stat().st_size, values.parent)]
    flat = cache.images.transpose(0, 3, 1, 2).reshape(2100, 12)
    assert found.shape == flat.shape
    np.testing.assert_allclose(found[np.arange(2100)], flat / 255, rtol=1e-6)


def test_a_bank_on_the_bank_of_a_nets_first_layers_holds_what_it_holds_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = build_classifier(TINY_RECIPE, 2).eval()
    whole, layers = cut_behind_backbone(net), net.backbone_sequence()
    assert layers is not None
    set_trainable(net, "last 2")
    front = find_frozen_part(net)
    assert front is not None
    between = nn.Sequential(*layers[len(list(front.frozen.layers.children())) :])
    cache, turned, rows = images(tmp_path, 6), Augmentation(rotation=10), np.arange(6)
    alone, below = (bank(tmp_path / name, cache, part, turned) for name, part in (("a", whole), ("b", front)))
    above = FeatureBank(
        tmp_path / "b" / "features",
        cache,
        whole,
        augmentation=turned,
        seed=0,
        device="cpu",
        below=(below, between),
    )
    for view in (PLAIN, 0, 1):
        expected = alone.view(view, rows)[rows]
        assert np.allclose(above.view(view, rows)[rows], expected, atol=1e-5 * np.abs(expected).max())
    assert not np.allclose(above.view(0, rows)[rows], above.view(1, rows)[rows])
