"""Promises of engine.data.checks: what would make figures wrong is found, and what is merely alike is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from engine.data.checks import (
    MAX_DISTANCE,
    _near_pairs,
    find_near_duplicates,
    find_patient_overlap,
    find_small_classes,
    settle_duplicates,
)
from engine.data.fingerprint import scan
from engine.records import Part, Sample


def case(
    name: str, *, label: str | None = "a", patient: str | None = None, part: Part | None = None
) -> Sample:
    return Sample(
        path=Path(f"/{name}.png"), image_id=name, label=label, patient_id=patient or name, part=part
    )


# ------------------------------------------------------------------------------------------------ exact duplicates


@pytest.mark.parametrize("order", [("train", "test"), ("test", "train"), ("val", "test"), ("test", "val")])
def test_of_copies_in_two_parts_the_measured_one_is_kept(order: tuple[Part, Part]) -> None:
    samples = [replace(case("x", part=part), path=Path(f"/{part}.png")) for part in order]
    kept, (issue,) = settle_duplicates(samples)
    assert [sample.part for sample in kept] == ["test"]
    assert issue.paths[0] == Path("/test.png") and len(issue.paths) == 2


def test_of_copies_on_train_and_val_the_val_one_is_kept() -> None:
    kept, _ = settle_duplicates([case("x", part="train"), case("x", part="val"), case("x")])
    assert [sample.part for sample in kept] == ["val"]


def test_a_labelled_copy_goes_before_an_unlabelled_one() -> None:
    kept, _ = settle_duplicates([case("x", label=None, part="test"), case("x", label="a", part="train")])
    assert kept[0].label == "a"


def test_two_labels_set_all_copies_aside() -> None:
    kept, (issue,) = settle_duplicates([case("x", label="a"), case("x", label="b"), case("y")])
    assert [sample.image_id for sample in kept] == ["y"]
    assert issue.serious and "a, b" in issue.message


def test_copies_under_two_patients_are_serious() -> None:
    _, (issue,) = settle_duplicates([case("x", patient="p"), case("x", patient="q")])
    assert issue.serious


def test_order_is_kept() -> None:
    kept, _ = settle_duplicates([case("c"), case("a"), case("c"), case("b")])
    assert [sample.image_id for sample in kept] == ["c", "a", "b"]


# ------------------------------------------------------------------------------------------------- near duplicates


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
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
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
    pairs = _near_pairs(np.packbits(bits, axis=1))
    assert {(second - first) for first, second in pairs.tolist()} == {300}
    assert len(pairs) >= at_least * 300


def test_no_pair_further_apart_is_found() -> None:
    bits = np.zeros((2, 256), np.uint8)
    bits[1, : MAX_DISTANCE + 1] = 1
    assert len(_near_pairs(np.packbits(bits, axis=1))) == 0


def test_a_thousand_copies_and_a_hundred_thousand_films_take_seconds() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (100_000, 32), dtype=np.uint8)
    hashes[:1000] = hashes[0]
    looks = {f"{row:06}": bytes(hashes[row]) + bytes(range(256)) for row in range(len(hashes))}
    start = time.process_time()
    (issue,) = find_near_duplicates([case(name) for name in looks], looks)
    assert time.process_time() - start < 20
    assert len(issue.paths) == 1000


# --------------------------------------------------------------------------------------------- patients and classes


def test_patients_in_two_parts_are_found() -> None:
    samples = [
        case("a", patient="p", part="train"),
        case("b", patient="p", part="test"),
        case("c", patient="q", part="train"),
        case("d", patient="r"),
    ]
    (issue,) = find_patient_overlap(samples)
    assert issue.serious and issue.message.startswith("1 patient is in")
    assert [path.stem for path in issue.paths] == ["a", "b"]
    assert find_patient_overlap(samples[1:]) == []


def test_small_classes_are_found_and_impossible_ones_are_serious() -> None:
    samples = [case(f"l{number}", label="large") for number in range(30)]
    samples += [case(f"s{number}", label="small") for number in range(5)]
    samples += [case(f"o{number}", label="one patient", patient="p") for number in range(30)]
    issues = find_small_classes(samples, ("large", "small", "one patient"))
    assert [(issue.message.split(" has")[0], issue.serious) for issue in issues] == [
        ("Class small", False),
        ("Class one patient", True),
    ]
