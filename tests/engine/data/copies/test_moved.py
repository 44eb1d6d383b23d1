"""Promises about copies that were moved: found and described whatever their order, and nothing is taken for one."""

from __future__ import annotations

import errno
import io
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageEnhance, ImageOps

from engine.data import index_data
from engine.data.copies import candidates, neighbours
from engine.data.copies.candidates import changed_description, describe, nearest
from engine.data.copies.kept import Looks, Thumbnails
from engine.data.copies.looks import HASH_BYTES, MOVES, THUMBNAIL, Symmetry
from engine.data.copies.near import copies_of_others, find_near_duplicates
from engine.data.copies.neighbours import Candidate, Vectors
from engine.records import DataIssue, DataIssueKind, Part, Sample
from sample_data import SAMPLE_TABLE
from tests.engine.data.copies.test_near import film, jpeg, looks

BICUBIC = Image.Resampling.BICUBIC


def shifted(image: Image.Image, share: float, rim: str) -> Image.Image:
    """Moved right and down; what comes in from outside is black, or the edge drawn out."""
    by = round(share * image.width)
    grey = np.pad(np.asarray(image), by, mode="edge" if rim == "edge" else "constant")
    return Image.fromarray(grey[: image.height, : image.width])


def cropped(image: Image.Image, share: float, place: float = 0.5) -> Image.Image:
    less = round(share * image.width)
    left = round(place * less)
    return image.crop((left, left, left + image.width - less, left + image.height - less))


CHANGES: dict[str, tuple[Callable[[Image.Image], Image.Image], str]] = {
    "cropped": (lambda one: cropped(one, 0.1), "cropped or zoomed by 10%"),
    "cropped to one side": (lambda one: cropped(one, 0.08, 0.9), "cropped or zoomed by 8%"),
    "zoomed": (lambda one: cropped(one, 0.15).resize(one.size, BICUBIC), "cropped or zoomed by 15%"),
    "shifted": (lambda one: shifted(one, 0.1, "black"), "shifted by 10%"),
    "shifted with an edge": (lambda one: shifted(one, 0.1, "edge"), "shifted by 10%"),
    "turned": (lambda one: one.rotate(10, BICUBIC), "turned by 10°"),
    "turned back": (lambda one: one.rotate(-4, BICUBIC), "turned by 4°"),
    "mirrored and turned": (
        lambda one: jpeg(ImageOps.mirror(one).rotate(7, BICUBIC), 40),
        "mirrored left to right, turned by 7°",
    ),
    "paler and cropped": (
        lambda one: ImageEnhance.Contrast(cropped(one, 0.07)).enhance(0.7),
        "cropped or zoomed by 7%",
    ),
    "inverted and turned": (
        lambda one: ImageOps.invert(one).rotate(6, BICUBIC),
        "inverted, turned by 6°",
    ),
}
OTHERS = [film(seed) for seed in range(20)]


def duplicates(samples: list[Sample], seen: dict[str, bytes]) -> list[DataIssue]:
    found = find_near_duplicates(samples, seen)
    return [issue for issue in found if issue.kind is DataIssueKind.NEAR_DUPLICATE]


@pytest.mark.parametrize("name", CHANGES)
def test_a_moved_copy_is_found_and_what_was_done_is_said(tmp_path: Path, name: str) -> None:
    change, said = CHANGES[name]
    samples, seen = looks(tmp_path, [*OTHERS, change(film(5))])
    (issue,) = duplicates(samples, seen)
    assert {path.name for path in issue.paths} == {"5.png", "20.png"}
    assert f"one of them is {said}" in issue.message


def test_images_from_elsewhere_are_held_against_others_in_the_same_way(tmp_path: Path) -> None:
    """Those of one side are never compared with one another."""
    moved = [change(film(number)) for number, (change, _) in enumerate(CHANGES.values())]
    films = {
        "own": [*OTHERS, OTHERS[19].rotate(3, BICUBIC)],
        "foreign": [*moved, ImageOps.mirror(film(15)), film(40), film(41), film(41).rotate(5, BICUBIC)],
    }
    sides = {}
    for side, images in films.items():
        (tmp_path / side).mkdir()
        samples, _ = looks(tmp_path / side, images)
        named = [replace(sample, image_id=f"{side} {number}") for number, sample in enumerate(samples)]
        sides[side] = [(sample, np.asarray(image)) for sample, image in zip(named, images, strict=True)]
    steps: list[tuple[int, int]] = []
    found = copies_of_others(
        sides["own"], sides["foreign"], progress=lambda done, of: steps.append((done, of))
    )
    assert found == {f"foreign {number}" for number in range(len(moved) + 1)}
    assert steps[-1][0] == steps[-1][1] > 0
    assert copies_of_others([], sides["foreign"]) == copies_of_others(sides["own"], []) == set()


def test_a_film_that_is_no_square_is_turned_by_as_much_as_it_was_turned(tmp_path: Path) -> None:
    wide = [one.resize((360, 220), BICUBIC) for one in OTHERS]
    samples, seen = looks(tmp_path, [*wide, wide[3].rotate(8, BICUBIC)])
    samples = [replace(sample, width=360, height=220) for sample in samples]
    (issue,) = duplicates(samples, seen)
    assert "one of them is turned by 8°" in issue.message


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(10)))
def test_the_order_of_images_changes_nothing(
    order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("films")
    samples, seen = looks(folder, [*OTHERS[:8], OTHERS[1].rotate(5, BICUBIC), cropped(OTHERS[2], 0.06)])
    assert duplicates([samples[place] for place in order], seen) == duplicates(samples, seen)


@settings(max_examples=5, deadline=None)
@given(turned=st.floats(-9, 9), share=st.floats(0.02, 0.08), exchanged=st.booleans())
def test_a_pair_is_a_pair_whichever_of_the_two_is_the_original(
    turned: float, share: float, exchanged: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = shifted(OTHERS[4].rotate(turned, BICUBIC), share, "black")
    films = [*OTHERS[:10], copy]
    if exchanged:
        films[4], films[10] = films[10], films[4]
    (issue,) = duplicates(*looks(tmp_path_factory.mktemp("films"), films))
    assert {path.name for path in issue.paths} == {"4.png", "10.png"}


def test_different_films_are_no_copies(tmp_path: Path) -> None:
    assert duplicates(*looks(tmp_path, [film(seed) for seed in range(40)])) == []


def test_no_image_is_a_copy_of_itself_and_flat_ones_of_nothing(tmp_path: Path) -> None:
    turning = Image.radial_gradient("L")  # looks the same after every turn
    flat = [Image.new("L", (64, 64), level) for level in (0, 90, 255)]
    assert duplicates(*looks(tmp_path, [turning, *flat, film(1)])) == []
    assert duplicates(*looks(tmp_path, [film(1)])) == []


def test_two_images_are_enough(tmp_path: Path) -> None:
    (issue,) = duplicates(*looks(tmp_path, [film(1), film(1).rotate(6, BICUBIC)]))
    assert "turned by 6°" in issue.message


def test_films_of_one_patient_may_be_moved_copies(tmp_path: Path) -> None:
    samples, seen = looks(tmp_path, [film(1), film(1).rotate(6, BICUBIC)])
    assert duplicates([replace(sample, patient_id="p") for sample in samples], seen) == []


def test_a_file_that_has_gone_since_is_no_copy(tmp_path: Path) -> None:
    samples, seen = looks(tmp_path, [film(1), film(1).rotate(6, BICUBIC)])
    samples[0].path.unlink()
    assert duplicates(samples, seen) == []


def test_copies_with_two_labels_come_first_and_are_serious(tmp_path: Path) -> None:
    pairs = [film(1), film(1).rotate(6, BICUBIC), film(2), film(2).rotate(6, BICUBIC)]
    samples, seen = looks(tmp_path, pairs)
    samples = [replace(one, label="ill" if number == 3 else "well") for number, one in enumerate(samples)]
    first, second = duplicates(samples, seen)
    assert first.message.startswith("2 files with different labels (ill, well) look like one image")
    assert first.serious and not second.serious


def test_moved_copies_in_two_parts_are_serious(tmp_path: Path) -> None:
    samples, seen = looks(tmp_path, [film(1), cropped(film(1), 0.1)])
    parts: tuple[Part, ...] = ("train", "test")
    torn = [replace(sample, part=part) for sample, part in zip(samples, parts, strict=True)]
    assert [issue.serious for issue in duplicates(torn, seen)] == [True]


def test_a_data_set_that_was_enlarged_before_it_came_is_called_that_once(tmp_path: Path) -> None:
    films = [film(seed) for seed in range(30)]
    copies = [films[seed].rotate(5 + seed, BICUBIC) for seed in range(6)]
    samples, seen = looks(tmp_path, [*films, *copies])
    samples = [
        replace(one, path=one.path.rename(one.path.with_name(f"film_aug_{one.path.name}"))) for one in samples
    ]
    said, *groups = find_near_duplicates(samples, seen)
    assert said.kind is DataIssueKind.ENLARGED and len(said.paths) == 12 and len(groups) == 6
    assert "12 of 36 images (33%)" in said.message and "turned by 5° to 10°" in said.message
    assert "names such as film_aug_0.png say so too" in said.message
    few = find_near_duplicates(samples[:31], seen)
    assert {issue.kind for issue in few} == {DataIssueKind.NEAR_DUPLICATE}


def test_whoever_waits_is_told_and_may_stop_it(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    samples, seen = looks(tmp_path, OTHERS)
    told: list[tuple[int, int]] = []
    find_near_duplicates(samples, seen, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 20) and told[-1] == (20, 20)
    with pytest.raises(Stopped):
        find_near_duplicates(samples, seen, progress=stop)


@pytest.mark.parametrize("move", MOVES, ids=str)
def test_a_description_tells_what_the_moved_image_would_be_described_as(move: Symmetry) -> None:
    plain = np.stack([np.asarray(one.resize((32, 32), BICUBIC)) for one in OTHERS[:5]])
    order, signs = changed_description(move)
    moved = describe(np.ascontiguousarray(move.applied(plain)))
    assert np.abs(moved - describe(plain)[:, order] * signs).max() < 1e-3


def test_neighbours_are_told_once_a_pair_the_most_alike_first(tmp_path: Path) -> None:
    images = [*OTHERS, cropped(OTHERS[5], 0.05), OTHERS[7].transpose(Image.Transpose.ROTATE_90)]
    samples, seen = looks(tmp_path, images)
    kept = Looks.of(seen)
    places = kept.places(sample.image_id for sample in samples)
    found = nearest(Thumbnails(kept, places), np.arange(len(samples)))
    told = [candidate for batch in found.batches(7) for candidate in batch]
    assert len(told) == len(found) == len(set(told)) and all(first < second for first, second, _ in told)
    assert {pair[:2] for pair in told[:4]} >= {(5, 20), (7, 21)}
    turned = next(symmetry for first, second, symmetry in told if (first, second) == (7, 21))
    one, other = kept.thumbnails(places[[7, 21]]).astype(int)
    assert np.abs(turned.applied(one) - other).max() <= 2, "it says what to do to the first"


def test_neighbours_do_not_depend_on_where_vectors_lie_nor_on_how_many_are_read_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    kept = Looks.of({str(number): rng.bytes(HASH_BYTES + THUMBNAIL**2) for number in range(400)})
    thumbnails = Thumbnails(kept, np.arange(400))
    monkeypatch.setattr(neighbours, "_CELL", 50)
    for module in (neighbours, candidates):
        monkeypatch.setattr(module, "ROWS", 64)

    def found(block: int) -> list[Candidate]:
        monkeypatch.setattr(neighbours, "_BLOCK", block)
        return next(nearest(thumbnails, np.arange(400)).batches(10_000))

    all_with_all = found(1024)
    assert found(128) == all_with_all
    monkeypatch.setattr(neighbours, "_EXACT", 100)
    of_cells = found(1024)
    assert found(128) == of_cells and len(set(of_cells) - set(all_with_all)) < len(of_cells) / 2
    monkeypatch.setattr(tempfile, "TemporaryFile", full_disk)
    assert found(128) == of_cells


def full_disk(**_: int) -> io.FileIO:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_vectors_come_back_from_a_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small(io.FileIO):
        def write(self, data: Any) -> int:
            room = 10_000 - self.tell()
            return super().write(memoryview(data).cast("B")[:room]) if room else full_disk().tell()

    monkeypatch.setattr(neighbours, "_EXACT", 100)
    monkeypatch.setattr(neighbours, "_BLOCK", 128)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Small(tmp_path / "small", "w+"))
    told = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    kept = Vectors(*told.shape)
    for start in range(0, 400, 50):
        kept.add(told[start : start + 50])
    assert np.array_equal(np.concatenate([block for _, block in kept.blocks()]), told)
    assert np.array_equal(kept.take(np.array([399, 0, 7])), told[[399, 0, 7]])


def test_a_block_of_the_vectors_of_many_images_is_in_memory_at_a_time() -> None:
    kept, some = Vectors(100_000, 128), np.ones((neighbours.ROWS, 128), np.float32)
    tracemalloc.start()
    for _ in range(100_000 // len(some)):
        kept.add(some)
    kept.add(some[: 100_000 % len(some)])
    rows = [len(block) for _, block in kept.blocks()]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(rows) == 100_000 and most < 2.5 * max(rows) * some[0].nbytes < 100_000 * some[0].nbytes / 2


def test_no_two_films_of_the_sample_data_pass_for_one_image() -> None:
    index = index_data(SAMPLE_TABLE)
    assert not [issue for issue in index.issues if issue.kind is DataIssueKind.NEAR_DUPLICATE]
