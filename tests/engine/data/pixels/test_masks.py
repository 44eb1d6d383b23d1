"""A mask that cannot be used is said at indexing, its image is used all the same, and no report is stopped by it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data import index_data, read_mask
from engine.data.pixels.masks import check_masks
from engine.errors import ImageError
from engine.records import DataIssueKind as Kind, Sample


def png(path: Path, width: int, height: int, *, marked: bool = True) -> Path:
    levels = np.zeros((height, width), dtype=np.uint8)
    if marked:
        levels[1, 2] = 1
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)
    return path


def of(mask: Path | None, *, label: str | None = "opacity", width: int = 40, height: int = 30) -> Sample:
    return Sample(
        path=Path("/film.png"),
        image_id=f"{mask}",
        label=label,
        patient_id="p",
        mask_path=mask,
        width=width,
        height=height,
    )


@pytest.mark.parametrize(
    ("trouble", "kind", "kept"),
    [
        ("missing", Kind.MASK_UNREADABLE, False),
        ("broken", Kind.MASK_UNREADABLE, False),
        ("a pipe", Kind.MASK_UNREADABLE, False),
        ("a folder", Kind.MASK_UNREADABLE, False),
        ("turned", Kind.MASK_SIZE, False),
        ("of another image", Kind.MASK_SIZE, False),
        ("half the size", Kind.MASK_SCALED, True),
        ("empty", Kind.MASK_EMPTY, True),
        ("good", None, True),
    ],
)
def test_each_trouble_becomes_a_data_issue_with_the_masks_name(
    tmp_path: Path, trouble: str, kind: Kind | None, kept: bool
) -> None:
    path = tmp_path / "m.png"
    match trouble:
        case "broken":
            path.write_bytes(png(tmp_path / "whole.png", 40, 30).read_bytes()[:40])
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "missing":
            pass
        case _:
            sizes = {"turned": (30, 40), "of another image": (90, 30), "half the size": (20, 15)}
            png(path, *sizes.get(trouble, (40, 30)), marked=trouble != "empty")
    (sample,), issues = check_masks([of(path)])
    assert [issue.kind for issue in issues] == ([kind] if kind else [])
    assert (sample.mask_path is not None) == kept and replace(sample, mask_path=path) == of(path)
    for issue in issues:
        assert issue.paths == (path,) and "m.png" in issue.message and not issue.serious


def test_an_empty_mask_is_right_where_nothing_is_to_be_found(tmp_path: Path) -> None:
    empty = png(tmp_path / "m.png", 40, 30, marked=False)
    assert check_masks([of(empty, label="Normal")])[1] == []
    assert [issue.kind for issue in check_masks([of(empty, label=None)])[1]] == [Kind.MASK_EMPTY]


def test_three_hundred_broken_masks_are_one_issue_with_a_count_and_a_list(tmp_path: Path) -> None:
    samples, (issue,) = check_masks([of(tmp_path / f"{number}.png") for number in range(300)])
    assert (
        len(samples) == 300
        and len(issue.paths) == 300
        and issue.message.startswith("300 masks, 0.png among them")
    )


def test_indexing_says_so_and_goes_on(tmp_path: Path) -> None:
    rows = ["path,label,mask"]
    for number in range(6):
        png(tmp_path / "films" / f"{number}.png", 40, 30)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (30, 40), dtype=np.uint8)).save(
            tmp_path / "films" / f"{number}.png"
        )
        png(tmp_path / "masks" / f"m{number}.png", 40, 30)
        rows.append(f"films/{number}.png,{'ab'[number % 2]},masks/m{number}.png")
    (tmp_path / "masks" / "m0.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    index = index_data(tmp_path / "table.csv")
    assert len(index.samples) == 6 and sum(sample.mask_path is not None for sample in index.samples) == 5
    assert [issue.paths for issue in index.issues if issue.kind is Kind.MASK_UNREADABLE] == [
        (tmp_path / "masks" / "m0.png",)
    ]


def test_a_sample_without_a_mask_has_none_to_be_read() -> None:
    with pytest.raises(ImageError):
        read_mask(of(None))
