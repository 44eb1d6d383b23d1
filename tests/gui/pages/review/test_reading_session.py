"""Promises of a reading session: what the page sends becomes a review, or is refused."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data import load_split, save_split
from engine.errors import ReviewError
from engine.records import Run
from engine.workspace import Workspace
from gui.pages.review.reading_session import LONGEST_READING, Reading, review_of
from gui.pages.review.remarks import size_remark

READING = Reading(run=None, queue="all", part=None, reader="A")  # type: ignore[arg-type]


def sent(**more: object) -> dict[str, object]:
    return {"verdict": "agree", "predicted": "normal", "shown": "a" * 64, **more}


@pytest.fixture(autouse=True)
def a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "run_id", "20260101-120000-abcd")


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        (12.5, 12.5),
        (LONGEST_READING, LONGEST_READING),
        (LONGEST_READING + 1, LONGEST_READING),
        (1e12, LONGEST_READING),
    ],
)
def test_a_tab_left_open_over_night_is_no_reading_time(seconds: float, kept: float) -> None:
    assert review_of(READING, sent(seconds=seconds)).seconds == kept


def test_what_is_no_verdict_is_refused_in_a_sentence() -> None:
    for odd in ({"verdict": "maybe"}, {"regions": [{"x": "left"}]}, {"seconds": "soon"}, {"regions": 7}):
        with pytest.raises(ReviewError, match="cannot be read"):
            review_of(READING, sent(**odd))
    assert math.isinf(review_of(READING, sent(seconds=-math.inf)).seconds)  # the store refuses it


def test_a_film_far_smaller_than_those_trained_on_is_said_to_be_so_beside_it(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    shutil.copytree(trained[1].folder, tmp_path / "run")
    split = load_split(tmp_path / "run" / "split.csv")
    first = split.test[0].image_id
    assert size_remark(tmp_path / "run", first) is None
    small = tuple(replace(sample, width=12, height=15) for sample in split.test)
    save_split(replace(split, test=small), tmp_path / "run" / "split.csv")
    said = size_remark(tmp_path / "run", first)
    assert said is not None and "12 × 15 pixels" in said and "less than half of the 32" in said
    (tmp_path / "run" / "sizes.json").write_text("[")
    assert size_remark(tmp_path / "run", first) is None  # the image is read all the same
    assert size_remark(tmp_path / "nowhere", first) is None
