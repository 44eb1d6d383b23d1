"""An image far smaller than what a net was trained on is said to be so, by a sentence computed from the sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from engine.data import Detail, detail_of, sizes_of
from engine.data.pixels.sizes import find_small_images
from engine.records import DataIssueKind, Sample


def of(*sides: tuple[int, int]) -> list[Sample]:
    return [
        Sample(
            path=Path(f"/films/{number}.png"),
            image_id=f"{number}",
            label="a",
            patient_id="p",
            width=width,
            height=height,
        )
        for number, (width, height) in enumerate(sides)
    ]


@pytest.mark.parametrize(
    ("image_size", "training", "side", "reads"),
    [
        (224, [(2000, 1500)] * 9, 224, True),
        (224, [(32, 32)] * 9, 32, False),  # digits enlarged to 224 pixels never had more detail
        (28, [(28, 28)] * 9, 28, True),
        (224, [(64, 64)] + [(1000, 1000)] * 999, 224, True),  # one odd image makes small ones no usual ones
        (224, [(150, 400)] * 500 + [(1000, 1000)] * 500, 150, False),
        (224, [(0, 0)] * 3, 224, True),  # of unknown size
        (224, [], 224, True),
    ],
)
def test_what_a_net_had_to_go_by_is_the_smaller_of_its_side_and_its_images(
    image_size: int, training: list[tuple[int, int]], side: int, reads: bool
) -> None:
    assert detail_of(image_size, of(*training)) == Detail(side=side, reads=reads)


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 1000))
def test_less_than_half_on_the_shorter_side_is_far_smaller(width: int, height: int, side: int) -> None:
    detail = Detail(side=side, reads=True)
    assert detail.lacks((width, height)) == (2 * min(width, height) < side)
    assert not detail.lacks(None) and not detail.lacks((0, 0))


def test_the_sentence_has_the_sizes_that_it_follows_from() -> None:
    reads, has = Detail(side=224, reads=True), Detail(side=128, reads=False)
    assert "64 × 80 pixels" in reads.of_one((64, 80)) and "224 at which it reads" in reads.of_one((64, 80))
    assert "128 that its training images have" in has.of_one((60, 80))
    said = reads.of_several([(64, 80), (30, 40), (300, 300), None])
    assert said is not None and said.startswith("2 of 4 images are far smaller") and "30 × 40 pixels" in said
    assert reads.of_several([(112, 112), None]) is None


def test_at_indexing_small_images_among_large_ones_are_one_issue() -> None:
    (issue,) = find_small_images(of(*[(64, 64)] * 3, *[(512, 512)] * 20))
    assert issue.kind is DataIssueKind.SMALL_IMAGE and len(issue.paths) == 3
    assert (
        issue.message.startswith("3 images, 0.png (64 × 64 pixels) among them")
        and "224 pixels" in issue.message
    )
    (issue,) = find_small_images(of((20, 20), *[(64, 64)] * 20))
    assert "64 pixels of most images here" in issue.message
    assert (
        not find_small_images(of(*[(28, 28)] * 20))
        and not find_small_images(of((0, 0)))
        and not find_small_images([])
    )


def test_sizes_that_are_not_known_are_left_out() -> None:
    assert sizes_of(of((3, 4), (0, 0))) == {"0": (3, 4)}
