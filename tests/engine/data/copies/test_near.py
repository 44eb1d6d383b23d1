"""Promises about copies: found however they were changed, and images that are merely alike are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from engine.data.copies.looks import SYMMETRIES, Symmetry, look_of
from engine.data.copies.near import MAX_DISTANCE, find_near_duplicates, near_pairs
from engine.data.fingerprint import scan
from engine.records import Part, Sample


def case(name: str) -> Sample:
    return Sample(path=Path(f"/{name}.png"), image_id=name, label="a", patient_id=name)


def film(seed: int, side: int = 200) -> Image.Image:
    """All films share the same chest and differ in what is their own, as real ones do."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[-1:1:200j, -1:1:200j]
    lungs = np.exp(-((np.abs(across) - 0.45) ** 2 * 12 + down**2 * 2))
    own = Image.fromarray(rng.integers(0, 256, (24, 24), dtype=np.uint8)).resize(
        (200, 200), Image.Resampling.BICUBIC
    )
    mixed = 200 - 130 * lungs + 0.25 * np.asarray(own, dtype=float)
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def looks(folder: Path, images: list[Image.Image]) -> tuple[list[Sample], dict[str, bytes]]:
    samples, seen = [], {}
    for number, image in enumerate(images):
        path = folder / f"{number}.png"
        image.save(path)
        scanned = scan(path)
        samples.append(replace(case(scanned.image_id), path=path))
        seen[scanned.image_id] = scanned.look
    return samples, seen


@pytest.mark.parametrize(
    "change",
    [
        lambda image: jpeg(image, 30),
        lambda image: image.resize((900, 700), Image.Resampling.BICUBIC),
        lambda image: image.resize((100, 100), Image.Resampling.BILINEAR),
        lambda image: ImageEnhance.Brightness(image).enhance(1.1),
        lambda image: ImageEnhance.Contrast(image).enhance(0.8),
        lambda image: image.convert("RGB"),
    ],
    ids=["re-encoded", "larger", "smaller", "brighter", "paler", "as colour"],
)
def test_a_changed_copy_is_found_among_films_that_look_alike(
    tmp_path: Path, change: Callable[[Image.Image], Image.Image]
) -> None:
    samples, seen = looks(tmp_path, [film(seed) for seed in range(12)] + [change(film(5))])
    (issue,) = find_near_duplicates(samples, seen)
    assert {path.name for path in issue.paths} == {"5.png", "12.png"}


def pillow_says(symmetry: Symmetry, image: Image.Image) -> Image.Image:
    """What another library makes of a symmetry."""
    if symmetry.transposed:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    if symmetry.left_right:
        image = ImageOps.mirror(image)
    if symmetry.up_down:
        image = ImageOps.flip(image)
    return ImageOps.invert(image) if symmetry.inverted else image


@pytest.mark.parametrize("symmetry", SYMMETRIES, ids=[str(one) or "as it is" for one in SYMMETRIES])
def test_a_hash_tells_what_the_changed_image_would_hash_to(symmetry: Symmetry) -> None:
    images = [film(seed) for seed in range(20)]
    as_they_are = np.stack([np.frombuffer(look_of(image)[:32], np.uint8) for image in images])
    changed = [pillow_says(symmetry, image) for image in images]
    hashed = np.stack([np.frombuffer(look_of(image)[:32], np.uint8) for image in changed])
    differ = np.unpackbits(symmetry.hashes(as_they_are) ^ hashed, axis=1).sum(axis=1)
    assert differ.max() <= 4  # rounding of a coefficient that is all but nought


@pytest.mark.parametrize("symmetry", SYMMETRIES[1:], ids=str)
def test_a_copy_that_was_mirrored_turned_or_inverted_is_found_and_said(
    tmp_path: Path, symmetry: Symmetry
) -> None:
    copy = jpeg(pillow_says(symmetry, film(5)).resize((160, 160), Image.Resampling.BICUBIC), 40)
    samples, seen = looks(tmp_path, [film(seed) for seed in range(12)] + [copy])
    (issue,) = find_near_duplicates(samples, seen)
    assert {path.name for path in issue.paths} == {"5.png", "12.png"}
    opposite = {"turned by 90°": "turned by 90°"}  # one way or the other
    assert str(symmetry) in issue.message or opposite[str(symmetry)] in issue.message


def test_copies_made_before_splitting_are_one_group(tmp_path: Path) -> None:
    """What “offline augmentation” leaves in a folder: every copy under a name of its own."""
    copies = [pillow_says(symmetry, film(3)) for symmetry in SYMMETRIES[:8]]
    samples, seen = looks(tmp_path, [*copies, *(film(seed) for seed in range(10, 18))])
    (issue,) = find_near_duplicates(samples, seen)
    assert {path.name for path in issue.paths} == {f"{number}.png" for number in range(8)}
    assert "some of them are flipped upside down" in issue.message


def test_an_image_that_is_its_own_mirror_image_is_no_copy_of_itself(tmp_path: Path) -> None:
    half = film(2).crop((0, 0, 100, 200))
    whole = Image.new("L", (200, 200))
    whole.paste(half, (0, 0))
    whole.paste(ImageOps.mirror(half), (100, 0))
    samples, seen = looks(tmp_path, [whole, film(3)])
    assert find_near_duplicates(samples, seen) == []


def test_films_of_one_patient_may_be_alike(tmp_path: Path) -> None:
    samples, seen = looks(tmp_path, [film(1), jpeg(film(1), 30)])
    assert find_near_duplicates([replace(sample, patient_id="p") for sample in samples], seen) == []


def test_near_duplicates_in_two_parts_are_serious(tmp_path: Path) -> None:
    samples, seen = looks(tmp_path, [film(1), jpeg(film(1), 30)])
    parts: tuple[Part, ...] = ("train", "test")
    torn = [replace(sample, part=part) for sample, part in zip(samples, parts, strict=True)]
    assert [issue.serious for issue in find_near_duplicates(torn, seen)] == [True]


def test_flat_and_tiny_images_are_not_compared(tmp_path: Path) -> None:
    flat = [Image.new("L", (64, 64), level) for level in (0, 1, 120)]
    tiny = [Image.new("L", (20, 20)) for _ in range(2)]
    tiny[1].putpixel((3, 3), 255)
    samples, seen = looks(tmp_path, flat + tiny)
    assert not any(seen.values())
    assert find_near_duplicates(samples, seen) == []


@pytest.mark.parametrize(("flipped", "at_least"), [(0, 1.0), (8, 1.0), (16, 0.98), (24, 0.8)])
def test_the_search_finds_the_pairs_that_comparing_all_would(flipped: int, at_least: float) -> None:
    rng = np.random.default_rng(flipped)
    bits = rng.integers(0, 2, (3000, 256), dtype=np.uint8)
    for row in range(300):  # rows 0-299 and 300-599 are pairs
        bits[300 + row] = bits[row]
        bits[300 + row, rng.choice(256, flipped, replace=False)] ^= 1
    pairs = near_pairs(np.packbits(bits, axis=1))
    assert {(second - first) for first, second in pairs.tolist()} == {300}
    assert len(pairs) >= at_least * 300


def test_no_pair_further_apart_is_found() -> None:
    bits = np.zeros((2, 256), np.uint8)
    bits[1, : MAX_DISTANCE + 1] = 1
    assert len(near_pairs(np.packbits(bits, axis=1))) == 0


def test_a_thousand_copies_are_found_among_a_hundred_thousand_films() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (100_000, 32), dtype=np.uint8)
    hashes[:1000] = hashes[0]
    looks = {f"{row:06}": bytes(hashes[row]) + bytes(range(256)) * 4 for row in range(len(hashes))}
    (issue,) = find_near_duplicates([case(name) for name in looks], looks, moved=False)
    assert len(issue.paths) == 1000
